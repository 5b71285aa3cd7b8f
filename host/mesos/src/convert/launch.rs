//! The two calls that a scheduler sends by the thousand, written straight into
//! bytes: ACCEPT with launches of job tasks, and DECLINE. All others go through
//! the wire's types (`to_wire`), which these are tested against.

use std::sync::Arc;

use mesos_v1::offer::operation::Type as Op;
use mesos_v1::scheduler::call::Type;
use mesos_v1::value::Type as Kind;
use offerd_core::call::{Call, JobTask, Operation};
use offerd_core::ids::{FrameworkId, OfferId};
use offerd_core::job::JobSpec;
use offerd_core::resource::{Name, Resource, Value};
use prost::Message as _;

use super::framework::FrameworkSettings;
use super::plain::{put_bytes, put_double, put_id, put_message, put_number};
use super::to_wire;

/// Writes calls. Keeps what tasks of one job have in common.
#[derive(Debug, Default)]
pub struct Encoder {
    /// A job and the fields of its TaskInfo that are the same for each task.
    job: Option<(Arc<JobSpec>, Vec<u8>)>,
}

impl Encoder {
    /// Appends a call in protobuf. `settings` are needed for UPDATE_FRAMEWORK.
    pub fn encode(
        &mut self,
        call: &Call,
        framework: &FrameworkId,
        settings: &FrameworkSettings,
        out: &mut Vec<u8>,
    ) {
        match call {
            Call::Accept {
                offers,
                operations,
                refuse,
            } if operations.iter().all(|o| matches!(o, Operation::Launch(_))) => {
                header(out, framework, Type::Accept);
                put_message(out, 4, |out| {
                    put_offers(out, offers);
                    for operation in operations {
                        put_message(out, 2, |out| self.launch(out, operation));
                    }
                    put_message(out, 3, |out| put_double(out, 1, *refuse));
                });
            }
            Call::Decline { offers, refuse } => {
                header(out, framework, Type::Decline);
                put_message(out, 5, |out| {
                    put_offers(out, offers);
                    put_message(out, 2, |out| put_double(out, 1, *refuse));
                });
            }
            other => {
                // Encoding into a Vec does not fail: it grows.
                let _ = to_wire::call(other, framework, settings).encode(out);
            }
        }
    }

    fn launch(&mut self, out: &mut Vec<u8>, operation: &Operation) {
        let Operation::Launch(tasks) = operation else {
            return;
        };
        put_number(out, 1, Op::Launch as u64);
        put_message(out, 2, |out| {
            for task in tasks {
                put_message(out, 1, |out| self.task(out, task));
            }
        });
    }

    /// TaskInfo.
    fn task(&mut self, out: &mut Vec<u8>, task: &JobTask) {
        // A task with ports has them in its environment.
        if task.resources.iter().any(|r| r.name == Name::Ports) {
            let _ = to_wire::job_task(task).encode(out);
            return;
        }
        put_bytes(out, 1, task.job.name.as_str().as_bytes());
        put_id(out, 2, task.id.as_str());
        put_id(out, 3, task.agent.as_str());
        for resource in task.resources.iter() {
            put_message(out, 4, |out| put_resource(out, resource));
        }
        let known = self
            .job
            .take()
            .filter(|(job, _)| Arc::ptr_eq(job, &task.job));
        let (job, common) = known.unwrap_or_else(|| (Arc::clone(&task.job), common(&task.job)));
        out.extend_from_slice(&common);
        self.job = Some((job, common));
    }
}

/// The fields of TaskInfo that come from the job alone.
fn common(job: &JobSpec) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, 7, &to_wire::command(job, &[]).encode_to_vec());
    if let Some(labels) = to_wire::job_labels(job) {
        put_bytes(&mut out, 10, &labels.encode_to_vec());
    }
    if let Some(policy) = to_wire::kill_policy(job) {
        put_bytes(&mut out, 12, &policy.encode_to_vec());
    }
    out
}

/// Call.framework_id and Call.type.
fn header(out: &mut Vec<u8>, framework: &FrameworkId, kind: Type) {
    put_id(out, 1, framework.as_str());
    put_number(out, 2, kind as u64);
}

fn put_offers(out: &mut Vec<u8>, offers: &[OfferId]) {
    for offer in offers {
        put_id(out, 1, offer.as_str());
    }
}

fn put_resource(out: &mut Vec<u8>, resource: &Resource) {
    let plain = resource.reservations.is_empty()
        && resource.disk.is_none()
        && !resource.revocable
        && !resource.shared
        && resource.provider.is_none();
    match (&resource.value, &resource.allocation) {
        (Value::Scalar(amount), Some(role)) if plain => {
            put_bytes(out, 1, resource.name.as_str().as_bytes());
            put_number(out, 2, Kind::Scalar as u64);
            put_message(out, 3, |out| put_double(out, 1, amount.units()));
            put_id(out, 11, role.as_str());
        }
        _ => {
            let _ = to_wire::wire_resource(resource).encode(out);
        }
    }
}
