//! Answers to calls: cut out of the bytes, and judged.

use std::io;

/// Headers of an answer; a master sends about five.
const HEADERS: usize = 32;

/// Longest answer, head and body together.
pub(super) const ANSWER_LIMIT: usize = 1 << 20;

/// What an answer says of its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Taken, which is not done (R6).
    Taken,
    /// Not like this; the session goes on.
    Refused(String),
    /// The master does not hold the subscription any more; nothing further can
    /// be sent in this session.
    SessionOver(String),
}

/// Judges by the order of the master's checks (R5).
pub(super) fn judge(status: u16, body: &str) -> Verdict {
    let text = format!("{status} {body}");
    let over = match status {
        200..=299 => return Verdict::Taken,
        // Another leads now, or credentials are not what they were: all calls
        // would be answered so.
        307 | 401 | 404 | 503 => true,
        // A call that is not allowed has other words.
        403 => body.contains("not subscribed") || body.contains("not connected via HTTP"),
        400 => body.contains("stream ID") || body.contains("Framework cannot be found"),
        _ => false,
    };
    if over {
        Verdict::SessionOver(format!("a call was answered with {text}"))
    } else {
        Verdict::Refused(text)
    }
}

pub(super) fn bad(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// One whole answer: status, body, and its length in `bytes`.
pub(super) fn parse(bytes: &[u8]) -> io::Result<Option<(u16, String, usize)>> {
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
    use super::*;

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
        let over = |status, body| matches!(judge(status, body), Verdict::SessionOver(_));
        assert!(over(403, "Framework is not subscribed"));
        assert!(over(403, "Framework is not connected via HTTP"));
        assert!(over(400, "Framework cannot be found"));
        assert!(over(
            400,
            "The stream ID 'X' included in this request didn't match"
        ));
        assert!(over(307, ""));
        assert!(over(401, "401 Unauthorized."));
        assert!(over(503, "No leader elected"));
        assert!(!over(403, "Not authorized to use role 'a'"));
        assert!(!over(
            400,
            "Failed to validate scheduler::Call: Not a valid UUID"
        ));
        assert!(!over(202, ""));
    }
}
