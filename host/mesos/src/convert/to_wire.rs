//! From the machine to the wire.

use mesos_v1 as wire;
use mesos_v1::offer::operation as op;
use mesos_v1::offer::operation::Type as Op;
use mesos_v1::scheduler as api;
use mesos_v1::scheduler::call::Type;
use offerd_core::call::{Call, JobTask, Operation, WrittenExecutor, WrittenTask};
use offerd_core::ids::{AgentId, ExecutorId, FrameworkId, OfferId, OperationId, TaskId};
use offerd_core::job::JobSpec;
use offerd_core::offer::{Attribute, AttributeValue, Offer};
use offerd_core::resource::{
    DiskInfo, DiskKind, Label, Name, Range, ReservationKind, Resource, Value,
};
use prost::Message;

use super::framework::FrameworkSettings;

fn agent_id(id: &AgentId) -> wire::AgentId {
    wire::AgentId {
        value: id.to_string(),
    }
}

fn executor_id(id: &ExecutorId) -> wire::ExecutorId {
    wire::ExecutorId {
        value: id.to_string(),
    }
}

fn task_id(id: &TaskId) -> wire::TaskId {
    wire::TaskId {
        value: id.to_string(),
    }
}

fn offer_ids(ids: &[OfferId]) -> Vec<wire::OfferId> {
    ids.iter()
        .map(|id| wire::OfferId {
            value: id.to_string(),
        })
        .collect()
}

fn filters(refuse: f64) -> Option<wire::Filters> {
    Some(wire::Filters {
        refuse_seconds: Some(refuse),
    })
}

fn nanos(nanoseconds: u64) -> wire::DurationInfo {
    wire::DurationInfo {
        nanoseconds: i64::try_from(nanoseconds).unwrap_or(i64::MAX),
    }
}

