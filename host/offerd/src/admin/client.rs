//! The other end of the admin API: what the commands and tests use to ask a
//! running offerd. One connection for each request; that is quick enough for
//! people.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use offerd_core::machine::view::{JobStatus, TaskFilter, TaskSummary, Why};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::config::Listen;

use super::api::{CanaryWish, Done, Failed, Failure, Scale, Status, Swap, WhatIf, WhichShadow};
use super::query::{MOST_TASKS, encode};

/// For a whole request. The service answers at once; only a disk that hangs or
/// a stopped process takes longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where to ask.
#[derive(Debug, Clone)]
pub struct Admin {
    address: Listen,
}

/// The question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error(
        "no offerd answers at {address}; start it with `offerd run`, or say where it listens with \
         --admin ADDRESS, OFFERD_ADMIN or --config FILE"
    )]
    Unreachable {
        address: String,
        #[source]
        source: io::Error,
    },
    #[error("offerd at {address} did not answer within {} s", TIMEOUT.as_secs())]
    Timeout { address: String },
    #[error("the connection to offerd at {address} broke")]
    Broken {
        address: String,
        #[source]
        source: hyper::Error,
    },
    #[error("what answers at {address} is not offerd, or another version of it: {why}")]
    Strange { address: String, why: String },
    /// It said no.
    #[error("{}", .failure.message)]
    Refused {
        status: StatusCode,
        failure: Failure,
    },
}

impl AskError {
    /// Nobody is there, or nobody any more.
    pub fn is_gone(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Broken { .. } => true,
            Self::Refused { status, .. } => *status == StatusCode::SERVICE_UNAVAILABLE,
            Self::Strange { .. } => false,
        }
    }
}

impl Admin {
    pub fn new(address: Listen) -> Self {
        Self { address }
    }

    pub fn address(&self) -> &Listen {
        &self.address
    }

    pub async fn status(&self) -> Result<Status, AskError> {
        self.get("/v1/status").await
    }

    pub async fn jobs(&self) -> Result<Vec<JobStatus>, AskError> {
        self.get("/v1/jobs").await
    }

    /// All tasks that the filter lets through, in one answer or several.
    pub async fn tasks(&self, mut filter: TaskFilter) -> Result<Vec<TaskSummary>, AskError> {
        let mut tasks: Vec<TaskSummary> = Vec::new();
        loop {
            let limit = MOST_TASKS.min(filter.limit - tasks.len().min(filter.limit));
            if limit == 0 {
                return Ok(tasks);
            }
            let mut path = format!("/v1/tasks?limit={limit}");
            for (key, value) in [
                ("job", &filter.job),
                ("state", &filter.state),
                ("after", &filter.after),
            ] {
                if let Some(value) = value {
                    path += &format!("&{key}={}", encode(value));
                }
            }
            let piece: Vec<TaskSummary> = self.get(&path).await?;
            let is_last = piece.len() < limit;
            filter.after = piece.last().map(|task| task.id.clone());
            tasks.extend(piece);
            if is_last {
                return Ok(tasks);
            }
        }
    }

