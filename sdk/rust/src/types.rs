//! The records of the contract, with the methods that make their bits and
//! numbers readable. Field docs are those of `wit/types.wit`.

pub use crate::bindings::policy::offerd::policy::cluster::{
    AgentDetails, Attribute, AttributeValue, FrameworkDetails, JobDetails, JobKind, Limits,
    OfferDetails, TaskDetails, Unavailability,
};
pub use crate::bindings::policy::offerd::policy::types::{
    Accept, Action, Answer, CreateDisk, Decline, DeclineRest, DestroyDisk, DiskInfo, DiskKind,
    DiskSource, Encoded, Event, Executor, ExecutorMessage, Failure, FrameworkUpdate, GrowVolume,
    InverseAnswer, InverseOffer, Kill, Label, MesosResource, Offer, Operation, OperationQuery,
    OperationUpdate, OtherEvent, Persistence, Placement, Range, ReasonedAction, Refusal,
    Reservation, ReservationKind, Reserve, ResourceOperation, ResourceRequest, ResourceValue,
    Round, SetCount, ShrinkVolume, Subscribed, Task, TaskGroup, Timer, Update, Volume, Waiting,
};

use crate::amounts::Amounts;
use crate::codes::{OperationState, Reason, Source, TaskState};
use crate::handles::{OfferHandle, SetHandle};

macro_rules! bits {
    ($record:ident { $($(#[$doc:meta])* $method:ident = $bit:literal;)+ }) => {
        impl $record {
            $($(#[$doc])* pub fn $method(&self) -> bool {
                self.traits & $bit != 0
            })+
        }
    };
}

macro_rules! amounts {
    ($($(#[$doc:meta])* $record:ident::$method:ident;)+) => {
        $(impl $record {
            $(#[$doc])*
            pub fn $method(&self) -> Amounts {
                Amounts {
                    cpus: self.cpus,
                    mem: self.mem,
                    disk: self.disk,
                    gpus: self.gpus,
                    ports: self.ports,
                }
            }
        })+
    };
}

amounts! {
    /// What a plain task can use of it.
    Offer::amounts;
    /// What each single task needs.
    Waiting::needs;
    /// What it occupies.
    Task::amounts;
}

bits!(Offer {
    /// Not shown in an earlier round.
    is_fresh = 1;
    /// Has resources reserved for its role (counted in the amounts).
    has_reserved = 2;
    /// Has revocable resources (not counted).
    has_revocable = 4;
    /// Has persistent volumes (not counted).
    has_volumes = 8;
    /// Has disks with a source: path, mount, block, raw (not counted).
    has_disk_sources = 16;
    /// The agent has announced unavailability (maintenance).
    is_going_away = 32;
    /// Has other named resources, see [`crate::cluster::column`].
    has_other_resources = 64;
});

bits!(Waiting {
    /// The job has placement constraints, see [`crate::cluster::allowed`].
    is_constrained = 1;
    /// Tasks of a service; otherwise of a batch job.
    is_service = 2;
    /// At least one of these ran before.
    is_retry = 4;
});

bits!(Task {
    /// A kill is under way.
    is_being_killed = 1;
    /// A task of a service.
    is_service = 2;
    /// Last known health is healthy.
    is_healthy = 4;
    /// Last known health is unhealthy.
    is_unhealthy = 8;
    /// Unknown to the host's books.
    is_quarantined = 16;
});

bits!(Update {
    /// The task never runs again.
    is_terminal = 1;
    /// An answer to a reconciliation.
    is_reconciliation = 2;
    /// The task says it is healthy.
    is_healthy = 4;
    /// The task says it is unhealthy.
    is_unhealthy = 8;
});

impl Task {
    /// `state` with its name.
    pub fn state(&self) -> TaskState {
        TaskState(self.state)
    }
}

impl Update {
    /// `state` with its name.
    pub fn state(&self) -> TaskState {
        TaskState(self.state)
    }

    /// `reason` with its name.
    pub fn reason(&self) -> Reason {
        Reason(self.reason)
    }

    /// `source` with its name.
    pub fn source(&self) -> Source {
        Source(self.source)
    }
}

impl OperationUpdate {
    /// `state` with its name.
    pub fn state(&self) -> OperationState {
        OperationState(self.state)
    }
}

impl Round {
    /// The offer with this handle, if the round shows it. Walks the list.
    pub fn offer(&self, offer: impl Into<OfferHandle>) -> Option<&Offer> {
        let OfferHandle(handle) = offer.into();
        self.offers.iter().find(|offer| offer.offer == handle)
    }

    /// The waiting set with this handle, if the round shows it. Walks the list.
    pub fn waiting_set(&self, set: impl Into<SetHandle>) -> Option<&Waiting> {
        let SetHandle(handle) = set.into();
        self.waiting.iter().find(|set| set.set == handle)
    }
}

impl AgentDetails {
    /// The first attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&AttributeValue> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name)
            .map(|a| &a.value)
    }

    /// The first attribute of this name as text; scalars, ranges and sets in
    /// the form in which operators write them. `None` if there is none.
    pub fn attribute_text(&self, name: &str) -> Option<String> {
        self.attribute(name).map(ToString::to_string)
    }
}

impl std::fmt::Display for AttributeValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Scalar(milli) => write!(f, "{}", milli / 1000.0),
            Self::Ranges(ranges) => {
                f.write_str("[")?;
                for (at, range) in ranges.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    write!(f, "{comma}{}-{}", range.begin, range.end)?;
                }
                f.write_str("]")
            }
            Self::Items(items) => write!(f, "{{{}}}", items.join(", ")),
        }
    }
}

impl Encoded {
    /// A message in Mesos's JSON form, from anything that serde can write.
    ///
    /// # Errors
    /// What serde says when the value has no JSON form.
    pub fn json(message: &impl serde::Serialize) -> Result<Self, serde_json::Error> {
        serde_json::to_string(message).map(Self::Json)
    }
}