/// A call in protobuf. `settings` are needed for UPDATE_FRAMEWORK.
pub fn call(call: &Call, framework: &FrameworkId, settings: &FrameworkSettings) -> api::Call {
    let mut out = api::Call {
        framework_id: Some(wire::FrameworkId {
            value: framework.to_string(),
        }),
        ..api::Call::default()
    };
    let kind = match call {
        Call::Accept {
            offers,
            operations,
            refuse,
        } => {
            out.accept = Some(api::call::Accept {
                offer_ids: offer_ids(offers),
                operations: operations.iter().map(operation).collect(),
                filters: filters(*refuse),
            });
            Type::Accept
        }
        Call::Decline { offers, refuse } => {
            out.decline = Some(api::call::Decline {
                offer_ids: offer_ids(offers),
                filters: filters(*refuse),
            });
            Type::Decline
        }
        Call::AcceptInverseOffers { offers, refuse } => {
            out.accept_inverse_offers = Some(api::call::AcceptInverseOffers {
                inverse_offer_ids: offer_ids(offers),
                filters: filters(*refuse),
            });
            Type::AcceptInverseOffers
        }
        Call::DeclineInverseOffers { offers, refuse } => {
            out.decline_inverse_offers = Some(api::call::DeclineInverseOffers {
                inverse_offer_ids: offer_ids(offers),
                filters: filters(*refuse),
            });
            Type::DeclineInverseOffers
        }
        Call::Revive { roles } => {
            let roles = roles.iter().map(ToString::to_string).collect();
            out.revive = Some(api::call::Revive { roles });
            Type::Revive
        }
        Call::Suppress { roles } => {
            let roles = roles.iter().map(ToString::to_string).collect();
            out.suppress = Some(api::call::Suppress { roles });
            Type::Suppress
        }
        Call::Kill { task, agent, grace } => {
            out.kill = Some(api::call::Kill {
                task_id: task_id(task),
                agent_id: agent.as_ref().map(agent_id),
                kill_policy: grace.map(|grace| wire::KillPolicy {
                    grace_period: Some(nanos(grace)),
                }),
            });
            Type::Kill
        }
        Call::Shutdown { executor, agent } => {
            out.shutdown = Some(api::call::Shutdown {
                executor_id: executor_id(executor),
                agent_id: agent_id(agent),
            });
            Type::Shutdown
        }
        Call::Acknowledge { agent, task, uuid } => {
            out.acknowledge = Some(api::call::Acknowledge {
                agent_id: agent_id(agent),
                task_id: task_id(task),
                uuid: uuid.to_vec(),
            });
            Type::Acknowledge
        }
        Call::AcknowledgeOperation {
            agent,
            provider,
            operation,
            uuid,
        } => {
            out.acknowledge_operation_status = Some(api::call::AcknowledgeOperationStatus {
                agent_id: agent.as_ref().map(agent_id),
                resource_provider_id: provider.as_ref().map(|id| wire::ResourceProviderId {
                    value: id.to_string(),
                }),
                uuid: uuid.to_vec(),
                operation_id: wire::OperationId {
                    value: operation.to_string(),
                },
            });
            Type::AcknowledgeOperationStatus
        }
        Call::Reconcile { tasks } => {
            let tasks = tasks
                .iter()
                .map(|(task, agent)| api::call::reconcile::Task {
                    task_id: task_id(task),
                    agent_id: agent.as_ref().map(agent_id),
                })
                .collect();
            out.reconcile = Some(api::call::Reconcile { tasks });
            Type::Reconcile
        }
        Call::ReconcileOperations { operations } => {
            let operations = operations
                .iter()
                .map(
                    |(id, agent, provider)| api::call::reconcile_operations::Operation {
                        operation_id: wire::OperationId {
                            value: id.to_string(),
                        },
                        agent_id: agent.as_ref().map(agent_id),
                        resource_provider_id: provider.as_ref().map(|id| {
                            wire::ResourceProviderId {
                                value: id.to_string(),
                            }
                        }),
                    },
                )
                .collect();
            out.reconcile_operations = Some(api::call::ReconcileOperations { operations });
            Type::ReconcileOperations
        }
        Call::Message {
            agent,
            executor,
            data,
        } => {
            out.message = Some(api::call::Message {
                agent_id: agent_id(agent),
                executor_id: executor_id(executor),
                data: data.clone(),
            });
            Type::Message
        }
        Call::Request { requests } => {
            let requests = requests
                .iter()
                .map(|(agent, resources)| wire::Request {
                    agent_id: agent.as_ref().map(agent_id),
                    resources: wire_resources(resources),
                })
                .collect();
            out.request = Some(api::call::Request { requests });
            Type::Request
        }
        Call::UpdateFramework(update) => {
            out.update_framework = Some(api::call::UpdateFramework {
                framework_info: settings.info(Some(framework), update),
                suppressed_roles: update.suppressed.iter().map(ToString::to_string).collect(),
                offer_constraints: super::framework::constraints(update),
            });
            Type::UpdateFramework
        }
        Call::Teardown => Type::Teardown,
    };
    out.r#type = Some(kind as i32);
    out
}

fn operation_id(id: Option<&OperationId>) -> Option<wire::OperationId> {
    id.map(|id| wire::OperationId {
        value: id.to_string(),
    })
}

