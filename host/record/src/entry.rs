//! What stands in a recording.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use offerd_core::Instant;
use offerd_core::ids::{PolicyHandle, Role};
use offerd_core::machine::{
    CallId, Canary, Input, PolicyChange, PolicySettings, Request, Session, Ticket,
};
use offerd_core::policy::{Answer, Failure};
use serde::{Deserialize, Serialize};

/// One step of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Entry<'a> {
    /// The first of each file.
    Start(Box<Start>),
    /// Inputs that the machine took together.
    Inputs {
        now: Instant,
        inputs: Vec<Recorded<'a>>,
    },
    /// Other code, or a new instance of the same, has taken over.
    Code { policy: PolicyHandle, code: Code },
    /// The policy was asked for its state between two rounds.
    Saved {
        policy: PolicyHandle,
        /// Whether that ended its instance: it trapped or took too long.
        ended: bool,
    },
    /// A policy begins at this place, which is new, or that of one that ended.
    Policy {
        policy: PolicyHandle,
        setup: Box<PolicySetup>,
    },
}

/// Everything as it was when the file begins. No round is open then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// Version of the program that wrote this.
    pub version: String,
    /// Whether what may be secret was taken out.
    pub redacted: bool,
    pub now: Instant,
    /// The machine, in postcard's form.
    #[serde(with = "serde_bytes_vec")]
    pub machine: Vec<u8>,
    /// In the order of the machine's handles.
    pub policies: Vec<PolicySetup>,
}

/// How a policy is started, whatever its code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicySetup {
    pub name: String,
    /// The `config` table in JSON.
    pub config: String,
    /// All roles of the framework, in the order of their handles.
    pub roles: Vec<Role>,
    pub framework_id: Option<String>,
    pub framework: String,
    pub user: String,
    pub deadline: Duration,
    pub memory: u64,
    pub offer_lease: Duration,
    pub offers_per_round: u32,
    pub waiting_per_round: u32,
    /// For each level of log lines, from the lowest, whether the policy was told
    /// that the host keeps them.
    pub log_levels: [bool; 5],
    pub seed: u64,
    pub now: Instant,
    /// Whether something was taken out of `config` that decisions may depend on.
    pub redacted: bool,
    pub code: Code,
}

/// What decides for a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Code {
    /// SHA-256 of the component in hex; `none` for the host's own code.
    pub digest: String,
    /// Name of the fallback, if that decides.
    pub fallback: Option<String>,
    /// Number of the instance, on which its random numbers depend.
    pub instance: u64,
    /// What it was given to begin with.
    pub state: Option<State>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub version: u32,
    #[serde(with = "serde_bytes_vec")]
    pub data: Vec<u8>,
}

/// An input of the machine. Events are kept as the master sent them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Recorded<'a> {
    Event {
        session: Session,
        record: Bytes,
    },
    Disconnected {
        session: Session,
        reason: Cow<'a, str>,
    },
    CallFailed {
        session: Session,
        call: CallId,
        why: Cow<'a, str>,
    },
    Answered {
        policy: PolicyHandle,
        round: u32,
        result: Cow<'a, Result<Answer, Failure>>,
    },
    Operator {
        ticket: Ticket,
        request: Cow<'a, Request>,
    },
    Policy {
        policy: PolicyHandle,
        change: PolicyChange,
    },
    Tick,
    Version {
        policy: PolicyHandle,
        version: Cow<'a, str>,
    },
    Policies(Cow<'a, [PolicySettings]>),
    Canary {
        policy: PolicyHandle,
        canary: Cow<'a, Option<Canary>>,
    },
}

impl Code {
    /// Digest of the component; `None` for the host's own code.
    pub fn component(&self) -> Option<&str> {
        self.fallback.is_none().then_some(&self.digest)
    }
}

impl Entry<'_> {
    /// Digests of the components that decide from here on.
    pub(crate) fn components(&self) -> Vec<&str> {
        let codes: Vec<&Code> = match self {
            Self::Start(start) => start.policies.iter().map(|policy| &policy.code).collect(),
            Self::Code { code, .. } => vec![code],
            Self::Policy { setup, .. } => vec![&setup.code],
            Self::Inputs { .. } | Self::Saved { .. } => Vec::new(),
        };
        codes.into_iter().filter_map(Code::component).collect()
    }
}

impl<'a> Recorded<'a> {
    /// `record`: the bytes of an event.
    pub fn of(input: &'a Input, record: impl FnOnce() -> Bytes) -> Self {
        match input {
            Input::Master { session, .. } => Self::Event {
                session: *session,
                record: record(),
            },
            Input::Disconnected { session, reason } => Self::Disconnected {
                session: *session,
                reason: Cow::Borrowed(reason),
            },
            Input::CallFailed { session, call, why } => Self::CallFailed {
                session: *session,
                call: *call,
                why: Cow::Borrowed(why),
            },
            Input::Answered {
                policy,
                round,
                result,
            } => Self::Answered {
                policy: *policy,
                round: *round,
                result: Cow::Borrowed(result),
            },
            Input::Operator { ticket, request } => Self::Operator {
                ticket: *ticket,
                request: Cow::Borrowed(request),
            },
            Input::Policy { policy, change } => Self::Policy {
                policy: *policy,
                change: *change,
            },
            Input::Version { policy, version } => Self::Version {
                policy: *policy,
                version: Cow::Borrowed(version),
            },
            Input::Policies(wanted) => Self::Policies(Cow::Borrowed(wanted)),
            Input::Canary { policy, canary } => Self::Canary {
                policy: *policy,
                canary: Cow::Borrowed(canary),
            },
            Input::Tick => Self::Tick,
        }
    }
}

/// Bytes as bytes: serde would write each as a number of its own.
mod serde_bytes_vec {
    use bytes::Bytes;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        Bytes::deserialize(from).map(Vec::from)
    }
}
