//! Calls on the wire, read back by a reader of the tests' own.

use std::sync::Arc;

use mesos_v1 as wire;
use mesos_v1::offer::operation::Type as Op;
use mesos_v1::scheduler as api;
use mesos_v1::scheduler::call::Type;
use offerd_core::Milli;
use offerd_core::call::{Call, FrameworkUpdate, JobTask, Operation, WrittenExecutor, WrittenTask};
use offerd_core::ids::{FrameworkId, OfferId, ProviderId, Role};
use offerd_core::job::{JobKind, JobSpec, Uri};
use offerd_core::policy::{Codec, Encoded};
use offerd_core::resource::{Amounts, DiskKind, Label, Name, Range, Resource, Value};
use proptest::prelude::*;
use prost::Message;

use super::arbitrary::{self, AGENT, ROLE};
use crate::ProtobufCodec;
use crate::convert::{self, FrameworkSettings};

fn settings() -> FrameworkSettings {
    FrameworkSettings::new("name", "user", vec![ROLE.to_owned()])
}

/// The call as a master gets it.
fn sent(call: &Call) -> api::Call {
    let (framework, settings) = (FrameworkId::from("fw"), settings());
    let mut bytes = Vec::new();
    let mut encoder = convert::Encoder::default();
    encoder.encode(call, &framework, &settings, &mut bytes);
    let sent = api::Call::decode(bytes.as_slice()).unwrap();
    assert_eq!(sent, convert::call(call, &framework, &settings));
    // Not less when it keeps something of the first.
    let first = bytes.len();
    encoder.encode(call, &framework, &settings, &mut bytes);
    assert_eq!(bytes[..first], bytes[first..]);
    sent
}

fn offers(ids: Vec<wire::OfferId>) -> Vec<OfferId> {
    ids.into_iter().map(|id| id.value.into()).collect()
}

fn refuse(filters: Option<wire::Filters>) -> f64 {
    filters.unwrap().refuse_seconds.unwrap()
}

fn resources(list: Vec<wire::Resource>) -> Vec<Resource> {
    list.into_iter().map(resource).collect()
}

fn resource(resource: wire::Resource) -> Resource {
    convert::resource(resource).unwrap()
}

fn task(info: wire::TaskInfo) -> WrittenTask {
    let written = Encoded::Protobuf(info.encode_to_vec());
    ProtobufCodec
        .task(&written, &AGENT.into(), &ROLE.into())
        .unwrap()
}

fn executor(info: wire::ExecutorInfo) -> WrittenExecutor {
    let written = Encoded::Protobuf(info.encode_to_vec());
    ProtobufCodec
        .executor(&written, &"fw".into(), &ROLE.into())
        .unwrap()
}

fn roles(list: Vec<String>) -> Vec<Role> {
    list.into_iter().map(Role::from).collect()
}

fn uuid(bytes: Vec<u8>) -> [u8; 16] {
    bytes.try_into().unwrap()
}

fn agent(id: Option<wire::AgentId>) -> Option<offerd_core::ids::AgentId> {
    id.map(|id| id.value.into())
}

fn provider(id: Option<wire::ResourceProviderId>) -> Option<ProviderId> {
    id.map(|id| id.value.into())
}

