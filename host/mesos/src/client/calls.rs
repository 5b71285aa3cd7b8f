//! Calls over a connection of their own, pipelined: many requests are on their
//! way before the first answer, and answers come in the same order (R11).

use std::collections::VecDeque;
use std::io;

use bytes::{Buf, BytesMut};
use offerd_core::ids::FrameworkId;
use offerd_core::machine::CallId;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use super::connection::Io;
use crate::convert::{Encoder, FrameworkSettings};

/// Calls that may wait for their answers at a time. Enough for a burst of some
/// thousand offers; more would only fill buffers of the master.
const IN_FLIGHT: usize = 4096;

/// Bytes encoded ahead of the socket.
const WRITE_AHEAD: usize = 256 << 10;

/// Headers of an answer; a master sends about five.
const HEADERS: usize = 32;

/// Longest answer, head and body together.
const ANSWER_LIMIT: usize = 1 << 20;

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

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Taken, which is not done (R6).
    Taken(CallId),
    Refused(CallId, String),
    /// The master does not hold the subscription any more; nothing further can
    /// be sent in this session.
    SessionOver(String),
}

/// The connection for calls of one session.
pub(super) struct Calls {
    reader: ReadHalf<Box<dyn Io>>,
    writer: WriteHalf<Box<dyn Io>>,
    head: Head,
    pending: VecDeque<(CallId, offerd_core::call::Call)>,
    in_flight: VecDeque<CallId>,
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

    pub(super) fn push(
        &mut self,
        calls: impl IntoIterator<Item = (CallId, offerd_core::call::Call)>,
    ) {
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
            self.in_flight.push_back(id);
        }
    }

    /// Writes or reads, whichever can go on first, and returns the answers that
    /// are complete. Safe to be dropped at any await.
    ///
    /// # Errors
    /// The connection broke, or the master does not speak HTTP.
    pub(super) async fn drive(&mut self) -> io::Result<Vec<Answer>> {
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

    fn answers(&mut self) -> io::Result<Vec<Answer>> {
        let mut answers = Vec::new();
        while !self.read.is_empty() {
            let Some((status, body, length)) = parse(&self.read)? else {
                if self.read.len() > ANSWER_LIMIT {
                    return Err(bad(format!("an answer of more than {ANSWER_LIMIT} bytes")));
                }
                break;
            };
            self.read.advance(length);
            let id = self
                .in_flight
                .pop_front()
                .ok_or_else(|| bad(format!("an answer ({status}) that nobody asked for")))?;
            answers.push(judge(id, status, body));
        }
        Ok(answers)
    }
}

fn bad(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn judge(id: CallId, status: u16, body: String) -> Answer {
    let text = format!("{status} {body}");
    match status {
        200..=299 => Answer::Taken(id),
        // Another leads now, or the subscription is not this one any more (R5).
        307 | 403 | 404 | 503 => Answer::SessionOver(format!("a call was answered with {text}")),
        400 if body.contains("stream ID") || body.contains("Framework cannot be found") => {
            Answer::SessionOver(format!("a call was answered with {text}"))
        }
        401 => Answer::Refused(
            id,
            format!("the master does not accept the credentials: {text}"),
        ),
        _ => Answer::Refused(id, text),
    }
}

/// One whole answer: status, body, and its length in `bytes`.
fn parse(bytes: &[u8]) -> io::Result<Option<(u16, String, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let head = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(bad(format!("the answer is not HTTP: {error}"))),
    };
    let status = response.code.unwrap_or(0);
    let header = |name: &str| {
        response
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .and_then(|header| std::str::from_utf8(header.value).ok())
    };
    let rest = bytes.get(head..).unwrap_or_default();
    if header("Transfer-Encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
        return Ok(chunked(rest)?.map(|(body, length)| (status, body, head + length)));
    }
    let length = match header("Content-Length") {
        Some(text) => text
            .trim()
            .parse::<usize>()
            .map_err(|_| bad(format!("the answer's Content-Length is '{text}'")))?,
        None => 0,
    };
    if length > ANSWER_LIMIT {
        return Err(bad(format!("an answer of {length} bytes")));
    }
    Ok(rest.get(..length).map(|body| {
        (
            status,
            String::from_utf8_lossy(body).into_owned(),
            head + length,
        )
    }))
}

fn chunked(bytes: &[u8]) -> io::Result<Option<(String, usize)>> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let (head, size) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(bad("the answer has a chunk without a size".to_owned())),
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > ANSWER_LIMIT {
            return Err(bad(format!("an answer with a chunk of {size} bytes")));
        }
        // The chunk and the line end after it.
        let Some(chunk) = rest.get(head..head + size + 2) else {
            return Ok(None);
        };
        body.extend_from_slice(chunk.get(..size).unwrap_or_default());
        at += head + size + 2;
        if size == 0 {
            return Ok(Some((String::from_utf8_lossy(&body).into_owned(), at)));
        }
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
        calls.push([(CallId(1), offerd_core::call::Call::Teardown)]);
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

    #[test]
    fn answers_are_parsed_at_every_split() {
        let plain = "HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\n\r\nwrong";
        let chunks =
            "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        for (text, status, body) in [(plain, 400, "wrong"), (chunks, 202, "abc")] {
            for end in 0..text.len() {
                assert_eq!(parse(&text.as_bytes()[..end]).unwrap(), None, "{end}");
            }
            let two = format!("{text}HTTP/1.1 2");
            let found = parse(two.as_bytes()).unwrap().unwrap();
            assert_eq!(found, (status, body.to_owned(), text.len()));
        }
        assert!(parse(b"nonsense\r\n\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n").is_err());
    }

    #[test]
    fn r05_a_lost_subscription_ends_the_session_and_a_wrong_call_does_not() {
        let over = |status, body: &str| {
            matches!(
                judge(CallId(1), status, body.to_owned()),
                Answer::SessionOver(_)
            )
        };
        assert!(over(403, "Framework is not subscribed"));
        assert!(over(400, "Framework cannot be found"));
        assert!(over(
            400,
            "The stream ID 'X' included in this request didn't match"
        ));
        assert!(over(307, ""));
        assert!(over(503, "No leader elected"));
        assert!(!over(
            400,
            "Failed to validate scheduler::Call: Not a valid UUID"
        ));
        assert!(!over(202, ""));
    }
}
