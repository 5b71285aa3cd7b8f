//! What can't be converted is named by the path of its field.

use bytes::Bytes;
use mesos_v1 as wire;
use mesos_v1::scheduler as api;
use mesos_v1::scheduler::event::{self, Type};
use offerd_core::event::Event;
use offerd_core::offer::AttributeValue;
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
    let second = "event.offers.offers[1]";
    let cases = [
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
            inverse(|o| o.id.value.clear()),
            "event.inverse_offers.inverse_offers[0].id is missing".to_owned(),
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
    for (event, message) in cases {
        let error = convert::event(&event.encode_to_vec().into())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(&message), "{message}: {error}");
    }
}

fn attribute(name: &str, value: Option<f64>) -> wire::Attribute {
    wire::Attribute {
        name: name.to_owned(),
        scalar: value.map(|value| wire::value::Scalar { value }),
        ..wire::Attribute::default()
    }
}

fn reserved(kind: Option<i32>) -> wire::Resource {
    wire::Resource {
        reservations: vec![wire::resource::ReservationInfo {
            r#type: kind,
            ..Default::default()
        }],
        ..cpus(1.0)
    }
}

/// One agent with something odd must not keep the others' offers away.
#[test]
fn what_can_not_be_used_of_an_event_is_left_out_and_named() {
    let amount = "expected a number from 0 to 2.25e12";
    let resources = "left out of the offered resources of agent a on host";
    let attributes = "left out of the attributes of agent a on host";
    let resource = |resource: wire::Resource| {
        offers(|o| {
            o.hostname = "host".to_owned();
            o.resources.push(resource);
        })
    };
    let attribute = |attribute: wire::Attribute| {
        offers(|o| {
            o.hostname = "host".to_owned();
            o.attributes.push(attribute);
        })
    };
    let mut cases = vec![
        (
            resource(wire::Resource::default()),
            format!("{resources}: name is missing"),
        ),
        (
            resource(wire::Resource {
                scalar: None,
                ..cpus(1.0)
            }),
            format!("{resources}: scalar, ranges or set (cpus) is missing"),
        ),
        (
            resource(reserved(None)),
            format!("{resources}: reservations.type (cpus) is absent; expected STATIC or DYNAMIC"),
        ),
        (
            resource(reserved(Some(7))),
            format!("{resources}: reservations.type (cpus) is 7; expected STATIC or DYNAMIC"),
        ),
        (
            attribute(self::attribute("", Some(1.0))),
            format!("{attributes}: name is missing"),
        ),
        (
            attribute(self::attribute("rack", None)),
            format!("{attributes}: text, scalar, ranges or set (rack) is missing"),
        ),
        (
            inverse(|o| o.resources = vec![cpus(1.0), cpus(-1.0)]),
            format!(
                "left out of the resources of an inverse offer of all agents: scalar (cpus) is \
                 -1; {amount}"
            ),
        ),
        (
            operation(|s| s.converted_resources = vec![cpus(f64::INFINITY)]),
            format!(
                "left out of the converted resources of operation without an id: scalar (cpus) \
                 is inf; {amount}"
            ),
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
            resource(cpus(value)),
            format!("{resources}: scalar (cpus) is {shown}; {amount}"),
        ));
    }
    for (event, message) in cases {
        let mut left_out = Vec::new();
        let record = event.encode_to_vec().into();
        let event = convert::event_and_left_out(&record, &mut left_out).unwrap();
        assert_eq!(left_out, [message]);
        if let Event::Offers(offers) = event {
            let [first, second] = offers.try_into().unwrap();
            assert_eq!(first.resources, second.resources);
            assert_eq!(second.agent.attributes, []);
        }
    }
}

/// An agent takes all that looks like a number for one.
#[test]
fn an_attribute_beyond_the_numbers_is_a_text() {
    for (value, text) in [
        (20_240_131_123_456.0, "20240131123456"),
        (-5.5, "-5.5"),
        (f64::NAN, "NaN"),
    ] {
        let event = offers(|o| o.attributes = vec![attribute("build", Some(value))]);
        let mut left_out = Vec::new();
        let record = event.encode_to_vec().into();
        let Event::Offers(offers) = convert::event_and_left_out(&record, &mut left_out).unwrap()
        else {
            panic!("no offers");
        };
        let attribute = &offers[1].agent.attributes[0];
        assert_eq!(attribute.value, AttributeValue::Text(text.to_owned()));
        assert_eq!(left_out, [""; 0]);
    }
}

/// These are odd, but a session is not ended for them.
#[test]
fn what_is_only_odd_is_taken() {
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
