//! Resources, offers and statuses: to the wire and back.

use mesos_v1 as wire;
use mesos_v1::scheduler as api;
use mesos_v1::scheduler::event::Type;
use offerd_core::Instant;
use offerd_core::event::Event;
use offerd_core::ids::{AgentHandle, OfferHandle, RoleHandle};
use offerd_core::offer::{InverseOfferInfo, Offer, OfferInfo};
use offerd_core::resource::Amounts;
use offerd_core::task::{OperationStatus, TaskStatus};
use proptest::prelude::*;
use prost::Message;

use super::arbitrary;
use crate::convert;

fn live(info: OfferInfo) -> Offer {
    Offer {
        handle: OfferHandle(0),
        agent: AgentHandle(0),
        role: RoleHandle(0),
        usable: Amounts::default(),
        traits: info.traits(),
        since: Instant(0),
        info,
    }
}

/// What the client makes of the event's bytes.
fn received(event: api::Event) -> Event {
    convert::event(&event.encode_to_vec().into()).unwrap()
}

fn wire_status(status: &TaskStatus) -> wire::TaskStatus {
    wire::TaskStatus {
        task_id: wire::TaskId {
            value: status.task.to_string(),
        },
        state: status.state.0,
        message: status.message.clone(),
        source: status.source,
        reason: status.reason,
        agent_id: status.agent.as_ref().map(|id| wire::AgentId {
            value: id.to_string(),
        }),
        executor_id: status.executor.as_ref().map(|id| wire::ExecutorId {
            value: id.to_string(),
        }),
        healthy: status.healthy,
        timestamp: status.at.map(|at| at.0 as f64 / 1e9),
        uuid: status.uuid.map(|uuid| uuid.to_vec()),
        ..wire::TaskStatus::default()
    }
}

fn wire_operation_status(status: &OperationStatus) -> wire::OperationStatus {
    wire::OperationStatus {
        operation_id: status.operation.as_ref().map(|id| wire::OperationId {
            value: id.to_string(),
        }),
        state: status.state.0,
        message: status.message.clone(),
        converted_resources: status
            .converted
            .iter()
            .map(convert::wire_resource)
            .collect(),
        uuid: status.uuid.map(|uuid| wire::Uuid {
            value: uuid.to_vec(),
        }),
        agent_id: status.agent.as_ref().map(|id| wire::AgentId {
            value: id.to_string(),
        }),
        resource_provider_id: status.provider.as_ref().map(|id| wire::ResourceProviderId {
            value: id.to_string(),
        }),
    }
}

fn wire_inverse_offer(offer: &InverseOfferInfo) -> wire::InverseOffer {
    let nanoseconds = |n: u64| i64::try_from(n).unwrap();
    wire::InverseOffer {
        id: wire::OfferId {
            value: offer.id.to_string(),
        },
        agent_id: offer.agent.as_ref().map(|id| wire::AgentId {
            value: id.to_string(),
        }),
        unavailability: wire::Unavailability {
            start: wire::TimeInfo {
                nanoseconds: nanoseconds(offer.unavailability.start.0),
            },
            duration: offer.unavailability.duration.map(|n| wire::DurationInfo {
                nanoseconds: nanoseconds(n),
            }),
        },
        resources: offer.resources.iter().map(convert::wire_resource).collect(),
        ..wire::InverseOffer::default()
    }
}

proptest! {
    #[test]
    fn a_resource_comes_back(resource in arbitrary::resource()) {
        let bytes = convert::wire_resource(&resource).encode_to_vec();
        let decoded = wire::Resource::decode(bytes.as_slice()).unwrap();
        prop_assert_eq!(convert::resource(decoded).unwrap(), resource);
    }

    #[test]
    fn offers_come_back(offers in prop::collection::vec(arbitrary::offer(), 0..4)) {
        let wire: Vec<_> = offers.iter().map(|info| convert::offer(&live(info.clone()))).collect();
        let event = received(api::Event {
            r#type: Some(Type::Offers as i32),
            offers: Some(api::event::Offers { offers: wire }),
            ..api::Event::default()
        });
        prop_assert_eq!(event, Event::Offers(offers));
    }

    #[test]
    fn an_offer_in_json_is_the_same_offer(info in arbitrary::offer()) {
        use offerd_core::policy::Codec;
        let json = crate::ProtobufCodec.offer_json(&live(info.clone()));
        let read: wire::Offer = mesos_v1::json::from_str(&json).unwrap();
        prop_assert_eq!(convert::offer_info(read).unwrap(), info);
    }

    #[test]
    fn inverse_offers_come_back(
        offers in prop::collection::vec(arbitrary::inverse_offer(), 0..4),
    ) {
        let event = received(api::Event {
            r#type: Some(Type::InverseOffers as i32),
            inverse_offers: Some(api::event::InverseOffers {
                inverse_offers: offers.iter().map(wire_inverse_offer).collect(),
            }),
            ..api::Event::default()
        });
        prop_assert_eq!(event, Event::InverseOffers(offers));
    }

    #[test]
    fn a_task_status_comes_back(status in arbitrary::task_status()) {
        let event = received(api::Event {
            r#type: Some(Type::Update as i32),
            update: Some(api::event::Update { status: wire_status(&status) }),
            ..api::Event::default()
        });
        prop_assert_eq!(event, Event::Update(status));
    }

    #[test]
    fn an_operation_status_comes_back(status in arbitrary::operation_status()) {
        let event = received(api::Event {
            r#type: Some(Type::UpdateOperationStatus as i32),
            update_operation_status: Some(api::event::UpdateOperationStatus {
                status: wire_operation_status(&status),
            }),
            ..api::Event::default()
        });
        prop_assert_eq!(event, Event::UpdateOperationStatus(status));
    }

    #[test]
    fn any_bytes_are_an_event_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = convert::event(&bytes.clone().into());
        let _ = convert::heartbeat_interval(&bytes);
    }

    /// A good event with some bytes changed: deeper than random bytes get.
    #[test]
    fn a_damaged_event_is_an_event_or_an_error(
        offer in arbitrary::offer(),
        damage in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..4),
    ) {
        let event = api::Event {
            r#type: Some(Type::Offers as i32),
            offers: Some(api::event::Offers { offers: vec![convert::offer(&live(offer))] }),
            ..api::Event::default()
        };
        let mut bytes = event.encode_to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = convert::event(&bytes.clone().into());
    }
}

