//! One subscription, from the SUBSCRIBE to its end.

use base64::Engine;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, LOCATION};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use mesos_v1::recordio::Decoder;
use offerd_core::event::Event;
use offerd_core::ids::FrameworkId;
use offerd_core::machine::Session;
use tokio::time::{Duration, Instant};

use super::address::Address;
use super::backoff::Backoff;
use super::calls::{Answer, Calls, Head};
use super::{Transport, Worker};
use crate::convert;

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
        let body = self
            .settings
            .framework
            .subscribe(&self.subscription.borrow_and_update());
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

    async fn run_session(
        &mut self,
        mut body: Incoming,
        mut calls: Calls,
        backoff: &mut Backoff,
    ) -> Ended {
        let session = self.session;
        let mut decoder = Decoder::new(self.settings.record_limit);
        let mut framework: Option<FrameworkId> = None;
        // Until SUBSCRIBED says otherwise.
        let mut patience = self.settings.connect_timeout.max(Duration::from_secs(15));
        let mut deadline = Instant::now() + patience;
        let over = |calls: &Calls, reason: String| {
            let reason = match calls.unanswered() {
                0 => reason,
                n => format!("{reason} ({n} calls without an answer)"),
            };
            Ended::Session(reason)
        };
        loop {
            if let Some(framework) = &framework {
                calls.encode(framework, &self.settings.framework);
            }
            tokio::select! {
                frame = body.frame() => {
                    let chunk = match frame {
                        Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                        Some(Err(error)) => {
                            let reason = format!("the stream broke: {}", chain(&error));
                            return over(&calls, reason);
                        }
                        None => {
                            let reason = match decoder.finish() {
                                Ok(()) => "the master ended the stream".to_owned(),
                                Err(error) => error.to_string(),
                            };
                            return over(&calls, reason);
                        }
                    };
                    decoder.push(chunk);
                    let mut events = Vec::new();
                    let failed = loop {
                        match decoder.next_record() {
                            Ok(None) => break None,
                            Err(error) => break Some(error.to_string()),
                            Ok(Some(record)) => match convert::event(&record) {
                                Ok(event) => {
                                    if let Event::Subscribed { framework_id, .. } = &event {
                                        framework = Some(framework_id.clone());
                                        let seconds = convert::heartbeat_interval(&record);
                                        let missed = f64::from(self.settings.missed_heartbeats);
                                        patience = Duration::from_secs_f64(
                                            (seconds * missed).min(86_400.0),
                                        );
                                    } else if !matches!(event, Event::Error(_)) {
                                        backoff.reset();
                                    }
                                    events.push(Transport::Event { session, event });
                                }
                                Err(error) => break Some(chain(&error)),
                            },
                        }
                    };
                    if !events.is_empty() {
                        deadline = Instant::now() + patience;
                        if self.out.send(events).is_err() {
                            return Ended::Abandoned;
                        }
                    }
                    if let Some(reason) = failed {
                        return over(&calls, format!("a record can't be used: {reason}"));
                    }
                }
                answers = calls.drive() => {
                    let answers = match answers {
                        Ok(answers) => answers,
                        Err(error) => {
                            let reason = format!("the connection for calls broke: {error}");
                            return over(&calls, reason);
                        }
                    };
                    let mut failed = Vec::new();
                    for answer in answers {
                        match answer {
                            Answer::Taken(_) => {}
                            Answer::Refused(call, why) => {
                                failed.push(Transport::CallFailed { session, call, why });
                            }
                            Answer::SessionOver(reason) => return over(&calls, reason),
                        }
                    }
                    if !failed.is_empty() && self.out.send(failed).is_err() {
                        return Ended::Abandoned;
                    }
                }
                batch = self.batches.recv() => match batch {
                    Some(batch) if batch.session == session => calls.push(batch.calls),
                    // Of a session that is over: the machine knows.
                    Some(_) => {}
                    None => return Ended::Abandoned,
                },
                () = tokio::time::sleep_until(deadline) => {
                    let seconds = patience.as_secs_f64();
                    return over(&calls, format!("no heartbeat for {seconds} s"));
                }
            }
        }
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
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
