//! Any value of the machine's types, as far as the wire can carry it.

use offerd_core::call::{Call, FrameworkUpdate, Operation, WrittenExecutor, WrittenTask};
use offerd_core::ids::{AgentId, FrameworkId, OperationId, ProviderId, Role};
use offerd_core::offer::{
    AgentInfo, Attribute, AttributeValue, InverseOfferInfo, OfferInfo, Unavailability, Url,
};
use offerd_core::policy::{Codec, Encoded};
use offerd_core::resource::{
    DiskInfo, DiskKind, DiskSource, Label, Name, Persistence, Range, Reservation, ReservationKind,
    Resource, Value, Volume,
};
use offerd_core::task::{OperationState, OperationStatus, TaskState, TaskStatus};
use offerd_core::{Instant, Milli};
use prop::collection::vec;
use prop::option::of;
use proptest::prelude::*;
use prost::Message;

use crate::ProtobufCodec;
use crate::convert::wire_resource;

/// The agent and the role of everything that [`call`] gives.
pub(super) const AGENT: &str = "agent-1";
pub(super) const ROLE: &str = "role-1";

/// Not empty: ids and names are required.
pub(super) fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_.:-]{1,12}|\\PC{1,6}"
}

/// Up to 2^51 thousandths: beyond, a thousandth gets lost in the wire's `f64`
/// of whole units.
fn milli() -> impl Strategy<Value = Milli> {
    prop_oneof![0..1_000_000i64, 0..=1i64 << 51].prop_map(Milli)
}

fn ranges() -> impl Strategy<Value = Vec<Range>> {
    vec(any::<(u64, u64)>(), 0..4).prop_map(|list| {
        list.into_iter()
            .map(|(begin, end)| Range { begin, end })
            .collect()
    })
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        milli().prop_map(Value::Scalar),
        ranges().prop_map(Value::Ranges),
        vec(text(), 0..3).prop_map(Value::Set),
    ]
}

fn labels() -> impl Strategy<Value = Vec<Label>> {
    vec(
        (text(), of(text())).prop_map(|(key, value)| Label { key, value }),
        0..3,
    )
}

fn reservation() -> impl Strategy<Value = Reservation> {
    let kind = prop_oneof![
        Just(ReservationKind::Static),
        Just(ReservationKind::Dynamic)
    ];
    (kind, text(), of(text()), of(labels())).prop_map(|(kind, role, principal, labels)| {
        Reservation {
            kind,
            role,
            principal,
            labels,
        }
    })
}

pub(super) fn disk_kind() -> impl Strategy<Value = DiskKind> {
    prop_oneof![
        Just(DiskKind::Unknown),
        Just(DiskKind::Path),
        Just(DiskKind::Mount),
        Just(DiskKind::Block),
        Just(DiskKind::Raw),
    ]
}

fn source() -> impl Strategy<Value = DiskSource> {
    let texts = (of(text()), of(text()), of(text()), of(text()));
    (disk_kind(), texts, of(labels())).prop_map(|(kind, (root, id, vendor, profile), metadata)| {
        DiskSource {
            kind,
            // Only these two have a field for it.
            root: root.filter(|_| matches!(kind, DiskKind::Path | DiskKind::Mount)),
            id,
            vendor,
            profile,
            metadata,
        }
    })
}

fn disk() -> impl Strategy<Value = DiskInfo> {
    let persistence =
        (text(), of(text())).prop_map(|(id, principal)| Persistence { id, principal });
    let volume =
        (text(), of(text()), any::<bool>()).prop_map(|(container_path, host_path, read_only)| {
            Volume {
                container_path,
                host_path,
                read_only,
            }
        });
    (of(persistence), of(volume), of(source())).prop_map(|(persistence, volume, source)| DiskInfo {
        persistence,
        volume,
        source,
    })
}

/// Any resource with this allocation. Boxed, as all larger ones: a strategy in
/// a strategy takes much of the stack.
pub(super) fn resource_of(allocation: Option<Role>) -> BoxedStrategy<Resource> {
    (
        prop_oneof![
            Just("cpus".to_owned()),
            Just("ports".to_owned()),
            Just("gpus".to_owned()),
            text()
        ],
        value(),
        vec(reservation(), 0..3),
        of(disk()),
        any::<(bool, bool)>(),
        of(text()),
    )
        .prop_map(
            move |(name, value, reservations, disk, (revocable, shared), provider)| Resource {
                name: Name::from(name),
                value,
                allocation: allocation.clone(),
                reservations,
                disk: disk.map(Box::new),
                revocable,
                shared,
                provider: provider.map(ProviderId::from),
            },
        )
        .boxed()
}

pub(super) fn resource() -> impl Strategy<Value = Resource> {
    of(text()).prop_flat_map(|role| resource_of(role.map(Role::from)))
}

