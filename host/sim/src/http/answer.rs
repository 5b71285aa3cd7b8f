//! What a request is answered with, after the checks of a real master in their
//! order (R5).

use std::convert::Infallible;
use std::sync::Arc;

use base64::Engine;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, LOCATION, WWW_AUTHENTICATE};
use hyper::{Method, Request, Response, StatusCode};
use mesos_v1 as wire;
use mesos_v1::master_info::capability::Type as Can;
use mesos_v1::scheduler as api;
use mesos_v1::scheduler::call::Type;
use tokio::sync::mpsc;

use super::{Records, Shared, State, Stream, heartbeat, now};
use crate::body::{read_json, read_protobuf, validate};

/// A capability of masters that the v1 API has no name for: in JSON it is empty.
const QUOTA_V2: i32 = 3;

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";

type Reply = Response<http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>>;

fn text(status: StatusCode, body: impl Into<String>) -> Reply {
    let body = body.into();
    let mut response = Response::new(Full::new(Bytes::from(body.clone())).boxed_unsync());
    *response.status_mut() = status;
    if !body.is_empty() {
        let kind = hyper::header::HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}

fn bad(body: impl Into<String>) -> Reply {
    text(StatusCode::BAD_REQUEST, body)
}

pub(super) async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Reply, Infallible> {
    let (parts, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return Ok(bad(format!("the request's body broke: {error}"))),
    };
    let path = parts.uri.path().trim_end_matches('/');
    Ok(match path {
        "/api/v1/scheduler" | "/master/api/v1/scheduler" => {
            scheduler(&shared, &parts.method, &parts.headers, &body)
        }
        "/health" => text(StatusCode::OK, ""),
        "/version" => text(
            StatusCode::OK,
            "{\"version\":\"1.11.0\",\"simulated\":true}",
        ),
        _ => text(StatusCode::NOT_FOUND, ""),
    })
}

/// The checks in a real master's order (R5).
fn scheduler(shared: &Arc<Shared>, method: &Method, headers: &HeaderMap, body: &[u8]) -> Reply {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let mut state = shared.lock();
    if let Some((principal, secret)) = &state.settings.credentials {
        let token =
            base64::engine::general_purpose::STANDARD.encode(format!("{principal}:{secret}"));
        if header(AUTHORIZATION.as_str()) != Some(&format!("Basic {token}")) {
            let mut response = text(StatusCode::UNAUTHORIZED, "401 Unauthorized.");
            let realm =
                hyper::header::HeaderValue::from_static("Basic realm=\"mesos-master-scheduler\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, realm);
            return response;
        }
    }
    if let Some(leader) = &state.settings.leader {
        let mut response = text(StatusCode::TEMPORARY_REDIRECT, "");
        let location = format!("//{leader}/master/api/v1/scheduler");
        if let Ok(location) = hyper::header::HeaderValue::from_str(&location) {
            response.headers_mut().insert(LOCATION, location);
        }
        return response;
    }
    if method != Method::POST {
        return text(
            StatusCode::METHOD_NOT_ALLOWED,
            format!(
                "405 Method Not Allowed. Expecting one of {{ 'POST' }}, but received '{method}'."
            ),
        );
    }
    let call = match header(CONTENT_TYPE.as_str()) {
        None => return bad("Expecting 'Content-Type' to be present"),
        Some(PROTOBUF) => match read_protobuf(body) {
            Ok(call) => call,
            Err(reply) => return bad(reply),
        },
        Some(JSON) => match read_json(body) {
            Ok(call) => call,
            Err(reply) => return bad(reply),
        },
        Some(_) => {
            return text(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("Expecting 'Content-Type' of {JSON} or {PROTOBUF}"),
            );
        }
    };
    let kind = call.r#type();
    if let Err(why) = validate(&call) {
        return bad(format!("Failed to validate scheduler::Call: {why}"));
    }
    let json = match wants_json(header(ACCEPT.as_str())) {
        Some(json) => json,
        // R2: no other calls look at it.
        None if kind == Type::Subscribe || kind == Type::ReconcileOperations => {
            return text(
                StatusCode::NOT_ACCEPTABLE,
                format!("Expecting 'Accept' to allow '{PROTOBUF}' or '{JSON}'"),
            );
        }
        None => true,
    };
    let stream_id = header("Mesos-Stream-Id");
    if kind == Type::Subscribe {
        return subscribe(shared, &mut state, call, json, stream_id);
    }
    let id = call
        .framework_id
        .as_ref()
        .map(|id| id.value.clone())
        .unwrap_or_default();
    if state
        .cluster
        .frameworks
        .get(&id)
        .is_none_or(|framework| framework.removed)
    {
        return bad("Framework cannot be found");
    }
    let Some(stream) = state.streams.get(&id) else {
        return text(StatusCode::FORBIDDEN, "Framework is not subscribed");
    };
    match stream_id {
        None => return bad("All non-subscribe calls should include the 'Mesos-Stream-Id' header"),
        Some(given) if given != stream.id => {
            return bad(format!(
                "The stream ID '{given}' included in this request didn't match the stream ID \
                 currently associated with framework ID {id}"
            ));
        }
        Some(_) => {}
    }
    if let Some((status, why)) = state.refusals.remove(&kind) {
        return text(status, why);
    }
    if let Some(Err(why)) = call
        .update_framework
        .as_ref()
        .filter(|_| kind == Type::UpdateFramework)
        .map(|update| state.cluster.check_update(&id, update))
    {
        return bad(why);
    }
    state.cluster.tick(now());
    state.cluster.call(&id, call);
    state.flush();
    if kind == Type::Teardown {
        state.streams.remove(&id);
    }
    drop(state);
    shared.wake.notify_one();
    text(
        if kind == Type::UpdateFramework {
            StatusCode::OK
        } else {
            StatusCode::ACCEPTED
        },
        "",
    )
}

/// JSON is looked for first, whatever the order (R2). `None`: neither.
fn wants_json(accept: Option<&str>) -> Option<bool> {
    match accept {
        None => Some(true),
        Some(accept) if accept.contains("*/*") || accept.contains(JSON) => Some(true),
        Some(accept) if accept.contains(PROTOBUF) => Some(false),
        Some(_) => None,
    }
}

fn subscribe(
    shared: &Arc<Shared>,
    state: &mut State,
    call: api::Call,
    json: bool,
    stream_id: Option<&str>,
) -> Reply {
    if stream_id.is_some() {
        return bad("Subscribe calls should not include the 'Mesos-Stream-Id' header");
    }
    state.next_stream += 1;
    let (sender, records) = mpsc::unbounded_channel();
    let id = format!("51300000-0000-4000-9000-{:012x}", state.next_stream);
    let stream = Stream {
        id: id.clone(),
        json,
        records: sender,
    };
    let wanted = call.framework_id.map(|id| id.value);
    let error = |message: &str| api::Event {
        r#type: Some(api::event::Type::Error as i32),
        error: Some(api::event::Error {
            message: message.to_owned(),
        }),
        ..api::Event::default()
    };
    let framework = match call.subscribe.map(|s| state.cluster.subscribe(wanted, s)) {
        Some(Ok(framework)) => framework,
        refused => {
            // R8: 200, an ERROR event, the end.
            stream.send(&error(&refused.and_then(Result::err).unwrap_or_default()));
            String::new()
        }
    };
    if !framework.is_empty() {
        if let Some(old) = state.streams.remove(&framework) {
            old.send(&error("Framework failed over"));
        }
        let subscribed = subscribed(state, &framework, json);
        stream.send(&api::Event {
            r#type: Some(api::event::Type::Subscribed as i32),
            subscribed: Some(subscribed),
            ..api::Event::default()
        });
        stream.send(&heartbeat());
        state.streams.insert(framework.clone(), stream);
        state.flush();
        shared.wake.notify_one();
    }
    let body = Records {
        records,
        shared: Arc::clone(shared),
        framework,
        stream: id.clone(),
    };
    let mut response = Response::new(body.boxed_unsync());
    let kind = hyper::header::HeaderValue::from_static(if json { JSON } else { PROTOBUF });
    response.headers_mut().insert(CONTENT_TYPE, kind);
    if let Ok(id) = hyper::header::HeaderValue::from_str(&id) {
        response.headers_mut().insert("Mesos-Stream-Id", id);
    }
    response
}

fn subscribed(state: &State, framework: &str, json: bool) -> api::event::Subscribed {
    let port = state.settings.port;
    let quota_v2 = if json { None } else { Some(QUOTA_V2) };
    let capabilities = [
        Some(Can::AgentUpdate as i32),
        Some(Can::AgentDraining as i32),
        quota_v2,
    ]
    .map(|r#type| wire::master_info::Capability { r#type })
    .to_vec();
    api::event::Subscribed {
        framework_id: wire::FrameworkId {
            value: framework.to_owned(),
        },
        heartbeat_interval_seconds: Some(state.settings.heartbeat.as_secs_f64()),
        master_info: Some(wire::MasterInfo {
            id: state.cluster.master_id.clone(),
            // 127.0.0.1 in network order, read as a little-endian number.
            ip: 0x0100_007f,
            port: u32::from(port),
            hostname: Some("localhost".to_owned()),
            version: Some("1.11.0".to_owned()),
            address: Some(wire::Address {
                hostname: Some("localhost".to_owned()),
                ip: Some("127.0.0.1".to_owned()),
                port: i32::from(port),
            }),
            pid: Some(format!("master@127.0.0.1:{port}")),
            capabilities,
            ..wire::MasterInfo::default()
        }),
    }
}
