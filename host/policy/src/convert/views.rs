//! Answers to the policy's questions (`cluster`).

use offerd_core::job::{JobKind, JobView};
use offerd_core::offer::{AgentInfo, AttributeValue, Offer};
use offerd_core::policy::OperationView;
use offerd_core::task::TaskView;

use super::resource::{to_labels, to_range, to_resources};
use super::{millis, number};
use crate::bindings::{cluster, types as wit};

pub(crate) fn to_agent(agent: &AgentInfo) -> cluster::AgentDetails {
    cluster::AgentDetails {
        id: agent.id.as_str().to_owned(),
        hostname: agent.hostname.to_string(),
        region: agent.region.clone(),
        zone: agent.zone.clone(),
        attributes: agent
            .attributes
            .iter()
            .map(|attribute| cluster::Attribute {
                name: attribute.name.clone(),
                value: to_attribute_value(&attribute.value),
            })
            .collect(),
    }
}

fn to_attribute_value(value: &AttributeValue) -> cluster::AttributeValue {
    match value {
        AttributeValue::Text(text) => cluster::AttributeValue::Text(text.clone()),
        AttributeValue::Scalar(amount) => cluster::AttributeValue::Scalar(amount.thousandths()),
        AttributeValue::Ranges(ranges) => {
            cluster::AttributeValue::Ranges(ranges.iter().copied().map(to_range).collect())
        }
        AttributeValue::Set(items) => cluster::AttributeValue::Items(items.clone()),
    }
}

pub(crate) fn to_offer(offer: &Offer) -> cluster::OfferDetails {
    let info = &offer.info;
    cluster::OfferDetails {
        id: info.id.as_str().to_owned(),
        resources: to_resources(&info.resources),
        executor_ids: info
            .executor_ids
            .iter()
            .map(|e| e.as_str().to_owned())
            .collect(),
        unavailability: info.unavailability.map(|u| cluster::Unavailability {
            begin: u.start.as_millis_f64(),
            duration: u.duration.map_or(-1.0, millis),
        }),
    }
}

pub(crate) fn to_job(job: &JobView) -> cluster::JobDetails {
    let spec = &job.spec;
    cluster::JobDetails {
        name: spec.name.as_str().to_owned(),
        role: spec.role.as_str().to_owned(),
        kind: match spec.kind {
            JobKind::Service => cluster::JobKind::Service,
            JobKind::Batch => cluster::JobKind::Batch,
        },
        count: spec.count,
        priority: spec.priority,
        labels: to_labels(&spec.labels),
        constraints: spec.constraints.iter().map(ToString::to_string).collect(),
    }
}

pub(crate) fn to_task(task: &TaskView) -> wit::Task {
    wit::Task {
        task: task.handle.0,
        job: task.job.0,
        agent: task.agent.0,
        role: task.role.0,
        state: number(task.state.0),
        priority: task.priority,
        traits: task.traits,
        ports: task.needs.ports,
        cpus: task.needs.cpus.thousandths(),
        mem: task.needs.mem.thousandths(),
        disk: task.needs.disk.thousandths(),
        gpus: task.needs.gpus.thousandths(),
        since: task.since.as_millis_f64(),
    }
}

pub(crate) fn to_task_details(task: &TaskView) -> cluster::TaskDetails {
    let details = &task.details;
    cluster::TaskDetails {
        id: details.id.to_string(),
        name: details.name.to_string(),
        executor_id: details.executor.clone(),
        message: details.message.clone(),
        launched_because: details.launched_because.as_deref().map(str::to_owned),
        labels: to_labels(&details.labels),
        resources: to_resources(&details.resources),
    }
}

pub(crate) fn to_operation(operation: &OperationView) -> wit::OperationUpdate {
    wit::OperationUpdate {
        operation_id: operation.operation.clone(),
        state: number(operation.state),
        message: operation.message.clone(),
        agent: operation.agent.0,
        provider: operation.provider.clone(),
        converted: to_resources(&operation.converted),
    }
}
