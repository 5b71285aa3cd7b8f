//! From the wire to the machine. Strings are moved, not copied: offers are the
//! hot path.
//!
//! A record without what its kind must have is an error. A resource or an
//! attribute that can't be used is only left out of its event and named: what
//! one agent says of itself must not stop all others.

use bytes::Bytes;
use mesos_v1 as wire;
use mesos_v1::scheduler as api;
use offerd_core::event::Event;
use offerd_core::ids::{AgentId, ExecutorId, FrameworkId, OfferId, ProviderId, Role};
use offerd_core::offer::{
    AgentInfo, Attribute, AttributeValue, InverseOfferInfo, OfferInfo, Unavailability, Url,
};
use offerd_core::task::{OperationState, OperationStatus, TaskState, TaskStatus};
use offerd_core::{Instant, Milli};
use prost::Message;

use super::resources::{ranges, resource, resource_of};

/// A record that is not a usable event. `path` is as in the .proto files.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EventError {
    #[error("the record is not a protobuf Event ({} bytes)", .length)]
    Protobuf {
        length: usize,
        #[source]
        source: prost::DecodeError,
    },
    #[error("{path} is missing")]
    Missing { path: String },
    #[error("{path} is {found}; expected {expected}")]
    Invalid {
        path: String,
        found: String,
        expected: &'static str,
    },
}

pub(super) type Result<T> = std::result::Result<T, EventError>;

pub(super) fn missing(path: impl Into<String>) -> EventError {
    EventError::Missing { path: path.into() }
}

/// A required text: absent and empty can't be told apart after decoding, and
/// neither is of use.
fn required(text: String, path: impl FnOnce() -> String) -> Result<String> {
    if text.is_empty() {
        Err(missing(path()))
    } else {
        Ok(text)
    }
}

/// Decodes one record of the stream.
///
/// # Errors
/// The record is no event, or lacks what its type needs. An unknown type is
/// not an error.
pub fn event(record: &Bytes) -> Result<Event> {
    event_and_left_out(record, &mut Vec::new())
}

/// The same. What was left out of the event is added to `left_out`, with the
/// reason, in words that are the same for the same agent each time.
///
/// # Errors
/// As [`event`].
pub fn event_and_left_out(record: &Bytes, left_out: &mut Vec<String>) -> Result<Event> {
    if let Some(offers) = super::offers::offers(record, left_out) {
        return offers
            .map(Event::Offers)
            .map_err(|(position, error)| at(error, "event.offers.offers", position));
    }
    let event = api::Event::decode(record.clone()).map_err(|source| EventError::Protobuf {
        length: record.len(),
        source,
    })?;
    use api::event::Type;
    let kind = event.r#type.unwrap_or(0);
    let body = |name: &str| missing(format!("event.{name}"));
    match Type::try_from(kind) {
        Ok(Type::Subscribed) => {
            let subscribed = event.subscribed.ok_or_else(|| body("subscribed"))?;
            let id = required(subscribed.framework_id.value, || {
                "event.subscribed.framework_id".to_owned()
            })?;
            let master = subscribed.master_info.map(|master| {
                let host = master
                    .address
                    .as_ref()
                    .and_then(|a| a.hostname.clone().or(a.ip.clone()));
                let host = host.or(master.hostname).unwrap_or_default();
                let port = master
                    .address
                    .map_or(i64::from(master.port), |address| address.port.into());
                format!("{host}:{port}")
            });
            Ok(Event::Subscribed {
                framework_id: FrameworkId::from(id),
                master: master.unwrap_or_else(|| "a master that gave no address".to_owned()),
            })
        }
        Ok(Type::Offers) => {
            let offers = event.offers.ok_or_else(|| body("offers"))?.offers;
            let offers = list(offers, "event.offers.offers", |offer| {
                offer_like(offer, None, left_out)
            })?;
            Ok(Event::Offers(offers))
        }
        Ok(Type::InverseOffers) => {
            let offers = event
                .inverse_offers
                .ok_or_else(|| body("inverse_offers"))?
                .inverse_offers;
            let offers = list(offers, "event.inverse_offers.inverse_offers", |offer| {
                inverse_offer(offer, left_out)
            })?;
            Ok(Event::InverseOffers(offers))
        }
        Ok(Type::Rescind) => {
            let rescind = event.rescind.ok_or_else(|| body("rescind"))?;
            let id = required(rescind.offer_id.value, || {
                "event.rescind.offer_id".to_owned()
            })?;
            Ok(Event::Rescind(OfferId::from(id)))
        }
        Ok(Type::RescindInverseOffer) => {
            let rescind = event
                .rescind_inverse_offer
                .ok_or_else(|| body("rescind_inverse_offer"))?;
            let id = required(rescind.inverse_offer_id.value, || {
                "event.rescind_inverse_offer.inverse_offer_id".to_owned()
            })?;
            Ok(Event::RescindInverseOffer(OfferId::from(id)))
        }
        Ok(Type::Update) => {
            let status = event.update.ok_or_else(|| body("update"))?.status;
            Ok(Event::Update(task_status(status)?))
        }
        Ok(Type::UpdateOperationStatus) => {
            let update = event
                .update_operation_status
                .ok_or_else(|| body("update_operation_status"))?;
            let status = operation_status(update.status, left_out)?;
            Ok(Event::UpdateOperationStatus(status))
        }
        Ok(Type::Message) => {
            let message = event.message.ok_or_else(|| body("message"))?;
            let agent = required(message.agent_id.value, || {
                "event.message.agent_id".to_owned()
            })?;
            let executor = required(message.executor_id.value, || {
                "event.message.executor_id".to_owned()
            })?;
            Ok(Event::Message {
                agent: agent.into(),
                executor: executor.into(),
                data: message.data,
            })
        }
        Ok(Type::Failure) => {
            let failure = event.failure.ok_or_else(|| body("failure"))?;
            Ok(Event::Failure {
                agent: failure.agent_id.map(|id| AgentId::from(id.value)),
                executor: failure.executor_id.map(|id| ExecutorId::from(id.value)),
                status: failure.status,
            })
        }
        Ok(Type::Error) => Ok(Event::Error(
            event.error.ok_or_else(|| body("error"))?.message,
        )),
        Ok(Type::Heartbeat) => Ok(Event::Heartbeat),
        Ok(Type::Unknown) | Err(_) => {
            let details = mesos_v1::json::to_string(&event);
            Ok(Event::Unknown { kind, details })
        }
    }
}

