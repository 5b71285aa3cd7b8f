//! From the first connection to an accepted SUBSCRIBE: what is asked, where,
//! and what the client makes of each refusal.

use mesos_v1::scheduler as api;
use offerd_core::ids::{FrameworkId, Role};
use offerd_core::machine::Subscription;
use offerd_core::policy::{Codec as _, Encoded};
use offerd_mesos::ProtobufCodec;
use prost::Message;
use tokio::net::TcpSocket;

use crate::client::{Watched, contains, frozen, later, settings, within};
use crate::server::{Master, PROTOBUF, heartbeat};

const LOCATION: &str = "Location";

#[tokio::test]
async fn r01_r02_r04_r13_the_first_subscribe_is_as_the_master_wants_it() {
    within(async {
        let master = Master::bind().await;
        let mut settings = settings(&[&master]);
        settings.framework.principal = Some("p".to_owned());
        settings.credentials = Some(("p".to_owned(), "s:ecret".to_owned()));
        let mut client = Watched::start(settings);
        let session = master.session("stream-1").await;
        let request = &session.request;
        assert_eq!(request.line, "POST /api/v1/scheduler HTTP/1.1");
        assert_eq!(request.header("Host"), Some(master.text().as_str()));
        assert_eq!(request.header("Content-Type"), Some(PROTOBUF));
        assert_eq!(request.header("Accept"), Some(PROTOBUF));
        assert_eq!(request.header("Mesos-Stream-Id"), None);
        // "p:s:ecret" in base64.
        assert_eq!(request.header("Authorization"), Some("Basic cDpzOmVjcmV0"));

        let call = request.call();
        assert_eq!(call.r#type, Some(api::call::Type::Subscribe as i32));
        assert_eq!(call.framework_id, None);
        let info = call.subscribe.unwrap().framework_info;
        assert_eq!(info.id, None);
        assert_eq!((info.name.as_str(), info.user.as_str()), ("it", "root"));
        assert_eq!(info.roles, ["batch", "web"]);
        assert_eq!(info.principal.as_deref(), Some("p"));
        assert_eq!(info.checkpoint, Some(true));
        assert!(info.failover_timeout > Some(0.0));
        client.subscribed().await;
    })
    .await;
}

#[tokio::test]
async fn without_credentials_there_is_no_authorization() {
    within(async {
        let master = Master::bind().await;
        let _client = Watched::start(settings(&[&master]));
        let session = master.session("stream-1").await;
        assert_eq!(session.request.header("Authorization"), None);
    })
    .await;
}

#[tokio::test]
async fn r13_a_subscription_again_carries_the_id_and_what_policies_have_set() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut session = master.session("stream-1").await;
        client.subscribed().await;
        let mut wanted = Subscription {
            framework_id: Some(FrameworkId::from("fw")),
            ..Subscription::default()
        };
        wanted.update.suppressed = vec![Role::from("web")];
        let written = Encoded::Json(
            r#"{"user":"ignored","name":"ignored","labels":{"labels":[{"key":"a"}]}}"#.to_owned(),
        );
        let update = ProtobufCodec.update(Some(&written), None).unwrap();
        wanted.update.info = update.framework.map(|(info, _)| info);
        client.subscription.send_replace(wanted);
        session.stream.end().await;
        client.disconnected().await;

        let session = master.session("stream-2").await;
        assert_eq!(session.request.header("Mesos-Stream-Id"), None);
        let call = session.request.call();
        let subscribe = call.subscribe.unwrap();
        assert_eq!(call.framework_id.unwrap().value, "fw");
        assert_eq!(subscribe.framework_info.id.unwrap().value, "fw");
        assert_eq!(subscribe.framework_info.name, "it");
        assert_eq!(subscribe.framework_info.labels.unwrap().labels[0].key, "a");
        assert_eq!(subscribe.suppressed_roles, ["web"]);
        client.subscribed().await;
    })
    .await;
}

/// The machine may not have seen SUBSCRIBED yet when the stream breaks; a
/// SUBSCRIBE without the id would make a second framework.
#[tokio::test]
async fn r14_an_id_once_given_is_never_forgotten() {
    within(async {
        let master = Master::bind().await;
        let _client = Watched::start(settings(&[&master]));
        let mut session = master.session("stream-1").await;
        session.stream.end().await;
        let session = master.session("stream-2").await;
        let call = session.request.call();
        assert_eq!(call.framework_id.unwrap().value, "fw");
        let info = call.subscribe.unwrap().framework_info;
        assert_eq!(info.id.unwrap().value, "fw");
    })
    .await;
}

