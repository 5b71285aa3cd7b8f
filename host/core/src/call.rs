//! Calls of the v1 scheduler API that the machine asks for.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ids::{AgentId, ExecutorId, OfferId, OperationId, ProviderId, Role, TaskId};
use crate::job::JobSpec;
use crate::resource::{DiskKind, Resource};

/// A task that the host wrote from a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobTask {
    pub id: TaskId,
    pub agent: AgentId,
    /// Exact pieces of the offer, with their allocation role.
    pub resources: Arc<Vec<Resource>>,
    pub job: Arc<JobSpec>,
}

/// A TaskInfo or ExecutorInfo that a policy wrote, checked as far as the
/// machine cares. `body` is the message in protobuf, complete (agent id and
/// allocation roles filled in).
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenTask {
    pub id: TaskId,
    pub name: String,
    pub resources: Vec<Resource>,
    /// Resources of an executor that comes with the task.
    pub executor_resources: Vec<Resource>,
    pub executor_id: Option<ExecutorId>,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct WrittenExecutor {
    pub id: ExecutorId,
    pub resources: Vec<Resource>,
    pub body: Vec<u8>,
}

/// One operation of ACCEPT, ready for the wire.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Tasks of jobs.
    Launch(Vec<JobTask>),
    /// Tasks written by a policy.
    LaunchWritten(Vec<WrittenTask>),
    LaunchGroup {
        executor: WrittenExecutor,
        tasks: Vec<WrittenTask>,
    },
    Reserve {
        id: Option<OperationId>,
        source: Vec<Resource>,
        resources: Vec<Resource>,
    },
    Unreserve {
        id: Option<OperationId>,
        resources: Vec<Resource>,
    },
    Create {
        id: Option<OperationId>,
        volumes: Vec<Resource>,
    },
    Destroy {
        id: Option<OperationId>,
        volumes: Vec<Resource>,
    },
    GrowVolume {
        id: Option<OperationId>,
        volume: Resource,
        addition: Resource,
    },
    ShrinkVolume {
        id: Option<OperationId>,
        volume: Resource,
        subtract: crate::Milli,
    },
    CreateDisk {
        id: Option<OperationId>,
        source: Resource,
        target: DiskKind,
        target_profile: Option<String>,
    },
    DestroyDisk {
        id: Option<OperationId>,
        source: Resource,
    },
}

/// `refuse` is in seconds, as in Filters.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    Accept {
        offers: Vec<OfferId>,
        operations: Vec<Operation>,
        refuse: f64,
    },
    Decline {
        offers: Vec<OfferId>,
        refuse: f64,
    },
    AcceptInverseOffers {
        offers: Vec<OfferId>,
        refuse: f64,
    },
    DeclineInverseOffers {
        offers: Vec<OfferId>,
        refuse: f64,
    },
    Revive {
        roles: Vec<Role>,
    },
    Suppress {
        roles: Vec<Role>,
    },
    /// `grace` in nanoseconds overrides the task's kill policy.
    Kill {
        task: TaskId,
        agent: Option<AgentId>,
        grace: Option<u64>,
    },
    Shutdown {
        executor: ExecutorId,
        agent: AgentId,
    },
    Acknowledge {
        agent: AgentId,
        task: TaskId,
        uuid: [u8; 16],
    },
    AcknowledgeOperation {
        agent: Option<AgentId>,
        provider: Option<ProviderId>,
        operation: OperationId,
        uuid: [u8; 16],
    },
    /// Empty: all tasks (implicit).
    Reconcile {
        tasks: Vec<(TaskId, Option<AgentId>)>,
    },
    ReconcileOperations {
        operations: Vec<(OperationId, Option<AgentId>, Option<ProviderId>)>,
    },
    Message {
        agent: AgentId,
        executor: ExecutorId,
        data: Vec<u8>,
    },
    Request {
        requests: Vec<(Option<AgentId>, Vec<Resource>)>,
    },
    UpdateFramework(FrameworkUpdate),
    /// Ends the framework and all its tasks. Only on an operator's word.
    Teardown,
}

/// Messages in protobuf that each say something of a role.
pub type ByRole = BTreeMap<Role, Vec<u8>>;

/// The parts of a framework that policies may set; kept and sent again with
/// each SUBSCRIBE (R21).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FrameworkUpdate {
    /// FrameworkInfo in protobuf: of it labels and webui_url are taken.
    pub info: Option<Vec<u8>>,
    /// OfferFilters of each role (`offer_filters` of FrameworkInfo).
    pub filters: ByRole,
    /// OfferConstraints.RoleConstraints of each role.
    pub constraints: ByRole,
    pub suppressed: Vec<Role>,
    /// The framework's roles; none: those it was started with.
    pub roles: Vec<Role>,
}

impl FrameworkUpdate {
    /// Without what policies wrote into it.
    pub(crate) fn redact(&mut self) {
        let Self {
            info,
            filters,
            constraints,
            suppressed: _,
            roles: _,
        } = self;
        let of_roles = filters.values_mut().chain(constraints.values_mut());
        for message in info.iter_mut().chain(of_roles) {
            message.clear();
        }
    }
}
