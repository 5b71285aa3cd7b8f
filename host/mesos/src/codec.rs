//! Messages that policies write, checked and completed.

use std::collections::HashMap;

use mesos_v1 as wire;
use offerd_core::call::{ByRole, WrittenExecutor, WrittenTask};
use offerd_core::ids::{AgentId, ExecutorId, FrameworkId, Role, TaskId};
use offerd_core::offer::Offer;
use offerd_core::policy::{Codec, Encoded, WantedUpdate};
use offerd_core::resource::Resource;
use prost::Message;

use crate::convert;
use crate::convert::decode;

/// See [`Codec`].
#[derive(Debug, Clone, Copy, Default)]
pub struct ProtobufCodec;

/// Sets the allocation role of resources and converts them. `path` is where
/// they stand.
fn resources(
    list: &mut [wire::Resource],
    role: &Role,
    path: &str,
) -> Result<Vec<Resource>, String> {
    for resource in list.iter_mut() {
        resource.allocation_info = Some(wire::resource::AllocationInfo {
            role: Some(role.to_string()),
        });
    }
    convert::list(list.to_vec(), path, convert::resource).map_err(|error| error.to_string())
}

fn by_role<M: Message>(messages: HashMap<String, M>) -> ByRole {
    messages
        .into_iter()
        .map(|(role, message)| (Role::from(role), message.encode_to_vec()))
        .collect()
}

/// R32.
fn check_task_id(id: &str) -> Result<(), String> {
    let why = if id.is_empty() {
        "is missing"
    } else if id.len() > 255 {
        "is longer than 255 bytes"
    } else if id == "." || id == ".." {
        "must not be . or .."
    } else if id.contains('/') || id.chars().any(char::is_control) {
        "must not contain a slash or a control character"
    } else {
        return Ok(());
    };
    Err(format!("task_id '{}' {why}", id.escape_debug()))
}

impl Codec for ProtobufCodec {
    fn task(&self, task: &Encoded, agent: &AgentId, role: &Role) -> Result<WrittenTask, String> {
        let mut info: wire::TaskInfo = decode(task)?;
        check_task_id(&info.task_id.value)?;
        if info.name.is_empty() {
            return Err(format!("task {}: name is missing", info.task_id.value));
        }
        info.agent_id = wire::AgentId {
            value: agent.to_string(),
        };
        let own = resources(&mut info.resources, role, "task.resources")?;
        let mut executor_resources = Vec::new();
        if let Some(executor) = &mut info.executor {
            if executor.executor_id.value.is_empty() {
                return Err("executor.executor_id is missing".to_owned());
            }
            executor_resources =
                resources(&mut executor.resources, role, "task.executor.resources")?;
        }
        Ok(WrittenTask {
            id: TaskId::from(info.task_id.value.as_str()),
            name: info.name.clone(),
            resources: own,
            executor_resources,
            executor_id: info
                .executor
                .as_ref()
                .map(|executor| ExecutorId::from(executor.executor_id.value.as_str())),
            body: info.encode_to_vec(),
        })
    }

    fn executor(
        &self,
        executor: &Encoded,
        framework: &FrameworkId,
        role: &Role,
    ) -> Result<WrittenExecutor, String> {
        let mut info: wire::ExecutorInfo = decode(executor)?;
        if info.executor_id.value.is_empty() {
            return Err("executor_id is missing".to_owned());
        }
        info.framework_id = Some(wire::FrameworkId {
            value: framework.to_string(),
        });
        let own = resources(&mut info.resources, role, "executor.resources")?;
        Ok(WrittenExecutor {
            id: ExecutorId::from(info.executor_id.value.as_str()),
            resources: own,
            body: info.encode_to_vec(),
        })
    }

    fn update(
        &self,
        framework: Option<&Encoded>,
        constraints: Option<&Encoded>,
    ) -> Result<WantedUpdate, String> {
        let mut wanted = WantedUpdate::default();
        if let Some(framework) = framework {
            let mut info: wire::FrameworkInfo =
                decode(framework).map_err(|why| format!("framework: {why}"))?;
            let filters = by_role(std::mem::take(&mut info.offer_filters));
            wanted.framework = Some((info.encode_to_vec(), filters));
        }
        if let Some(constraints) = constraints {
            let constraints: wire::scheduler::OfferConstraints =
                decode(constraints).map_err(|why| format!("constraints: {why}"))?;
            wanted.constraints = Some(by_role(constraints.role_constraints));
        }
        Ok(wanted)
    }

    fn bare_task(&self, task: &Encoded) -> Encoded {
        let Ok(info) = decode::<wire::TaskInfo>(task) else {
            return Encoded::unreadable();
        };
        let bare = wire::TaskInfo {
            name: info.name,
            task_id: info.task_id,
            agent_id: info.agent_id,
            resources: info.resources,
            executor: info.executor.map(bare_executor),
            ..wire::TaskInfo::default()
        };
        Encoded::Protobuf(bare.encode_to_vec())
    }

    fn bare_executor(&self, executor: &Encoded) -> Encoded {
        match decode::<wire::ExecutorInfo>(executor) {
            Ok(info) => Encoded::Protobuf(bare_executor(info).encode_to_vec()),
            Err(_) => Encoded::unreadable(),
        }
    }

    fn bare_update(
        &self,
        framework: Option<&Encoded>,
        constraints: Option<&Encoded>,
    ) -> (Option<Encoded>, Option<Encoded>) {
        let Ok(wanted) = self.update(framework, constraints) else {
            let unreadable = |message: Option<&Encoded>| message.map(|_| Encoded::unreadable());
            return (unreadable(framework), unreadable(constraints));
        };
        let framework = wanted.framework.map(|(_, filters)| {
            bare(filters.keys(), |role| wire::FrameworkInfo {
                offer_filters: HashMap::from([(role, Default::default())]),
                ..wire::FrameworkInfo::default()
            })
        });
        let constraints = wanted.constraints.map(|constraints| {
            bare(constraints.keys(), |role| {
                wire::scheduler::OfferConstraints {
                    role_constraints: HashMap::from([(role, Default::default())]),
                }
            })
        });
        (framework, constraints)
    }

    fn offer_json(&self, offer: &Offer) -> String {
        mesos_v1::json::to_string(&convert::offer(offer))
    }
}

/// One message for each role, one after the other, which is the message with all of
/// them: the order of a map's entries would change from one time to the next.
fn bare<'a, M: Message>(
    roles: impl Iterator<Item = &'a Role>,
    message: impl Fn(String) -> M,
) -> Encoded {
    let of_roles = roles.flat_map(|role| message(role.to_string()).encode_to_vec());
    Encoded::Protobuf(of_roles.collect())
}

fn bare_executor(info: wire::ExecutorInfo) -> wire::ExecutorInfo {
    wire::ExecutorInfo {
        executor_id: info.executor_id,
        resources: info.resources,
        ..wire::ExecutorInfo::default()
    }
}

#[cfg(test)]
mod tests;
