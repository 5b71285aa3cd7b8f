//! Operations on resources, and what is told of them: an update that is sent
//! until it is acknowledged, and answers to who asks.

use std::time::Duration;

use mesos_v1 as wire;
use mesos_v1::OperationState;
use mesos_v1::scheduler as api;
use offerd_core::Instant;
use offerd_core::amount::Milli;
use offerd_core::call::Operation;
use offerd_core::resource::Pool;
use offerd_mesos::convert::resource;

use crate::accept::resources;
use crate::cluster::Cluster;
use crate::tasks::RESEND;

/// An operation that has ended and whose end is not acknowledged.
#[derive(Debug)]
pub(crate) struct Feedback {
    agent: usize,
    pub(crate) status: wire::OperationStatus,
    /// When it is told again, and how long it was waited before.
    resend: (Instant, Duration),
}

impl Feedback {
    pub(crate) fn next_deadline(&self) -> Instant {
        self.resend.0
    }
}

fn event(status: wire::OperationStatus) -> api::Event {
    api::Event {
        r#type: Some(api::event::Type::UpdateOperationStatus as i32),
        update_operation_status: Some(api::event::UpdateOperationStatus { status }),
        ..api::Event::default()
    }
}

impl Cluster {
    /// Does an operation that is not a launch.
    pub(crate) fn convert(
        &mut self,
        framework: &str,
        agent: usize,
        pool: &mut Pool,
        operation: &wire::offer::Operation,
    ) {
        let id = operation.id.as_ref();
        let done = match core_operation(operation) {
            Some(operation) => pool.convert(&operation).map_err(|error| error.to_string()),
            None => Err("the operation has no body".to_owned()),
        };
        let Some(id) = id else { return };
        let (state, text, told_by) = match done {
            // Without a resource provider there is nobody to do these.
            Ok(()) if operation.create_disk.is_some() || operation.destroy_disk.is_some() => {
                let text = "no resource provider".to_owned();
                (OperationState::OperationFailed, text, None)
            }
            Ok(()) => {
                let state = OperationState::OperationFinished;
                (state, String::new(), Some(agent))
            }
            Err(why) => (OperationState::OperationError, why, None),
        };
        self.operation_ends(framework, id, state, &text, told_by);
    }

    /// Only what an agent says is to be acknowledged (R31).
    pub(crate) fn operation_ends(
        &mut self,
        framework: &str,
        id: &wire::OperationId,
        state: OperationState,
        message: &str,
        agent: Option<usize>,
    ) {
        let uuid = agent.map(|_| self.uuid());
        let agent_id = agent.and_then(|agent| self.agents.get(agent));
        let status = wire::OperationStatus {
            operation_id: Some(id.clone()),
            state: state as i32,
            message: (!message.is_empty()).then(|| message.to_owned()),
            uuid: uuid.clone().map(|value| wire::Uuid { value }),
            agent_id: agent_id.map(|agent| wire::AgentId {
                value: agent.id.clone(),
            }),
            ..wire::OperationStatus::default()
        };
        if let Some((agent, uuid)) = agent.zip(uuid) {
            self.counts.updates.insert(uuid);
            let feedback = Feedback {
                agent,
                status: status.clone(),
                resend: (self.now + RESEND.0, RESEND.0),
            };
            if let Some(owner) = self.frameworks.get_mut(framework) {
                owner.operations.insert(id.value.clone(), feedback);
            }
        }
        self.send(framework, event(status));
    }

    pub(crate) fn acknowledge_operation(
        &mut self,
        framework: &str,
        acknowledge: api::call::AcknowledgeOperationStatus,
    ) {
        let uuid = acknowledge.uuid;
        *self.counts.acknowledged.entry(uuid.clone()).or_default() += 1;
        let id = &acknowledge.operation_id.value;
        let Some(owner) = self.frameworks.get_mut(framework) else {
            return;
        };
        let same = |feedback: &Feedback| {
            let agent = self.agents.get(feedback.agent);
            let here = agent.is_some_and(|agent| {
                let named = acknowledge.agent_id.as_ref();
                agent.present && named.is_some_and(|named| named.value == agent.id)
            });
            here && feedback.status.uuid.as_ref().map(|uuid| &uuid.value) == Some(&uuid)
        };
        if owner.operations.get(id).is_some_and(same) {
            owner.operations.remove(id);
        }
    }

