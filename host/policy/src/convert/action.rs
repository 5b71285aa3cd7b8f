//! Actions on their way from the policy. An action with a value outside the
//! contract becomes [`Action::Malformed`]: it keeps its position, so that the
//! machine can refuse it by name.

use offerd_core::ids::TaskHandle;
use offerd_core::ids::{AgentHandle, InverseOfferHandle, OfferHandle, RoleHandle, SetHandle};
use offerd_core::policy::{Action, Encoded, Millis, WantedOperation};
use offerd_core::resource::DiskKind;

use super::resource::{from_disk_kind, from_milli, from_resource, from_resources};
use crate::bindings::types as wit;
use crate::text;

/// Longest text about what is malformed; it may hold names that the policy made up.
const WHY_BYTES: usize = 1024;

pub(super) fn from_action(action: wit::Action) -> Action {
    match action {
        wit::Action::Accept(accept) => {
            let operations = accept.operations.into_iter().enumerate();
            let operations: Result<Vec<_>, String> = operations
                .map(|(position, operation)| {
                    from_operation(operation).map_err(|why| format!("operation {position}: {why}"))
                })
                .collect();
            match operations {
                Ok(operations) => Action::Accept {
                    offers: accept.offers.into_iter().map(OfferHandle).collect(),
                    operations,
                    refuse: Millis(accept.refuse),
                },
                Err(why) => malformed("accept", why),
            }
        }
        wit::Action::Revive(roles) => Action::Revive(from_roles(roles)),
        wit::Action::Suppress(roles) => Action::Suppress(from_roles(roles)),
        wit::Action::Shutdown(executor) => Action::Shutdown {
            agent: AgentHandle(executor.agent),
            executor: executor.executor_id,
        },
        wit::Action::Message(message) => Action::Message {
            agent: AgentHandle(message.agent),
            executor: message.executor_id,
            data: message.data,
        },
        wit::Action::Request(requests) => {
            let requests: Result<Vec<_>, String> = requests
                .into_iter()
                .map(|r| Ok((AgentHandle(r.agent), from_resources(r.resources)?)))
                .collect();
            requests.map_or_else(|why| malformed("request", why), Action::Request)
        }
        wit::Action::Reconcile(tasks) => {
            Action::Reconcile(tasks.into_iter().map(TaskHandle).collect())
        }
        wit::Action::ReconcileOperations(queries) => Action::ReconcileOperations(
            queries
                .into_iter()
                .map(|q| (q.operation_id, AgentHandle(q.agent), q.provider))
                .collect(),
        ),
        wit::Action::AcceptInverseOffers(answer) => Action::AcceptInverseOffers {
            offers: from_inverse_offers(answer.inverse_offers),
            refuse: Millis(answer.refuse),
        },
        wit::Action::DeclineInverseOffers(answer) => Action::DeclineInverseOffers {
            offers: from_inverse_offers(answer.inverse_offers),
            refuse: Millis(answer.refuse),
        },
        wit::Action::UpdateFramework(update) => Action::UpdateFramework {
            framework: update.framework.map(from_encoded),
            constraints: update.constraints.map(from_encoded),
        },
        wit::Action::Timer(timer) => Action::Timer {
            number: timer.number,
            after: Millis(timer.after),
        },
    }
}

fn malformed(what: &'static str, why: String) -> Action {
    Action::Malformed {
        what: what.into(),
        why: text::one_line(why, WHY_BYTES),
    }
}

fn from_roles(roles: Vec<u32>) -> Vec<RoleHandle> {
    roles.into_iter().map(RoleHandle).collect()
}

fn from_inverse_offers(offers: Vec<u32>) -> Vec<InverseOfferHandle> {
    offers.into_iter().map(InverseOfferHandle).collect()
}

fn from_encoded(encoded: wit::Encoded) -> Encoded {
    match encoded {
        wit::Encoded::Json(text) => Encoded::Json(text),
        wit::Encoded::Protobuf(bytes) => Encoded::Protobuf(bytes),
    }
}

fn from_operation(operation: wit::Operation) -> Result<WantedOperation, String> {
    Ok(match operation {
        wit::Operation::Launch(tasks) => {
            WantedOperation::Launch(tasks.into_iter().map(from_encoded).collect())
        }
        wit::Operation::Place(place) => WantedOperation::Place {
            set: SetHandle(place.set),
            count: place.count,
        },
        wit::Operation::LaunchGroup(group) => WantedOperation::LaunchGroup {
            executor: from_encoded(group.executor),
            tasks: group.tasks.into_iter().map(from_encoded).collect(),
        },
        wit::Operation::Reserve(reserve) => WantedOperation::Reserve {
            id: reserve.id,
            source: from_resources(reserve.source)?,
            resources: from_resources(reserve.resources)?,
        },
        wit::Operation::Unreserve(operation) => WantedOperation::Unreserve {
            id: operation.id,
            resources: from_resources(operation.resources)?,
        },
        wit::Operation::Create(operation) => WantedOperation::Create {
            id: operation.id,
            resources: from_resources(operation.resources)?,
        },
        wit::Operation::Destroy(operation) => WantedOperation::Destroy {
            id: operation.id,
            resources: from_resources(operation.resources)?,
        },
        wit::Operation::GrowVolume(grow) => WantedOperation::GrowVolume {
            id: grow.id,
            volume: from_resource(grow.volume)?,
            addition: from_resource(grow.addition)?,
        },
        wit::Operation::ShrinkVolume(shrink) => WantedOperation::ShrinkVolume {
            id: shrink.id,
            volume: from_resource(shrink.volume)?,
            subtract: from_milli(shrink.subtract).map_err(|why| format!("subtract: {why}"))?,
        },
        wit::Operation::CreateDisk(create) => WantedOperation::CreateDisk {
            id: create.id,
            source: from_resource(create.source)?,
            target: match from_disk_kind(create.target) {
                target @ (DiskKind::Mount | DiskKind::Block) => target,
                _ => return Err("the target of create-disk must be mount or block".to_owned()),
            },
            target_profile: create.target_profile,
        },
        wit::Operation::DestroyDisk(destroy) => WantedOperation::DestroyDisk {
            id: destroy.id,
            source: from_resource(destroy.source)?,
        },
    })
}
