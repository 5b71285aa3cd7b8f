//! Tasks, their states, and what Mesos says about them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::ids::{AgentId, ExecutorId, TaskId};

macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($konst:ident = $number:literal $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i32);

        impl $name {
            $(pub const $konst: Self = Self($number);)*

            /// Mesos's name; `None` for a number that this version does not know.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{}", self.0),
                }
            }
        }
    };
}

open_enum!(
    /// Numbers of `TaskState`. Open: a newer Mesos may send others.
    TaskState {
        STARTING = 0 "TASK_STARTING",
        RUNNING = 1 "TASK_RUNNING",
        FINISHED = 2 "TASK_FINISHED",
        FAILED = 3 "TASK_FAILED",
        KILLED = 4 "TASK_KILLED",
        LOST = 5 "TASK_LOST",
        STAGING = 6 "TASK_STAGING",
        ERROR = 7 "TASK_ERROR",
        KILLING = 8 "TASK_KILLING",
        DROPPED = 9 "TASK_DROPPED",
        UNREACHABLE = 10 "TASK_UNREACHABLE",
        GONE = 11 "TASK_GONE",
        GONE_BY_OPERATOR = 12 "TASK_GONE_BY_OPERATOR",
        UNKNOWN = 13 "TASK_UNKNOWN",
    }
);

impl TaskState {
    /// The task will not run again under this id, as far as Mesos can tell.
    /// LOST counts: offerd is always PARTITION_AWARE, so Mesos sends LOST only
    /// where a launch or an unregistered agent ended it. UNREACHABLE and
    /// UNKNOWN do not (R39).
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::FINISHED
                | Self::FAILED
                | Self::KILLED
                | Self::LOST
                | Self::ERROR
                | Self::DROPPED
                | Self::GONE
                | Self::GONE_BY_OPERATOR
        )
    }
}

open_enum!(
    /// Numbers of `OperationState`.
    OperationState {
        UNSUPPORTED = 0 "OPERATION_UNSUPPORTED",
        PENDING = 1 "OPERATION_PENDING",
        FINISHED = 2 "OPERATION_FINISHED",
        FAILED = 3 "OPERATION_FAILED",
        ERROR = 4 "OPERATION_ERROR",
        DROPPED = 5 "OPERATION_DROPPED",
        UNREACHABLE = 6 "OPERATION_UNREACHABLE",
        GONE_BY_OPERATOR = 7 "OPERATION_GONE_BY_OPERATOR",
        RECOVERING = 8 "OPERATION_RECOVERING",
        UNKNOWN = 9 "OPERATION_UNKNOWN",
    }
);

impl OperationState {
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::FINISHED | Self::FAILED | Self::ERROR | Self::DROPPED | Self::GONE_BY_OPERATOR
        )
    }
}

/// Numbers of `TaskStatus.Reason` that decide something here; the texts of all
/// of them are in the crate that knows the protobuf.
pub mod reason {
    pub const RECONCILIATION: i32 = 9;
}

/// A TaskStatus. `uuid` present: must be acknowledged (R33).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskStatus {
    pub task: TaskId,
    pub state: TaskState,
    pub message: Option<String>,
    pub source: Option<i32>,
    pub reason: Option<i32>,
    pub agent: Option<AgentId>,
    pub executor: Option<ExecutorId>,
    pub healthy: Option<bool>,
    pub at: Option<Instant>,
    pub uuid: Option<[u8; 16]>,
}

/// An operation's status (R31).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationStatus {
    pub operation: Option<crate::ids::OperationId>,
    pub state: OperationState,
    pub message: Option<String>,
    pub agent: Option<AgentId>,
    pub provider: Option<crate::ids::ProviderId>,
    pub converted: Vec<crate::resource::Resource>,
    pub uuid: Option<[u8; 16]>,
}

/// A non-terminal task as policies see it (`task` of the contract).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskView {
    pub handle: crate::ids::TaskHandle,
    pub job: crate::ids::JobHandle,
    pub agent: crate::ids::AgentHandle,
    pub role: crate::ids::RoleHandle,
    pub state: TaskState,
    pub priority: i32,
    pub traits: u32,
    pub needs: crate::resource::Amounts,
    pub since: Instant,
    /// What seldom is asked for; shared, not copied.
    pub details: Arc<TaskDetails>,
}

/// Bits of `task.traits` in the contract.
pub mod task_traits {
    pub const KILLING: u32 = 1;
    pub const SERVICE: u32 = 2;
    pub const HEALTHY: u32 = 4;
    pub const UNHEALTHY: u32 = 8;
    pub const QUARANTINED: u32 = 16;
}

/// What `cluster.get-task-details` tells beyond the flat record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskDetails {
    pub id: TaskId,
    pub name: Arc<str>,
    pub executor: Option<String>,
    pub message: Option<String>,
    pub launched_because: Option<Arc<str>>,
    pub labels: Vec<crate::resource::Label>,
    pub resources: Arc<Vec<crate::resource::Resource>>,
}

impl TaskDetails {
    /// All that is known of a task from its id and name alone.
    pub fn of(id: TaskId, name: Arc<str>) -> Self {
        Self {
            id,
            name,
            executor: None,
            message: None,
            launched_because: None,
            labels: Vec::new(),
            resources: Arc::default(),
        }
    }
}
