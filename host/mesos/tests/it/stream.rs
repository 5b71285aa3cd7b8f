//! Events, whole and broken.

use mesos_v1 as wire;
use mesos_v1::scheduler as api;
use offerd_core::event::Event;
use offerd_core::machine::Session;
use offerd_mesos::Transport;
use prost::Message as _;

use crate::server::{Server, Tested, heartbeat, record, rescind, settings, subscribed};

#[tokio::test]
async fn events_arrive_in_order_however_they_are_cut() {
    let server = Server::new().await;
    let mut client = Tested::start(settings(&[&server.address]));
    let (mut stream, _calls) = server.subscribed().await;
    client.is_subscribed().await;
    let events = [rescind("O1"), heartbeat(), rescind("O2")];
    let bytes: Vec<u8> = events.iter().flat_map(record).collect();
    for cut in 1..bytes.len() {
        stream.chunk(&bytes[..cut]).await;
        stream.chunk(&bytes[cut..]).await;
        for wanted in [
            Event::Rescind("O1".into()),
            Event::Heartbeat,
            Event::Rescind("O2".into()),
        ] {
            assert_eq!(client.event().await, wanted);
        }
    }
    // And all in one.
    stream.chunk(&bytes.repeat(3)).await;
    for _ in 0..9 {
        client.event().await;
    }
}

#[tokio::test]
async fn an_unknown_event_is_handed_on() {
    let server = Server::new().await;
    let mut client = Tested::start(settings(&[&server.address]));
    let (mut stream, _calls) = server.subscribed().await;
    client.is_subscribed().await;
    stream
        .event(&api::Event {
            r#type: Some(77),
            ..api::Event::default()
        })
        .await;
    match client.event().await {
        Event::Unknown { kind: 77, .. } => {}
        other => panic!("{other:?}"),
    }
    stream.event(&heartbeat()).await;
    assert_eq!(client.event().await, Event::Heartbeat);
}

/// What the client says about bytes of a stream, after which it must subscribe
/// again.
async fn broken(bytes: &[u8]) -> String {
    let server = Server::new().await;
    let mut settings = settings(&[&server.address]);
    settings.record_limit = 1000;
    let mut client = Tested::start(settings);
    let (mut stream, _calls) = server.subscribed().await;
    client.is_subscribed().await;
    stream.chunk(bytes).await;
    stream.write("0\r\n\r\n").await;
    let reason = client.disconnected().await;
    let _again = server.subscribed().await;
    match client.next().await {
        Transport::Event {
            session: Session(2),
            event: Event::Subscribed { .. },
        } => {}
        other => panic!("{other:?}"),
    }
    reason
}

#[tokio::test]
async fn a_record_that_makes_no_sense_ends_the_session_with_a_message() {
    let update = |status: wire::TaskStatus| {
        record(&api::Event {
            r#type: Some(api::event::Type::Update as i32),
            update: Some(api::event::Update { status }),
            ..api::Event::default()
        })
    };
    let no_update = record(&api::Event {
        r#type: Some(api::event::Type::Update as i32),
        ..api::Event::default()
    });
    for (bytes, parts) in [
        (b"12x\n".to_vec(), ["record", "length"]),
        (b"99999999999999999999999\n".to_vec(), ["record", "length"]),
        (b"1001\n".to_vec(), ["1001", "1000"]),
        (b"3\n\xff\xff\xff".to_vec(), ["record", "event"]),
        (no_update, ["update", "missing"]),
        (update(wire::TaskStatus::default()), ["task_id", "missing"]),
        (b"100\nabc".to_vec(), ["ended", "record"]),
        (Vec::new(), ["the master ended", "stream"]),
    ] {
        // A chunk of no bytes would be the end already.
        let reason = if bytes.is_empty() {
            broken(b"").await
        } else {
            broken(&bytes).await
        };
        let text = reason.to_lowercase();
        assert!(
            parts.iter().all(|part| text.contains(part)),
            "{parts:?} for {:?}: {reason}",
            String::from_utf8_lossy(&bytes)
        );
    }
}

#[tokio::test]
async fn r09_a_stream_without_heartbeats_is_dead() {
    let server = Server::new().await;
    let mut client = Tested::start(settings(&[&server.address]));
    let mut stream = server.accept().await;
    stream.request().await;
    stream.start_stream("one").await;
    let _calls = server.accept().await;
    stream.event(&subscribed(0.01)).await;
    client.is_subscribed().await;
    let reason = client.disconnected().await;
    assert!(reason.contains("no heartbeat for 0.05 s"), "{reason}");
    let _again = server.subscribed().await;
    client.is_subscribed().await;
}

#[tokio::test]
async fn a_heartbeat_interval_that_is_none_does_no_harm() {
    for interval in [-1.0, f64::NAN, f64::INFINITY, 0.0] {
        let server = Server::new().await;
        let mut client = Tested::start(settings(&[&server.address]));
        let mut stream = server.accept().await;
        stream.request().await;
        stream.start_stream("one").await;
        let _calls = server.accept().await;
        stream.event(&subscribed(interval)).await;
        client.is_subscribed().await;
        stream.event(&rescind("O1")).await;
        assert_eq!(
            client.event().await,
            Event::Rescind("O1".into()),
            "{interval}"
        );
    }
}

#[tokio::test]
async fn r08_an_error_is_an_event() {
    let server = Server::new().await;
    let mut client = Tested::start(settings(&[&server.address]));
    let (mut stream, _calls) = server.subscribed().await;
    client.is_subscribed().await;
    let error = api::Event {
        r#type: Some(api::event::Type::Error as i32),
        error: Some(api::event::Error {
            message: "Framework failed over".into(),
        }),
        ..api::Event::default()
    };
    assert!(error.encoded_len() > 0);
    stream.event(&error).await;
    assert_eq!(
        client.event().await,
        Event::Error("Framework failed over".into())
    );
}