fn operation(operation: &Operation) -> wire::offer::Operation {
    let mut out = wire::offer::Operation::default();
    let kind = match operation {
        Operation::Launch(tasks) => {
            out.launch = Some(op::Launch {
                task_infos: tasks.iter().map(job_task).collect(),
            });
            Op::Launch
        }
        Operation::LaunchWritten(tasks) => {
            let task_infos = tasks.iter().filter_map(written_task).collect();
            out.launch = Some(op::Launch { task_infos });
            Op::Launch
        }
        Operation::LaunchGroup { executor, tasks } => {
            out.launch_group = written_executor(executor).map(|executor| op::LaunchGroup {
                executor,
                task_group: wire::TaskGroupInfo {
                    tasks: tasks.iter().filter_map(written_task).collect(),
                },
            });
            Op::LaunchGroup
        }
        Operation::Reserve {
            id,
            source,
            resources,
        } => {
            out.id = operation_id(id.as_ref());
            out.reserve = Some(op::Reserve {
                source: wire_resources(source),
                resources: wire_resources(resources),
            });
            Op::Reserve
        }
        Operation::Unreserve { id, resources } => {
            out.id = operation_id(id.as_ref());
            out.unreserve = Some(op::Unreserve {
                resources: wire_resources(resources),
            });
            Op::Unreserve
        }
        Operation::Create { id, volumes } => {
            out.id = operation_id(id.as_ref());
            out.create = Some(op::Create {
                volumes: wire_resources(volumes),
            });
            Op::Create
        }
        Operation::Destroy { id, volumes } => {
            out.id = operation_id(id.as_ref());
            out.destroy = Some(op::Destroy {
                volumes: wire_resources(volumes),
            });
            Op::Destroy
        }
        Operation::GrowVolume {
            id,
            volume,
            addition,
        } => {
            out.id = operation_id(id.as_ref());
            out.grow_volume = Some(op::GrowVolume {
                volume: wire_resource(volume),
                addition: wire_resource(addition),
            });
            Op::GrowVolume
        }
        Operation::ShrinkVolume {
            id,
            volume,
            subtract,
        } => {
            out.id = operation_id(id.as_ref());
            out.shrink_volume = Some(op::ShrinkVolume {
                volume: wire_resource(volume),
                subtract: wire::value::Scalar {
                    value: subtract.units(),
                },
            });
            Op::ShrinkVolume
        }
        Operation::CreateDisk {
            id,
            source,
            target,
            target_profile,
        } => {
            out.id = operation_id(id.as_ref());
            out.create_disk = Some(op::CreateDisk {
                source: wire_resource(source),
                target_type: disk_kind(*target),
                target_profile: target_profile.clone(),
            });
            Op::CreateDisk
        }
        Operation::DestroyDisk { id, source } => {
            out.id = operation_id(id.as_ref());
            out.destroy_disk = Some(op::DestroyDisk {
                source: wire_resource(source),
            });
            Op::DestroyDisk
        }
    };
    out.r#type = Some(kind as i32);
    out
}

/// Bodies were encoded by this crate, so they decode.
fn written_task(task: &WrittenTask) -> Option<wire::TaskInfo> {
    wire::TaskInfo::decode(task.body.as_slice()).ok()
}

fn written_executor(executor: &WrittenExecutor) -> Option<wire::ExecutorInfo> {
    wire::ExecutorInfo::decode(executor.body.as_slice()).ok()
}

pub(super) fn job_task(task: &JobTask) -> wire::TaskInfo {
    let job = &task.job;
    wire::TaskInfo {
        name: job.name.to_string(),
        task_id: task_id(&task.id),
        agent_id: agent_id(&task.agent),
        resources: wire_resources(&task.resources),
        command: Some(command(job, &task.resources)),
        kill_policy: kill_policy(job),
        labels: job_labels(job),
        ..wire::TaskInfo::default()
    }
}

/// `resources`: of the task, for its ports.
pub(super) fn command(job: &JobSpec, resources: &[Resource]) -> wire::CommandInfo {
    let variables: Vec<_> = job
        .env
        .iter()
        .cloned()
        .chain(port_variables(resources))
        .map(|(name, value)| wire::environment::Variable {
            name,
            value: Some(value),
            ..wire::environment::Variable::default()
        })
        .collect();
    wire::CommandInfo {
        uris: job
            .uris
            .iter()
            .map(|uri| wire::command_info::Uri {
                value: uri.value.clone(),
                executable: Some(uri.executable),
                extract: Some(uri.extract),
                cache: Some(uri.cache),
                output_file: uri.output_file.clone(),
            })
            .collect(),
        environment: (!variables.is_empty()).then_some(wire::Environment { variables }),
        shell: Some(job.shell),
        value: Some(job.command.clone()),
        arguments: job.arguments.clone(),
        user: job.user.clone(),
    }
}

