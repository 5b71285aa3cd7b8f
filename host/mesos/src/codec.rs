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

    fn offer_json(&self, offer: &Offer) -> String {
        mesos_v1::json::to_string(&convert::offer(offer))
    }
}

#[cfg(test)]
mod tests;