/// The interval that a SUBSCRIBED event announces, in seconds; 15 (Mesos's
/// own) if it announces none or a useless one.
pub fn heartbeat_interval(record: &[u8]) -> f64 {
    const DEFAULT: f64 = 15.0;
    api::Event::decode(record)
        .ok()
        .and_then(|event| event.subscribed?.heartbeat_interval_seconds)
        .filter(|seconds| seconds.is_finite() && *seconds > 0.0)
        .unwrap_or(DEFAULT)
}

fn at(error: EventError, list: &str, position: usize) -> EventError {
    match error {
        EventError::Missing { path } => EventError::Missing {
            path: format!("{list}[{position}].{path}"),
        },
        EventError::Invalid {
            path,
            found,
            expected,
        } => EventError::Invalid {
            path: format!("{list}[{position}].{path}"),
            found,
            expected,
        },
        other => other,
    }
}

/// Converts the items of the field `path`.
pub(crate) fn list<T, U>(
    items: Vec<T>,
    path: &str,
    mut convert: impl FnMut(T) -> Result<U>,
) -> Result<Vec<U>> {
    items
        .into_iter()
        .enumerate()
        .map(|(position, item)| convert(item).map_err(|error| at(error, path, position)))
        .collect()
}

/// Those items that can be converted. `whose`: what they belong to.
fn usable<T, U>(
    items: Vec<T>,
    convert: impl Fn(T) -> Result<U>,
    whose: impl Fn() -> String,
    left_out: &mut Vec<String>,
) -> Vec<U> {
    let mut usable = Vec::with_capacity(items.len());
    for item in items {
        match convert(item) {
            Ok(item) => usable.push(item),
            Err(error) => left_out.push(format!("left out of {}: {error}", whose())),
        }
    }
    usable
}

/// One offer.
///
/// # Errors
/// Something that it must have is missing.
pub fn offer_info(offer: wire::Offer) -> Result<OfferInfo> {
    offer_like(offer, None, &mut Vec::new())
}

/// The same; names that are those of the offer before share its memory. What
/// can't be used is left out.
pub(super) fn offer_like(
    offer: wire::Offer,
    before: Option<&OfferInfo>,
    left_out: &mut Vec<String>,
) -> Result<OfferInfo> {
    let id = required(offer.id.value, || "id".to_owned())?;
    let agent_id = required(offer.agent_id.value, || "agent_id".to_owned())?;
    let role = offer
        .allocation_info
        .and_then(|info| info.role)
        .unwrap_or_default();
    let role = required(role, || "allocation_info.role".to_owned())?;
    let role = match before.filter(|before| before.role.as_str() == role) {
        Some(before) => before.role.clone(),
        None => Role::from(role),
    };
    let framework = offer.framework_id.value;
    let framework_id = match before.filter(|before| before.framework_id.as_str() == framework) {
        Some(before) => before.framework_id.clone(),
        None => FrameworkId::from(framework),
    };
    let (region, zone) = domain(offer.domain);
    let attributes = usable(
        offer.attributes,
        attribute,
        || format!("the attributes of agent {agent_id} on {}", offer.hostname),
        left_out,
    );
    // All resources of an offer are allocated to its role; sharing the name
    // saves an allocation for each.
    let resources = usable(
        offer.resources,
        |resource| resource_of(resource, Some(&role)),
        || {
            format!(
                "the offered resources of agent {agent_id} on {}",
                offer.hostname
            )
        },
        left_out,
    );
    Ok(OfferInfo {
        id: OfferId::from(id),
        framework_id,
        agent: AgentInfo {
            id: AgentId::from(agent_id),
            hostname: offer.hostname.into(),
            region,
            zone,
            attributes,
        },
        url: offer.url.map(|url| {
            Box::new(Url {
                scheme: url.scheme,
                hostname: url.address.hostname,
                ip: url.address.ip,
                port: url.address.port,
                path: url.path,
            })
        }),
        role,
        resources,
        executor_ids: offer
            .executor_ids
            .into_iter()
            .map(|id| ExecutorId::from(id.value))
            .collect(),
        unavailability: offer.unavailability.map(unavailability),
    })
}

