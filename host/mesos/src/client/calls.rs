//! Calls over a connection of their own, pipelined: many requests are on their
//! way before the first answer, and answers come in the same order (R11).

use std::collections::VecDeque;
use std::io;

use bytes::{Buf, BytesMut};
use offerd_core::call::Call;
use offerd_core::ids::{FrameworkId, OfferId};
use offerd_core::machine::CallId;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::Instant;

use super::answers::{ANSWER_LIMIT, Verdict, bad, judge, parse};
use super::connection::Io;
use crate::convert::{Encoder, FrameworkSettings};

/// Calls that may wait for their answers at a time. Enough for a burst of some
/// thousand offers; more would only fill buffers of the master.
const IN_FLIGHT: usize = 4096;

/// Bytes encoded ahead of the socket.
const WRITE_AHEAD: usize = 256 << 10;

/// Seconds for which offers of a refused ACCEPT are not wanted: Mesos's own
/// number for what is left unsaid (R25).
const REFUSE_GIVEN_BACK: f64 = 5.0;

/// Everything that is the same for each request of a session.
pub(super) struct Head {
    text: String,
}

impl Head {
    pub(super) fn new(host: &str, stream_id: &str, authorization: Option<&str>) -> Self {
        let mut text = format!(
            "POST /api/v1/scheduler HTTP/1.1\r\nHost: {host}\r\n\
             Content-Type: application/x-protobuf\r\nAccept: application/x-protobuf\r\n\
             Mesos-Stream-Id: {stream_id}\r\n"
        );
        if let Some(authorization) = authorization {
            text += &format!("Authorization: {authorization}\r\n");
        }
        text += "Content-Length: ";
        Self { text }
    }
}

/// Answers that change something.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Calls that the machine gave and the master refused.
    pub(super) refused: Vec<(CallId, String)>,
    /// Why the session can't go on.
    pub(super) over: Option<String>,
}