#[tokio::test]
async fn r07_redirects_of_all_forms_lead_to_the_leader() {
    within(async {
        let follower = Master::bind().await;
        let leader = Master::bind().await;
        let address = leader.text();
        for location in [
            format!("//{address}/master/api/v1/scheduler"),
            format!("//{address}"),
            format!("http://{address}/api/v1/scheduler"),
            address.clone(),
        ] {
            let mut client = Watched::start(settings(&[&follower]));
            let to = [(LOCATION, location.as_str())];
            follower.answer("307 Temporary Redirect", &to, "").await;
            let session = leader.session("stream-1").await;
            assert_eq!(session.request.header("Host"), Some(address.as_str()));
            client.subscribed().await;
        }
    })
    .await;
}

#[tokio::test]
async fn r07_a_redirect_without_end_is_given_up_and_tried_again_later() {
    within(async {
        let (a, b) = (Master::bind().await, Master::bind().await);
        let mut client = Watched::start(settings(&[&a]));
        for _ in 0..2 {
            // The first request and five redirects.
            for (here, there) in [(&a, &b), (&b, &a), (&a, &b), (&b, &a), (&a, &b), (&b, &a)] {
                let location = format!("//{}/master/api/v1/scheduler", there.text());
                let to = [(LOCATION, location.as_str())];
                here.answer("307 Temporary Redirect", &to, "").await;
            }
            let warning = client.warning().await;
            let text = format!("{} redirects to {}, and so on", b.text(), a.text());
            contains(&warning, &text);
            contains(&warning, "trying again");
        }
        let _session = a.session("stream-1").await;
        client.subscribed().await;
    })
    .await;
}

#[tokio::test]
async fn r07_a_redirect_to_nowhere_is_told() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let to = [(LOCATION, "/api/v1/scheduler")];
        master.answer("307 Temporary Redirect", &to, "").await;
        contains(&client.warning().await, "a redirect to nowhere: ''");
        master.answer("307 Temporary Redirect", &[], "").await;
        contains(&client.warning().await, "a redirect without a Location");
        let _session = master.session("stream-1").await;
        client.subscribed().await;
    })
    .await;
}

/// A follower names the dead leader until its session in ZooKeeper ends.
#[tokio::test]
async fn r07_a_redirect_to_a_dead_leader_is_tried_again_from_the_list() {
    within(async {
        // Bound and not listening: refuses, and nobody else gets the port.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let dead = socket.local_addr().unwrap().to_string();
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let location = format!("//{dead}/master/api/v1/scheduler");
        let to = [(LOCATION, location.as_str())];
        master.answer("307 Temporary Redirect", &to, "").await;
        let warning = client.warning().await;
        contains(&warning, &format!("master {dead}: no connection"));
        let _session = master.session("stream-1").await;
        client.subscribed().await;
    })
    .await;
}

#[tokio::test]
async fn r07_a_master_that_is_not_ready_is_asked_again() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        for (status, body, warning) in [
            (
                "503 Service Unavailable",
                "No leader elected",
                "not ready (503 No leader elected)",
            ),
            ("404 Not Found", "", "not ready (404 )"),
            (
                "500 Internal Server Error",
                "oops",
                "SUBSCRIBE failed: 500 oops",
            ),
            (
                "503 Service Unavailable",
                "recovery",
                "not ready (503 recovery)",
            ),
        ] {
            master.answer(status, &[], body).await;
            let text = client.warning().await;
            contains(&text, warning);
            contains(&text, &master.text());
        }
        let _session = master.session("stream-1").await;
        client.subscribed().await;
    })
    .await;
}

#[tokio::test]
async fn masters_of_a_list_are_tried_in_turn() {
    within(async {
        let (a, b, c) = (
            Master::bind().await,
            Master::bind().await,
            Master::bind().await,
        );
        let mut client = Watched::start(settings(&[&a, &b, &c]));
        for master in [&a, &b, &c, &a] {
            master.answer("503 Service Unavailable", &[], "no").await;
            contains(
                &client.warning().await,
                &format!("master {}:", master.text()),
            );
        }
        let mut session = b.session("stream-1").await;
        client.subscribed().await;
        // After a session the same master comes first, then the list goes on.
        session.stream.end().await;
        client.disconnected().await;
        b.answer("503 Service Unavailable", &[], "no").await;
        client.warning().await;
        let _session = c.session("stream-2").await;
        client.subscribed().await;
    })
    .await;
}