pub(super) fn domain(domain: Option<wire::DomainInfo>) -> (Option<String>, Option<String>) {
    match domain.and_then(|domain| domain.fault_domain) {
        Some(fault) => (Some(fault.region.name), Some(fault.zone.name)),
        None => (None, None),
    }
}

pub(super) fn unavailability(value: wire::Unavailability) -> Unavailability {
    let nanos = |n: i64| u64::try_from(n).unwrap_or(0);
    Unavailability {
        start: Instant(nanos(value.start.nanoseconds)),
        duration: value.duration.map(|duration| nanos(duration.nanoseconds)),
    }
}

fn inverse_offer(
    offer: wire::InverseOffer,
    left_out: &mut Vec<String>,
) -> Result<InverseOfferInfo> {
    let agent = offer.agent_id.map(|id| AgentId::from(id.value));
    let resources = usable(
        offer.resources,
        resource,
        || {
            let agent = agent.as_ref().map_or("all agents", AgentId::as_str);
            format!("the resources of an inverse offer of {agent}")
        },
        left_out,
    );
    Ok(InverseOfferInfo {
        id: OfferId::from(required(offer.id.value, || "id".to_owned())?),
        agent,
        unavailability: unavailability(offer.unavailability),
        resources,
    })
}

pub(super) fn attribute(attribute: wire::Attribute) -> Result<Attribute> {
    if attribute.name.is_empty() {
        return Err(missing("name"));
    }
    let value = if let Some(text) = attribute.text {
        AttributeValue::Text(text.value)
    } else if let Some(value) = &attribute.scalar {
        // An agent takes what looks like a number for one: a date, a serial
        // number. What the machine can't count with stays a text.
        match Milli::from_units(value.value) {
            Some(value) => AttributeValue::Scalar(value),
            None => AttributeValue::Text(value.value.to_string()),
        }
    } else if let Some(value) = attribute.ranges {
        AttributeValue::Ranges(ranges(value))
    } else if let Some(set) = attribute.set {
        AttributeValue::Set(set.item)
    } else {
        let name = attribute.name;
        return Err(missing(format!("text, scalar, ranges or set ({name})")));
    };
    Ok(Attribute {
        name: attribute.name,
        value,
    })
}

fn uuid(bytes: &[u8], path: &str) -> Result<[u8; 16]> {
    bytes.try_into().map_err(|_| EventError::Invalid {
        path: path.to_owned(),
        found: format!("{} bytes long", bytes.len()),
        expected: "16 bytes",
    })
}

fn task_status(status: wire::TaskStatus) -> Result<TaskStatus> {
    let task = required(status.task_id.value, || {
        "event.update.status.task_id".to_owned()
    })?;
    // An empty uuid is what some masters send for "none".
    let id = status.uuid.filter(|bytes| !bytes.is_empty());
    Ok(TaskStatus {
        task: task.into(),
        state: TaskState(status.state),
        message: status.message,
        source: status.source,
        reason: status.reason,
        agent: status.agent_id.map(|id| AgentId::from(id.value)),
        executor: status.executor_id.map(|id| ExecutorId::from(id.value)),
        healthy: status.healthy,
        // The cast saturates; a time before 1970 becomes 0.
        at: status
            .timestamp
            .map(|seconds| Instant((seconds * 1e9) as u64)),
        uuid: id
            .map(|bytes| uuid(&bytes, "event.update.status.uuid"))
            .transpose()?,
    })
}

fn operation_status(
    status: wire::OperationStatus,
    left_out: &mut Vec<String>,
) -> Result<OperationStatus> {
    let path = "event.update_operation_status.status.uuid";
    let operation = status.operation_id.map(|id| id.value);
    let converted = usable(
        status.converted_resources,
        resource,
        || {
            let operation = operation.as_deref().unwrap_or("without an id");
            format!("the converted resources of operation {operation}")
        },
        left_out,
    );
    Ok(OperationStatus {
        operation: operation.map(Into::into),
        state: OperationState(status.state),
        message: status.message,
        agent: status.agent_id.map(|id| AgentId::from(id.value)),
        provider: status
            .resource_provider_id
            .map(|id| ProviderId::from(id.value)),
        converted,
        uuid: status.uuid.map(|id| uuid(&id.value, path)).transpose()?,
    })
}
