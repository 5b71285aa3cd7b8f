//! What comes on the stream: in order however it is cut, and each kind of
//! nonsense named.

use mesos_v1::{self as wire, scheduler as api};
use offerd_core::event::Event;
use offerd_core::ids::OfferId;
use offerd_core::machine::Session;
use offerd_mesos::Transport;

use crate::client::{Watched, contains, settings, within};
use crate::server::{Master, error, heartbeat, kind, record, rescind, subscribed};

fn unknown(number: i32) -> api::Event {
    api::Event {
        r#type: Some(number),
        ..api::Event::default()
    }
}

#[tokio::test]
async fn r03_events_come_in_order_wherever_the_stream_is_cut() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut peers = master.session("stream-1").await;
        let session = client.subscribed().await;
        let bytes = [
            record(&rescind("first")),
            record(&heartbeat()),
            // Longer than 99 bytes, so that its length has three digits.
            record(&rescind(&"second".repeat(20))),
            record(&unknown(0)),
        ]
        .concat();
        let details = mesos_v1::json::to_string(&unknown(0));
        let expected = [
            Event::Rescind(OfferId::from("first")),
            Event::Heartbeat,
            Event::Rescind(OfferId::from("second".repeat(20))),
            Event::Unknown { kind: 0, details },
        ];
        for cut in 0..=bytes.len() {
            let (before, after) = bytes.split_at(cut);
            peers.stream.chunk(before).await;
            peers.stream.chunk(after).await;
            for event in &expected {
                assert_eq!(client.event().await, (session, event.clone()), "{cut}");
            }
        }
        for byte in &bytes {
            peers.stream.chunk(&[*byte]).await;
        }
        for event in &expected {
            assert_eq!(client.event().await, (session, event.clone()));
        }
        peers.stream.chunk(&bytes.repeat(100)).await;
        for _ in 0..100 {
            for event in &expected {
                assert_eq!(client.event().await, (session, event.clone()));
            }
        }
    })
    .await;
}

/// Also a whole chunk of the transport may come in pieces.
#[tokio::test]
async fn r03_the_first_event_may_come_with_the_head_and_in_pieces() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let (mut stream, _calls) = master.accept_both().await;
        stream.request().await;
        let event = record(&subscribed("fw", None));
        let mut answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nMesos-Stream-Id: 1\r\n\
            Content-Type: application/x-protobuf\r\n\r\n"
            .to_vec();
        answer.extend(format!("{:x}\r\n", event.len()).into_bytes());
        answer.extend(event);
        answer.extend(b"\r\n");
        for piece in answer.chunks(7) {
            stream.send(piece).await;
        }
        let (session, event) = client.event().await;
        assert_eq!(session, Session(1));
        let Event::Subscribed { framework_id, .. } = event else {
            panic!("{event:?}");
        };
        assert_eq!(framework_id.as_str(), "fw");
    })
    .await;
}

#[tokio::test]
async fn every_kind_of_event_arrives() {
    within(async {
        use api::event::{self, Type};
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut peers = master.session("stream-1").await;
        client.subscribed().await;
        let id = |value: &str| wire::AgentId {
            value: value.to_owned(),
        };
        let executor_id = wire::ExecutorId {
            value: "e".to_owned(),
        };
        let events = [
            api::Event {
                offers: Some(event::Offers { offers: vec![] }),
                ..kind(Type::Offers)
            },
            api::Event {
                inverse_offers: Some(event::InverseOffers {
                    inverse_offers: vec![],
                }),
                ..kind(Type::InverseOffers)
            },
            api::Event {
                rescind_inverse_offer: Some(event::RescindInverseOffer {
                    inverse_offer_id: wire::OfferId {
                        value: "o".to_owned(),
                    },
                }),
                ..kind(Type::RescindInverseOffer)
            },
            api::Event {
                message: Some(event::Message {
                    agent_id: id("a"),
                    executor_id: executor_id.clone(),
                    data: vec![0, 255].into(),
                }),
                ..kind(Type::Message)
            },
            api::Event {
                failure: Some(event::Failure {
                    agent_id: Some(id("a")),
                    executor_id: Some(executor_id),
                    status: Some(-9),
                }),
                ..kind(Type::Failure)
            },
            error("Framework failed over"),
        ];
        for event in &events {
            peers.stream.event(event).await;
        }
        let mut got = Vec::new();
        for _ in &events {
            got.push(client.event().await.1);
        }
        let expected = [
            Event::Offers(vec![]),
            Event::InverseOffers(vec![]),
            Event::RescindInverseOffer("o".into()),
            Event::Message {
                agent: "a".into(),
                executor: "e".into(),
                data: vec![0, 255].into(),
            },
            Event::Failure {
                agent: Some("a".into()),
                executor: Some("e".into()),
                status: Some(-9),
            },
            Event::Error("Framework failed over".to_owned()),
        ];
        assert_eq!(got, expected);
        // R8: the master ends the stream after an ERROR.
        peers.stream.end().await;
        contains(&client.disconnected().await, "the master ended the stream");
    })
    .await;
}

#[tokio::test]
async fn an_unknown_type_of_event_is_kept_and_the_session_goes_on() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut peers = master.session("stream-1").await;
        client.subscribed().await;
        // Type 77 and a field that this version does not know.
        peers.stream.chunk(b"8\n\x08\x4d\xa2\x3f\x03new").await;
        peers.stream.event(&heartbeat()).await;
        let (_, event) = client.event().await;
        let Event::Unknown { kind: 77, details } = event else {
            panic!("{event:?}");
        };
        contains(&details, "77");
        assert_eq!(client.event().await.1, Event::Heartbeat);
    })
    .await;
}

