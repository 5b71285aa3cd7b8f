//! What passes between the machine and a policy: rounds one way, answers the
//! other. The Rust mirror of wit/, without WebAssembly in it.

use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::amount::Milli;
use crate::call::ByRole;
use crate::ids::{
    AgentHandle, InverseOfferHandle, JobHandle, OfferHandle, Role, RoleHandle, SetHandle,
    TaskHandle,
};
use crate::job::JobView;
use crate::offer::{Agent, InverseOffer, Offer};
use crate::resource::{Amounts, DiskKind, Resource};
use crate::task::{TaskState, TaskView};

/// A message of the Mesos API that a policy wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Encoded {
    Json(String),
    Protobuf(Vec<u8>),
}

impl Encoded {
    /// Stands for a message that no codec takes.
    pub fn unreadable() -> Self {
        Self::Json(String::new())
    }
}

/// A set of interchangeable waiting tasks (`waiting` of the contract).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    pub set: SetHandle,
    pub job: JobHandle,
    pub role: RoleHandle,
    pub count: u32,
    pub needs: Amounts,
    pub priority: i32,
    pub traits: u32,
    pub since: Instant,
}

/// `update` of the contract. `reason` and `source`: Mesos's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Update {
    pub task: TaskHandle,
    pub job: JobHandle,
    pub agent: AgentHandle,
    pub state: TaskState,
    pub reason: Option<i32>,
    pub source: Option<i32>,
    pub traits: u32,
    pub at: Instant,
}

/// Bits of `update.traits` in the contract.
pub mod update_traits {
    pub const TERMINAL: u32 = 1;
    pub const RECONCILED: u32 = 2;
    pub const HEALTHY: u32 = 4;
    pub const UNHEALTHY: u32 = 8;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationView {
    pub operation: Option<String>,
    pub state: i32,
    pub message: Option<String>,
    pub agent: AgentHandle,
    pub provider: Option<String>,
    pub converted: Vec<Resource>,
}

/// Which list of an answer a decision stood in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DecisionKind {
    Placement,
    Decline,
    Kill,
    Action,
    Rest,
}

impl DecisionKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Placement => "placement",
            Self::Decline => "decline",
            Self::Kill => "kill",
            Self::Action => "action",
            Self::Rest => "rest",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    pub round: u32,
    pub kind: DecisionKind,
    pub position: u32,
    pub why: String,
}

/// `event` of the contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PolicyEvent {
    Subscribed {
        framework_id: String,
        fresh: bool,
        master: String,
    },
    Disconnected(String),
    Operation(OperationView),
    Message {
        agent: AgentHandle,
        executor: String,
        data: Bytes,
    },
    Failure {
        agent: AgentHandle,
        executor: Option<String>,
        status: Option<i32>,
    },
    Error(String),
    InverseOffers(Vec<Arc<InverseOffer>>),
    InverseOfferRescinded(InverseOfferHandle),
    Timer(u32),
    Refused(Refusal),
    Other {
        kind: String,
        details: String,
    },
}

/// What changed since the last round in the tables that answer a policy's
/// questions (`cluster`). The side that runs the policy keeps those tables; the
/// first round of an instance carries all of them. Applied in this order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Delta {
    /// Forget everything known before.
    pub reset: bool,
    pub framework_id: Option<String>,
    /// All roles of the framework by handle, if they may have changed.
    pub roles: Option<Vec<Role>>,
    pub agents: Vec<Arc<Agent>>,
    pub jobs: Vec<Arc<JobView>>,
    pub jobs_gone: Vec<JobHandle>,
    /// New or changed tasks.
    pub tasks: Vec<TaskView>,
    /// Tasks that ended: known till the end of this round.
    pub tasks_ended: Vec<TaskHandle>,
    pub operations: Vec<OperationView>,
}

