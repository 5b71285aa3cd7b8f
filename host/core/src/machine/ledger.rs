//! The records that must survive a restart. The machine says what to write;
//! the store crate keeps it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::ids::{AgentId, FrameworkId, JobName, OfferId, Role, TaskId};
use crate::job::JobSpec;
use crate::resource::Amounts;
use crate::task::TaskState;

use super::view::Why;

/// One durable change. Records of the same key replace each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Record {
    FrameworkId(FrameworkId),
    Job(JobRecord),
    JobGone(JobName),
    /// A launch intent, or the latest state of a task.
    Task(TaskRecord),
    /// An ended task that nobody needs to know any more.
    TaskGone(TaskId),
    /// The story of a task that has ended, for those who ask within a day.
    History(Box<Why>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    pub spec: Arc<JobSpec>,
    /// Part of all task ids of this job; makes them unique over resubmissions.
    pub uid: String,
    pub submitted: Instant,
    pub killed: bool,
    /// Batch: tasks that ended well, and those that failed for good.
    pub finished: u32,
    pub failed: u32,
    /// Number of task instances made so far.
    pub instances: u32,
}

/// On whose word a task is being killed; decides what its end means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KillCause {
    /// `offerd task kill`: a service starts another, a batch job does not.
    Operator,
    /// A policy made room: the task waits again.
    Policy,
    /// Its job was killed or scaled down, or it is one too many.
    Unwanted,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    pub id: TaskId,
    /// `None`: launched by a policy's own TaskInfo, or found on the cluster.
    pub job: Option<JobName>,
    pub role: Role,
    pub agent: AgentId,
    pub needs: Amounts,
    pub state: TaskState,
    /// Failures before this attempt.
    pub attempt: u32,
    pub launched: Instant,
    /// A kill is under way, on whose word.
    pub killing: Option<KillCause>,
    /// The latest word about that. (Ledgers of before do not have it.)
    #[serde(default)]
    pub killed: Option<Box<Killed>>,
    /// Another task has taken its place; it must go if it comes back.
    pub replaced: bool,
    pub quarantined: bool,
    pub reason: Option<Arc<str>>,
    /// Whose decision launched it.
    #[serde(default)]
    pub placed: Option<Placed>,
}

/// Who had a task killed, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Killed {
    pub at: Instant,
    /// Whose decision it was, in which of its rounds; `None`: no policy's.
    pub by: Option<(Arc<Author>, u32)>,
    pub why: Option<String>,
}

/// One decision of one version of a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    pub by: Arc<Author>,
    pub round: u32,
    pub offer: OfferId,
    /// The agent's host name.
    pub host: Arc<str>,
}

/// A policy, and the code that decided for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Author {
    pub policy: String,
    /// Its version and the beginning of its digest.
    pub version: String,
}

/// Everything that a store gives back at the start.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Ledger {
    pub framework_id: Option<FrameworkId>,
    pub jobs: Vec<JobRecord>,
    pub tasks: Vec<TaskRecord>,
}