fn operation(operation: wire::offer::Operation) -> Operation {
    let id = operation.id.map(|id| id.value.into());
    match Op::try_from(operation.r#type.unwrap()).unwrap() {
        Op::Unknown => panic!("an operation of type UNKNOWN"),
        Op::Launch => Operation::LaunchWritten(
            operation
                .launch
                .unwrap()
                .task_infos
                .into_iter()
                .map(task)
                .collect(),
        ),
        Op::LaunchGroup => {
            let group = operation.launch_group.unwrap();
            Operation::LaunchGroup {
                executor: executor(group.executor),
                tasks: group.task_group.tasks.into_iter().map(task).collect(),
            }
        }
        Op::Reserve => {
            let reserve = operation.reserve.unwrap();
            Operation::Reserve {
                id,
                source: resources(reserve.source),
                resources: resources(reserve.resources),
            }
        }
        Op::Unreserve => Operation::Unreserve {
            id,
            resources: resources(operation.unreserve.unwrap().resources),
        },
        Op::Create => Operation::Create {
            id,
            volumes: resources(operation.create.unwrap().volumes),
        },
        Op::Destroy => Operation::Destroy {
            id,
            volumes: resources(operation.destroy.unwrap().volumes),
        },
        Op::GrowVolume => {
            let grow = operation.grow_volume.unwrap();
            Operation::GrowVolume {
                id,
                volume: resource(grow.volume),
                addition: resource(grow.addition),
            }
        }
        Op::ShrinkVolume => {
            let shrink = operation.shrink_volume.unwrap();
            Operation::ShrinkVolume {
                id,
                volume: resource(shrink.volume),
                subtract: Milli::from_units(shrink.subtract.value).unwrap(),
            }
        }
        Op::CreateDisk => {
            use wire::resource::disk_info::source::Type;
            let create = operation.create_disk.unwrap();
            Operation::CreateDisk {
                id,
                source: resource(create.source),
                target: match Type::try_from(create.target_type).unwrap() {
                    Type::Unknown => DiskKind::Unknown,
                    Type::Path => DiskKind::Path,
                    Type::Mount => DiskKind::Mount,
                    Type::Block => DiskKind::Block,
                    Type::Raw => DiskKind::Raw,
                },
                target_profile: create.target_profile,
            }
        }
        Op::DestroyDisk => Operation::DestroyDisk {
            id,
            source: resource(operation.destroy_disk.unwrap().source),
        },
    }
}

fn read(call: api::Call) -> Call {
    match Type::try_from(call.r#type.unwrap()).unwrap() {
        Type::Unknown | Type::Subscribe => panic!("{call:?}"),
        Type::Teardown => Call::Teardown,
        Type::Accept => {
            let accept = call.accept.unwrap();
            Call::Accept {
                offers: offers(accept.offer_ids),
                operations: accept.operations.into_iter().map(operation).collect(),
                refuse: refuse(accept.filters),
            }
        }
        Type::Decline => {
            let decline = call.decline.unwrap();
            Call::Decline {
                offers: offers(decline.offer_ids),
                refuse: refuse(decline.filters),
            }
        }
        Type::AcceptInverseOffers => {
            let accept = call.accept_inverse_offers.unwrap();
            Call::AcceptInverseOffers {
                offers: offers(accept.inverse_offer_ids),
                refuse: refuse(accept.filters),
            }
        }
        Type::DeclineInverseOffers => {
            let decline = call.decline_inverse_offers.unwrap();
            Call::DeclineInverseOffers {
                offers: offers(decline.inverse_offer_ids),
                refuse: refuse(decline.filters),
            }
        }
        Type::Revive => Call::Revive {
            roles: roles(call.revive.unwrap().roles),
        },
        Type::Suppress => Call::Suppress {
            roles: roles(call.suppress.unwrap().roles),
        },
        Type::Kill => {
            let kill = call.kill.unwrap();
            Call::Kill {
                task: kill.task_id.value.into(),
                agent: agent(kill.agent_id),
                grace: kill
                    .kill_policy
                    .map(|policy| u64::try_from(policy.grace_period.unwrap().nanoseconds).unwrap()),
            }
        }
        Type::Shutdown => {
            let shutdown = call.shutdown.unwrap();
            Call::Shutdown {
                executor: shutdown.executor_id.value.into(),
                agent: shutdown.agent_id.value.into(),
            }
        }
        Type::Acknowledge => {
            let acknowledge = call.acknowledge.unwrap();
            Call::Acknowledge {
                agent: acknowledge.agent_id.value.into(),
                task: acknowledge.task_id.value.into(),
                uuid: uuid(acknowledge.uuid),
            }
        }
        Type::AcknowledgeOperationStatus => {
            let acknowledge = call.acknowledge_operation_status.unwrap();
            Call::AcknowledgeOperation {
                agent: agent(acknowledge.agent_id),
                provider: provider(acknowledge.resource_provider_id),
                operation: acknowledge.operation_id.value.into(),
                uuid: uuid(acknowledge.uuid),
            }
        }
        Type::Reconcile => {
            let tasks = call.reconcile.unwrap().tasks;
            Call::Reconcile {
                tasks: tasks
                    .into_iter()
                    .map(|task| (task.task_id.value.into(), agent(task.agent_id)))
                    .collect(),
            }
        }
        Type::ReconcileOperations => {
            let operations = call.reconcile_operations.unwrap().operations;
            Call::ReconcileOperations {
                operations: operations
                    .into_iter()
                    .map(|operation| {
                        (
                            operation.operation_id.value.into(),
                            agent(operation.agent_id),
                            provider(operation.resource_provider_id),
                        )
                    })
                    .collect(),
            }
        }
        Type::Message => {
            let message = call.message.unwrap();
            Call::Message {
                agent: message.agent_id.value.into(),
                executor: message.executor_id.value.into(),
                data: message.data,
            }
        }
        Type::Request => {
            let requests = call.request.unwrap().requests;
            Call::Request {
                requests: requests
                    .into_iter()
                    .map(|request| (agent(request.agent_id), resources(request.resources)))
                    .collect(),
            }
        }
        Type::UpdateFramework => {
            let update = call.update_framework.unwrap();
            Call::UpdateFramework(FrameworkUpdate {
                suppressed: roles(update.suppressed_roles),
                roles: roles(update.framework_info.roles),
                ..FrameworkUpdate::default()
            })
        }
    }
}