pub(super) fn kill_policy(job: &JobSpec) -> Option<wire::KillPolicy> {
    job.kill_grace.map(|grace| wire::KillPolicy {
        grace_period: Some(nanos(grace)),
    })
}

pub(super) fn job_labels(job: &JobSpec) -> Option<wire::Labels> {
    (!job.labels.is_empty()).then(|| wire_labels(&job.labels))
}

/// How a task learns its ports: PORT0, PORT1, ... and PORTS, a list.
fn port_variables(resources: &[Resource]) -> Vec<(String, String)> {
    let ranges = resources
        .iter()
        .filter(|resource| resource.name == Name::Ports)
        .filter_map(|resource| match &resource.value {
            Value::Ranges(ranges) => Some(ranges),
            _ => None,
        });
    let ports: Vec<String> = ranges
        .flatten()
        .flat_map(|range| range.begin..=range.end)
        .map(|port| port.to_string())
        .collect();
    if ports.is_empty() {
        return Vec::new();
    }
    let all = ("PORTS".to_owned(), ports.join(","));
    let each = ports
        .into_iter()
        .enumerate()
        .map(|(number, port)| (format!("PORT{number}"), port));
    each.chain([all]).collect()
}

fn wire_labels(labels: &[Label]) -> wire::Labels {
    let labels = labels
        .iter()
        .map(|l| wire::Label {
            key: l.key.clone(),
            value: l.value.clone(),
        })
        .collect();
    wire::Labels { labels }
}

fn wire_ranges(ranges: &[Range]) -> wire::value::Ranges {
    wire::value::Ranges {
        range: ranges
            .iter()
            .map(|range| wire::value::Range {
                begin: range.begin,
                end: range.end,
            })
            .collect(),
    }
}

fn disk_kind(kind: DiskKind) -> i32 {
    use wire::resource::disk_info::source::Type;
    (match kind {
        DiskKind::Unknown => Type::Unknown,
        DiskKind::Path => Type::Path,
        DiskKind::Mount => Type::Mount,
        DiskKind::Block => Type::Block,
        DiskKind::Raw => Type::Raw,
    }) as i32
}

fn wire_disk(disk: &DiskInfo) -> wire::resource::DiskInfo {
    use wire::resource::disk_info as info;
    wire::resource::DiskInfo {
        persistence: disk.persistence.as_ref().map(|p| info::Persistence {
            id: p.id.clone(),
            principal: p.principal.clone(),
        }),
        volume: disk.volume.as_ref().map(|volume| wire::Volume {
            mode: if volume.read_only {
                wire::volume::Mode::Ro
            } else {
                wire::volume::Mode::Rw
            } as i32,
            container_path: volume.container_path.clone(),
            host_path: volume.host_path.clone(),
            ..wire::Volume::default()
        }),
        source: disk.source.as_ref().map(|source| {
            let root = source.root.clone();
            info::Source {
                r#type: disk_kind(source.kind),
                path: (source.kind == DiskKind::Path)
                    .then(|| info::source::Path { root: root.clone() }),
                mount: (source.kind == DiskKind::Mount).then_some(info::source::Mount { root }),
                vendor: source.vendor.clone(),
                id: source.id.clone(),
                metadata: source.metadata.as_deref().map(wire_labels),
                profile: source.profile.clone(),
            }
        }),
    }
}

fn wire_resources(resources: &[Resource]) -> Vec<wire::Resource> {
    resources.iter().map(wire_resource).collect()
}

