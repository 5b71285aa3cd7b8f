//! Calls: in order, many at a time, each answer to its own.

use offerd_core::machine::{CallId, Session};
use offerd_mesos::Transport;

use crate::server::{Server, Tested, heartbeat, number, settings};

const TAKEN: &str = "202 Accepted";

#[tokio::test]
async fn r11_calls_do_not_wait_for_answers_and_keep_their_order() {
    const CALLS: u64 = 500;
    let server = Server::new().await;
    let mut client = Tested::start(settings(&[&server.address]));
    let (mut stream, mut calls) = server.subscribed().await;
    client.is_subscribed().await;
    client.send(1, 0..CALLS / 2);
    client.send(1, CALLS / 2..CALLS);
    // All of them come before one is answered.
    for id in 0..CALLS {
        let request = calls.request().await;
        assert_eq!(number(&request.call), id);
        assert_eq!(request.header("mesos-stream-id"), Some("stream-1"));
        assert_eq!(
            request.header("content-type"),
            Some("application/x-protobuf")
        );
        assert_eq!(request.call.framework_id.unwrap().value, "framework-1");
    }
    // The answers are matched in order; one in the middle says no.
    for id in 0..CALLS {
        match id {
            77 => calls.answer("400 Bad Request", "", "Invalid call").await,
            _ => calls.answer(TAKEN, "", "").await,
        }
    }
    match client.next().await {
        Transport::CallFailed {
            session: Session(1),
            call: CallId(77),
            why,
        } => {
            assert_eq!(why, "400 Invalid call");
        }
        other => panic!("{other:?}"),
    }
    stream.event(&heartbeat()).await;
    client.event().await;
}

#[tokio::test]
async fn calls_in_flight_are_bounded() {
    const CALLS: u64 = 6000;
    const BOUND: u64 = 4096;
    let server = Server::new().await;
    let mut client = Tested::start(settings(&[&server.address]));
    let (_stream, mut calls) = server.subscribed().await;
    client.is_subscribed().await;
    client.send(1, 0..CALLS);
    for id in 0..BOUND {
        assert_eq!(number(&calls.request().await.call), id);
    }
    for id in BOUND..CALLS {
        calls.answer(TAKEN, "", "").await;
        assert_eq!(number(&calls.request().await.call), id);
    }
}

#[tokio::test]
async fn answers_in_pieces_and_in_chunks_are_read() {
    let server = Server::new().await;
    let mut client = Tested::start(settings(&[&server.address]));
    let (_stream, mut calls) = server.subscribed().await;
    client.is_subscribed().await;
    client.send(1, [1, 2]);
    calls.request().await;
    calls.request().await;
    let text = "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n\
                HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nnope";
    for byte in text.as_bytes() {
        calls.write([*byte]).await;
    }
    for wanted in ["400 no", "500 nope"] {
        match client.next().await {
            Transport::CallFailed { why, .. } => assert_eq!(why, wanted),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn calls_of_an_older_session_are_not_sent() {
    let server = Server::new().await;
    let mut client = Tested::start(settings(&[&server.address]));
    let (stream, _calls) = server.subscribed().await;
    client.is_subscribed().await;
    drop(stream);
    client.disconnected().await;
    client.send(1, [1]);
    let (_stream, mut calls) = server.subscribed().await;
    client.is_subscribed().await;
    client.send(2, [2]);
    assert_eq!(number(&calls.request().await.call), 2);
}

#[tokio::test]
async fn r05_an_answer_that_ends_the_session_ends_it() {
    for (status, body) in [
        ("403 Forbidden", "Framework is not subscribed"),
        (
            "400 Bad Request",
            "The stream ID 'stream-1' included in this request didn't match",
        ),
        ("503 Service Unavailable", ""),
    ] {
        let server = Server::new().await;
        let mut client = Tested::start(settings(&[&server.address]));
        let (_stream, mut calls) = server.subscribed().await;
        client.is_subscribed().await;
        client.send(1, [1, 2]);
        calls.request().await;
        calls.answer(status, "", body).await;
        let reason = client.disconnected().await;
        assert!(
            reason.contains(&status[..3]) && reason.contains(body),
            "{reason}"
        );
        assert!(reason.contains("1 calls without an answer"), "{reason}");
        let _again = server.subscribed().await;
        client.is_subscribed().await;
    }
}

#[tokio::test]
async fn a_connection_for_calls_that_breaks_ends_the_session() {
    let server = Server::new().await;
    let mut client = Tested::start(settings(&[&server.address]));
    let (_stream, calls) = server.subscribed().await;
    client.is_subscribed().await;
    drop(calls);
    let reason = client.disconnected().await;
    assert!(reason.contains("connection for calls"), "{reason}");
    let (_stream, mut calls) = server.subscribed().await;
    client.is_subscribed().await;
    calls.write("nonsense\r\n\r\n").await;
    let reason = client.disconnected().await;
    assert!(reason.contains("not HTTP"), "{reason}");
}
