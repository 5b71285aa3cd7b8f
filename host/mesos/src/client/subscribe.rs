//! From a connection to an accepted SUBSCRIBE. What comes then is in `session`.

use base64::Engine;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, LOCATION};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use offerd_core::machine::Session;

use super::Worker;
use super::address::Address;
use super::backoff::Backoff;
use super::calls::{Calls, Head};

const PROTOBUF: &str = "application/x-protobuf";

/// Longest error text that is read from a master.
const ERROR_TEXT: usize = 16 << 10;

/// Why there is no subscription (any more).
pub(super) enum Ended {
    /// Another master leads.
    Redirect(Address),
    /// Not now.
    Unavailable(String),
    /// Not like this: what is configured must change.
    Refused(String),
    /// There was a session.
    Session(String),
    /// The user of the client is gone.
    Abandoned,
}

impl Worker {
    pub(super) async fn subscribe_at(&mut self, master: &Address, backoff: &mut Backoff) -> Ended {
        let timeout = self.settings.connect_timeout;
        let response = match tokio::time::timeout(timeout, self.subscribe(master)).await {
            Ok(Ok(response)) => response,
            Ok(Err(ended)) => return ended,
            Err(_) => {
                let seconds = timeout.as_secs_f64();
                return Ended::Unavailable(format!("no answer to SUBSCRIBE within {seconds} s"));
            }
        };
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok());
        let Some(stream_id) = header("Mesos-Stream-Id").map(str::to_owned) else {
            return Ended::Unavailable(
                "the answer to SUBSCRIBE has no Mesos-Stream-Id; is this a Mesos master?".into(),
            );
        };
        match header("Content-Type") {
            Some(PROTOBUF) => {}
            other => {
                return Ended::Unavailable(format!(
                    "the stream is {}; expected {PROTOBUF}",
                    other.unwrap_or("of no type")
                ));
            }
        }
        let stream = match self.connector.connect(master).await {
            Ok(stream) => stream,
            Err(error) => {
                return Ended::Unavailable(format!("no second connection, for calls: {error}"));
            }
        };
        let authorization = self.authorization();
        let head = Head::new(&master.to_string(), &stream_id, authorization.as_deref());
        self.session = Session(self.session.0 + 1);
        self.run_session(response.into_body(), Calls::new(stream, head), backoff)
            .await
    }

    fn authorization(&self) -> Option<String> {
        let (principal, secret) = self.settings.credentials.as_ref()?;
        let text = format!("{principal}:{secret}");
        Some(format!(
            "Basic {}",
            base64::engine::general_purpose::STANDARD.encode(text)
        ))
    }

    /// Sends SUBSCRIBE and judges the status of the answer.
    async fn subscribe(&mut self, master: &Address) -> Result<Response<Incoming>, Ended> {
        let unavailable = |what: &str, error: &dyn std::error::Error| {
            Ended::Unavailable(format!("{what}: {}", chain(error)))
        };
        let stream = self
            .connector
            .connect(master)
            .await
            .map_err(|error| unavailable("no connection", &error))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| unavailable("no HTTP connection", &error))?;
        // Ends with the response's body.
        tokio::spawn(connection);
        let mut subscription = self.subscription.borrow_and_update().clone();
        if subscription.framework_id.is_none() {
            subscription.framework_id = self.framework.clone();
        }
        let body = self.settings.framework.subscribe(&subscription);
        // R1, R2, R4: exact types, and no stream id.
        let mut request = Request::builder()
            .method(Method::POST)
            .uri("/api/v1/scheduler")
            .header(HOST, master.to_string())
            .header(CONTENT_TYPE, PROTOBUF)
            .header(ACCEPT, PROTOBUF);
        if let Some(authorization) = self.authorization() {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| unavailable("SUBSCRIBE can't be written", &error))?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| unavailable("SUBSCRIBE was not answered", &error))?;
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(response);
        }
        if status == StatusCode::TEMPORARY_REDIRECT {
            let location = response
                .headers()
                .get(LOCATION)
                .and_then(|l| l.to_str().ok());
            return Err(match location.map(Address::from_location) {
                Some(Ok(leader)) => Ended::Redirect(leader),
                Some(Err(error)) => Ended::Unavailable(format!("a redirect to nowhere: {error}")),
                None => Ended::Unavailable("a redirect without a Location".to_owned()),
            });
        }
        let text = Limited::new(response.into_body(), ERROR_TEXT)
            .collect()
            .await
            .map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned())
            .unwrap_or_else(|error| format!("(the reason can't be read: {error})"));
        Err(match status {
            StatusCode::UNAUTHORIZED => Ended::Refused(format!(
                "the master does not accept the credentials (401 {text}); check \
                 [mesos.credentials] and that the principal is the framework's"
            )),
            // A master that has just started has no routes yet.
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::NOT_FOUND => {
                Ended::Unavailable(format!("not ready ({} {text})", status.as_u16()))
            }
            _ if status.is_client_error() => {
                Ended::Refused(format!("SUBSCRIBE is refused: {} {text}", status.as_u16()))
            }
            _ => Ended::Unavailable(format!("SUBSCRIBE failed: {} {text}", status.as_u16())),
        })
    }
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text += &format!(": {cause_text}");
        }
        source = cause.source();
    }
    text
}