#[test]
fn the_master_of_a_subscription_is_shown_as_well_as_it_is_known() {
    let master = |info: Option<wire::MasterInfo>| {
        let event = received(api::Event {
            r#type: Some(Type::Subscribed as i32),
            subscribed: Some(api::event::Subscribed {
                framework_id: wire::FrameworkId { value: "f".into() },
                master_info: info,
                ..api::event::Subscribed::default()
            }),
            ..api::Event::default()
        });
        match event {
            Event::Subscribed { master, .. } => master,
            other => panic!("{other:?}"),
        }
    };
    let address = wire::Address {
        hostname: Some("m1.example".into()),
        ip: Some("10.0.0.1".into()),
        port: 5050,
    };
    let info = wire::MasterInfo {
        port: 5051,
        hostname: Some("old.example".into()),
        ..wire::MasterInfo::default()
    };
    let with = |address: wire::Address| wire::MasterInfo {
        address: Some(address),
        ..info.clone()
    };
    assert_eq!(master(Some(with(address.clone()))), "m1.example:5050");
    let bare = wire::Address {
        hostname: None,
        ..address
    };
    assert_eq!(master(Some(with(bare))), "10.0.0.1:5050");
    assert_eq!(master(Some(info)), "old.example:5051");
    assert_eq!(master(None), "a master that gave no address");
}

/// Masters and agents before reservation refinement say `role` beside the
/// resource.
#[test]
#[expect(deprecated, reason = "the old form is what is tested")]
fn the_old_form_of_reservations_is_understood() {
    use offerd_core::resource::{Reservation, ReservationKind};
    let scalar = |role: Option<&str>, reservation| wire::Resource {
        name: "cpus".into(),
        scalar: Some(wire::value::Scalar { value: 1.0 }),
        role: role.map(str::to_owned),
        reservation,
        ..wire::Resource::default()
    };
    let reservations = |resource| convert::resource(resource).unwrap().reservations;
    assert_eq!(reservations(scalar(Some("*"), None)), []);
    assert_eq!(reservations(scalar(None, None)), []);
    let fixed = Reservation {
        kind: ReservationKind::Static,
        role: "r".to_owned(),
        principal: None,
        labels: None,
    };
    assert_eq!(reservations(scalar(Some("r"), None)), vec![fixed.clone()]);
    let info = wire::resource::ReservationInfo {
        principal: Some("p".into()),
        ..wire::resource::ReservationInfo::default()
    };
    let dynamic = Reservation {
        kind: ReservationKind::Dynamic,
        principal: Some("p".to_owned()),
        ..fixed
    };
    assert_eq!(reservations(scalar(Some("r"), Some(info))), [dynamic]);
}

proptest! {
    /// Offers with any of their bytes changed: what is read in the short way
    /// is what the general way reads.
    #[test]
    fn reads_nothing_else_than_the_general_way(
        info in arbitrary::offer(),
        damage in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 0..3),
    ) {
        let mut bytes = convert::offer(&live(info)).encode_to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(offer) = convert::offers::plain_offer(&bytes, None) {
            prop_assert_eq!(offer, convert::offer_info(wire::Offer::decode(bytes.as_slice()).unwrap()).unwrap());
        }
    }

    #[test]
    fn an_offer_is_read_in_the_short_way(info in arbitrary::offer()) {
        let bytes = convert::offer(&live(info.clone())).encode_to_vec();
        prop_assert_eq!(convert::offers::plain_offer(&bytes, None), Some(info));
    }
}
