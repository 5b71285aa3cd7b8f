//! What can't be converted is named by the path of its field.

use bytes::Bytes;
use mesos_v1 as wire;
use mesos_v1::scheduler as api;
use mesos_v1::scheduler::event::{self, Type};
use prost::Message;

use crate::convert;

fn kind(kind: Type) -> api::Event {
    api::Event {
        r#type: Some(kind as i32),
        ..api::Event::default()
    }
}

fn cpus(value: f64) -> wire::Resource {
    wire::Resource {
        name: "cpus".into(),
        scalar: Some(wire::value::Scalar { value }),
        ..wire::Resource::default()
    }
}

fn offer() -> wire::Offer {
    wire::Offer {
        id: wire::OfferId { value: "o".into() },
        agent_id: wire::AgentId { value: "a".into() },
        allocation_info: Some(wire::resource::AllocationInfo {
            role: Some("r".into()),
        }),
        resources: vec![cpus(1.0), cpus(2.0)],
        ..wire::Offer::default()
    }
}

/// Two offers, the second of them changed.
fn offers(change: impl FnOnce(&mut wire::Offer)) -> api::Event {
    let mut second = offer();
    change(&mut second);
    api::Event {
        offers: Some(event::Offers {
            offers: vec![offer(), second],
        }),
        ..kind(Type::Offers)
    }
}

fn update(change: impl FnOnce(&mut wire::TaskStatus)) -> api::Event {
    let mut status = wire::TaskStatus {
        task_id: wire::TaskId { value: "t".into() },
        ..wire::TaskStatus::default()
    };
    change(&mut status);
    api::Event {
        update: Some(event::Update { status }),
        ..kind(Type::Update)
    }
}

fn operation(change: impl FnOnce(&mut wire::OperationStatus)) -> api::Event {
    let mut status = wire::OperationStatus::default();
    change(&mut status);
    api::Event {
        update_operation_status: Some(event::UpdateOperationStatus { status }),
        ..kind(Type::UpdateOperationStatus)
    }
}

fn inverse(change: impl FnOnce(&mut wire::InverseOffer)) -> api::Event {
    let mut offer = wire::InverseOffer {
        id: wire::OfferId { value: "o".into() },
        ..wire::InverseOffer::default()
    };
    change(&mut offer);
    api::Event {
        inverse_offers: Some(event::InverseOffers {
            inverse_offers: vec![offer],
        }),
        ..kind(Type::InverseOffers)
    }
}

fn message(agent: &str, executor: &str) -> api::Event {
    api::Event {
        message: Some(event::Message {
            agent_id: wire::AgentId {
                value: agent.into(),
            },
            executor_id: wire::ExecutorId {
                value: executor.into(),
            },
            data: vec![].into(),
        }),
        ..kind(Type::Message)
    }
}

#[test]
fn a_body_that_is_missing_is_named() {
    for (kind, name) in [
        (Type::Subscribed, "subscribed"),
        (Type::Offers, "offers"),
        (Type::InverseOffers, "inverse_offers"),
        (Type::Rescind, "rescind"),
        (Type::RescindInverseOffer, "rescind_inverse_offer"),
        (Type::Update, "update"),
        (Type::UpdateOperationStatus, "update_operation_status"),
        (Type::Message, "message"),
        (Type::Failure, "failure"),
        (Type::Error, "error"),
    ] {
        let error = convert::event(&self::kind(kind).encode_to_vec().into()).unwrap_err();
        assert_eq!(error.to_string(), format!("event.{name} is missing"));
    }
}

