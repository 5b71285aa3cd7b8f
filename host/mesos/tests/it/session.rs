//! How long a session lives.

use std::time::Duration;

use offerd_core::call::Call;
use offerd_core::event::Event;
use offerd_core::machine::{CallId, Session, Subscription};
use tokio::time::advance;

use crate::client::{Watched, contains, frozen, settings, within};
use crate::server::{self, Master, error, heartbeat, subscribed};

#[tokio::test]
async fn r09_missed_heartbeats_end_the_session() {
    within(async {
        let master = Master::bind().await;
        let mut settings = settings(&[&master]);
        settings.missed_heartbeats = 3;
        let mut client = Watched::start(settings);
        let mut session = master.subscription("stream-1").await;
        session.stream.event(&subscribed("fw", Some(0.01))).await;
        client.subscribed().await;
        let reason = client.disconnected().await;
        contains(&reason, "no heartbeat for 0.03 s");
        // R9: both connections are closed.
        session.stream.closed().await;
        session.calls.closed().await;
        let _session = master.session("stream-2").await;
        assert_eq!(client.subscribed().await, Session(2));
    })
    .await;
}

#[tokio::test]
async fn r09_each_event_puts_the_end_off() {
    frozen(async {
        let master = Master::bind().await;
        let mut settings = settings(&[&master]);
        settings.missed_heartbeats = 5;
        let mut client = Watched::start(settings);
        let mut session = master.subscription("stream-1").await;
        session.stream.event(&subscribed("fw", Some(1.0))).await;
        client.subscribed().await;
        for _ in 0..10 {
            advance(Duration::from_secs(4)).await;
            session.stream.event(&heartbeat()).await;
            assert_eq!(client.event().await.1, Event::Heartbeat);
        }
        advance(Duration::from_secs(6)).await;
        contains(&client.disconnected().await, "no heartbeat for 5 s");
    })
    .await;
}

/// A useless interval must neither end the session nor keep it for ever.
#[tokio::test]
async fn r09_an_interval_that_makes_no_sense_is_that_of_mesos() {
    let useless = [f64::NAN, -1.0, 0.0, f64::INFINITY].map(Some);
    for interval in useless.into_iter().chain([None]) {
        frozen(async {
            let master = Master::bind().await;
            let mut client = Watched::start(settings(&[&master]));
            let mut session = master.subscription("stream-1").await;
            session.stream.event(&subscribed("fw", interval)).await;
            client.subscribed().await;
            advance(Duration::from_secs(74)).await;
            session.stream.event(&heartbeat()).await;
            assert_eq!(client.event().await.1, Event::Heartbeat);
            advance(Duration::from_secs(76)).await;
            contains(&client.disconnected().await, "no heartbeat for 75 s");
        })
        .await;
        tokio::time::resume();
    }
}

#[tokio::test]
async fn r09_a_subscription_without_subscribed_is_given_up() {
    frozen(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut session = master.subscription("stream-1").await;
        // Not at once: the client may still be before the wait for events.
        let (warning, ()) = tokio::join!(client.warning(), async {
            for _ in 0..100 {
                advance(Duration::from_secs(1)).await;
            }
        });
        contains(&warning, "no heartbeat for 15 s");
        session.stream.closed().await;
    })
    .await;
}

#[tokio::test]
async fn r12_the_loss_of_either_connection_ends_both() {
    frozen(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let session = master.session("stream-1").await;
        client.subscribed().await;
        let mut stream = session.stream;
        drop(session.calls);
        // The stream is still read for a second, but no longer.
        stream.event(&heartbeat()).await;
        assert_eq!(client.event().await.1, Event::Heartbeat);
        advance(Duration::from_secs(2)).await;
        let reason = client.disconnected().await;
        contains(
            &reason,
            "the connection for calls broke: the master closed the connection",
        );
        stream.closed().await;

        advance(Duration::from_secs(1)).await;
        let session = master.session("stream-2").await;
        client.subscribed().await;
        let mut calls = session.calls;
        drop(session.stream);
        contains(&client.disconnected().await, "the stream broke");
        calls.closed().await;

        advance(Duration::from_secs(1)).await;
        let _session = master.session("stream-3").await;
        assert_eq!(client.subscribed().await, Session(3));
    })
    .await;
}

