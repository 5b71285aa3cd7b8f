//! The master on a port: HTTP as a real one answers it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, LOCATION, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use mesos_v1 as wire;
use mesos_v1::scheduler as api;
use mesos_v1::scheduler::call::Type;
use offerd_core::Instant;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

use crate::body::{read_json, read_protobuf, validate};
use crate::cluster::{AgentSettings, Cluster, Counts};

/// A capability of masters that the v1 API has no name for: in JSON it is empty.
const QUOTA_V2: i32 = 3;

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";

/// How the simulated master is made.
#[derive(Debug, Clone)]
pub struct Settings {
    /// 0: any free port. Always on the loopback interface.
    pub port: u16,
    pub agents: Vec<AgentSettings>,
    pub allocation_interval: Duration,
    /// Offers not answered in this time are rescinded.
    pub offer_timeout: Option<Duration>,
    pub heartbeat: Duration,
    /// Principal and secret that frameworks must show.
    pub credentials: Option<(String, String)>,
    /// Redirect to this master instead of answering.
    pub leader: Option<String>,
}

impl Settings {
    pub fn new(agents: Vec<AgentSettings>) -> Self {
        Self {
            port: 0,
            agents,
            allocation_interval: Duration::from_millis(100),
            offer_timeout: None,
            heartbeat: Duration::from_secs(15),
            credentials: None,
            leader: None,
        }
    }
}

/// A subscription's way back to its framework.
#[derive(Debug)]
struct Stream {
    id: String,
    json: bool,
    records: mpsc::UnboundedSender<Bytes>,
}