#[test]
fn a_field_that_is_missing_or_impossible_is_named_by_its_path() {
    let amount = "expected a number from 0 to 9e12";
    let second = "event.offers.offers[1]";
    let converted = "event.update_operation_status.status.converted_resources[0]";
    let mut cases = vec![
        (
            offers(|o| o.id.value.clear()),
            format!("{second}.id is missing"),
        ),
        (
            offers(|o| o.agent_id.value.clear()),
            format!("{second}.agent_id is missing"),
        ),
        (
            offers(|o| o.allocation_info = None),
            format!("{second}.allocation_info.role is missing"),
        ),
        (
            offers(|o| o.resources[1].name.clear()),
            format!("{second}.resources[1].name is missing"),
        ),
        (
            offers(|o| o.resources[1].scalar = None),
            format!("{second}.resources[1].scalar, ranges or set (cpus) is missing"),
        ),
        (
            offers(|o| o.attributes = vec![wire::Attribute::default()]),
            format!("{second}.attributes[0].name is missing"),
        ),
        (
            offers(|o| {
                let name = "rack".to_owned();
                o.attributes = vec![wire::Attribute {
                    name,
                    ..wire::Attribute::default()
                }];
            }),
            format!("{second}.attributes[0].text, scalar, ranges or set (rack) is missing"),
        ),
        (
            offers(|o| {
                let scalar = Some(wire::value::Scalar { value: f64::NAN });
                let name = "level".to_owned();
                o.attributes = vec![wire::Attribute {
                    name,
                    scalar,
                    ..wire::Attribute::default()
                }];
            }),
            format!("{second}.attributes[0].scalar (level) is NaN; {amount}"),
        ),
        (
            offers(|o| o.resources[0].reservations = vec![Default::default()]),
            format!("{second}.resources[0].reservations.type (cpus) is absent; expected STATIC"),
        ),
        (
            offers(|o| {
                let r#type = Some(7);
                o.resources[0].reservations = vec![wire::resource::ReservationInfo {
                    r#type,
                    ..Default::default()
                }];
            }),
            format!("{second}.resources[0].reservations.type (cpus) is 7; expected STATIC"),
        ),
        (
            inverse(|o| o.id.value.clear()),
            "event.inverse_offers.inverse_offers[0].id is missing".to_owned(),
        ),
        (
            inverse(|o| o.resources = vec![cpus(1.0), cpus(-1.0)]),
            "event.inverse_offers.inverse_offers[0].resources[1].scalar (cpus) is -1".to_owned(),
        ),
        (
            update(|s| s.task_id.value.clear()),
            "event.update.status.task_id is missing".to_owned(),
        ),
        (
            update(|s| s.uuid = Some(vec![1; 15])),
            "event.update.status.uuid is 15 bytes long; expected 16 bytes".to_owned(),
        ),
        (
            operation(|s| s.uuid = Some(wire::Uuid { value: vec![] })),
            "event.update_operation_status.status.uuid is 0 bytes long; expected 16".to_owned(),
        ),
        (
            operation(|s| s.converted_resources = vec![cpus(f64::INFINITY)]),
            format!("{converted}.scalar (cpus) is inf; {amount}"),
        ),
        (
            message("", "e"),
            "event.message.agent_id is missing".to_owned(),
        ),
        (
            message("a", ""),
            "event.message.executor_id is missing".to_owned(),
        ),
        (
            api::Event {
                rescind: Some(event::Rescind::default()),
                ..kind(Type::Rescind)
            },
            "event.rescind.offer_id is missing".to_owned(),
        ),
        (
            api::Event {
                rescind_inverse_offer: Some(event::RescindInverseOffer::default()),
                ..kind(Type::RescindInverseOffer)
            },
            "event.rescind_inverse_offer.inverse_offer_id is missing".to_owned(),
        ),
        (
            api::Event {
                subscribed: Some(event::Subscribed::default()),
                ..kind(Type::Subscribed)
            },
            "event.subscribed.framework_id is missing".to_owned(),
        ),
    ];
    for (value, shown) in [
        (f64::NAN, "NaN"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (-0.001, "-0.001"),
        (1e16, "10000000000000000"),
    ] {
        cases.push((
            offers(|o| o.resources[1] = cpus(value)),
            format!("{second}.resources[1].scalar (cpus) is {shown}; {amount}"),
        ));
    }
    for (event, message) in cases {
        let error = convert::event(&event.encode_to_vec().into())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(&message), "{message}: {error}");
    }
}

/// These are odd, but a session is not ended for them.
#[test]
fn what_is_only_odd_is_taken() {
    use offerd_core::event::Event;
    let status = |event: api::Event| match convert::event(&event.encode_to_vec().into()).unwrap() {
        Event::Update(status) => status,
        other => panic!("{other:?}"),
    };
    // Some masters write "none" so.
    assert_eq!(status(update(|s| s.uuid = Some(vec![]))).uuid, None);
    for (seconds, at) in [(f64::NAN, 0), (-5.0, 0), (f64::INFINITY, u64::MAX)] {
        let status = status(update(|s| s.timestamp = Some(seconds)));
        assert_eq!(status.at, Some(offerd_core::Instant(at)));
    }
    // A master of a newer version may know more.
    let new = status(update(|s| {
        s.state = 99;
        s.reason = Some(999);
    }));
    assert_eq!((new.state.0, new.reason), (99, Some(999)));
    let past = offers(|o| {
        o.unavailability = Some(wire::Unavailability {
            start: wire::TimeInfo { nanoseconds: -1 },
            duration: Some(wire::DurationInfo { nanoseconds: -1 }),
        });
    });
    convert::event(&past.encode_to_vec().into()).unwrap();
    // No type at all.
    let none = convert::event(&Bytes::new()).unwrap();
    assert!(matches!(none, Event::Unknown { kind: 0, .. }), "{none:?}");
}

#[test]
fn bytes_that_are_no_event_say_how_many_and_why() {
    let error = convert::event(&Bytes::from_static(b"\xff\xff\xff")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the record is not a protobuf Event (3 bytes)"
    );
    assert!(std::error::Error::source(&error).is_some());
}