fn attribute() -> impl Strategy<Value = Attribute> {
    let value = prop_oneof![
        text().prop_map(AttributeValue::Text),
        milli().prop_map(AttributeValue::Scalar),
        ranges().prop_map(AttributeValue::Ranges),
        vec(text(), 0..3).prop_map(AttributeValue::Set),
    ];
    (text(), value).prop_map(|(name, value)| Attribute { name, value })
}

/// Nanoseconds have 63 bits on the wire.
fn nanoseconds() -> impl Strategy<Value = u64> {
    0..=i64::MAX as u64
}

fn unavailability() -> impl Strategy<Value = Unavailability> {
    (nanoseconds(), of(nanoseconds())).prop_map(|(start, duration)| Unavailability {
        start: Instant(start),
        duration,
    })
}

fn url() -> impl Strategy<Value = Url> {
    (text(), of(text()), of(text()), any::<i32>(), of(text())).prop_map(
        |(scheme, hostname, ip, port, path)| Url {
            scheme,
            hostname,
            ip,
            port,
            path,
        },
    )
}

fn agent() -> impl Strategy<Value = AgentInfo> {
    (text(), text(), of((text(), text())), vec(attribute(), 0..4)).prop_map(
        |(id, hostname, domain, attributes)| {
            let (region, zone) = domain.unzip();
            AgentInfo {
                id: AgentId::from(id),
                hostname: hostname.into(),
                region,
                zone,
                attributes,
            }
        },
    )
}

pub(super) fn offer() -> impl Strategy<Value = OfferInfo> {
    text()
        .prop_map(Role::from)
        .prop_flat_map(|role| {
            (
                vec(resource_of(Some(role.clone())), 0..5),
                Just(role),
                (text(), text()),
                agent(),
                of(url()),
                vec(text(), 0..3),
                of(unavailability()),
            )
        })
        .prop_map(
            |(resources, role, (id, framework), agent, url, executors, unavailability)| OfferInfo {
                id: id.into(),
                framework_id: framework.into(),
                agent,
                url: url.map(Box::new),
                role,
                resources,
                executor_ids: executors.into_iter().map(Into::into).collect(),
                unavailability,
            },
        )
}

pub(super) fn inverse_offer() -> impl Strategy<Value = InverseOfferInfo> {
    (text(), of(text()), unavailability(), vec(resource(), 0..3)).prop_map(
        |(id, agent, unavailability, resources)| InverseOfferInfo {
            id: id.into(),
            agent: agent.map(AgentId::from),
            unavailability,
            resources,
        },
    )
}

pub(super) fn task_status() -> impl Strategy<Value = TaskStatus> {
    (
        (text(), any::<i32>(), of(text())),
        of(any::<i32>()),
        of(any::<i32>()),
        of(text()),
        of(text()),
        any::<Option<bool>>(),
        // Whole seconds up to the year 2096 are exact.
        of(0..4_000_000_000u64),
        any::<Option<[u8; 16]>>(),
    )
        .prop_map(
            |((task, state, message), source, reason, agent, executor, healthy, at, uuid)| {
                TaskStatus {
                    task: task.into(),
                    state: TaskState(state),
                    message,
                    source,
                    reason,
                    agent: agent.map(Into::into),
                    executor: executor.map(Into::into),
                    healthy,
                    at: at.map(|seconds| Instant(seconds * 1_000_000_000)),
                    uuid,
                }
            },
        )
}

pub(super) fn operation_status() -> impl Strategy<Value = OperationStatus> {
    (
        of(text()),
        any::<i32>(),
        of(text()),
        of(text()),
        of(text()),
        vec(resource(), 0..3),
        any::<Option<[u8; 16]>>(),
    )
        .prop_map(
            |(operation, state, message, agent, provider, converted, uuid)| OperationStatus {
                operation: operation.map(Into::into),
                state: OperationState(state),
                message,
                agent: agent.map(Into::into),
                provider: provider.map(Into::into),
                converted,
                uuid,
            },
        )
}

/// As the codec makes it of what a policy wrote.
pub(super) fn written_executor() -> BoxedStrategy<WrittenExecutor> {
    (text(), resources())
        .prop_map(|(id, resources)| {
            let info = mesos_v1::ExecutorInfo {
                executor_id: mesos_v1::ExecutorId { value: id },
                resources: resources.iter().map(wire_resource).collect(),
                ..mesos_v1::ExecutorInfo::default()
            };
            let written = Encoded::Protobuf(info.encode_to_vec());
            ProtobufCodec
                .executor(&written, &FrameworkId::from("fw"), &ROLE.into())
                .unwrap()
        })
        .boxed()
}

/// As the codec makes it of what a policy wrote.
pub(super) fn written_task() -> BoxedStrategy<WrittenTask> {
    let id = "[a-zA-Z0-9_.:-]{3,255}";
    (id, text(), resources(), of((text(), resources())))
        .prop_map(|(id, name, resources, executor)| {
            let info = mesos_v1::TaskInfo {
                name,
                task_id: mesos_v1::TaskId { value: id },
                resources: resources.iter().map(wire_resource).collect(),
                executor: executor.map(|(id, resources)| mesos_v1::ExecutorInfo {
                    executor_id: mesos_v1::ExecutorId { value: id },
                    resources: resources.iter().map(wire_resource).collect(),
                    ..mesos_v1::ExecutorInfo::default()
                }),
                ..mesos_v1::TaskInfo::default()
            };
            let written = Encoded::Protobuf(info.encode_to_vec());
            ProtobufCodec
                .task(&written, &AGENT.into(), &ROLE.into())
                .unwrap()
        })
        .boxed()
}

