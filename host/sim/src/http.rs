//! The master on a port: HTTP as a real one answers it.

mod answer;

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use hyper::StatusCode;
use hyper::body::{Body, Frame};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use mesos_v1::scheduler as api;
use mesos_v1::scheduler::call::Type;
use offerd_core::Instant;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

use crate::cluster::{AgentSettings, Cluster, Counts};

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
    /// Status and text for the next call of a kind.
    refusals: HashMap<Type, (StatusCode, String)>,
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
            refusals: HashMap::new(),
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

    /// Refuses the next call of this kind, whatever is in it. SUBSCRIBE is not
    /// among them.
    pub fn refuse(&self, kind: Type, status: StatusCode, text: &str) {
        let refusal = (status, text.to_owned());
        self.shared.lock().refusals.insert(kind, refusal);
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
            let service = service_fn(move |request| answer::answer(Arc::clone(&shared), request));
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
