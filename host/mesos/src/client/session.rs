//! One session: events in, calls out, until either connection breaks.

use std::convert::Infallible;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Frame, Incoming};
use mesos_v1::recordio::Decoder;
use offerd_core::event::Event;
use tokio::time::{Duration, Instant};

use super::backoff::Backoff;
use super::calls::{Answer, Calls};
use super::subscribe::{Ended, chain};
use super::{Transport, Worker};
use crate::convert;

/// How long the stream is still read after the connection for calls has shown
/// that the session is over. A master says why on the stream (R16), and that
/// may arrive a little later than the answer to a call.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The subscription's stream.
struct Stream {
    body: Incoming,
    decoder: Decoder,
    /// Without an event for so long the master counts as gone (R9).
    patience: Duration,
    deadline: Instant,
}

/// Why a session can't go on.
enum Over {
    /// The stream has ended.
    Stream(String),
    /// The connection for calls has ended, or says that the session has.
    Calls(String),
    /// The user of the client is gone.
    Abandoned,
}

impl Worker {
    pub(super) async fn run_session(
        &mut self,
        body: Incoming,
        mut calls: Calls,
        backoff: &mut Backoff,
    ) -> Ended {
        // Until SUBSCRIBED says otherwise.
        let patience = self.settings.connect_timeout.max(Duration::from_secs(15));
        let mut stream = Stream {
            body,
            decoder: Decoder::new(self.settings.record_limit),
            patience,
            deadline: Instant::now() + patience,
        };
        let Err(over) = self.exchange(&mut stream, &mut calls, backoff).await;
        let reason = match over {
            Over::Stream(reason) => reason,
            Over::Calls(reason) => {
                // Nothing is done about how the stream ends: it is over anyway.
                let _ = tokio::time::timeout(LAST_WORDS, self.read(&mut stream, backoff)).await;
                reason
            }
            Over::Abandoned => return Ended::Abandoned,
        };
        Ended::Session(match calls.unanswered() {
            0 => reason,
            n => format!("{reason} ({n} calls without an answer)"),
        })
    }

    async fn exchange(
        &mut self,
        stream: &mut Stream,
        calls: &mut Calls,
        backoff: &mut Backoff,
    ) -> Result<Infallible, Over> {
        // SUBSCRIBED may bring another id than the last one.
        let mut subscribed = false;
        loop {
            if let (true, Some(framework)) = (subscribed, &self.framework) {
                calls.encode(framework, &self.settings.framework);
            }
            tokio::select! {
                frame = stream.body.frame() => {
                    subscribed |= self.take_frame(frame, stream, backoff)?;
                }
                answers = calls.drive() => self.take_answers(answers)?,
                batch = self.batches.recv() => match batch {
                    Some(batch) if batch.session == self.session => calls.push(batch.calls),
                    // Of a session that is over: the machine knows.
                    Some(_) => {}
                    None => return Err(Over::Abandoned),
                },
                () = tokio::time::sleep_until(stream.deadline) => {
                    let seconds = stream.patience.as_secs_f64();
                    return Err(Over::Stream(format!("no heartbeat for {seconds} s")));
                }
            }
        }
    }

    /// Only reads.
    async fn read(
        &mut self,
        stream: &mut Stream,
        backoff: &mut Backoff,
    ) -> Result<Infallible, Over> {
        loop {
            let frame = stream.body.frame().await;
            self.take_frame(frame, stream, backoff)?;
        }
    }

    /// Whether SUBSCRIBED was in it.
    fn take_frame(
        &mut self,
        frame: Option<Result<Frame<Bytes>, hyper::Error>>,
        stream: &mut Stream,
        backoff: &mut Backoff,
    ) -> Result<bool, Over> {
        let chunk = match frame {
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            Some(Err(error)) => {
                return Err(Over::Stream(format!("the stream broke: {}", chain(&error))));
            }
            None => {
                return Err(Over::Stream(match stream.decoder.finish() {
                    Ok(()) => "the master ended the stream".to_owned(),
                    Err(error) => error.to_string(),
                }));
            }
        };
        stream.decoder.push(chunk);
        let session = self.session;
        let mut events = Vec::new();
        let mut subscribed = false;
        let failed = loop {
            let record = match stream.decoder.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            };
            let event = match convert::event(&record) {
                Ok(event) => event,
                Err(error) => break Some(chain(&error)),
            };
            match &event {
                Event::Subscribed { framework_id, .. } => {
                    subscribed = true;
                    self.framework = Some(framework_id.clone());
                    let seconds = convert::heartbeat_interval(&record);
                    let missed = f64::from(self.settings.missed_heartbeats);
                    stream.patience = Duration::from_secs_f64((seconds * missed).min(86_400.0));
                }
                Event::Error(_) => {}
                _ => backoff.reset(),
            }
            events.push(Transport::Event {
                session,
                event,
                record,
            });
        };
        if !events.is_empty() {
            stream.deadline = Instant::now() + stream.patience;
            self.out.send(events).map_err(|_| Over::Abandoned)?;
        }
        match failed {
            Some(reason) => Err(Over::Stream(format!("a record can't be used: {reason}"))),
            None => Ok(subscribed),
        }
    }

    fn take_answers(&mut self, answers: std::io::Result<Vec<Answer>>) -> Result<(), Over> {
        let answers = answers
            .map_err(|error| Over::Calls(format!("the connection for calls broke: {error}")))?;
        let session = self.session;
        let mut failed = Vec::new();
        let mut over = None;
        for answer in answers {
            match answer {
                Answer::Taken(_) => {}
                Answer::Refused(call, why) => {
                    failed.push(Transport::CallFailed { session, call, why });
                }
                Answer::SessionOver(reason) => {
                    over = Some(Over::Calls(reason));
                    break;
                }
            }
        }
        if !failed.is_empty() {
            self.out.send(failed).map_err(|_| Over::Abandoned)?;
        }
        over.map_or(Ok(()), Err)
    }
}
