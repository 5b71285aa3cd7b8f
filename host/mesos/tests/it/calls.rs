//! Calls: in order, pipelined, and each answer with the call it belongs to.

use std::time::Duration;

use mesos_v1::scheduler as api;
use offerd_core::call::Call;
use offerd_core::event::Event;
use offerd_core::machine::{CallId, Session};
use offerd_mesos::Transport;
use tokio::time::advance;

use crate::client::{Watched, contains, frozen, settings, within};
use crate::server::{Master, PROTOBUF, answer, heartbeat, subscribed};

const TAKEN: &str = "202 Accepted";

/// A call that its data tells from others.
fn message(number: u64) -> Call {
    Call::Message {
        agent: "a".into(),
        executor: "e".into(),
        data: number.to_string().into_bytes(),
    }
}

fn messages(numbers: std::ops::RangeInclusive<u64>) -> Vec<(CallId, Call)> {
    numbers.map(|n| (CallId(n), message(n))).collect()
}

fn number(call: &api::Call) -> u64 {
    let data = call.message.as_ref().unwrap().data.clone();
    String::from_utf8(data).unwrap().parse().unwrap()
}

impl Watched {
    /// The next message, which must be a failed call.
    async fn failed(&mut self) -> (CallId, String) {
        match self.next().await {
            Transport::CallFailed { call, why, .. } => (call, why),
            other => panic!("expected CallFailed, got {other:?}"),
        }
    }
}

#[tokio::test]
async fn r04_r11_calls_are_pipelined_in_order_with_the_stream_id() {
    within(async {
        let master = Master::bind().await;
        let mut settings = settings(&[&master]);
        settings.credentials = Some(("p".to_owned(), "s".to_owned()));
        let mut client = Watched::start(settings);
        let mut peers = master.session("stream-1").await;
        let session = client.subscribed().await;
        client.client.send(session, messages(1..=20));
        client.client.send(session, messages(21..=30));
        for expected in 1..=30 {
            // No answer so far.
            let request = peers.calls.request().await;
            assert_eq!(request.line, "POST /api/v1/scheduler HTTP/1.1");
            assert_eq!(request.header("Host"), Some(master.text().as_str()));
            assert_eq!(request.header("Content-Type"), Some(PROTOBUF));
            assert_eq!(request.header("Accept"), Some(PROTOBUF));
            assert_eq!(request.header("Mesos-Stream-Id"), Some("stream-1"));
            // "p:s" in base64.
            assert_eq!(request.header("Authorization"), Some("Basic cDpz"));
            let call = request.call();
            assert_eq!(number(&call), expected);
            assert_eq!(call.r#type, Some(api::call::Type::Message as i32));
            assert_eq!(call.framework_id.unwrap().value, "fw");
        }
        let mut answers = String::new();
        for n in 1..=30 {
            answers += &match n {
                13 => answer(
                    "400 Bad Request",
                    &[],
                    "Failed to validate scheduler::Call: x",
                ),
                // As chunks, which a master may choose.
                17 => "HTTP/1.1 500 Internal Server Error\r\nTransfer-Encoding: chunked\r\n\r\n\
                       3\r\noop\r\n1\r\ns\r\n0\r\n\r\n"
                    .to_owned(),
                // UPDATE_FRAMEWORK is answered so.
                20 => answer("200 OK", &[], ""),
                30 => answer("403 Forbidden", &[], "Not authorized to use role 'a'"),
                _ => answer(TAKEN, &[("Date", "now")], ""),
            };
        }
        // At no good place.
        for piece in answers.as_bytes().chunks(101) {
            peers.calls.send(piece).await;
        }
        let why = "400 Failed to validate scheduler::Call: x";
        assert_eq!(client.failed().await, (CallId(13), why.to_owned()));
        assert_eq!(client.failed().await, (CallId(17), "500 oops".to_owned()));
        let (call, why) = client.failed().await;
        assert_eq!(call, CallId(30));
        contains(&why, "403 Not authorized");
        peers.stream.event(&heartbeat()).await;
        assert_eq!(client.event().await, (session, Event::Heartbeat));
    })
    .await;
}

/// More than may be in flight, and more bytes than the sockets take: nothing
/// is lost, and the stream is read all the time (R10).
#[tokio::test]
async fn r10_r11_a_master_that_does_not_read_stops_nothing_else() {
    const CALLS: u64 = 6000;
    const SIZE: usize = 2000;
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut peers = master.session("stream-1").await;
        let session = client.subscribed().await;
        let calls = messages(1..=CALLS).into_iter().map(|(id, mut call)| {
            if let Call::Message { data, .. } = &mut call {
                data.resize(SIZE, b' ');
            }
            (id, call)
        });
        client.client.send(session, calls.collect());
        for _ in 0..1000 {
            peers.stream.event(&heartbeat()).await;
            assert_eq!(client.event().await, (session, Event::Heartbeat));
        }
        for expected in 1..=CALLS {
            let call = peers.calls.request().await.call();
            let data = String::from_utf8(call.message.unwrap().data).unwrap();
            assert_eq!(data.len(), SIZE);
            assert_eq!(data.trim_end().parse::<u64>().unwrap(), expected);
            let status = if expected == CALLS {
                "400 Bad Request"
            } else {
                TAKEN
            };
            peers.calls.answer(status, &[], "last").await;
        }
        assert_eq!(client.failed().await.0, CallId(CALLS));
    })
    .await;
}

