//! A master that does nothing by itself: a test accepts its connections, reads
//! its requests and writes its answers one by one. So nothing has to be waited
//! for by time.

use bytes::{Buf, BytesMut};
use mesos_v1::{self as wire, scheduler as api};
use offerd_mesos::Address;
use prost::Message;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The stream's type, and the only one that calls may have (R1, R2).
pub(crate) const PROTOBUF: &str = "application/x-protobuf";

pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A port on loopback that listens.
pub(crate) struct Master {
    listener: TcpListener,
    pub(crate) tls: Option<TlsAcceptor>,
}

impl Master {
    pub(crate) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tls = None;
        Self { listener, tls }
    }

    /// `host:port`.
    pub(crate) fn text(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    pub(crate) fn address(&self) -> Address {
        self.text().parse().unwrap()
    }

    /// The next connection, before TLS.
    pub(crate) async fn accept_plain(&self) -> TcpStream {
        self.listener.accept().await.unwrap().0
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> Peer {
        let stream = self.accept_plain().await;
        stream.set_nodelay(true).unwrap();
        let io: Box<dyn Io> = match &self.tls {
            Some(tls) => Box::new(tls.accept(stream).await.unwrap()),
            None => Box::new(stream),
        };
        let read = BytesMut::new();
        Peer { io, read }
    }

    /// Both connections of an attempt: for the stream and for calls.
    pub(crate) async fn accept_both(&self) -> (Peer, Peer) {
        let stream = self.accept().await;
        (stream, self.accept().await)
    }

    /// Takes SUBSCRIBE and answers it as no subscription is answered.
    pub(crate) async fn answer(
        &self,
        status: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Request {
        let (mut peer, _calls) = self.accept_both().await;
        let request = peer.request().await;
        peer.answer(status, headers, body).await;
        request
    }

    /// Takes SUBSCRIBE and the connection for calls; no event is sent.
    pub(crate) async fn subscription(&self, stream_id: &str) -> Subscription {
        let (mut stream, calls) = self.accept_both().await;
        let request = stream.request().await;
        stream.open(stream_id, PROTOBUF).await;
        Subscription {
            request,
            stream,
            calls,
        }
    }

    /// [`Self::subscription`] with SUBSCRIBED sent: framework `fw`, a
    /// heartbeat every 15 s.
    pub(crate) async fn session(&self, stream_id: &str) -> Subscription {
        let mut session = self.subscription(stream_id).await;
        session.stream.event(&subscribed("fw", Some(15.0))).await;
        session
    }
}

/// Both connections of one session.
pub(crate) struct Subscription {
    pub(crate) request: Request,
    pub(crate) stream: Peer,
    pub(crate) calls: Peer,
}

/// One connection.
pub(crate) struct Peer {
    io: Box<dyn Io>,
    read: BytesMut,
}

/// A request of the client.
#[derive(Debug)]
pub(crate) struct Request {
    /// Method, path and version.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of a header that may be there once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self
            .headers
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str());
        let first = found.next();
        assert_eq!(found.next(), None, "{name} twice in {self:?}");
        first
    }

    pub(crate) fn call(&self) -> api::Call {
        api::Call::decode(self.body.as_slice()).unwrap()
    }
}

impl Peer {
    /// The next request, which must have a Content-Length.
    pub(crate) async fn request(&mut self) -> Request {
        loop {
            if let Some(request) = self.parse() {
                return request;
            }
            let got = self.io.read_buf(&mut self.read).await.unwrap();
            assert!(got > 0, "closed within a request: {:?}", self.read);
        }
    }

    fn parse(&mut self) -> Option<Request> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Request::new(&mut headers);
        let head = match parsed.parse(&self.read).unwrap() {
            httparse::Status::Complete(head) => head,
            httparse::Status::Partial => return None,
        };
        let line = format!(
            "{} {} HTTP/1.{}",
            parsed.method.unwrap(),
            parsed.path.unwrap(),
            parsed.version.unwrap()
        );
        let headers = parsed
            .headers
            .iter()
            .map(|h| {
                let value = std::str::from_utf8(h.value).unwrap();
                (h.name.to_owned(), value.to_owned())
            })
            .collect();
        let mut request = Request {
            line,
            headers,
            body: Vec::new(),
        };
        let length: usize = request.header("Content-Length").unwrap().parse().unwrap();
        request.body = self.read.get(head..head + length)?.to_vec();
        self.read.advance(head + length);
        Some(request)
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.io.write_all(bytes).await.unwrap();
        self.io.flush().await.unwrap();
    }

    /// [`Self::send`] to a client that may close meanwhile.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) {
        let _ = self.io.write_all(bytes).await;
    }

    /// An answer with a Content-Length.
    pub(crate) async fn answer(&mut self, status: &str, headers: &[(&str, &str)], body: &str) {
        self.send(answer(status, headers, body).as_bytes()).await;
    }

    /// The head of the answer to SUBSCRIBE.
    pub(crate) async fn open(&mut self, stream_id: &str, content_type: &str) {
        let head = format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nMesos-Stream-Id: {stream_id}\r\n\
             Content-Type: {content_type}\r\n\r\n"
        );
        self.send(head.as_bytes()).await;
    }

    /// One chunk of the stream's body.
    pub(crate) async fn chunk(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            // It would end the body.
            return;
        }
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.send(&chunk).await;
    }

    /// One event as one record in one chunk.
    pub(crate) async fn event(&mut self, event: &api::Event) {
        self.chunk(&record(event)).await;
    }

    /// The body's proper end.
    pub(crate) async fn end(&mut self) {
        self.send(b"0\r\n\r\n").await;
    }

    /// Waits until the client has closed the connection; what it still sent.
    pub(crate) async fn closed(&mut self) -> Vec<u8> {
        // A reset is an end as well.
        while self.io.read_buf(&mut self.read).await.unwrap_or(0) > 0 {}
        self.read.to_vec()
    }
}

pub(crate) fn answer(status: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text + "\r\n" + body
}

/// A record with its length.
pub(crate) fn record(event: &api::Event) -> Vec<u8> {
    let mut out = BytesMut::new();
    mesos_v1::recordio::encode(&event.encode_to_vec(), &mut out);
    out.to_vec()
}

pub(crate) fn kind(kind: api::event::Type) -> api::Event {
    api::Event {
        r#type: Some(kind as i32),
        ..api::Event::default()
    }
}

pub(crate) fn subscribed(framework: &str, heartbeat: Option<f64>) -> api::Event {
    api::Event {
        subscribed: Some(api::event::Subscribed {
            framework_id: wire::FrameworkId {
                value: framework.to_owned(),
            },
            heartbeat_interval_seconds: heartbeat,
            master_info: None,
        }),
        ..kind(api::event::Type::Subscribed)
    }
}

pub(crate) fn heartbeat() -> api::Event {
    kind(api::event::Type::Heartbeat)
}

pub(crate) fn rescind(offer: &str) -> api::Event {
    api::Event {
        rescind: Some(api::event::Rescind {
            offer_id: wire::OfferId {
                value: offer.to_owned(),
            },
        }),
        ..kind(api::event::Type::Rescind)
    }
}

pub(crate) fn error(message: &str) -> api::Event {
    api::Event {
        error: Some(api::event::Error {
            message: message.to_owned(),
        }),
        ..kind(api::event::Type::Error)
    }
}
