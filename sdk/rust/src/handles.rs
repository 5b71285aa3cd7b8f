//! Handles of the contract as types of their own, so that an offer is not taken
//! for a task. A handle is a number that the host gave out; it means nothing
//! outside of the instance that got it.

use crate::types::{InverseOffer, Offer, Task, Update, Waiting};

macro_rules! handle {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// Stands where there is none (`none-handle` of the contract).
            pub const NONE: Self = Self(u32::MAX);

            /// Whether this is [`Self::NONE`].
            pub fn is_none(self) -> bool {
                self == Self::NONE
            }
        }

        impl From<u32> for $name {
            fn from(handle: u32) -> Self {
                Self(handle)
            }
        }

        impl From<$name> for u32 {
            fn from(handle: $name) -> Self {
                handle.0
            }
        }
    };
}

macro_rules! named_by {
    ($($handle:ident: $($record:ident.$field:ident),+;)+) => {
        $($(
            impl From<&$record> for $handle {
                fn from(record: &$record) -> Self {
                    Self(record.$field)
                }
            }
        )+)+
    };
}

handle!(
    /// An offer that lives.
    OfferHandle
);
handle!(
    /// An agent.
    AgentHandle
);
handle!(
    /// A role; its position in [`crate::cluster::roles`].
    RoleHandle
);
handle!(
    /// A set of interchangeable waiting tasks.
    SetHandle
);
handle!(
    /// A job.
    JobHandle
);
handle!(
    /// A task.
    TaskHandle
);
handle!(
    /// A request to give resources back.
    InverseOfferHandle
);

named_by! {
    OfferHandle: Offer.offer;
    AgentHandle: Offer.agent, Task.agent, Update.agent, InverseOffer.agent;
    RoleHandle: Offer.role, Waiting.role, Task.role;
    SetHandle: Waiting.set;
    JobHandle: Waiting.job, Task.job, Update.job;
    TaskHandle: Task.task, Update.task;
    InverseOfferHandle: InverseOffer.inverse_offer;
}
