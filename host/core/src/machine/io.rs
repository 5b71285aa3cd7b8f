//! What goes into the machine and what comes out. Nothing here decides.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::call::{Call, FrameworkUpdate};
use crate::event::Event;
use crate::ids::{FrameworkId, JobName, PolicyHandle, Role, TaskId};
use crate::job::JobSpec;
use crate::policy::{Answer, Failure, Round};

use super::ledger::Record;

/// Number of a subscription, counted by the transport: 1, 2, 3, ... Everything
/// that belongs to an older one is void (R23).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Session(pub u64);

/// Number of a call, counted by the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId(pub u64);

/// Number by which the service finds the asker of an operator request again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ticket(pub u64);

/// Everything that can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// An event of the subscription.
    Master {
        session: Session,
        event: Event,
    },
    /// The subscription ended; the transport will make a new one.
    Disconnected {
        session: Session,
        reason: String,
    },
    /// The master refused a call, or it was never sent. Calls that it took
    /// (202) are not reported: taken is not done (R6).
    CallFailed {
        session: Session,
        call: CallId,
        why: String,
    },
    /// A policy has ended a round. Shadows look at the result, too.
    Answered {
        policy: PolicyHandle,
        round: u32,
        result: Arc<Result<Answer, Failure>>,
    },
    Operator {
        ticket: Ticket,
        request: Request,
    },
    /// The code of a policy is being changed.
    Policy {
        policy: PolicyHandle,
        change: PolicyChange,
    },
    /// What decides for a policy, for people: a version, the beginning of a digest.
    Version {
        policy: PolicyHandle,
        version: String,
    },
    /// Which policy decides for which roles from now on; see
    /// [`Machine::check_policies`](super::Machine::check_policies). New ones are
    /// held until their [`Input::Policy`] says otherwise.
    Policies(Vec<PolicySettings>),
    /// A canary begins, or ends with `None`.
    Canary {
        policy: PolicyHandle,
        canary: Option<Canary>,
    },
    /// `Machine::next_deadline` has come.
    Tick,
}

/// Everything to do, in order. What must be durable comes before what depends
/// on it.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Persist(Record),
    /// For the current session only.
    Send {
        session: Session,
        id: CallId,
        call: Call,
    },
    Invoke {
        policy: PolicyHandle,
        round: Box<Round>,
    },
    /// What the next SUBSCRIBE has to carry. The latest wins.
    Subscription(Subscription),
    Reply {
        ticket: Ticket,
        reply: Reply,
    },
    Notice(Notice),
    /// The framework can't go on (R16, R17): end the service with this message.
    Stop(String),
}

/// Changing parts of SUBSCRIBE. The fixed ones are in the service's settings.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Subscription {
    /// Set from the first SUBSCRIBED on (R13).
    pub framework_id: Option<FrameworkId>,
    pub update: FrameworkUpdate,
}

/// A policy's code is changed between two rounds: `Hold` or `Absent`, then one of the
/// others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicyChange {
    /// No more rounds until further notice; what happens is kept for it.
    Hold,
    /// There is no code yet. As `Hold`, and its roles get no offers.
    Absent,
    /// The code stays as it is.
    Resume,
    /// The same code begins anew, for a recording that stands for itself.
    Renewed,
    /// Other code decides from here on. It knows nothing: its first round carries
    /// all tables. Offers and tasks stay as they are.
    Replaced,
}

/// What operators ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    Submit(Vec<JobSpec>),
    Scale { job: JobName, count: u32 },
    KillJob(JobName),
    KillTask(TaskId),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// One sentence for each thing done.
    Done(Vec<String>),
    /// Nothing was done; all reasons.
    Refused(Vec<String>),
    /// Nothing was done: what it is about does not exist.
    Unknown(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Debug,
    Info,
    Warn,
    Error,
}

/// Something that operators want to read. The service logs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub severity: Severity,
    pub text: String,
    pub task: Option<TaskId>,
    pub policy: Option<PolicyHandle>,
}

/// One policy and the roles it decides for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicySettings {
    /// For people: the file's name.
    pub name: String,
    pub roles: Vec<Role>,
}

/// A policy without roles of its own that decides for a part of another's demand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Canary {
    pub by: PolicyHandle,
    /// Percent of the tasks of each job.
    pub share: u32,
    /// Jobs of which all tasks are its own.
    pub jobs: Vec<JobName>,
}

/// Settings of the machine. The defaults are good ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub policies: Vec<PolicySettings>,
    /// Whether anything survives this process: [`Effect::Persist`] is only given
    /// if so.
    pub durable: bool,
    /// How long a policy may leave an offer unanswered (P1).
    pub offer_lease: Duration,
    /// The same while tasks of a role wait that has no offer.
    pub contended_lease: Duration,
    /// Filter of declines when the policy leaves the choice to the host and
    /// tasks wait.
    pub refuse_waiting: Duration,
    /// The same when nothing waits (R28).
    pub refuse_idle: Duration,
    /// Shortest time between two REVIVEs of a role (P2).
    pub revive_interval: Duration,
    /// Largest number of offers and of waiting sets in one round.
    pub offers_per_round: usize,
    pub waiting_per_round: usize,
    /// First and longest wait before a KILL is sent again (R38).
    pub kill_retry: (Duration, Duration),
    /// First and longest wait of the explicit reconciliation loop (R37).
    pub reconcile_retry: (Duration, Duration),
    /// Time between implicit reconciliations (R35).
    pub reconcile_interval: Duration,
    /// First and longest wait before a failed task of a service runs again.
    pub restart_backoff: (Duration, Duration),
    /// First and longest wait before a policy that failed is called again.
    pub policy_backoff: (Duration, Duration),
    /// After this time an unreachable task of a job is replaced.
    pub replace_unreachable: Duration,
    /// Ended tasks kept for lists.
    pub ended_tasks: usize,
    /// Seed for what is chosen at random (task id parts, jitter).
    pub seed: u64,
}

impl Settings {
    pub fn new(policies: Vec<PolicySettings>) -> Self {
        let seconds = Duration::from_secs;
        Self {
            policies,
            durable: true,
            offer_lease: seconds(30),
            contended_lease: seconds(1),
            refuse_waiting: seconds(60),
            refuse_idle: seconds(3600),
            revive_interval: seconds(1),
            offers_per_round: 10_000,
            waiting_per_round: 10_000,
            kill_retry: (seconds(5), seconds(60)),
            reconcile_retry: (seconds(2), seconds(60)),
            reconcile_interval: seconds(15 * 60),
            restart_backoff: (seconds(1), seconds(60)),
            policy_backoff: (Duration::from_millis(200), seconds(30)),
            replace_unreachable: seconds(300),
            ended_tasks: 10_000,
            seed: 0,
        }
    }
}

/// Helper for times that may be absent.
pub(crate) fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
