//! The one event that is large: offers, read from their bytes in one pass.
//!
//! Decoding the whole event first would hold a thousand offers in the wire's
//! wide types at a time, only to convert each of them. What is unusual about a
//! record, an offer or a resource is left to the general way, which has the
//! messages for what is wrong.

use mesos_v1 as wire;
use offerd_core::Milli;
use offerd_core::ids::{AgentId, ExecutorId, FrameworkId, OfferId, Role};
use offerd_core::offer::{AgentInfo, Attribute, AttributeValue, OfferInfo, Url};
use offerd_core::resource::{Name, Range, Resource, Value};
use prost::Message;

use super::from_wire::{EventError, attribute, offer_like, unavailability};
use super::plain::{Field, field, only};
use super::resources::resource_of;

/// `Event.type`, its value for offers, `Event.offers` and `Event.Offers.offers`.
const TYPE: u64 = 1;
const OFFERS_TYPE: u64 = 2;
const OFFERS: u64 = 3;
const OFFER: u64 = 1;

/// An offer is mostly longer than this; the guess saves growing a list.
const SHORT_OFFER: usize = 300;

/// The offers of a record that is an OFFERS event and nothing else. `None`: it
/// is something else, or not decodable. The error has the offer's position.
pub(super) fn offers(
    record: &[u8],
    left_out: &mut Vec<String>,
) -> Option<Result<Vec<OfferInfo>, (usize, EventError)>> {
    let mut rest = record;
    let mut is_offers = false;
    let mut body: Option<&[u8]> = None;
    while !rest.is_empty() {
        match field(&mut rest)? {
            (TYPE, Field::Number(OFFERS_TYPE)) => is_offers = true,
            (OFFERS, Field::Bytes(bytes)) if body.is_none() => body = Some(bytes),
            _ => return None,
        }
    }
    let mut rest = body.filter(|_| is_offers)?;
    let mut list: Vec<OfferInfo> = Vec::with_capacity(rest.len() / SHORT_OFFER + 1);
    while !rest.is_empty() {
        let (OFFER, Field::Bytes(bytes)) = field(&mut rest)? else {
            return None;
        };
        if let Some(offer) = plain_offer(bytes, list.last()) {
            list.push(offer);
            continue;
        }
        match offer_like(wire::Offer::decode(bytes).ok()?, list.last(), left_out) {
            Ok(offer) => list.push(offer),
            Err(error) => return Some(Err((list.len(), error))),
        }
    }
    Some(Ok(list))
}

/// Fields of an offer that hold one value.
#[derive(Default)]
struct Single<'a> {
    id: Option<&'a [u8]>,
    framework: Option<&'a [u8]>,
    agent: Option<&'a [u8]>,
    hostname: Option<&'a [u8]>,
    url: Option<&'a [u8]>,
    unavailability: Option<&'a [u8]>,
    allocation: Option<&'a [u8]>,
    domain: Option<&'a [u8]>,
}

/// An offer without surprises; names that are those of the offer before share
/// its memory. `None`: see the module.
pub(super) fn plain_offer(bytes: &[u8], before: Option<&OfferInfo>) -> Option<OfferInfo> {
    let mut single = Single::default();
    let mut resources = 0;
    let mut attributes = Vec::new();
    let mut executor_ids = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (number, Field::Bytes(value)) = field(&mut rest)? else {
            return None;
        };
        let place = match number {
            1 => &mut single.id,
            2 => &mut single.framework,
            3 => &mut single.agent,
            4 => &mut single.hostname,
            5 => {
                resources += 1;
                continue;
            }
            6 => {
                executor_ids.push(ExecutorId::from(text(only(value)?)?));
                continue;
            }
            7 => {
                attributes.push(match text_attribute(value) {
                    Some(attribute) => attribute,
                    None => attribute(wire::Attribute::decode(value).ok()?).ok()?,
                });
                continue;
            }
            8 => &mut single.url,
            9 => &mut single.unavailability,
            10 => &mut single.allocation,
            11 => &mut single.domain,
            _ => return None,
        };
        // A second one would have to be merged with the first.
        if place.replace(value).is_some() {
            return None;
        }
    }
    let id = text(only(single.id?)?)?;
    let agent = text(only(single.agent?)?)?;
    let role = text(only(single.allocation?)?)?;
    let framework = match single.framework {
        Some(framework) => std::str::from_utf8(only(framework)?).ok()?,
        None => "",
    };
    let role = match before.filter(|before| before.role.as_str() == role) {
        Some(before) => before.role.clone(),
        None => Role::from(role),
    };
    let (region, zone) = match single.domain {
        Some(domain) => super::from_wire::domain(Some(wire::DomainInfo::decode(domain).ok()?)),
        None => (None, None),
    };
    let url = match single.url {
        Some(url) => Some(Box::new(plain_url(url)?)),
        None => None,
    };
    let unavailability = match single.unavailability {
        Some(value) => Some(unavailability(wire::Unavailability::decode(value).ok()?)),
        None => None,
    };
    Some(OfferInfo {
        id: OfferId::from(id),
        framework_id: match before.filter(|before| before.framework_id.as_str() == framework) {
            Some(before) => before.framework_id.clone(),
            None => FrameworkId::from(framework),
        },
        agent: AgentInfo {
            id: AgentId::from(agent),
            hostname: std::str::from_utf8(single.hostname.unwrap_or_default())
                .ok()?
                .into(),
            region,
            zone,
            attributes,
        },
        url,
        resources: plain_resources(bytes, resources, &role)?,
        role,
        executor_ids,
        unavailability,
    })
}