impl Delta {
    /// Makes it bring what `later` brings too.
    pub fn append(&mut self, later: &Self) {
        if later.reset {
            *self = later.clone();
            return;
        }
        if later.framework_id.is_some() {
            self.framework_id.clone_from(&later.framework_id);
        }
        if later.roles.is_some() {
            self.roles.clone_from(&later.roles);
        }
        self.agents.extend_from_slice(&later.agents);
        self.jobs.extend_from_slice(&later.jobs);
        self.jobs_gone.extend_from_slice(&later.jobs_gone);
        self.tasks.extend_from_slice(&later.tasks);
        self.tasks_ended.extend_from_slice(&later.tasks_ended);
        self.operations.extend_from_slice(&later.operations);
    }
}

/// `round` of the contract, with what is needed to answer questions in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    pub number: u32,
    pub now: Instant,
    pub offers: Vec<Arc<Offer>>,
    /// Offers with this handle or a larger one were not shown before.
    pub fresh_from: OfferHandle,
    pub waiting: Vec<Waiting>,
    pub updates: Vec<Update>,
    pub rescinded: Vec<OfferHandle>,
    pub events: Vec<PolicyEvent>,
    pub delta: Delta,
}

impl Round {
    /// This round for one who has missed those before it, which are in order: all
    /// that came with them comes with this one.
    #[must_use]
    pub fn after(&self, missed: &[Arc<Self>]) -> Self {
        let mut all = self.clone();
        let Some((first, others)) = missed.split_first() else {
            return all;
        };
        all.delta = first.delta.clone();
        for round in others {
            all.delta.append(&round.delta);
        }
        all.delta.append(&self.delta);
        let rounds = || missed.iter().map(AsRef::as_ref).chain([self]);
        all.updates = rounds().flat_map(|round| &round.updates).cloned().collect();
        all.events = rounds().flat_map(|round| &round.events).cloned().collect();
        all.rescinded = rounds()
            .flat_map(|round| &round.rescinded)
            .copied()
            .collect();
        all.fresh_from = rounds()
            .map(|round| round.fresh_from)
            .min()
            .unwrap_or(self.fresh_from);
        all
    }
}

/// Index into [`Answer::reasons`] plus one; 0: none.
pub type ReasonIndex = u32;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    pub offer: OfferHandle,
    pub set: SetHandle,
    pub count: u32,
    pub reason: ReasonIndex,
}

/// Milliseconds as policies give them; negative (or NaN): the host's choice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Millis(pub f64);

impl Millis {
    pub const HOSTS_CHOICE: Self = Self(-1.0);