proptest! {
    #[test]
    fn a_call_comes_back(call in arbitrary::call()) {
        let wire = sent(&call);
        prop_assert_eq!(&wire.framework_id.as_ref().unwrap().value, "fw");
        prop_assert_eq!(read(wire), call);
    }

    /// The body of the call's type and no other.
    #[test]
    fn a_call_has_one_body(call in arbitrary::call()) {
        let json = mesos_v1::json::to_value(&sent(&call)).unwrap();
        let fields: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
        let name = json["type"].as_str().unwrap().to_lowercase();
        let expected = match call {
            Call::Teardown => vec!["framework_id".to_owned(), "type".to_owned()],
            _ => vec![name, "framework_id".to_owned(), "type".to_owned()],
        };
        let sorted = |mut list: Vec<String>| { list.sort(); list };
        prop_assert_eq!(sorted(fields), sorted(expected));
    }
}

fn scalar(name: Name, amount: i64) -> Resource {
    let mut resource = Resource::scalar(name, Milli(amount));
    resource.allocation = Some(ROLE.into());
    resource
}

#[test]
fn a_task_of_a_job_is_written_whole() {
    let mut ports = Resource::plain(
        Name::Ports,
        Value::Ranges(vec![
            Range {
                begin: 31000,
                end: 31001,
            },
            Range {
                begin: 31005,
                end: 31005,
            },
        ]),
    );
    ports.allocation = Some(ROLE.into());
    let job = JobSpec {
        name: "web".into(),
        role: ROLE.into(),
        kind: JobKind::Service,
        count: 1,
        needs: Amounts::default(),
        command: "/bin/serve".to_owned(),
        shell: false,
        arguments: vec!["serve".to_owned(), "-v".to_owned()],
        env: vec![("A".to_owned(), "1".to_owned())],
        uris: vec![Uri {
            value: "http://files.example/serve.tgz".to_owned(),
            executable: false,
            extract: true,
            cache: true,
            output_file: Some("s.tgz".to_owned()),
        }],
        user: Some("www".to_owned()),
        priority: 0,
        constraints: vec![],
        retries: 0,
        kill_grace: Some(7_000_000_000),
        labels: vec![Label {
            key: "team".to_owned(),
            value: None,
        }],
    };
    let resources = vec![scalar(Name::Cpus, 100), ports];
    let launch = |job: JobSpec, resources: &[Resource]| {
        let call = sent(&Call::Accept {
            offers: vec!["o".into()],
            operations: vec![Operation::Launch(vec![JobTask {
                id: "web.1".into(),
                agent: AGENT.into(),
                resources: resources.to_vec().into(),
                job: Arc::new(job),
            }])],
            refuse: 1.5,
        });
        let operation = call.accept.unwrap().operations.remove(0);
        // R27.
        assert_eq!(operation.id, None);
        operation.launch.unwrap().task_infos.remove(0)
    };
    let info = launch(job.clone(), &resources);
    assert_eq!(
        (info.name.as_str(), info.task_id.value.as_str()),
        ("web", "web.1")
    );
    assert_eq!(info.agent_id.value, AGENT);
    assert_eq!(self::resources(info.resources), resources);
    let grace = info.kill_policy.unwrap().grace_period.unwrap();
    assert_eq!(grace.nanoseconds, 7_000_000_000);
    assert_eq!(info.labels.unwrap().labels[0].key, "team");
    let command = info.command.unwrap();
    assert_eq!(command.shell, Some(false));
    assert_eq!(command.value.as_deref(), Some("/bin/serve"));
    assert_eq!(command.arguments, ["serve", "-v"]);
    assert_eq!(command.user.as_deref(), Some("www"));
    let uri = &command.uris[0];
    assert_eq!(uri.value, "http://files.example/serve.tgz");
    assert_eq!(
        (uri.executable, uri.extract, uri.cache),
        (Some(false), Some(true), Some(true))
    );
    assert_eq!(uri.output_file.as_deref(), Some("s.tgz"));
    let variables: Vec<_> = command
        .environment
        .unwrap()
        .variables
        .into_iter()
        .map(|variable| format!("{}={}", variable.name, variable.value.unwrap()))
        .collect();
    assert_eq!(
        variables,
        [
            "A=1",
            "PORT0=31000",
            "PORT1=31001",
            "PORT2=31005",
            "PORTS=31000,31001,31005"
        ]
    );

    let bare = JobSpec {
        env: vec![],
        uris: vec![],
        user: None,
        kill_grace: None,
        labels: vec![],
        shell: true,
        arguments: vec![],
        ..job
    };
    let info = launch(bare, &[scalar(Name::Cpus, 100)]);
    assert_eq!((info.kill_policy, info.labels), (None, None));
    let command = info.command.unwrap();
    assert_eq!((command.environment, command.user), (None, None));
    assert_eq!(command.shell, Some(true));
}