/// More would only fill the buffers of the master.
#[tokio::test]
async fn r11_calls_in_flight_are_bounded() {
    const BOUND: u64 = 4096;
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut peers = master.session("stream-1").await;
        let session = client.subscribed().await;
        client.client.send(session, messages(1..=BOUND + 10));
        for expected in 1..=BOUND {
            assert_eq!(number(&peers.calls.request().await.call()), expected);
        }
        // If the client would send more, it would have before it sees this.
        peers.stream.event(&heartbeat()).await;
        client.event().await;
        for expected in BOUND + 1..=BOUND + 10 {
            tokio::select! {
                biased;
                request = peers.calls.request() => panic!("one too many: {request:?}"),
                () = tokio::task::yield_now() => {}
            }
            peers.calls.answer(TAKEN, &[], "").await;
            assert_eq!(number(&peers.calls.request().await.call()), expected);
        }
    })
    .await;
}

/// They wait for SUBSCRIBED, which brings the framework's id.
#[tokio::test]
async fn calls_before_subscribed_wait_for_the_id() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut peers = master.subscription("stream-1").await;
        peers.stream.event(&heartbeat()).await;
        assert_eq!(client.event().await, (Session(1), Event::Heartbeat));
        client.client.send(Session(1), messages(1..=1));
        peers.stream.event(&subscribed("late", None)).await;
        let call = peers.calls.request().await.call();
        assert_eq!(call.framework_id.unwrap().value, "late");
    })
    .await;
}

#[tokio::test]
async fn r05_an_answer_that_ends_the_subscription_ends_the_session() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        for (status, body) in [
            ("307 Temporary Redirect", ""),
            ("401 Unauthorized", "no"),
            ("403 Forbidden", "Framework is not subscribed"),
            ("403 Forbidden", "Framework is not connected via HTTP"),
            ("404 Not Found", ""),
            ("503 Service Unavailable", "No leader elected"),
            ("400 Bad Request", "Framework cannot be found"),
            (
                "400 Bad Request",
                "The stream ID 'X' included in this request didn't match the stream ID currently \
                 associated with framework ID F",
            ),
        ] {
            let mut peers = master.session("stream").await;
            let session = client.subscribed().await;
            client.client.send(session, messages(1..=4));
            for _ in 1..=4 {
                peers.calls.request().await;
            }
            // A refusal in the same packet is told all the same.
            let answers = [
                answer(TAKEN, &[], ""),
                answer("400 Bad Request", &[], "wrong"),
                answer(status, &[], body),
            ];
            peers.calls.send(answers.concat().as_bytes()).await;
            assert_eq!(client.failed().await, (CallId(2), "400 wrong".to_owned()));
            peers.stream.end().await;
            let reason = client.disconnected().await;
            let code = &status[..3];
            contains(&reason, &format!("a call was answered with {code} {body}"));
            contains(&reason, "(1 calls without an answer)");
            peers.stream.closed().await;
        }
    })
    .await;
}

/// The machine has forgotten the offers of a launch that was refused; the master
/// would hold them for ever.
#[tokio::test]
async fn r23_offers_of_a_refused_accept_are_given_back() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut peers = master.session("stream-1").await;
        let session = client.subscribed().await;
        let accept = Call::Accept {
            offers: vec!["o1".into(), "o2".into()],
            operations: vec![],
            refuse: 60.0,
        };
        client.client.send(session, vec![(CallId(1), accept)]);
        client.client.send(session, messages(2..=2));
        peers.calls.request().await;
        peers.calls.request().await;
        let refused = answer("400 Bad Request", &[], "no");
        peers.calls.send(refused.as_bytes()).await;
        assert_eq!(client.failed().await, (CallId(1), "400 no".to_owned()));
        let decline = peers.calls.request().await.call().decline.unwrap();
        let ids: Vec<&str> = decline
            .offer_ids
            .iter()
            .map(|id| id.value.as_str())
            .collect();
        assert_eq!(ids, ["o1", "o2"]);
        assert_eq!(decline.filters.unwrap().refuse_seconds, Some(5.0));
        let answers = [answer(TAKEN, &[], ""), answer(TAKEN, &[], "")].concat();
        peers.calls.send(answers.as_bytes()).await;
        peers.stream.event(&heartbeat()).await;
        assert_eq!(client.event().await, (session, Event::Heartbeat));
    })
    .await;
}