    /// `None`: the host's choice.
    pub fn seconds(self) -> Option<f64> {
        (self.0 >= 0.0).then_some(self.0 / 1000.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Decline {
    pub offer: OfferHandle,
    pub refuse: Millis,
    pub reason: ReasonIndex,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Kill {
    pub task: TaskHandle,
    pub grace: Millis,
    pub reason: ReasonIndex,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DeclineRest {
    pub refuse: Millis,
    pub reason: ReasonIndex,
}

/// `operation` of the contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum WantedOperation {
    Launch(Vec<Encoded>),
    Place {
        set: SetHandle,
        count: u32,
    },
    LaunchGroup {
        executor: Encoded,
        tasks: Vec<Encoded>,
    },
    Reserve {
        id: Option<String>,
        source: Vec<Resource>,
        resources: Vec<Resource>,
    },
    Unreserve {
        id: Option<String>,
        resources: Vec<Resource>,
    },
    Create {
        id: Option<String>,
        resources: Vec<Resource>,
    },
    Destroy {
        id: Option<String>,
        resources: Vec<Resource>,
    },
    GrowVolume {
        id: Option<String>,
        volume: Resource,
        addition: Resource,
    },
    ShrinkVolume {
        id: Option<String>,
        volume: Resource,
        subtract: Milli,
    },
    CreateDisk {
        id: Option<String>,
        source: Resource,
        target: DiskKind,
        target_profile: Option<String>,
    },
    DestroyDisk {
        id: Option<String>,
        source: Resource,
    },
}

/// `action` of the contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Action {
    Accept {
        offers: Vec<OfferHandle>,
        operations: Vec<WantedOperation>,
        refuse: Millis,
    },
    Revive(Vec<RoleHandle>),
    Suppress(Vec<RoleHandle>),
    Shutdown {
        agent: AgentHandle,
        executor: String,
    },
    Message {
        agent: AgentHandle,
        executor: String,
        data: Vec<u8>,
    },
    Request(Vec<(AgentHandle, Vec<Resource>)>),
    Reconcile(Vec<TaskHandle>),
    ReconcileOperations(Vec<(String, AgentHandle, Option<String>)>),
    AcceptInverseOffers {
        offers: Vec<InverseOfferHandle>,
        refuse: Millis,
    },
    DeclineInverseOffers {
        offers: Vec<InverseOfferHandle>,
        refuse: Millis,
    },
    UpdateFramework {
        framework: Option<Encoded>,
        constraints: Option<Encoded>,
    },
    Timer {
        number: u32,
        after: Millis,
    },
    /// A value in the action is outside what the contract allows (a negative
    /// or fractional amount, for example). Kept so that it is refused with its
    /// position.
    Malformed {
        what: Cow<'static, str>,
        why: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub placements: Vec<Placement>,
    pub declines: Vec<Decline>,
    pub kills: Vec<Kill>,
    pub actions: Vec<(Action, ReasonIndex)>,
    pub rest: Option<DeclineRest>,
    pub leftover: Millis,
    pub reasons: Vec<String>,
}

impl Default for Answer {
    /// No decision at all.
    fn default() -> Self {
        Self {
            placements: Vec::new(),
            declines: Vec::new(),
            kills: Vec::new(),
            actions: Vec::new(),
            rest: None,
            leftover: Millis::HOSTS_CHOICE,
            reasons: Vec::new(),
        }
    }
}

impl Answer {
    /// Text of a reason; `None` for 0 and for indexes that are out of range.
    pub fn reason(&self, index: ReasonIndex) -> Option<&str> {
        let position = self.reason_position(index)?;
        self.reasons.get(position).map(String::as_str)
    }

    /// Position in `reasons`; `None` for 0.
    pub fn reason_position(&self, index: ReasonIndex) -> Option<usize> {
        usize::try_from(index).ok()?.checked_sub(1)
    }
}

/// Why a call of a policy gave no answer. ARCHITECTURE.md has the consequences.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Failure {
    /// The policy returned an error. The instance goes on.
    #[error("the policy answered with an error: {0}")]
    Guest(String),
    /// The policy trapped or overran a limit other than time. Its instance ended.
    #[error("the policy was stopped: {0}")]
    Trap(String),
    /// The policy overran its deadline, which another machine may not do. Its
    /// instance ended.
    #[error("the policy was stopped: {0}")]
    Deadline(String),
    /// The host could not make the call. Not the policy's fault.
    #[error("the host could not call the policy: {0}")]
    Host(String),
}

impl Failure {
    /// Whether what decides next is a new instance.
    pub fn ends_instance(&self) -> bool {
        match self {
            Self::Guest(_) => false,
            Self::Trap(_) | Self::Deadline(_) | Self::Host(_) => true,
        }
    }

    /// Without what the policy logged before it was stopped.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
        match self {
            Self::Guest(words) => Self::Guest(words.clone()),
            Self::Trap(text) => Self::Trap(first(text)),
            Self::Deadline(text) => Self::Deadline(first(text)),
            Self::Host(text) => Self::Host(first(text)),
        }
    }
}

/// What a policy's UPDATE_FRAMEWORK says, with what it says of each role by itself:
/// see [`FrameworkUpdate`](crate::call::FrameworkUpdate).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WantedUpdate {
    /// FrameworkInfo without its offer filters, and those.
    pub framework: Option<(Vec<u8>, ByRole)>,
    pub constraints: Option<ByRole>,
}

/// Turns messages that policies wrote into checked ones, and offers into JSON.
/// Implemented by the crate that knows protobuf.
pub trait Codec: Send + Sync + std::fmt::Debug {
    /// A TaskInfo for this agent and allocation role. The error says which
    /// field is wrong and what would be right.
    fn task(
        &self,
        task: &Encoded,
        agent: &crate::ids::AgentId,
        role: &crate::ids::Role,
    ) -> Result<crate::call::WrittenTask, String>;