/// Each in a session of its own, after a good event in the same chunk, which
/// must not be lost.
#[tokio::test]
async fn a_record_that_is_no_event_ends_the_session_and_is_named() {
    use api::event::Type;
    let mut offer = wire::Offer::default();
    offer.id.value = "o".to_owned();
    let no_agent = api::Event {
        offers: Some(api::event::Offers {
            offers: vec![offer],
        }),
        ..kind(Type::Offers)
    };
    let no_task = api::Event {
        update: Some(api::event::Update::default()),
        ..kind(Type::Update)
    };
    let cases: [(Vec<u8>, &str); 14] = [
        (
            b"x".to_vec(),
            "byte 13 of the stream: expected a record's length in decimal digits and a line feed, found byte 0x78",
        ),
        (b"\n".to_vec(), "a line feed with no digits before it"),
        (b"-1\n".to_vec(), "found byte 0x2d"),
        (b"{\"type\":\"HEARTBEAT\"}".to_vec(), "found byte 0x7b"),
        (
            b"100000000000000000000000\n".to_vec(),
            "more than 20 digits",
        ),
        (
            b"1001\n".to_vec(),
            "a record of 1001 bytes; the limit is 1000",
        ),
        (
            b"3\n\xff\xff\xff".to_vec(),
            "the record is not a protobuf Event (3 bytes)",
        ),
        (record(&kind(Type::Offers)), "event.offers is missing"),
        (record(&kind(Type::Update)), "event.update is missing"),
        (record(&no_task), "event.update.status.task_id is missing"),
        (record(&kind(Type::Error)), "event.error is missing"),
        (record(&rescind("")), "event.rescind.offer_id is missing"),
        (
            record(&subscribed("", None)),
            "event.subscribed.framework_id is missing",
        ),
        (
            record(&no_agent),
            "event.offers.offers[0].agent_id is missing",
        ),
    ];
    within(async {
        let master = Master::bind().await;
        let mut settings = settings(&[&master]);
        settings.record_limit = 1000;
        let mut client = Watched::start(settings);
        for (number, (bad, message)) in (1..).zip(cases) {
            let mut session = master.subscription("stream").await;
            let good = record(&subscribed("fw", None));
            session.stream.chunk(&[good, bad].concat()).await;
            assert_eq!(client.subscribed().await, Session(number));
            let reason = client.disconnected().await;
            contains(&reason, "a record can't be used: ");
            contains(&reason, message);
            session.stream.closed().await;
            session.calls.closed().await;
        }
    })
    .await;
}

/// An agent says what it likes of itself; the session goes on, and people hear of
/// it once.
#[tokio::test]
async fn what_an_agent_says_wrong_is_left_out_and_told_once() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let mut peers = master.session("stream-1").await;
        client.subscribed().await;
        let mut offer = wire::Offer::default();
        offer.id.value = "o".to_owned();
        offer.agent_id.value = "a".to_owned();
        offer.hostname = "host".to_owned();
        offer.allocation_info = Some(wire::resource::AllocationInfo {
            role: Some("batch".to_owned()),
        });
        offer.resources = vec![wire::Resource {
            name: "serial".to_owned(),
            scalar: Some(wire::value::Scalar { value: 1e13 }),
            ..wire::Resource::default()
        }];
        let event = api::Event {
            offers: Some(api::event::Offers {
                offers: vec![offer.clone(), offer],
            }),
            ..kind(api::event::Type::Offers)
        };
        peers.stream.event(&event).await;
        let Event::Offers(offers) = client.event().await.1 else {
            panic!("no offers");
        };
        assert_eq!(offers.len(), 2);
        assert_eq!(offers[0].resources, []);
        contains(
            &client.warning().await,
            "left out of the offered resources of agent a on host: scalar (serial) is \
             10000000000000; expected a number from 0 to 2.25e12",
        );
        peers.stream.event(&event).await;
        assert!(matches!(client.event().await.1, Event::Offers(_)));
        peers.stream.event(&heartbeat()).await;
        assert_eq!(client.event().await.1, Event::Heartbeat);
    })
    .await;
}

/// The number of events that come before an end is not changed by it.
#[tokio::test]
async fn a_stream_that_ends_says_how() {
    within(async {
        let master = Master::bind().await;
        let mut client = Watched::start(settings(&[&master]));
        let cases: [(&[u8], &str); 5] = [
            (b"0\r\n\r\n", "the master ended the stream"),
            (
                b"4\r\n9\nab\r\n0\r\n\r\n",
                "the stream ended in a record: 2 of 9 bytes had come",
            ),
            (
                b"2\r\n12\r\n0\r\n\r\n",
                "the stream ended in the length of a record: '12'",
            ),
            // Cut without a last chunk, as a killed master does.
            (b"4\r\n9\nab\r\n", "the stream broke: "),
            (b"zz\r\n", "the stream broke: "),
        ];
        for (number, (rest, message)) in (1..).zip(cases) {
            let mut session = master.session("stream").await;
            assert_eq!(client.subscribed().await, Session(number));
            session.stream.send(rest).await;
            drop(session.stream);
            match client.next().await {
                Transport::Disconnected { session, reason } => {
                    assert_eq!(session, Session(number));
                    contains(&reason, message);
                }
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}
