//! From connections to an accepted SUBSCRIBE. What comes then is in `session`.

use base64::Engine;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, LOCATION};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use offerd_core::machine::{Session, Subscription};

use super::Worker;
use super::address::Address;
use super::calls::{Calls, Head};
use super::connection::Io;

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
    /// There was a session. `steady`: it lived long enough to count as a good one.
    Session { reason: String, steady: bool },
    /// The user of the client is gone.
    Abandoned,
}

/// Both connections, with SUBSCRIBE accepted. SUBSCRIBED has not come yet.
pub(super) struct Opened {
    pub(super) body: Incoming,
    pub(super) calls: Calls,
    /// What SUBSCRIBE asked for, for people.
    pub(super) wanted: String,
}

impl Worker {
    /// Connects and subscribes. The connection for calls comes first: once
    /// SUBSCRIBE is sent, nothing may come between it and its SUBSCRIBED. The
    /// id that this brings would be lost, and the next SUBSCRIBE would make
    /// another framework (R14).
    pub(super) async fn open(&mut self, master: &Address) -> Result<Opened, Ended> {
        let unavailable = |what: &str, error: std::io::Error| {
            Ended::Unavailable(format!("{what}: {}", chain(&error)))
        };
        let stream = self.connector.connect(master).await;
        let stream = stream.map_err(|error| unavailable("no connection", error))?;
        let calls = self.connector.connect(master).await;
        let calls = calls.map_err(|error| unavailable("no second connection, for calls", error))?;
        let mut subscription = self.subscription.borrow_and_update().clone();
        if subscription.framework_id.is_none() {
            subscription.framework_id = self.framework.clone();
        }
        let timeout = self.settings.connect_timeout;
        let answer = self.subscribe(master, stream, &subscription);
        let response = match tokio::time::timeout(timeout, answer).await {
            Ok(response) => response?,
            Err(_) => {
                let seconds = timeout.as_secs_f64();
                let why = format!("no answer to SUBSCRIBE within {seconds} s");
                return Err(Ended::Unavailable(why));
            }
        };
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok());
        let Some(stream_id) = header("Mesos-Stream-Id") else {
            return Err(Ended::Unavailable(
                "the answer to SUBSCRIBE has no Mesos-Stream-Id; is this a Mesos master?".into(),
            ));
        };
        match header("Content-Type") {
            Some(PROTOBUF) => {}
            other => {
                return Err(Ended::Unavailable(format!(
                    "the stream is {}; expected {PROTOBUF}",
                    other.unwrap_or("of no type")
                )));
            }
        }
        let authorization = self.authorization();
        let head = Head::new(&master.to_string(), stream_id, authorization.as_deref());
        self.session = Session(self.session.0 + 1);
        Ok(Opened {
            wanted: self.settings.framework.describe(&subscription.update),
            calls: Calls::new(calls, head),
            body: response.into_body(),
        })
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
    async fn subscribe(
        &self,
        master: &Address,
        stream: Box<dyn Io>,
        subscription: &Subscription,
    ) -> Result<Response<Incoming>, Ended> {
        let unavailable = |what: &str, error: &dyn std::error::Error| {
            Ended::Unavailable(format!("{what}: {}", chain(error)))
        };
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| unavailable("no HTTP connection", &error))?;
        // Ends with the response's body.
        tokio::spawn(connection);
        let body = self.settings.framework.subscribe(subscription);
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