fn resources() -> impl Strategy<Value = Vec<Resource>> {
    vec(resource_of(Some(Role::from(ROLE))), 0..3)
}

fn operation() -> BoxedStrategy<Operation> {
    let id = || of(text().prop_map(OperationId::from));
    let one = || resource_of(Some(Role::from(ROLE)));
    prop_oneof![
        vec(written_task(), 0..3).prop_map(Operation::LaunchWritten),
        (written_executor(), vec(written_task(), 0..3))
            .prop_map(|(executor, tasks)| Operation::LaunchGroup { executor, tasks }),
        (id(), resources(), resources()).prop_map(|(id, source, resources)| Operation::Reserve {
            id,
            source,
            resources
        }),
        (id(), resources()).prop_map(|(id, resources)| Operation::Unreserve { id, resources }),
        (id(), resources()).prop_map(|(id, volumes)| Operation::Create { id, volumes }),
        (id(), resources()).prop_map(|(id, volumes)| Operation::Destroy { id, volumes }),
        (id(), one(), one()).prop_map(|(id, volume, addition)| Operation::GrowVolume {
            id,
            volume,
            addition
        }),
        (id(), one(), milli()).prop_map(|(id, volume, subtract)| Operation::ShrinkVolume {
            id,
            volume,
            subtract
        }),
        (id(), one(), disk_kind(), of(text())).prop_map(|(id, source, target, target_profile)| {
            Operation::CreateDisk {
                id,
                source,
                target,
                target_profile,
            }
        }),
        (id(), one()).prop_map(|(id, source)| Operation::DestroyDisk { id, source }),
    ]
    .boxed()
}

/// Any call but UPDATE_FRAMEWORK with more than suppressed roles: what a policy
/// writes there is merged with the settings.
pub(super) fn call() -> impl Strategy<Value = Call> {
    let offers = || vec(text().prop_map(Into::into), 0..3);
    let roles = || vec(text().prop_map(Role::from), 0..3);
    let agent = || text().prop_map(AgentId::from);
    let refuse = || 0.0..1e9f64;
    let uuid = any::<[u8; 16]>;
    let provider = || of(text().prop_map(ProviderId::from));
    prop_oneof![
        4 => (offers(), vec(operation(), 0..4), refuse()).prop_map(
            |(offers, operations, refuse)| Call::Accept { offers, operations, refuse }
        ),
        1 => (offers(), refuse()).prop_map(|(offers, refuse)| Call::Decline { offers, refuse }),
        1 => (offers(), refuse())
            .prop_map(|(offers, refuse)| Call::AcceptInverseOffers { offers, refuse }),
        1 => (offers(), refuse())
            .prop_map(|(offers, refuse)| Call::DeclineInverseOffers { offers, refuse }),
        1 => roles().prop_map(|roles| Call::Revive { roles }),
        1 => roles().prop_map(|roles| Call::Suppress { roles }),
        1 => (text(), of(agent()), of(nanoseconds())).prop_map(|(task, agent, grace)| Call::Kill {
            task: task.into(),
            agent,
            grace,
        }),
        1 => (text(), agent())
            .prop_map(|(executor, agent)| Call::Shutdown { executor: executor.into(), agent }),
        1 => (agent(), text(), uuid()).prop_map(|(agent, task, uuid)| Call::Acknowledge {
            agent,
            task: task.into(),
            uuid,
        }),
        1 => (of(agent()), provider(), text(), uuid()).prop_map(
            |(agent, provider, operation, uuid)| Call::AcknowledgeOperation {
                agent,
                provider,
                operation: operation.into(),
                uuid,
            }
        ),
        1 => vec((text().prop_map(Into::into), of(agent())), 0..3)
            .prop_map(|tasks| Call::Reconcile { tasks }),
        1 => vec((text().prop_map(Into::into), of(agent()), provider()), 0..3)
            .prop_map(|operations| Call::ReconcileOperations { operations }),
        1 => (agent(), text(), vec(any::<u8>(), 0..20)).prop_map(|(agent, executor, data)| {
            Call::Message { agent, executor: executor.into(), data }
        }),
        1 => vec((of(agent()), vec(resource(), 0..3)), 0..3)
            .prop_map(|requests| Call::Request { requests }),
        1 => (roles(), vec(text().prop_map(Into::into), 1..3)).prop_map(|(suppressed, roles)| {
            Call::UpdateFramework(FrameworkUpdate {
                suppressed,
                roles,
                ..FrameworkUpdate::default()
            })
        }),
        1 => Just(Call::Teardown),
    ]
}
