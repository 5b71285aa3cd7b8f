//! The one event that is large: offers, decoded one after the other.
//!
//! Decoding the whole event first would hold a thousand offers in the wire's
//! wide types at a time, only to convert each of them. What is unusual about a
//! record is left to the general way, which has the messages for it.

use mesos_v1 as wire;
use offerd_core::offer::OfferInfo;
use prost::Message;

use super::from_wire::{EventError, offer_like};

/// `Event.type`, its value for offers, `Event.offers` and `Event.Offers.offers`.
const TYPE: u64 = 1;
const OFFERS_TYPE: u64 = 2;
const OFFERS: u64 = 3;
const OFFER: u64 = 1;

/// An offer is mostly longer than this; the guess saves growing a list.
const SHORT_OFFER: usize = 300;

/// The offers of a record that is an OFFERS event and nothing else. `None`: it
/// is something else, or not decodable. The error has the offer's position.
pub(super) fn offers(record: &[u8]) -> Option<Result<Vec<OfferInfo>, (usize, EventError)>> {
    let mut rest = record;
    let mut is_offers = false;
    let mut body: Option<&[u8]> = None;
    while !rest.is_empty() {
        match field(&mut rest)? {
            (TYPE, Value::Number(OFFERS_TYPE)) => is_offers = true,
            (OFFERS, Value::Bytes(bytes)) if body.is_none() => body = Some(bytes),
            _ => return None,
        }
    }
    let mut rest = body.filter(|_| is_offers)?;
    let mut list = Vec::with_capacity(rest.len() / SHORT_OFFER + 1);
    while !rest.is_empty() {
        let (OFFER, Value::Bytes(bytes)) = field(&mut rest)? else {
            return None;
        };
        match offer_like(wire::Offer::decode(bytes).ok()?, list.last()) {
            Ok(offer) => list.push(offer),
            Err(error) => return Some(Err((list.len(), error))),
        }
    }
    Some(Ok(list))
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The next field of a message, if it is of one of these kinds.
fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    const VARINT: u64 = 0;
    const LENGTH: u64 = 2;
    let key = varint(rest)?;
    let value = match key & 7 {
        VARINT => Value::Number(varint(rest)?),
        LENGTH => {
            let length = usize::try_from(varint(rest)?).ok()?;
            let (bytes, after) = rest.split_at_checked(length)?;
            *rest = after;
            Value::Bytes(bytes)
        }
        _ => return None,
    };
    Some((key >> 3, value))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    prost::decode_length_delimiter(&mut *rest)
        .ok()
        .and_then(|number| u64::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use mesos_v1::scheduler as api;

    use crate::convert::offer_info;

    use super::*;

    fn event(names: &[&str]) -> api::Event {
        let offer = |name: &&str| wire::Offer {
            id: wire::OfferId {
                value: (*name).to_owned(),
            },
            agent_id: wire::AgentId {
                value: "S0".to_owned(),
            },
            allocation_info: Some(wire::resource::AllocationInfo {
                role: Some("role".to_owned()),
            }),
            ..wire::Offer::default()
        };
        api::Event {
            r#type: Some(api::event::Type::Offers as i32),
            offers: Some(api::event::Offers {
                offers: names.iter().map(offer).collect(),
            }),
            ..api::Event::default()
        }
    }

    #[test]
    fn gives_what_the_general_way_gives() {
        for names in [&["a"][..], &["a", "b", "c"], &[]] {
            let event = event(names);
            let found = offers(&event.encode_to_vec()).unwrap().unwrap();
            let general: Vec<OfferInfo> = event
                .offers
                .unwrap()
                .offers
                .into_iter()
                .map(|offer| offer_info(offer).unwrap())
                .collect();
            assert_eq!(found, general);
        }
    }

    #[test]
    fn leaves_to_it_what_is_not_plain() {
        let good = event(&["a", "b"]).encode_to_vec();
        for end in 1..good.len() {
            // A part of an event may be a whole one with fewer offers in it, but
            // never one with others.
            if let Some(Ok(found)) = offers(&good[..end]) {
                assert_eq!(found.len(), 0, "cut at {end}");
            }
        }
        assert!(offers(&[&good[..], &good].concat()).is_none(), "two bodies");
        assert!(
            offers(&[&good[..], &[0x2a, 0]].concat()).is_none(),
            "another field"
        );
        let rescind = api::Event {
            r#type: Some(api::event::Type::Rescind as i32),
            ..event(&["a"])
        };
        assert!(offers(&rescind.encode_to_vec()).is_none());
        assert!(offers(&[]).is_none());
    }

    #[test]
    fn an_offer_that_lacks_something_is_named_by_its_position() {
        let event = event(&["a", ""]);
        let (position, error) = offers(&event.encode_to_vec()).unwrap().unwrap_err();
        assert_eq!(position, 1);
        assert!(error.to_string().contains("id"), "{error}");
    }
}