/// What must be done if the master refuses a call, so that master and machine
/// go on thinking the same.
#[derive(Debug)]
enum IfRefused {
    /// The machine is told. It asks again by itself (KILL, RECONCILE), or what
    /// the call answers comes again (R34), or the call may get lost (R41).
    Tell,
    /// The machine is told, and has none of these offers any more, which the
    /// master still counts as held (R23): they are declined.
    GiveBack(Vec<OfferId>),
    /// A new session, in which all is said again. It has the call's name.
    EndSession(&'static str),
}

impl IfRefused {
    fn of(call: Call) -> Self {
        match call {
            Call::Accept { offers, .. } => Self::GiveBack(offers),
            Call::Decline { .. } => Self::EndSession("DECLINE"),
            Call::Revive { .. } => Self::EndSession("REVIVE"),
            Call::Suppress { .. } => Self::EndSession("SUPPRESS"),
            _ => Self::Tell,
        }
    }
}

/// A call that waits for its answer.
#[derive(Debug)]
struct InFlight {
    /// `None`: the machine does not know of it.
    id: Option<CallId>,
    if_refused: IfRefused,
}

/// The connection for calls of one session.
pub(super) struct Calls {
    reader: ReadHalf<Box<dyn Io>>,
    writer: WriteHalf<Box<dyn Io>>,
    head: Head,
    pending: VecDeque<(Option<CallId>, Call)>,
    in_flight: VecDeque<InFlight>,
    /// When the connection last got on: an answer came, or the first call after
    /// a pause went out.
    progress: Instant,
    write: BytesMut,
    /// Whether all that is no longer in `write` has reached the socket: a TLS
    /// connection has a buffer of its own.
    flushed: bool,
    read: BytesMut,
    body: Vec<u8>,
    encoder: Encoder,
}

impl Calls {
    pub(super) fn new(stream: Box<dyn Io>, head: Head) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            reader,
            writer,
            head,
            pending: VecDeque::new(),
            in_flight: VecDeque::new(),
            progress: Instant::now(),
            write: BytesMut::with_capacity(WRITE_AHEAD),
            flushed: true,
            read: BytesMut::with_capacity(16 << 10),
            body: Vec::new(),
            encoder: Encoder::default(),
        }
    }

    /// Calls that have not been answered.
    pub(super) fn unanswered(&self) -> usize {
        self.in_flight.len() + self.pending.len()
    }

    /// Since when the oldest call that is on its way waits without any answer.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        (!self.in_flight.is_empty()).then_some(self.progress)
    }

    pub(super) fn push(&mut self, calls: impl IntoIterator<Item = (CallId, Call)>) {
        let calls = calls.into_iter().map(|(id, call)| (Some(id), call));
        self.pending.extend(calls);
    }

    /// Encodes what may go out now.
    pub(super) fn encode(&mut self, framework: &FrameworkId, settings: &FrameworkSettings) {
        while self.write.len() < WRITE_AHEAD && self.in_flight.len() < IN_FLIGHT {
            let Some((id, call)) = self.pending.pop_front() else {
                return;
            };
            self.body.clear();
            self.encoder
                .encode(&call, framework, settings, &mut self.body);
            self.write.extend_from_slice(self.head.text.as_bytes());
            self.write
                .extend_from_slice(self.body.len().to_string().as_bytes());
            self.write.extend_from_slice(b"\r\n\r\n");
            self.write.extend_from_slice(&self.body);
            if self.in_flight.is_empty() {
                self.progress = Instant::now();
            }
            let if_refused = IfRefused::of(call);
            self.in_flight.push_back(InFlight { id, if_refused });
        }
    }

    /// Writes or reads, whichever can go on first, and returns what answers
    /// have changed. Safe to be dropped at any await.
    ///
    /// # Errors
    /// The connection broke, or the master does not speak HTTP.
    pub(super) async fn drive(&mut self) -> io::Result<Answers> {
        let Self {
            reader,
            writer,
            write,
            flushed,
            read,
            ..
        } = self;
        let waits = !write.is_empty() || !*flushed;
        // One step at a time: while it waits, answers must be read, and when it
        // is dropped, it must be tried again.
        let output = async {
            if write.is_empty() {
                writer.flush().await?;
                *flushed = true;
            } else {
                if writer.write_buf(write).await? == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                *flushed = false;
            }
            io::Result::Ok(())
        };
        tokio::select! {
            result = output, if waits => result?,
            got = reader.read_buf(read) => {
                if got? == 0 {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the master closed the connection for calls",
                    ));
                }
            }
        }
        self.answers()
    }

    fn answers(&mut self) -> io::Result<Answers> {
        let mut answers = Answers::default();
        while answers.over.is_none() && !self.read.is_empty() {
            let Some((status, body, length)) = parse(&self.read)? else {
                if self.read.len() > ANSWER_LIMIT {
                    return Err(bad(format!("an answer of more than {ANSWER_LIMIT} bytes")));
                }
                break;
            };
            self.read.advance(length);
            let call = self
                .in_flight
                .pop_front()
                .ok_or_else(|| bad(format!("an answer ({status}) that nobody asked for")))?;
            self.progress = Instant::now();
            match judge(status, &body) {
                Verdict::Taken => {}
                Verdict::Refused(why) => self.refused(call, why, &mut answers),
                Verdict::SessionOver(why) => answers.over = Some(why),
            }
        }
        Ok(answers)
    }

    fn refused(&mut self, call: InFlight, why: String, answers: &mut Answers) {
        match call.if_refused {
            IfRefused::Tell => {}
            IfRefused::GiveBack(offers) => {
                let refuse = REFUSE_GIVEN_BACK;
                let decline = Call::Decline { offers, refuse };
                self.pending.push_front((None, decline));
            }
            IfRefused::EndSession(name) => {
                answers.over = Some(format!("{name} was refused: {why}"));
            }
        }
        answers.refused.extend(call.id.map(|id| (id, why)));
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use tokio::io::BufStream;

    use super::*;

    /// A connection with a buffer of its own, as TLS has: what is written shows
    /// up only after a flush that may have to wait.
    #[tokio::test]
    async fn a_flush_that_was_interrupted_is_made_up_for() {
        let (client, mut master) = tokio::io::duplex(16);
        let stream = BufStream::with_capacity(4096, 4096, client);
        let mut calls = Calls::new(Box::new(stream), Head::new("h", "s", None));
        let settings = FrameworkSettings::new("n", "u", vec![]);
        calls.push([(CallId(1), Call::Teardown)]);
        calls.encode(&FrameworkId::from("fw"), &settings);
        let length = calls.write.len();
        // As an event of the stream would do again and again.
        for _ in 0..5 {
            let mut drive = Box::pin(calls.drive());
            std::future::poll_fn(|context| {
                let _ = drive.as_mut().poll(context);
                Poll::Ready(())
            })
            .await;
        }
        let mut request = vec![0; length];
        tokio::select! {
            read = master.read_exact(&mut request) => drop(read.unwrap()),
            () = async { while calls.drive().await.is_ok() {} } => panic!("the connection broke"),
            () = tokio::time::sleep(std::time::Duration::from_secs(20)) => panic!("not flushed"),
        }
        assert!(request.starts_with(b"POST /api/v1/scheduler HTTP/1.1\r\n"));
    }
}