    /// Tells again what was not acknowledged: what is due, or all.
    pub(crate) fn repeat_operations(&mut self, only_due: bool) {
        let now = self.now;
        let mut again = Vec::new();
        for (id, framework) in &mut self.frameworks {
            for feedback in framework.operations.values_mut() {
                let here = self.agents.get(feedback.agent).is_some_and(|a| a.present);
                if !here || (only_due && feedback.resend.0 > now) {
                    continue;
                }
                let wait = feedback.resend.1.saturating_mul(2).min(RESEND.1);
                feedback.resend = (now + wait, wait);
                again.push((id.clone(), feedback.status.clone()));
            }
        }
        for (framework, status) in again {
            self.send(&framework, event(status));
        }
    }

    /// Answers have no uuid and are not to be acknowledged.
    pub(crate) fn reconcile_operations(
        &mut self,
        framework: &str,
        asked: Vec<api::call::reconcile_operations::Operation>,
    ) {
        let Some(owner) = self.frameworks.get(framework) else {
            return;
        };
        let latest = |feedback: &Feedback| wire::OperationStatus {
            uuid: None,
            ..feedback.status.clone()
        };
        let answers: Vec<wire::OperationStatus> = if asked.is_empty() {
            owner.operations.values().map(latest).collect()
        } else {
            asked
                .into_iter()
                .map(
                    |asked| match owner.operations.get(&asked.operation_id.value) {
                        Some(feedback) => latest(feedback),
                        None => self.unknown_operation(asked),
                    },
                )
                .collect()
        };
        for status in answers {
            self.send(framework, event(status));
        }
    }

    fn unknown_operation(
        &self,
        asked: api::call::reconcile_operations::Operation,
    ) -> wire::OperationStatus {
        let unknown = OperationState::OperationUnknown;
        let (state, text) = match &asked.agent_id {
            None => (
                unknown,
                "Operation is unknown and no 'agent_id' was provided",
            ),
            Some(id) => match self.agents.iter().find(|agent| agent.id == id.value) {
                None => (unknown, "Both operation and agent are unknown"),
                Some(agent) if agent.present => (unknown, "Operation is unknown"),
                Some(_) => (OperationState::OperationUnreachable, "Agent is unreachable"),
            },
        };
        wire::OperationStatus {
            operation_id: Some(asked.operation_id),
            state: state as i32,
            message: Some(format!("Reconciliation: {text}")),
            agent_id: asked.agent_id,
            ..wire::OperationStatus::default()
        }
    }
}

/// The operation as the arithmetic knows it; `None` if it has no body.
fn core_operation(operation: &wire::offer::Operation) -> Option<Operation> {
    let id = None;
    let one = |r: &wire::Resource| resource(r.clone()).ok();
    if let Some(reserve) = &operation.reserve {
        let source = resources(&reserve.source);
        return Some(Operation::Reserve {
            id,
            source,
            resources: resources(&reserve.resources),
        });
    }
    if let Some(unreserve) = &operation.unreserve {
        return Some(Operation::Unreserve {
            id,
            resources: resources(&unreserve.resources),
        });
    }
    if let Some(create) = &operation.create {
        return Some(Operation::Create {
            id,
            volumes: resources(&create.volumes),
        });
    }
    if let Some(destroy) = &operation.destroy {
        return Some(Operation::Destroy {
            id,
            volumes: resources(&destroy.volumes),
        });
    }
    if let Some(grow) = &operation.grow_volume {
        let (volume, addition) = (one(&grow.volume)?, one(&grow.addition)?);
        return Some(Operation::GrowVolume {
            id,
            volume,
            addition,
        });
    }
    if let Some(shrink) = &operation.shrink_volume {
        let subtract = Milli::from_units(shrink.subtract.value)?;
        return Some(Operation::ShrinkVolume {
            id,
            volume: one(&shrink.volume)?,
            subtract,
        });
    }
    if let Some(destroy) = &operation.destroy_disk {
        return Some(Operation::DestroyDisk {
            id,
            source: one(&destroy.source)?,
        });
    }
    // To the pool both disk operations are the same: the source goes.
    let create = operation.create_disk.as_ref()?;
    Some(Operation::DestroyDisk {
        id,
        source: one(&create.source)?,
    })
}