/// Who is failed over must not subscribe again. The stream says so, but the
/// answer to a call may come first.
#[tokio::test]
async fn r16_the_reason_on_the_stream_is_read_after_a_call_has_failed() {
    frozen(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut peers = master.session("stream-1").await;
        let session = client.subscribed().await;
        client
            .client
            .send(session, vec![(CallId(1), Call::Teardown)]);
        peers.calls.request().await;
        let body = "The stream ID 'X' included in this request didn't match";
        peers.calls.answer("400 Bad Request", &[], body).await;
        drop(peers.calls);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let why = "Framework failed over";
        peers.stream.event(&error(why)).await;
        peers.stream.end().await;
        let event = Event::Error(why.to_owned());
        assert_eq!(client.event().await, (session, event));
        contains(&client.disconnected().await, body);
    })
    .await;
}

/// Roles and constraints change while the service runs. A master that does not
/// like the new ones says so after 200, each time.
#[tokio::test]
async fn r08_a_refused_subscription_is_told_with_what_it_asked_for() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut peers = master.session("stream-1").await;
        client.subscribed().await;
        let mut wanted = Subscription::default();
        wanted.update.roles = vec!["a//b".into(), "web".into()];
        wanted.update.suppressed = vec!["web".into()];
        client.subscription.send_replace(wanted);
        peers.stream.end().await;
        client.disconnected().await;
        let mut peers = master.subscription("stream-2").await;
        let why = "'FrameworkInfo.roles' contains invalid role";
        peers.stream.event(&error(why)).await;
        peers.stream.end().await;
        assert_eq!(client.event().await.1, Event::Error(why.to_owned()));
        let warning = client.warning().await;
        contains(&warning, &format!("SUBSCRIBE is refused: {why}"));
        contains(
            &warning,
            "(it asks for the roles a//b, web; suppressed: web); trying again",
        );
    })
    .await;
}

#[tokio::test]
async fn calls_of_a_session_that_is_over_are_dropped() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut session = master.session("stream-1").await;
        let old = client.subscribed().await;
        client.client.send(old, vec![(CallId(1), Call::Teardown)]);
        session.calls.request().await;
        session.stream.end().await;
        let reason = client.disconnected().await;
        contains(
            &reason,
            "the master ended the stream (1 calls without an answer)",
        );
        client.client.send(old, vec![(CallId(2), Call::Teardown)]);

        let mut session = master.session("stream-2").await;
        let new = client.subscribed().await;
        client.client.send(old, vec![(CallId(3), Call::Teardown)]);
        let revive = Call::Revive { roles: vec![] };
        client.client.send(new, vec![(CallId(4), revive)]);
        let request = session.calls.request().await;
        assert_eq!(request.header("Mesos-Stream-Id"), Some("stream-2"));
        assert!(request.call().revive.is_some());
    })
    .await;
}

/// As [`Master::session`], for a client that waits from `shortest` to twice as
/// long.
async fn session_after(master: &Master, shortest: Duration) -> server::Subscription {
    advance(shortest - Duration::from_millis(2)).await;
    tokio::select! {
        biased;
        _ = master.accept() => panic!("it did not wait for {shortest:?}"),
        () = async { for _ in 0..50 { tokio::task::yield_now().await } } => {}
    }
    advance(shortest + Duration::from_millis(4)).await;
    master.session("stream").await
}

/// A master that accepts and dies at once is not asked in a hot loop.
#[tokio::test]
async fn r12_waits_grow_until_a_session_lasts() {
    frozen(async {
        let master = Master::bind().await;
        let mut settings = settings(&[&master]);
        settings.backoff = (Duration::from_secs(1), Duration::from_secs(10));
        let mut client = Watched::start(settings);
        let mut session = master.session("stream").await;
        for shortest in [500, 1000, 2000, 4000, 5000, 5000] {
            client.subscribed().await;
            // A master sends it at once; it says nothing of what comes then.
            session.stream.event(&heartbeat()).await;
            assert_eq!(client.event().await.1, Event::Heartbeat);
            session.stream.end().await;
            client.disconnected().await;
            session = session_after(&master, Duration::from_millis(shortest)).await;
        }
        client.subscribed().await;
        advance(Duration::from_secs(5)).await;
        session.stream.end().await;
        client.disconnected().await;
        session_after(&master, Duration::from_millis(500)).await;
        client.subscribed().await;
    })
    .await;
}