#[derive(Debug)]
struct State {
    cluster: Cluster,
    streams: HashMap<String, Stream>,
    next_stream: u64,
    settings: Settings,
    heartbeats: bool,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Something may be due earlier than was thought.
    wake: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running simulated master. Ends when dropped.
#[derive(Debug)]
pub struct Sim {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Sim {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        // Without senders the streams end.
        self.shared.lock().streams.clear();
    }
}

fn now() -> Instant {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Instant(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

impl Sim {
    /// Starts it on the current tokio runtime.
    ///
    /// # Errors
    /// The port is not free.
    pub async fn start(settings: Settings) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", settings.port)).await?;
        let address = listener.local_addr()?;
        let mut settings = settings;
        settings.port = address.port();
        let start = now();
        let cluster = Cluster::new(
            settings.agents.clone(),
            settings.allocation_interval,
            settings.offer_timeout,
            start.0 / 1000,
            start,
        );
        let state = State {
            cluster,
            streams: HashMap::new(),
            next_stream: 0,
            settings,
            heartbeats: true,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            wake: Notify::new(),
        });
        let tasks = vec![
            tokio::spawn(serve(listener, Arc::clone(&shared))),
            tokio::spawn(run(Arc::clone(&shared))),
            tokio::spawn(beat(Arc::clone(&shared))),
        ];
        Ok(Self {
            address,
            shared,
            tasks,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Looks at the model or changes it; what follows is sent.
    pub fn with<T>(&self, change: impl FnOnce(&mut Cluster) -> T) -> T {
        let mut state = self.shared.lock();
        let result = change(&mut state.cluster);
        state.flush();
        drop(state);
        self.shared.wake.notify_one();
        result
    }

    pub fn counts(&self) -> Counts {
        self.with(|cluster| cluster.counts().clone())
    }

    /// Cuts all subscriptions without a word, as a broken network does. The
    /// frameworks may come back within their failover timeout.
    pub fn cut(&self) {
        let mut state = self.shared.lock();
        let ids: Vec<String> = state.streams.drain().map(|(id, _)| id).collect();
        for id in ids {
            state.cluster.disconnect(&id);
        }
    }

    /// From now on no heartbeats.
    pub fn stop_heartbeats(&self) {
        self.shared.lock().heartbeats = false;
    }

    /// Sends these bytes as a record to all subscriptions.
    pub fn send_record(&self, record: &[u8]) {
        let state = self.shared.lock();
        for stream in state.streams.values() {
            let mut bytes = BytesMut::new();
            mesos_v1::recordio::encode(record, &mut bytes);
            let _ = stream.records.send(bytes.freeze());
        }
    }

    /// Sends raw bytes, not framed, to all subscriptions.
    pub fn send_raw(&self, bytes: &'static [u8]) {
        for stream in self.shared.lock().streams.values() {
            let _ = stream.records.send(Bytes::from_static(bytes));
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        // Answers are small; waiting to fill packets would only delay them.
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&shared), request));
            // A client that goes away is no error.
            let _ = hyper::server::conn::http1::Builder::new()
                .pipeline_flush(true)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Lets time pass in the model.
async fn run(shared: Arc<Shared>) {
    loop {
        let wait = {
            let mut state = shared.lock();
            state.cluster.tick(now());
            state.flush();
            state.cluster.next_deadline().since(now())
        };
        tokio::select! {
            () = tokio::time::sleep(wait.max(Duration::from_millis(1))) => {}
            () = shared.wake.notified() => {}
        }
    }
}

async fn beat(shared: Arc<Shared>) {
    let interval = shared.lock().settings.heartbeat;
    loop {
        tokio::time::sleep(interval).await;
        let state = shared.lock();
        if state.heartbeats {
            state
                .streams
                .values()
                .for_each(|stream| stream.send(&heartbeat()));
        }
    }
}

fn heartbeat() -> api::Event {
    api::Event {
        r#type: Some(api::event::Type::Heartbeat as i32),
        ..api::Event::default()
    }
}

impl Stream {
    fn send(&self, event: &api::Event) {
        let record = if self.json {
            mesos_v1::json::to_string(event).into_bytes()
        } else {
            event.encode_to_vec()
        };
        let mut bytes = BytesMut::with_capacity(record.len() + 12);
        mesos_v1::recordio::encode(&record, &mut bytes);
        // A framework that has gone is noticed when its stream is dropped.
        let _ = self.records.send(bytes.freeze());
    }
}

impl State {
    /// Sends what the model wants to say.
    fn flush(&mut self) {
        for (framework, event) in self.cluster.take_out() {
            if let Some(stream) = self.streams.get(&framework) {
                stream.send(&event);
            }
        }
    }
}

/// The body of a subscription; tells when its reader has gone.
struct Records {
    records: mpsc::UnboundedReceiver<Bytes>,
    shared: Arc<Shared>,
    framework: String,
    stream: String,
}

impl Body for Records {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.records
            .poll_recv(context)
            .map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if state
            .streams
            .get(&self.framework)
            .is_some_and(|stream| stream.id == self.stream)
        {
            state.streams.remove(&self.framework);
            state.cluster.disconnect(&self.framework);
        }
    }
}

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

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Reply, Infallible> {
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
        let address = wire::Address {
            hostname: Some("localhost".to_owned()),
            ip: Some("127.0.0.1".to_owned()),
            port: i32::from(state.settings.port),
        };
        use wire::master_info::capability::Type as Can;
        let quota_v2 = if json { None } else { Some(QUOTA_V2) };
        let capabilities = [
            Some(Can::AgentUpdate as i32),
            Some(Can::AgentDraining as i32),
            quota_v2,
        ]
        .map(|r#type| wire::master_info::Capability { r#type })
        .to_vec();
        let subscribed = api::event::Subscribed {
            framework_id: wire::FrameworkId {
                value: framework.clone(),
            },
            heartbeat_interval_seconds: Some(state.settings.heartbeat.as_secs_f64()),
            master_info: Some(wire::MasterInfo {
                id: state.cluster.master_id.clone(),
                ip: 0x0100_007f,
                port: u32::from(state.settings.port),
                hostname: Some("localhost".to_owned()),
                version: Some("1.11.0".to_owned()),
                address: Some(address),
                pid: Some(format!("master@127.0.0.1:{}", state.settings.port)),
                capabilities,
                ..wire::MasterInfo::default()
            }),
        };
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