/// Of these the machine would think that they were done.
#[tokio::test]
async fn r12_a_refusal_that_nothing_makes_up_for_ends_the_session() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let decline = Call::Decline {
            offers: vec!["o".into()],
            refuse: 60.0,
        };
        for (call, name) in [
            (decline, "DECLINE"),
            (Call::Revive { roles: vec![] }, "REVIVE"),
            (Call::Suppress { roles: vec![] }, "SUPPRESS"),
        ] {
            let mut peers = master.session("stream").await;
            let session = client.subscribed().await;
            client.client.send(session, vec![(CallId(1), call)]);
            peers.calls.request().await;
            peers
                .calls
                .answer("500 Internal Server Error", &[], "oops")
                .await;
            assert_eq!(client.failed().await, (CallId(1), "500 oops".to_owned()));
            peers.stream.end().await;
            let reason = client.disconnected().await;
            contains(&reason, &format!("{name} was refused: 500 oops"));
        }
    })
    .await;
}

/// Something between may drop an idle connection without a word.
#[tokio::test]
async fn r12_calls_that_get_no_answer_end_the_session() {
    frozen(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut peers = master.session("stream-1").await;
        let session = client.subscribed().await;
        client.client.send(session, messages(1..=2));
        peers.calls.request().await;
        peers.calls.request().await;
        advance(Duration::from_secs(29)).await;
        // Slow, but alive. The heartbeat shows that the answer was read.
        peers.calls.answer(TAKEN, &[], "").await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        peers.stream.event(&heartbeat()).await;
        assert_eq!(client.event().await.1, Event::Heartbeat);
        advance(Duration::from_secs(29)).await;
        peers.stream.event(&heartbeat()).await;
        assert_eq!(client.event().await.1, Event::Heartbeat);
        let reason = client.disconnected_later().await;
        contains(&reason, "no answer to a call for 30 s");
        contains(&reason, "(1 calls without an answer)");
    })
    .await;
}

#[tokio::test]
async fn a_client_that_is_closed_sends_what_it_was_given() {
    const LIMIT: Duration = Duration::from_secs(3600);
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut peers = master.session("stream-1").await;
        let session = client.subscribed().await;
        client.client.send(session, messages(1..=2));
        let closed = tokio::spawn(client.client.close(LIMIT));
        for expected in 1..=2 {
            assert_eq!(number(&peers.calls.request().await.call()), expected);
            assert!(!closed.is_finished());
            peers.calls.answer(TAKEN, &[], "").await;
        }
        closed.await.unwrap();
        peers.stream.closed().await;
        assert!(peers.calls.closed().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_client_without_a_session_is_closed_at_once() {
    const LIMIT: Duration = Duration::from_secs(3600);
    within(async {
        let master = Master::bind().await;
        let client = Watched::start(settings(&[&master]));
        let (mut peer, _calls) = master.accept_both().await;
        peer.request().await;
        client.client.close(LIMIT).await;
        let mut settings = settings(&[&master]);
        settings.backoff = (LIMIT, LIMIT);
        let mut client = Watched::start(settings);
        master.answer("503 Service Unavailable", &[], "no").await;
        client.warning().await;
        client.client.close(LIMIT).await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_ends_the_session_and_is_named() {
    frozen(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let head = "HTTP/1.1 202 Accepted\r\n";
        for (bytes, message) in [
            ("SSH-2.0\r\n\r\n".to_owned(), "the answer is not HTTP"),
            (
                format!("{head}Content-Length: ten\r\n\r\n"),
                "Content-Length is 'ten'",
            ),
            (
                format!("{head}Content-Length: 10000000\r\n\r\n"),
                "an answer of 10000000 bytes",
            ),
            (
                format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
                "a chunk without a size",
            ),
            (
                format!("{head}Transfer-Encoding: chunked\r\n\r\nffffff\r\n"),
                "a chunk of 16777215 bytes",
            ),
            (
                format!("{head}X: {}", "x".repeat(2 << 20)),
                "an answer of more than 1048576 bytes",
            ),
            (
                [answer(TAKEN, &[], ""), answer(TAKEN, &[], "")].concat(),
                "an answer (202) that nobody asked for",
            ),
        ] {
            let mut peers = master.session("stream").await;
            let session = client.subscribed().await;
            client.client.send(session, messages(1..=1));
            peers.calls.request().await;
            peers.calls.try_send(bytes.as_bytes()).await;
            let reason = client.disconnected_later().await;
            advance(Duration::from_secs(1)).await;
            contains(&reason, "the connection for calls broke: ");
            contains(&reason, message);
        }
    })
    .await;
}
