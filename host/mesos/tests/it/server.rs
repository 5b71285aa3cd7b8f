//! A server whose every byte a test writes, and a client that talks to it.

use std::time::Duration;

use mesos_v1 as wire;
use mesos_v1::scheduler as api;
use offerd_core::call::Call;
use offerd_core::event::Event;
use offerd_core::machine::{CallId, Session, Subscription};
use offerd_mesos::convert::FrameworkSettings;
use offerd_mesos::{Address, Client, Settings, Transport, start};
use prost::Message as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

/// For a whole test; only one that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(result) => result,
        Err(_) => panic!("nothing happens any more"),
    }
}

pub(crate) struct Server {
    listener: TcpListener,
    pub(crate) address: Address,
}

impl Server {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string().parse().unwrap();
        Self { listener, address }
    }

    pub(crate) async fn accept(&self) -> Connection<TcpStream> {
        Connection::new(in_time(self.listener.accept()).await.unwrap().0)
    }

    /// Takes a subscription: the stream, and the connection for calls.
    pub(crate) async fn subscribed(&self) -> (Connection<TcpStream>, Connection<TcpStream>) {
        let mut stream = self.accept().await;
        stream.request().await;
        stream.start_stream("stream-1").await;
        let calls = self.accept().await;
        stream.event(&subscribed(3600.0)).await;
        (stream, calls)
    }
}

pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) call: api::Call,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

pub(crate) struct Connection<S> {
    pub(crate) stream: S,
    pending: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            pending: Vec::new(),
        }
    }

    pub(crate) async fn request(&mut self) -> Request {
        loop {
            if let Some(request) = self.take() {
                return request;
            }
            let got = in_time(self.stream.read_buf(&mut self.pending))
                .await
                .unwrap();
            assert!(
                got > 0,
                "the client went away: {:?}",
                String::from_utf8_lossy(&self.pending)
            );
        }
    }

    fn take(&mut self) -> Option<Request> {
        let end = self
            .pending
            .windows(4)
            .position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8(self.pending[..end].to_vec()).unwrap();
        let mut request = Request {
            head,
            call: api::Call::default(),
        };
        let length: usize = request.header("content-length").unwrap().parse().unwrap();
        let body = self.pending.get(end + 4..end + 4 + length)?;
        request.call = api::Call::decode(body).unwrap();
        self.pending.drain(..end + 4 + length);
        Some(request)
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    pub(crate) async fn answer(&mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let text = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        self.write(text).await;
    }

    pub(crate) async fn start_stream(&mut self, id: &str) {
        self.write(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nMesos-Stream-Id: \
             {id}\r\nTransfer-Encoding: chunked\r\n\r\n"
        ))
        .await;
    }

    pub(crate) async fn chunk(&mut self, bytes: &[u8]) {
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.write(chunk).await;
    }

    pub(crate) async fn event(&mut self, event: &api::Event) {
        self.chunk(&record(event)).await;
    }
}

pub(crate) fn record(event: &api::Event) -> Vec<u8> {
    let body = event.encode_to_vec();
    [format!("{}\n", body.len()).as_bytes(), &body].concat()
}

pub(crate) fn subscribed(heartbeat: f64) -> api::Event {
    api::Event {
        r#type: Some(api::event::Type::Subscribed as i32),
        subscribed: Some(api::event::Subscribed {
            framework_id: wire::FrameworkId {
                value: "framework-1".into(),
            },
            heartbeat_interval_seconds: Some(heartbeat),
            ..api::event::Subscribed::default()
        }),
        ..api::Event::default()
    }
}

pub(crate) fn heartbeat() -> api::Event {
    api::Event {
        r#type: Some(api::event::Type::Heartbeat as i32),
        ..api::Event::default()
    }
}

pub(crate) fn rescind(offer: &str) -> api::Event {
    api::Event {
        r#type: Some(api::event::Type::Rescind as i32),
        rescind: Some(api::event::Rescind {
            offer_id: wire::OfferId {
                value: offer.into(),
            },
        }),
        ..api::Event::default()
    }
}

/// The client under test and what it said.
pub(crate) struct Tested {
    pub(crate) client: Client,
    pub(crate) subscription: watch::Sender<Subscription>,
    out: mpsc::UnboundedReceiver<Vec<Transport>>,
    said: std::collections::VecDeque<Transport>,
}

pub(crate) fn settings(masters: &[&Address]) -> Settings {
    let framework = FrameworkSettings::new("test", "nobody", vec!["role".to_owned()]);
    let masters = masters.iter().map(|master| (*master).clone()).collect();
    let mut settings = Settings::new(masters, framework);
    settings.backoff = (Duration::from_millis(1), Duration::from_millis(5));
    settings
}

impl Tested {
    pub(crate) fn start(settings: Settings) -> Self {
        let (subscription, wanted) = watch::channel(Subscription::default());
        let (sender, out) = mpsc::unbounded_channel();
        let client = start(settings, wanted, sender).unwrap();
        Self {
            client,
            subscription,
            out,
            said: Default::default(),
        }
    }

    pub(crate) async fn next(&mut self) -> Transport {
        while self.said.is_empty() {
            let batch = in_time(self.out.recv()).await.expect("the client ended");
            self.said.extend(batch);
        }
        self.said.pop_front().unwrap()
    }

    /// The next event, past notices.
    pub(crate) async fn event(&mut self) -> Event {
        loop {
            match self.next().await {
                Transport::Event { event, .. } => return event,
                Transport::Notice { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) async fn is_subscribed(&mut self) {
        let event = self.event().await;
        assert!(matches!(event, Event::Subscribed { .. }), "{event:?}");
    }

    pub(crate) async fn notice(&mut self) -> String {
        match self.next().await {
            Transport::Notice { text, .. } => text,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn fatal(&mut self) -> String {
        loop {
            match self.next().await {
                Transport::Fatal(text) => return text,
                Transport::Notice { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) async fn disconnected(&mut self) -> String {
        loop {
            match self.next().await {
                Transport::Disconnected { reason, .. } => return reason,
                Transport::Event { .. } | Transport::Notice { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) fn send(&self, session: u64, calls: impl IntoIterator<Item = u64>) {
        let calls = calls
            .into_iter()
            .map(|id| (CallId(id), suppress(id)))
            .collect();
        self.client.send(Session(session), calls);
    }
}

/// A call that can be told from others.
fn suppress(id: u64) -> Call {
    Call::Suppress {
        roles: vec![format!("role-{id}").as_str().into()],
    }
}

pub(crate) fn number(call: &api::Call) -> u64 {
    let roles = &call.suppress.as_ref().unwrap().roles;
    roles[0].strip_prefix("role-").unwrap().parse().unwrap()
}
