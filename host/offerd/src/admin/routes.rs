//! What each request means.

use std::path::PathBuf;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::request::Parts;
use http::{Method, StatusCode};
use offerd_core::job::JobSpec;
use offerd_core::machine::view::Why;
use offerd_core::machine::{Reply, Request};
use offerd_store::History;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::jobs::{self, Format};
use crate::reading::Mistakes;
use crate::report::chain;

use super::api::{CanaryWish, Done, Failed, Failure, Scale, Swap, WhichShadow};
use super::query::decode;
use super::{Ask, Asker, Stopping};
use super::{metrics, query};

/// An answer before it becomes HTTP.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    /// For 405.
    pub(crate) allow: Option<&'static str>,
    pub(crate) body: String,
}

impl Answer {
    fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(body) => Self {
                status,
                content_type: "application/json",
                allow: None,
                body,
            },
            Err(error) => Self {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                content_type: "text/plain; charset=utf-8",
                allow: None,
                body: format!("the answer has no JSON form: {error}"),
            },
        }
    }

    pub(crate) fn failed(status: StatusCode, message: impl Into<String>) -> Self {
        Self::failure(
            status,
            Failure {
                message: message.into(),
                ..Failure::default()
            },
        )
    }

    fn failure(status: StatusCode, error: Failure) -> Self {
        Self::json(status, &Failed { error })
    }

    fn not_allowed(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::failed(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("this path takes {allow}"),
            )
        }
    }
}

impl From<Stopping> for Answer {
    fn from(stopping: Stopping) -> Self {
        Self::failed(StatusCode::SERVICE_UNAVAILABLE, stopping.to_string())
    }
}

/// What the routes need to know of the service.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) asker: Asker,
    /// Those of the framework.
    pub(crate) roles: watch::Receiver<Vec<String>>,
    /// Of tasks that ended, if it is kept.
    pub(crate) history: Option<History>,
}

/// Answers one request.
pub(crate) async fn answer(context: &Context, head: &Parts, body: Bytes) -> Answer {
    match route(context, head, body).await {
        Ok(answer) | Err(answer) => answer,
    }
}