    /// An ExecutorInfo, likewise.
    fn executor(
        &self,
        executor: &Encoded,
        framework: &crate::ids::FrameworkId,
        role: &crate::ids::Role,
    ) -> Result<crate::call::WrittenExecutor, String>;

    /// A FrameworkInfo and OfferConstraints, taken apart.
    fn update(
        &self,
        framework: Option<&Encoded>,
        constraints: Option<&Encoded>,
    ) -> Result<WantedUpdate, String>;

    /// A TaskInfo with what [`Codec::task`] reads and nothing else; the two are
    /// taken, or refused, alike. A codec that does not say more leaves all out.
    fn bare_task(&self, _task: &Encoded) -> Encoded {
        Encoded::unreadable()
    }

    /// An ExecutorInfo with what [`Codec::executor`] reads, likewise.
    fn bare_executor(&self, _executor: &Encoded) -> Encoded {
        Encoded::unreadable()
    }

    /// A FrameworkInfo and OfferConstraints that speak of the same roles and say
    /// nothing of them.
    fn bare_update(
        &self,
        framework: Option<&Encoded>,
        constraints: Option<&Encoded>,
    ) -> (Option<Encoded>, Option<Encoded>) {
        let bare = |message: Option<&Encoded>| message.map(|_| Encoded::unreadable());
        (bare(framework), bare(constraints))
    }

    /// The whole offer in Mesos's JSON form.
    fn offer_json(&self, offer: &Offer) -> String;
}

/// A codec that takes no message and has no JSON.
#[derive(Debug, Clone, Copy)]
pub struct NoCodec;

impl Codec for NoCodec {
    fn task(
        &self,
        _: &Encoded,
        _: &crate::ids::AgentId,
        _: &crate::ids::Role,
    ) -> Result<crate::call::WrittenTask, String> {
        Err(NO_CODEC.to_owned())
    }

    fn executor(
        &self,
        _: &Encoded,
        _: &crate::ids::FrameworkId,
        _: &crate::ids::Role,
    ) -> Result<crate::call::WrittenExecutor, String> {
        Err(NO_CODEC.to_owned())
    }

    fn update(&self, _: Option<&Encoded>, _: Option<&Encoded>) -> Result<WantedUpdate, String> {
        Err(NO_CODEC.to_owned())
    }

    fn offer_json(&self, _: &Offer) -> String {
        String::new()
    }
}

const NO_CODEC: &str = "there is no codec for messages written by policies";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_brings_what_a_later_one_brings_and_all_is_all() {
        let gone = |jobs: [u32; 2], reset| Delta {
            reset,
            jobs_gone: jobs.map(JobHandle).to_vec(),
            ..Delta::default()
        };
        let mut delta = gone([1, 2], true);
        delta.framework_id = Some("F".to_owned());
        delta.append(&gone([3, 4], false));
        assert!(delta.reset);
        assert_eq!(delta.framework_id.as_deref(), Some("F"));
        assert_eq!(delta.jobs_gone, [1, 2, 3, 4].map(JobHandle));
        delta.append(&gone([5, 6], true));
        assert_eq!(delta.jobs_gone, [5, 6].map(JobHandle));
        assert_eq!(
            delta.framework_id, None,
            "what is blank knows nothing from before"
        );
    }
}