/// R21: the operator's settings stay, a policy's wishes are added.
#[test]
fn an_update_of_the_framework_keeps_what_the_operator_set() {
    let mut settings = settings();
    settings.labels = vec![("own".to_owned(), "1".to_owned())];
    settings.webui_url = Some("http://own".to_owned());
    let constraints = r#"{"role_constraints":{"role-1":{"groups":[{}]}}}"#;
    let written = |framework: Option<&str>| {
        let framework = framework.map(|json| Encoded::Json(json.to_owned()));
        let constraints = Encoded::Json(constraints.to_owned());
        let wanted = ProtobufCodec.update(framework.as_ref(), Some(&constraints));
        let wanted = wanted.unwrap();
        let (info, filters) = wanted.framework.unzip();
        let update = FrameworkUpdate {
            info,
            filters: filters.unwrap_or_default(),
            constraints: wanted.constraints.unwrap(),
            suppressed: vec![ROLE.into()],
            roles: Vec::new(),
        };
        let call = convert::call(&Call::UpdateFramework(update), &"fw".into(), &settings);
        call.update_framework.unwrap()
    };
    let plain = written(None);
    let of_roles = plain.offer_constraints.unwrap().role_constraints;
    assert_eq!(of_roles["role-1"].groups.len(), 1);
    assert_eq!(plain.suppressed_roles, [ROLE]);
    let info = plain.framework_info;
    assert_eq!(info.id.unwrap().value, "fw");
    assert_eq!(info.labels.unwrap().labels[0].key, "own");

    let wished = written(Some(
        r#"{"user":"evil","name":"evil","roles":["evil"],"principal":"evil",
            "failover_timeout":0.0,"labels":{"labels":[{"key":"wished"}]},
            "offer_filters":{"role-1":{"min_allocatable_resources":{}}}}"#,
    ));
    let info = wished.framework_info;
    assert_eq!((info.user.as_str(), info.name.as_str()), ("user", "name"));
    assert_eq!((info.roles, info.principal), (vec![ROLE.to_owned()], None));
    assert_eq!(info.failover_timeout, Some(settings.failover_timeout));
    assert_eq!(info.webui_url.as_deref(), Some("http://own"));
    assert_eq!(info.labels.unwrap().labels[0].key, "wished");
    assert!(info.offer_filters.contains_key("role-1"));
}