/// The resources of an offer, in a second pass: they need its role, which comes
/// after them.
fn plain_resources(offer: &[u8], count: usize, role: &Role) -> Option<Vec<Resource>> {
    const RESOURCES: u64 = 5;
    let mut list = Vec::with_capacity(count);
    let mut rest = offer;
    while !rest.is_empty() {
        if let (RESOURCES, Field::Bytes(bytes)) = field(&mut rest)? {
            list.push(match plain_resource(bytes, role) {
                Some(resource) => resource,
                None => resource_of(wire::Resource::decode(bytes).ok()?, Some(role)).ok()?,
            });
        }
    }
    Some(list)
}

/// A scalar or ranges, unreserved, allocated to the offer's role.
fn plain_resource(bytes: &[u8], role: &Role) -> Option<Resource> {
    let mut name = None;
    let mut value = None;
    let mut rest = bytes;
    while !rest.is_empty() {
        match field(&mut rest)? {
            (1, Field::Bytes(bytes)) if name.is_none() => name = Some(text(bytes)?),
            // The type says again what the value is.
            (2, Field::Number(_)) => {}
            (3, Field::Bytes(bytes)) if value.is_none() => {
                value = Some(Value::Scalar(scalar(bytes)?))
            }
            (4, Field::Bytes(bytes)) if value.is_none() => {
                value = Some(Value::Ranges(ranges(bytes)?))
            }
            (11, Field::Bytes(bytes)) if text(only(bytes)?)? == role.as_str() => {}
            _ => return None,
        }
    }
    Some(Resource {
        name: Name::from(name?),
        value: value?,
        allocation: Some(role.clone()),
        reservations: Vec::new(),
        disk: None,
        revocable: false,
        shared: false,
        provider: None,
    })
}

fn scalar(mut bytes: &[u8]) -> Option<Milli> {
    let (1, Field::Double(value)) = field(&mut bytes)? else {
        return None;
    };
    Milli::from_units(value).filter(|_| bytes.is_empty())
}

fn ranges(bytes: &[u8]) -> Option<Vec<Range>> {
    let mut list = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (1, Field::Bytes(mut range)) = field(&mut rest)? else {
            return None;
        };
        let (1, Field::Number(begin)) = field(&mut range)? else {
            return None;
        };
        let (2, Field::Number(end)) = field(&mut range)? else {
            return None;
        };
        if !range.is_empty() {
            return None;
        }
        list.push(Range { begin, end });
    }
    Some(list)
}

fn text_attribute(bytes: &[u8]) -> Option<Attribute> {
    let (mut name, mut value) = (None, None);
    let mut rest = bytes;
    while !rest.is_empty() {
        match field(&mut rest)? {
            (1, Field::Bytes(bytes)) if name.is_none() => name = Some(text(bytes)?),
            (2, Field::Number(_)) => {}
            (5, Field::Bytes(bytes)) if value.is_none() => {
                value = Some(std::str::from_utf8(only(bytes)?).ok()?);
            }
            _ => return None,
        }
    }
    Some(Attribute {
        name: name?.to_owned(),
        value: AttributeValue::Text(value?.to_owned()),
    })
}

fn plain_url(bytes: &[u8]) -> Option<Url> {
    let url = wire::Url::decode(bytes).ok()?;
    Some(Url {
        scheme: url.scheme,
        hostname: url.address.hostname,
        ip: url.address.ip,
        port: url.address.port,
        path: url.path,
    })
}

/// A text that must not be empty.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes)
        .ok()
        .filter(|text| !text.is_empty())
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
            let found = offers(&event.encode_to_vec(), &mut Vec::new())
                .unwrap()
                .unwrap();
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
            if let Some(Ok(found)) = offers(&good[..end], &mut Vec::new()) {
                assert_eq!(found.len(), 0, "cut at {end}");
            }
        }
        assert!(
            offers(&[&good[..], &good].concat(), &mut Vec::new()).is_none(),
            "two bodies"
        );
        assert!(
            offers(&[&good[..], &[0x2a, 0]].concat(), &mut Vec::new()).is_none(),
            "another field"
        );
        let rescind = api::Event {
            r#type: Some(api::event::Type::Rescind as i32),
            ..event(&["a"])
        };
        assert!(offers(&rescind.encode_to_vec(), &mut Vec::new()).is_none());
        assert!(offers(&[], &mut Vec::new()).is_none());
    }

    #[test]
    fn an_offer_that_lacks_something_is_named_by_its_position() {
        let event = event(&["a", ""]);
        let (position, error) = offers(&event.encode_to_vec(), &mut Vec::new())
            .unwrap()
            .unwrap_err();
        assert_eq!(position, 1);
        assert!(error.to_string().contains("id"), "{error}");
    }
}
