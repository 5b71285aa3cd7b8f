//! Names given by Mesos or by users, and the handles that stand for them
//! between host and policies.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                Self(value.into())
            }
        }
        impl From<String> for $name {
            fn from(value: String) -> Self {
                Self(value.into())
            }
        }
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

name!(/** The id that the master gave to the framework (R14, R15). */ FrameworkId);
name!(/** An agent, for as long as it does not register anew. */ AgentId);
name!(/** An offer; lives at most as long as its session (R23). */ OfferId);
name!(/** A task; unique in the framework, at most 255 bytes (R32). */ TaskId);
name!(ExecutorId);
name!(/** Chosen by the framework to get feedback on an operation (R27). */ OperationId);
name!(/** A resource provider on an agent. */ ProviderId);
name!(Role);
name!(/** A job's name as its user chose it; unique among live jobs. */ JobName);

macro_rules! handle {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// Stands where there is none (`none-handle` of the contract).
            pub const NONE: Self = Self(u32::MAX);
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

impl SetHandle {
    /// A job has one set, which has its number.
    pub fn job(self) -> JobHandle {
        JobHandle(self.0)
    }
}

impl JobHandle {
    pub fn set(self) -> SetHandle {
        SetHandle(self.0)
    }
}

handle!(OfferHandle);
handle!(InverseOfferHandle);
handle!(AgentHandle);
handle!(/** A role: its position in the host's list of roles. */ RoleHandle);
handle!(JobHandle);
handle!(/** A set of interchangeable waiting tasks. */ SetHandle);
handle!(TaskHandle);
handle!(/** A policy: its position in the host's list of policies. */ PolicyHandle);
