//! Agents and what they offer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::amount::Milli;
use crate::ids::{
    AgentHandle, AgentId, ExecutorId, InverseOfferHandle, OfferHandle, OfferId, Role, RoleHandle,
};
use crate::resource::{Amounts, Range, Resource};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum AttributeValue {
    Text(String),
    Scalar(Milli),
    Ranges(Vec<Range>),
    Set(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attribute {
    pub name: String,
    pub value: AttributeValue,
}

/// What an offer tells about its agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentInfo {
    pub id: AgentId,
    pub hostname: Arc<str>,
    pub region: Option<String>,
    pub zone: Option<String>,
    pub attributes: Vec<Attribute>,
}

/// An agent as policies see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agent {
    pub handle: AgentHandle,
    pub info: AgentInfo,
}

/// A planned absence of an agent. `duration` is in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unavailability {
    pub start: Instant,
    pub duration: Option<u64>,
}

/// URL of the agent, as the offer gives it; kept so that an offer can be shown
/// whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Url {
    pub scheme: String,
    pub hostname: Option<String>,
    pub ip: Option<String>,
    pub port: i32,
    pub path: Option<String>,
}

/// An offer as it comes off the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OfferInfo {
    pub id: OfferId,
    pub framework_id: crate::ids::FrameworkId,
    pub agent: AgentInfo,
    pub url: Option<Box<Url>>,
    pub role: Role,
    pub resources: Vec<Resource>,
    pub executor_ids: Vec<ExecutorId>,
    pub unavailability: Option<Unavailability>,
}

/// A live offer in the host's books.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    pub handle: OfferHandle,
    pub agent: AgentHandle,
    pub role: RoleHandle,
    /// What plain tasks can use.
    pub usable: Amounts,
    pub traits: u32,
    pub since: Instant,
    pub info: OfferInfo,
}

/// Bits of `offer.traits` in the contract.
pub mod traits {
    pub const FRESH: u32 = 1;
    pub const RESERVED: u32 = 2;
    pub const REVOCABLE: u32 = 4;
    pub const VOLUMES: u32 = 8;
    pub const DISKS: u32 = 16;
    pub const UNAVAILABLE: u32 = 32;
    pub const OTHER: u32 = 64;
}

impl OfferInfo {
    /// The trait bits that follow from the offer itself (all but FRESH).
    pub fn traits(&self) -> u32 {
        use crate::resource::Name;
        let mut bits = 0;
        for resource in &self.resources {
            if !resource.reservations.is_empty() {
                bits |= traits::RESERVED;
            }
            if resource.revocable {
                bits |= traits::REVOCABLE;
            }
            if let Some(disk) = &resource.disk {
                if disk.persistence.is_some() {
                    bits |= traits::VOLUMES;
                }
                if disk.source.is_some() {
                    bits |= traits::DISKS;
                }
            }
            if matches!(resource.name, Name::Other(_)) {
                bits |= traits::OTHER;
            }
        }
        if self.unavailability.is_some() {
            bits |= traits::UNAVAILABLE;
        }
        bits
    }
}

/// A request to give resources back (R30), as it comes off the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InverseOfferInfo {
    pub id: OfferId,
    pub agent: Option<AgentId>,
    pub unavailability: Unavailability,
    pub resources: Vec<Resource>,
}

/// A live inverse offer in the host's books.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InverseOffer {
    pub handle: InverseOfferHandle,
    pub agent: AgentHandle,
    pub info: InverseOfferInfo,
}
