//! Builds an ACCEPT of any kind, operation by operation.

use std::time::Duration;

use super::Answer;
use crate::clock::millis;
use crate::handles::SetHandle;
use crate::types::{
    Accept, Action, CreateDisk, DestroyDisk, DiskKind, Encoded, GrowVolume, MesosResource,
    Operation, ReasonedAction, Reserve, ResourceOperation, SetCount, ShrinkVolume, TaskGroup,
};

/// The accept that is being built. Operations run in the order in which they
/// are added.
#[derive(Debug)]
pub struct Accepted<'a> {
    pub(super) out: &'a mut Answer,
}

impl Accepted<'_> {
    /// Any operation of the contract.
    pub fn operation(mut self, operation: Operation) -> Self {
        if let Some(accept) = self.last() {
            accept.operations.push(operation);
        }
        self
    }

    /// Launches tasks that the policy wrote (TaskInfo each).
    pub fn launch(self, tasks: impl IntoIterator<Item = Encoded>) -> Self {
        self.operation(Operation::Launch(tasks.into_iter().collect()))
    }

    /// Launches waiting tasks of the host.
    pub fn place(self, set: impl Into<SetHandle>, count: u32) -> Self {
        self.operation(Operation::Place(SetCount {
            set: set.into().0,
            count,
        }))
    }

    /// Launches a task group with its executor (ExecutorInfo, TaskInfo each).
    pub fn launch_group(self, executor: Encoded, tasks: impl IntoIterator<Item = Encoded>) -> Self {
        self.operation(Operation::LaunchGroup(TaskGroup {
            executor,
            tasks: tasks.into_iter().collect(),
        }))
    }

    /// Reserves; each resource has the reservations that it is to have.
    pub fn reserve(self, resources: impl IntoIterator<Item = MesosResource>) -> Self {
        self.operation(Operation::Reserve(Reserve {
            id: None,
            source: Vec::new(),
            resources: resources.into_iter().collect(),
        }))
    }

    /// Gives up reservations.
    pub fn unreserve(self, resources: impl IntoIterator<Item = MesosResource>) -> Self {
        self.operation(Operation::Unreserve(on(resources)))
    }

    /// Creates persistent volumes.
    pub fn create(self, volumes: impl IntoIterator<Item = MesosResource>) -> Self {
        self.operation(Operation::Create(on(volumes)))
    }

    /// Destroys persistent volumes with what is in them.
    pub fn destroy(self, volumes: impl IntoIterator<Item = MesosResource>) -> Self {
        self.operation(Operation::Destroy(on(volumes)))
    }

    /// Makes a volume larger.
    pub fn grow_volume(self, volume: MesosResource, addition: MesosResource) -> Self {
        self.operation(Operation::GrowVolume(GrowVolume {
            id: None,
            volume,
            addition,
        }))
    }

    /// Makes a volume smaller by thousandths of a MiB.
    pub fn shrink_volume(self, volume: MesosResource, subtract: f64) -> Self {
        self.operation(Operation::ShrinkVolume(ShrinkVolume {
            id: None,
            volume,
            subtract,
        }))
    }

    /// Makes a mount or block disk of a raw one, with a profile if it is to have
    /// one.
    pub fn create_disk(
        self,
        source: MesosResource,
        target: DiskKind,
        profile: Option<&str>,
    ) -> Self {
        self.operation(Operation::CreateDisk(CreateDisk {
            id: None,
            source,
            target,
            target_profile: profile.map(str::to_owned),
        }))
    }

    /// Makes a raw disk again.
    pub fn destroy_disk(self, source: MesosResource) -> Self {
        self.operation(Operation::DestroyDisk(DestroyDisk { id: None, source }))
    }

    /// Gives the operation that was added last an id, so that its outcome comes
    /// back as an `operation` event. Launches have none (rule R27): there it
    /// does nothing.
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        let slot = self
            .last()
            .and_then(|accept| match accept.operations.last_mut()? {
                Operation::Launch(_) | Operation::Place(_) | Operation::LaunchGroup(_) => None,
                Operation::Reserve(operation) => Some(&mut operation.id),
                Operation::Unreserve(operation)
                | Operation::Create(operation)
                | Operation::Destroy(operation) => Some(&mut operation.id),
                Operation::GrowVolume(operation) => Some(&mut operation.id),
                Operation::ShrinkVolume(operation) => Some(&mut operation.id),
                Operation::CreateDisk(operation) => Some(&mut operation.id),
                Operation::DestroyDisk(operation) => Some(&mut operation.id),
            });
        if let Some(slot) = slot {
            *slot = Some(id.into());
        }
        self
    }

    /// For how long Mesos shall not offer again what is left over.
    pub fn refuse(mut self, time: Duration) -> Self {
        if let Some(accept) = self.last() {
            accept.refuse = millis(time);
        }
        self
    }

    /// Says why.
    pub fn because(self, reason: impl AsRef<str>) -> Self {
        let reason = self.out.reasons.index(reason.as_ref());
        if let Some(action) = self.out.answer.actions.last_mut() {
            action.reason = reason;
        }
        self
    }

    fn last(&mut self) -> Option<&mut Accept> {
        match self.out.answer.actions.last_mut() {
            Some(ReasonedAction {
                action: Action::Accept(accept),
                ..
            }) => Some(accept),
            _ => None,
        }
    }
}

fn on(resources: impl IntoIterator<Item = MesosResource>) -> ResourceOperation {
    ResourceOperation {
        id: None,
        resources: resources.into_iter().collect(),
    }
}