async fn route(context: &Context, head: &Parts, body: Bytes) -> Result<Answer, Answer> {
    let asker = &context.asker;
    let (method, headers) = (&head.method, &head.headers);
    let path = head.uri.path();
    let parts: Vec<String> = path.split('/').skip(1).map(decode).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let ok = StatusCode::OK;
    match parts.as_slice() {
        ["v1", "status"] => {
            only(method, &Method::GET, "GET")?;
            Ok(Answer::json(ok, &asker.ask(Ask::Status).await?))
        }
        ["v1", "tasks"] => {
            only(method, &Method::GET, "GET")?;
            let filter = query::tasks(head.uri.query())
                .map_err(|why| Answer::failed(StatusCode::BAD_REQUEST, why))?;
            let tasks = asker.ask(|answer| Ask::Tasks(filter, answer));
            Ok(Answer::json(ok, &tasks.await?))
        }
        ["v1", "metrics"] => {
            only(method, &Method::GET, "GET")?;
            Ok(Answer {
                status: ok,
                content_type: "text/plain; version=0.0.4; charset=utf-8",
                allow: None,
                body: metrics::render(&asker.ask(Ask::Metrics).await?),
            })
        }
        ["v1", "jobs"] if method == Method::GET => {
            Ok(Answer::json(ok, &asker.ask(Ask::Jobs).await?))
        }
        ["v1", "jobs"] => {
            only(method, &Method::POST, "GET, POST")?;
            let roles = context.roles.borrow().clone();
            let format = job_format(headers)?;
            // A long file takes its time, and the loop is on this thread.
            let reading = tokio::task::spawn_blocking(move || submitted(&body, format, &roles));
            let jobs = reading.await.map_err(|error| internal(&error))??;
            operate(asker, Request::Submit(jobs)).await
        }
        ["v1", "jobs", name] => {
            only(method, &Method::DELETE, "DELETE")?;
            operate(asker, Request::KillJob((*name).into())).await
        }
        ["v1", "jobs", name, "scale"] => {
            only(method, &Method::POST, "POST")?;
            let count = scale(headers, &body)?;
            let job = (*name).into();
            operate(asker, Request::Scale { job, count }).await
        }
        ["v1", "policies"] => {
            only(method, &Method::GET, "GET")?;
            Ok(Answer::json(ok, &asker.ask(Ask::Status).await?.policies))
        }
        ["v1", "policies", name, "swap"] => {
            only(method, &Method::POST, "POST")?;
            let file = swap(headers, &body)?;
            let policy = (*name).to_owned();
            let reply = asker.ask(|answer| Ask::Swap {
                policy,
                file,
                answer,
            });
            replied(reply.await?)
        }
        ["v1", "policies", name, "shadow"] => {
            only(method, &Method::POST, "POST")?;
            let file = swap(headers, &body)?;
            let policy = (*name).to_owned();
            let reply = asker.ask(|answer| Ask::Shadow {
                policy,
                file,
                answer,
            });
            replied(reply.await?)
        }
        ["v1", "policies", name, "canary"] => {
            only(method, &Method::POST, "POST")?;
            let wish: CanaryWish = body_of(headers, &body, CANARY)?;
            let file = absolute(wish.file)?;
            let wish = CanaryWish { file, ..wish };
            let policy = (*name).to_owned();
            let reply = asker.ask(|answer| Ask::Canary {
                policy,
                wish,
                answer,
            });
            replied(reply.await?)
        }
        ["v1", "reload"] => {
            only(method, &Method::POST, "POST")?;
            replied(asker.ask(|answer| Ask::Reload(Some(answer))).await?)
        }
        ["v1", "policies", name, "promote"] => {
            only(method, &Method::POST, "POST")?;
            let digest = which_shadow(&body)?;
            let policy = (*name).to_owned();
            let reply = asker.ask(|answer| Ask::Promote {
                policy,
                digest,
                answer,
            });
            replied(reply.await?)
        }
        ["v1", "policies", name, "abort"] => {
            only(method, &Method::POST, "POST")?;
            let digest = which_shadow(&body)?;
            let policy = (*name).to_owned();
            let reply = asker.ask(|answer| Ask::Abort {
                policy,
                digest,
                answer,
            });
            replied(reply.await?)
        }
        ["v1", "policies", name, "rollback"] => {
            only(method, &Method::POST, "POST")?;
            let policy = (*name).to_owned();
            let reply = asker.ask(|answer| Ask::RollBack { policy, answer });
            replied(reply.await?)
        }
        ["v1", "tasks", id, "why"] => {
            only(method, &Method::GET, "GET")?;
            let task = (*id).to_owned();
            let mut why = asker.ask(|answer| Ask::Why { task, answer }).await?;
            if why.is_none() {
                why = from_history(context, id).await?;
            }
            let why = why.ok_or_else(|| {
                let text = format!("no task {id} is known; `offerd task list` shows all");
                Answer::failed(StatusCode::NOT_FOUND, text)
            })?;
            Ok(Answer::json(ok, &why))
        }
        ["v1", "tasks", id, "what-if"] => {
            only(method, &Method::GET, "GET")?;
            let task = (*id).to_owned();
            let found = asker.ask(|answer| Ask::WhatIf { task, answer }).await?;
            let found = found.ok_or_else(|| {
                let text = format!("task {id} does not wait, so there is nothing to try");
                Answer::failed(StatusCode::CONFLICT, text)
            })?;
            Ok(Answer::json(ok, &found))
        }
        ["v1", "tasks", id] => {
            only(method, &Method::DELETE, "DELETE")?;
            operate(asker, Request::KillTask((*id).into())).await
        }
        _ => Err(Answer::failed(
            StatusCode::NOT_FOUND,
            format!(
                "there is no {path}; the paths are /v1/status, /v1/jobs, /v1/jobs/NAME, \
                 /v1/jobs/NAME/scale, /v1/tasks, /v1/tasks/ID, /v1/tasks/ID/why, /v1/tasks/ID/what-if, /v1/policies, \
                 /v1/policies/NAME/swap, .../rollback, .../shadow, .../canary, \
                 .../promote, .../abort, /v1/reload and /v1/metrics"
            ),
        )),
    }
}

/// The story of a task that the machine has forgotten.
async fn from_history(context: &Context, task: &str) -> Result<Option<Why>, Answer> {
    let Some(history) = context.history.clone() else {
        return Ok(None);
    };
    let task = task.to_owned();
    tokio::task::spawn_blocking(move || history.find(&task))
        .await
        .map_err(|error| internal(&error))?
        .map_err(|error| internal(&error))
}

