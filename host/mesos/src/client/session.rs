//! One session: events in, calls out, until either connection breaks.

use std::convert::Infallible;
use std::io;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Frame, Incoming};
use mesos_v1::recordio::Decoder;
use offerd_core::event::Event;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep_until};

use super::calls::{Answers, Calls};
use super::subscribe::{Ended, Opened, chain};
use super::{Batch, Transport, Worker};
use crate::convert;

/// How long the stream is still read after the connection for calls has shown
/// that the session is over. A master says why on the stream (R16), and that
/// may arrive a little later than the answer to a call.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A session that lived so long was a good one. An event proves nothing: a
/// heartbeat follows SUBSCRIBED at once, whatever comes after it.
const STEADY: Duration = Duration::from_secs(5);

/// Texts that are remembered in order not to be told again.
const TOLD: usize = 1000;

/// The subscription's stream.
struct Stream {
    body: Incoming,
    decoder: Decoder,
    /// When SUBSCRIBED came. It may bring another id than the last one.
    subscribed: Option<Instant>,
    /// The latest ERROR.
    error: Option<String>,
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
        opened: Opened,
        batches: &mut mpsc::UnboundedReceiver<Batch>,
    ) -> Ended {
        // Until SUBSCRIBED says otherwise.
        let patience = self.settings.connect_timeout.max(Duration::from_secs(15));
        let mut stream = Stream {
            body: opened.body,
            decoder: Decoder::new(self.settings.record_limit),
            subscribed: None,
            error: None,
            patience,
            deadline: Instant::now() + patience,
        };
        let mut calls = opened.calls;
        let Err(over) = self.exchange(&mut stream, &mut calls, batches).await;
        let reason = match over {
            Over::Stream(reason) => reason,
            Over::Calls(reason) => {
                // Nothing is done about how the stream ends: it is over anyway.
                let _ = tokio::time::timeout(LAST_WORDS, self.read(&mut stream)).await;
                reason
            }
            Over::Abandoned => return Ended::Abandoned,
        };
        let Some(since) = stream.subscribed else {
            return Ended::Unavailable(match stream.error {
                Some(error) => format!("SUBSCRIBE is refused: {error} ({})", opened.wanted),
                None => reason,
            });
        };
        Ended::Session {
            steady: since.elapsed() >= STEADY,
            reason: match calls.unanswered() {
                0 => reason,
                n => format!("{reason} ({n} calls without an answer)"),
            },
        }
    }

    async fn exchange(
        &mut self,
        stream: &mut Stream,
        calls: &mut Calls,
        batches: &mut mpsc::UnboundedReceiver<Batch>,
    ) -> Result<Infallible, Over> {
        let answer_timeout = self.settings.answer_timeout;
        // No more calls will come; those that did are still sent.
        let mut closing = false;
        loop {
            if let (Some(_), Some(framework)) = (stream.subscribed, &self.framework) {
                calls.encode(framework, &self.settings.framework);
            }
            if closing && calls.unanswered() == 0 {
                return Err(Over::Abandoned);
            }
            let overdue = calls.waits_since().map(|since| since + answer_timeout);
            tokio::select! {
                frame = stream.body.frame() => self.take_frame(frame, stream)?,
                answers = calls.drive() => self.take_answers(answers)?,
                batch = batches.recv(), if !closing => match batch {
                    Some(batch) if batch.session == self.session => calls.push(batch.calls),
                    // Of a session that is over: the machine knows.
                    Some(_) => {}
                    None => closing = true,
                },
                () = sleep_until(stream.deadline) => {
                    let seconds = stream.patience.as_secs_f64();
                    return Err(Over::Stream(format!("no heartbeat for {seconds} s")));
                }
                () = sleep_until(overdue.unwrap_or(stream.deadline)), if overdue.is_some() => {
                    let seconds = answer_timeout.as_secs_f64();
                    return Err(Over::Calls(format!("no answer to a call for {seconds} s")));
                }
            }
        }
    }

    /// Only reads.
    async fn read(&mut self, stream: &mut Stream) -> Result<Infallible, Over> {
        loop {
            let frame = stream.body.frame().await;
            self.take_frame(frame, stream)?;
        }
    }

    fn take_frame(
        &mut self,
        frame: Option<Result<Frame<Bytes>, hyper::Error>>,
        stream: &mut Stream,
    ) -> Result<(), Over> {
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
        let mut left_out = Vec::new();
        let failed = loop {
            let record = match stream.decoder.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            };
            let event = match convert::event_and_left_out(&record, &mut left_out) {
                Ok(event) => event,
                Err(error) => break Some(chain(&error)),
            };
            match &event {
                Event::Subscribed { framework_id, .. } => {
                    stream.subscribed = Some(Instant::now());
                    self.framework = Some(framework_id.clone());
                    let seconds = convert::heartbeat_interval(&record);
                    let missed = f64::from(self.settings.missed_heartbeats);
                    stream.patience = Duration::from_secs_f64((seconds * missed).min(86_400.0));
                }
                Event::Error(message) => stream.error = Some(message.clone()),
                _ => {}
            }
            events.push(Transport::Event {
                session,
                event,
                record,
            });
        };
        if !events.is_empty() {
            stream.deadline = Instant::now() + stream.patience;
            events.extend(self.not_told_yet(left_out));
            self.out.send(events).map_err(|_| Over::Abandoned)?;
        }
        match failed {
            Some(reason) => Err(Over::Stream(format!("a record can't be used: {reason}"))),
            None => Ok(()),
        }
    }

    /// Each offer of an agent has the same to complain of.
    fn not_told_yet(&mut self, texts: Vec<String>) -> Vec<Transport> {
        if self.told.len() > TOLD {
            self.told.clear();
        }
        texts
            .into_iter()
            .filter(|text| self.told.insert(text.clone()))
            .map(|text| Transport::Notice {
                warning: true,
                text,
            })
            .collect()
    }

    fn take_answers(&mut self, answers: io::Result<Answers>) -> Result<(), Over> {
        let answers = answers
            .map_err(|error| Over::Calls(format!("the connection for calls broke: {error}")))?;
        let session = self.session;
        if !answers.refused.is_empty() {
            let refused = answers.refused.into_iter();
            let failed = refused.map(|(call, why)| Transport::CallFailed { session, call, why });
            self.out
                .send(failed.collect())
                .map_err(|_| Over::Abandoned)?;
        }
        answers.over.map_or(Ok(()), |why| Err(Over::Calls(why)))
    }
}