    /// Prometheus's text.
    pub async fn metrics(&self) -> Result<String, AskError> {
        let body = self.send(Method::GET, "/v1/metrics", None).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Submits the text of a job file.
    pub async fn submit(&self, toml: String) -> Result<Done, AskError> {
        let body = Some(("application/toml", toml));
        self.parsed(Method::POST, "/v1/jobs", body).await
    }

    pub async fn scale(&self, job: &str, count: u32) -> Result<Done, AskError> {
        let path = format!("/v1/jobs/{}/scale", encode(job));
        let body = serde_json::to_string(&Scale { count }).map_err(|error| self.strange(&error))?;
        self.parsed(Method::POST, &path, Some(("application/json", body)))
            .await
    }

    pub async fn kill_job(&self, job: &str) -> Result<Done, AskError> {
        let path = format!("/v1/jobs/{}", encode(job));
        self.parsed(Method::DELETE, &path, None).await
    }

    pub async fn kill_task(&self, id: &str) -> Result<Done, AskError> {
        let path = format!("/v1/tasks/{}", encode(id));
        self.parsed(Method::DELETE, &path, None).await
    }

    /// Why a task waits, or who decided what about it.
    pub async fn why(&self, task: &str) -> Result<Why, AskError> {
        self.get(&format!("/v1/tasks/{}/why", encode(task))).await
    }

    /// What would get a waiting task placed.
    pub async fn what_if(&self, task: &str) -> Result<WhatIf, AskError> {
        self.get(&format!("/v1/tasks/{}/what-if", encode(task)))
            .await
    }

    /// Puts other code to work: a file on the host's machine.
    pub async fn swap(&self, policy: &str, file: PathBuf) -> Result<Done, AskError> {
        let path = format!("/v1/policies/{}/swap", encode(policy));
        let body = serde_json::to_string(&Swap { file }).map_err(|error| self.strange(&error))?;
        self.parsed(Method::POST, &path, Some(("application/json", body)))
            .await
    }

    /// Lets a file decide beside a policy, without effect.
    pub async fn shadow(&self, policy: &str, file: PathBuf) -> Result<Done, AskError> {
        let path = format!("/v1/policies/{}/shadow", encode(policy));
        let body = serde_json::to_string(&Swap { file }).map_err(|error| self.strange(&error))?;
        self.parsed(Method::POST, &path, Some(("application/json", body)))
            .await
    }

    /// Lets a file decide for a part of a policy's demand.
    pub async fn canary(&self, policy: &str, wish: &CanaryWish) -> Result<Done, AskError> {
        let path = format!("/v1/policies/{}/canary", encode(policy));
        let body = serde_json::to_string(wish).map_err(|error| self.strange(&error))?;
        self.parsed(Method::POST, &path, Some(("application/json", body)))
            .await
    }

    /// Lets the service read its configuration again.
    pub async fn reload(&self) -> Result<Done, AskError> {
        self.parsed(Method::POST, "/v1/reload", None).await
    }

    /// Puts the canary or a shadow to work. `digest`: how its digest begins.
    pub async fn promote(&self, policy: &str, digest: &str) -> Result<Done, AskError> {
        self.to_shadow(policy, "promote", digest).await
    }

    /// Ends the canary or a shadow.
    pub async fn abort(&self, policy: &str, digest: &str) -> Result<Done, AskError> {
        self.to_shadow(policy, "abort", digest).await
    }

    async fn to_shadow(&self, policy: &str, what: &str, digest: &str) -> Result<Done, AskError> {
        let path = format!("/v1/policies/{}/{what}", encode(policy));
        let which = WhichShadow {
            digest: digest.to_owned(),
        };
        let body = serde_json::to_string(&which).map_err(|error| self.strange(&error))?;
        self.parsed(Method::POST, &path, Some(("application/json", body)))
            .await
    }

    /// Puts the code before to work again.
    pub async fn roll_back(&self, policy: &str) -> Result<Done, AskError> {
        let path = format!("/v1/policies/{}/rollback", encode(policy));
        self.parsed(Method::POST, &path, None).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AskError> {
        self.parsed(Method::GET, path, None).await
    }

    async fn parsed<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, String)>,
    ) -> Result<T, AskError> {
        let body = self.send(method, path, body).await?;
        serde_json::from_slice(&body).map_err(|error| self.strange(&error))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, String)>,
    ) -> Result<Bytes, AskError> {
        let request = async {
            match &self.address {
                Listen::Tcp(address) => {
                    let stream = TcpStream::connect(address).await;
                    let stream = stream.map_err(|source| self.unreachable(source))?;
                    self.exchange(stream, method, path, body).await
                }
                Listen::Unix(file) => {
                    let stream = UnixStream::connect(file).await;
                    let stream = stream.map_err(|source| self.unreachable(source))?;
                    self.exchange(stream, method, path, body).await
                }
            }
        };
        match tokio::time::timeout(TIMEOUT, request).await {
            Ok(answer) => answer,
            Err(_) => Err(AskError::Timeout {
                address: self.address.to_string(),
            }),
        }
    }

    async fn exchange(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        method: Method,
        path: &str,
        body: Option<(&'static str, String)>,
    ) -> Result<Bytes, AskError> {
        let broken = |source| AskError::Broken {
            address: self.address.to_string(),
            source,
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        // Its error, if any, is that of the request too.
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        let host = match &self.address {
            Listen::Tcp(address) => address.to_string(),
            Listen::Unix(_) => "localhost".to_owned(),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, host);
        let (kind, text) = body.unzip();
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        let request = request
            .body(Full::new(Bytes::from(text.unwrap_or_default())))
            .map_err(|error| self.strange(&error))?;
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(broken)?;
        connection.abort();
        let body = body.to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        match serde_json::from_slice::<Failed>(&body) {
            Ok(Failed { error: failure }) => Err(AskError::Refused { status, failure }),
            Err(_) => Err(self.strange(&format!("it answered {status}"))),
        }
    }

    fn unreachable(&self, source: io::Error) -> AskError {
        AskError::Unreachable {
            address: self.address.to_string(),
            source,
        }
    }

    fn strange(&self, why: &dyn std::fmt::Display) -> AskError {
        AskError::Strange {
            address: self.address.to_string(),
            why: why.to_string(),
        }
    }
}