fn internal(error: &dyn std::error::Error) -> Answer {
    Answer::failed(StatusCode::INTERNAL_SERVER_ERROR, chain(error))
}

fn only(method: &Method, right: &Method, allow: &'static str) -> Result<(), Answer> {
    if method == right {
        Ok(())
    } else {
        Err(Answer::not_allowed(allow))
    }
}

async fn operate(asker: &Asker, request: Request) -> Result<Answer, Answer> {
    replied(asker.ask(|answer| Ask::Operator(request, answer)).await?)
}

fn replied(reply: Reply) -> Result<Answer, Answer> {
    let (status, details) = match reply {
        Reply::Done(done) => return Ok(Answer::json(StatusCode::OK, &Done { done })),
        Reply::Refused(details) => (StatusCode::CONFLICT, details),
        Reply::Unknown(what) => (StatusCode::NOT_FOUND, vec![what]),
    };
    Err(Answer::failure(
        status,
        Failure {
            message: "nothing was done".to_owned(),
            details,
            mistakes: Vec::new(),
        },
    ))
}

fn job_format(headers: &HeaderMap) -> Result<Format, Answer> {
    match content_type(headers) {
        Some("application/toml") => Ok(Format::Toml),
        Some("application/json") => Ok(Format::Json),
        other => Err(Answer::failed(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "the Content-Type is {}; send jobs as application/toml or application/json",
                other.unwrap_or("missing")
            ),
        )),
    }
}

fn submitted(body: &[u8], format: Format, roles: &[String]) -> Result<Vec<JobSpec>, Answer> {
    let text = text(body)?;
    jobs::parse("jobs", text, format, Some(roles)).map_err(|mistakes| wrong(&mistakes))
}

fn wrong(mistakes: &Mistakes) -> Answer {
    Answer::failure(
        StatusCode::BAD_REQUEST,
        Failure {
            message: format!("{} in the jobs; nothing was submitted", mistakes.count()),
            details: mistakes.to_string().lines().map(str::to_owned).collect(),
            mistakes: mistakes.list.clone(),
        },
    )
}

fn scale(headers: &HeaderMap, body: &[u8]) -> Result<u32, Answer> {
    if content_type(headers) != Some("application/json") {
        return Err(Answer::failed(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send {\"count\": NUMBER} as application/json",
        ));
    }
    let bad = |why: String| Answer::failed(StatusCode::BAD_REQUEST, why);
    let Scale { count } = serde_json::from_slice(body)
        .map_err(|error| bad(format!("the body is not {{\"count\": NUMBER}}: {error}")))?;
    jobs::check_scale(count).map_err(bad)
}

const SWAP: &str = "{\"file\": \"/path/of/policy.wasm\"}";
const CANARY: &str = "{\"file\": \"/path/of/policy.wasm\", \"share\": PERCENT, \"jobs\": [NAMES]}";

fn swap(headers: &HeaderMap, body: &[u8]) -> Result<PathBuf, Answer> {
    let Swap { file } = body_of(headers, body, SWAP)?;
    absolute(file)
}

/// `right`: how the body should look.
fn body_of<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: &[u8],
    right: &str,
) -> Result<T, Answer> {
    if content_type(headers) != Some("application/json") {
        let text = format!("send {right} as application/json");
        return Err(Answer::failed(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    serde_json::from_slice(body).map_err(|error| {
        let text = format!("the body is not {right}: {error}");
        Answer::failed(StatusCode::BAD_REQUEST, text)
    })
}

fn absolute(file: PathBuf) -> Result<PathBuf, Answer> {
    if file.is_absolute() {
        return Ok(file);
    }
    let text = format!("{} is a relative path; write the whole one", file.display());
    Err(Answer::failed(StatusCode::BAD_REQUEST, text))
}

fn which_shadow(body: &[u8]) -> Result<String, Answer> {
    if body.is_empty() {
        return Ok(String::new());
    }
    let WhichShadow { digest } = serde_json::from_slice(body).map_err(|error| {
        let why = format!("the body is not {{\"digest\": TEXT}}: {error}");
        Answer::failed(StatusCode::BAD_REQUEST, why)
    })?;
    Ok(digest)
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split_once(';').map_or(value, |(kind, _)| kind).trim())
}

fn text(body: &[u8]) -> Result<&str, Answer> {
    std::str::from_utf8(body)
        .map_err(|_| Answer::failed(StatusCode::BAD_REQUEST, "the body is not a text in UTF-8"))
}