/// One resource.
pub fn wire_resource(resource: &Resource) -> wire::Resource {
    let mut out = wire::Resource {
        provider_id: resource
            .provider
            .as_ref()
            .map(|id| wire::ResourceProviderId {
                value: id.to_string(),
            }),
        name: resource.name.as_str().to_owned(),
        allocation_info: resource
            .allocation
            .as_ref()
            .map(|role| wire::resource::AllocationInfo {
                role: Some(role.to_string()),
            }),
        reservations: resource
            .reservations
            .iter()
            .map(|reservation| wire::resource::ReservationInfo {
                r#type: Some(match reservation.kind {
                    ReservationKind::Static => wire::resource::reservation_info::Type::Static,
                    ReservationKind::Dynamic => wire::resource::reservation_info::Type::Dynamic,
                } as i32),
                role: Some(reservation.role.clone()),
                principal: reservation.principal.clone(),
                labels: reservation.labels.as_deref().map(wire_labels),
            })
            .collect(),
        disk: resource.disk.as_deref().map(wire_disk),
        revocable: resource
            .revocable
            .then(wire::resource::RevocableInfo::default),
        shared: resource.shared.then(wire::resource::SharedInfo::default),
        ..wire::Resource::default()
    };
    match &resource.value {
        Value::Scalar(amount) => {
            out.r#type = wire::value::Type::Scalar as i32;
            out.scalar = Some(wire::value::Scalar {
                value: amount.units(),
            });
        }
        Value::Ranges(ranges) => {
            out.r#type = wire::value::Type::Ranges as i32;
            out.ranges = Some(wire_ranges(ranges));
        }
        Value::Set(items) => {
            out.r#type = wire::value::Type::Set as i32;
            out.set = Some(wire::value::Set {
                item: items.clone(),
            });
        }
    }
    out
}

fn wire_attribute(attribute: &Attribute) -> wire::Attribute {
    let mut out = wire::Attribute {
        name: attribute.name.clone(),
        ..wire::Attribute::default()
    };
    match &attribute.value {
        AttributeValue::Text(text) => {
            out.r#type = wire::value::Type::Text as i32;
            out.text = Some(wire::value::Text {
                value: text.clone(),
            });
        }
        AttributeValue::Scalar(amount) => {
            out.r#type = wire::value::Type::Scalar as i32;
            out.scalar = Some(wire::value::Scalar {
                value: amount.units(),
            });
        }
        AttributeValue::Ranges(ranges) => {
            out.r#type = wire::value::Type::Ranges as i32;
            out.ranges = Some(wire_ranges(ranges));
        }
        AttributeValue::Set(items) => {
            out.r#type = wire::value::Type::Set as i32;
            out.set = Some(wire::value::Set {
                item: items.clone(),
            });
        }
    }
    out
}

/// A live offer as the master sent it.
pub fn offer(offer: &Offer) -> wire::Offer {
    let info = &offer.info;
    let agent = &info.agent;
    wire::Offer {
        id: wire::OfferId {
            value: info.id.to_string(),
        },
        framework_id: wire::FrameworkId {
            value: info.framework_id.to_string(),
        },
        agent_id: agent_id(&agent.id),
        hostname: agent.hostname.to_string(),
        url: info.url.as_ref().map(|url| wire::Url {
            scheme: url.scheme.clone(),
            address: wire::Address {
                hostname: url.hostname.clone(),
                ip: url.ip.clone(),
                port: url.port,
            },
            path: url.path.clone(),
            ..wire::Url::default()
        }),
        domain: agent
            .region
            .as_ref()
            .zip(agent.zone.as_ref())
            .map(|(region, zone)| wire::DomainInfo {
                fault_domain: Some(wire::domain_info::FaultDomain {
                    region: wire::domain_info::fault_domain::RegionInfo {
                        name: region.clone(),
                    },
                    zone: wire::domain_info::fault_domain::ZoneInfo { name: zone.clone() },
                }),
            }),
        resources: wire_resources(&info.resources),
        attributes: agent.attributes.iter().map(wire_attribute).collect(),
        executor_ids: info.executor_ids.iter().map(executor_id).collect(),
        unavailability: info
            .unavailability
            .map(|unavailability| wire::Unavailability {
                start: wire::TimeInfo {
                    nanoseconds: i64::try_from(unavailability.start.0).unwrap_or(i64::MAX),
                },
                duration: unavailability.duration.map(nanos),
            }),
        allocation_info: Some(wire::resource::AllocationInfo {
            role: Some(info.role.to_string()),
        }),
    }
}