#[tokio::test]
async fn wrong_credentials_are_fatal_and_say_what_to_check() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let realm = [("WWW-Authenticate", "Basic realm=\"mesos-master-scheduler\"")];
        master
            .answer("401 Unauthorized", &realm, "401 Unauthorized.")
            .await;
        let text = client.fatal().await;
        contains(&text, &format!("master {}", master.text()));
        contains(&text, "does not accept the credentials");
        contains(&text, "check [mesos.credentials]");
    })
    .await;
}

#[tokio::test]
async fn a_refused_subscribe_is_fatal_with_the_masters_words() {
    within(async {
        for (status, body) in [
            ("400 Bad Request", "Failed to validate scheduler::Call: x"),
            ("403 Forbidden", "Framework is not allowed"),
            (
                "415 Unsupported Media Type",
                "Expecting 'Content-Type' of y",
            ),
        ] {
            let master = Master::bind().await;
            let mut client = Watched::start(settings(&[&master]));
            master.answer(status, &[], body).await;
            let text = client.fatal().await;
            contains(
                &text,
                &format!("SUBSCRIBE is refused: {} {body}", &status[..3]),
            );
            contains(&text, &master.text());
        }
    })
    .await;
}

/// What was once accepted is not wrong; a master may be halfway up.
#[tokio::test]
async fn after_a_session_a_refusal_is_a_warning() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut session = master.session("stream-1").await;
        client.subscribed().await;
        session.stream.end().await;
        client.disconnected().await;
        for status in ["401 Unauthorized", "403 Forbidden", "400 Bad Request"] {
            master.answer(status, &[], "no").await;
            contains(&client.warning().await, &status[..3]);
        }
        let _session = master.session("stream-2").await;
        client.subscribed().await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_no_stream_of_events_is_told() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        for (headers, warning) in [
            (
                &[
                    ("Mesos-Stream-Id", "s"),
                    ("Content-Type", "application/json"),
                ][..],
                "the stream is application/json; expected application/x-protobuf",
            ),
            (
                &[("Mesos-Stream-Id", "s")],
                "the stream is of no type; expected",
            ),
            (
                &[("Content-Type", PROTOBUF)],
                "no Mesos-Stream-Id; is this a Mesos master?",
            ),
        ] {
            master.answer("200 OK", headers, "").await;
            contains(&client.warning().await, warning);
        }
        let (mut peer, calls) = master.accept_both().await;
        peer.request().await;
        peer.send(b"SSH-2.0-OpenSSH_9.9\r\n").await;
        contains(&client.warning().await, "SUBSCRIBE was not answered: ");
        drop((peer, calls));
        drop(master.accept_both().await);
        contains(&client.warning().await, "SUBSCRIBE was not answered: ");
        let _session = master.session("stream-1").await;
        client.subscribed().await;
    })
    .await;
}

#[tokio::test]
async fn a_master_that_does_not_answer_is_left() {
    frozen(async {
        let (silent, master) = (Master::bind().await, Master::bind().await);
        let mut client = Watched::start(settings(&[&silent, &master]));
        let (mut peer, _calls) = silent.accept_both().await;
        peer.request().await;
        contains(
            &later(client.warning()).await,
            "no answer to SUBSCRIBE within 10 s",
        );
        peer.closed().await;
        let _session = later(master.session("stream-1")).await;
        client.subscribed().await;
    })
    .await;
}

#[tokio::test]
async fn a_dropped_client_closes_its_connections_and_says_nothing() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut session = master.session("stream-1").await;
        client.subscribed().await;
        session.stream.event(&heartbeat()).await;
        client.event().await;
        drop(client);
        assert!(session.calls.closed().await.is_empty());
        session.stream.closed().await;
    })
    .await;
}

/// The body that the settings make is that on the wire.
#[tokio::test]
async fn the_subscribe_of_the_settings_is_sent() {
    within(async {
        let master = Master::bind().await;
        let mut settings = settings(&[&master]);
        settings.framework.gpus = true;
        settings.framework.labels = vec![("team".to_owned(), "a".to_owned())];
        let expected = settings.framework.subscribe(&Subscription::default());
        let _client = Watched::start(settings);
        let session = master.session("stream-1").await;
        assert_eq!(session.request.body, expected);
        let call = api::Call::decode(expected.as_slice()).unwrap();
        let info = call.subscribe.unwrap().framework_info;
        use mesos_v1::framework_info::capability::Type;
        let capability = |kind: Type| {
            info.capabilities
                .iter()
                .any(|c| c.r#type == Some(kind as i32))
        };
        assert!(capability(Type::GpuResources) && capability(Type::PartitionAware));
        assert!(capability(Type::ReservationRefinement) && !capability(Type::RevocableResources));
    })
    .await;
}
