//! One of each action and operation.

use offerd_sdk::types::{
    Accept, Action, CreateDisk, DestroyDisk, DiskInfo, DiskKind, DiskSource, Encoded, Executor,
    ExecutorMessage, FrameworkUpdate, GrowVolume, InverseAnswer, Label, MesosResource, Operation,
    OperationQuery, Persistence, Range, ReasonedAction, Reservation, ReservationKind, Reserve,
    ResourceOperation, ResourceRequest, ResourceValue, SetCount, ShrinkVolume, TaskGroup, Timer,
    Volume,
};

pub fn all() -> Vec<ReasonedAction> {
    let actions = vec![
        Action::Accept(Accept {
            offers: vec![1, 2],
            operations: operations(),
            refuse: 1000.0,
        }),
        Action::Revive(vec![0, 1]),
        Action::Suppress(vec![1]),
        Action::Shutdown(Executor {
            agent: 3,
            executor_id: "e".to_owned(),
        }),
        Action::Message(ExecutorMessage {
            agent: 3,
            executor_id: "e".to_owned(),
            data: vec![0, 255],
        }),
        Action::Request(vec![ResourceRequest {
            agent: 4,
            resources: vec![scalar("cpus", 500.0)],
        }]),
        Action::Reconcile(vec![5]),
        Action::ReconcileOperations(vec![OperationQuery {
            operation_id: "o".to_owned(),
            agent: u32::MAX,
            provider: Some("p".to_owned()),
        }]),
        Action::AcceptInverseOffers(InverseAnswer {
            inverse_offers: vec![6],
            refuse: -1.0,
        }),
        Action::DeclineInverseOffers(InverseAnswer {
            inverse_offers: vec![7],
            refuse: 2000.0,
        }),
        Action::UpdateFramework(FrameworkUpdate {
            framework: Some(Encoded::Json("{}".to_owned())),
            constraints: Some(Encoded::Protobuf(vec![1])),
        }),
        Action::Timer(Timer {
            number: 8,
            after: 9000.0,
        }),
    ];
    let numbered = actions.into_iter().zip(1..);
    numbered
        .map(|(action, reason)| ReasonedAction { action, reason })
        .collect()
}

fn operations() -> Vec<Operation> {
    let only = |resource| ResourceOperation {
        id: Some("op".to_owned()),
        resources: vec![resource],
    };
    vec![
        Operation::Launch(vec![
            Encoded::Json("{}".to_owned()),
            Encoded::Protobuf(vec![8, 1]),
        ]),
        Operation::Place(SetCount { set: 1, count: 2 }),
        Operation::LaunchGroup(TaskGroup {
            executor: Encoded::Json("{}".to_owned()),
            tasks: vec![Encoded::Json("{}".to_owned())],
        }),
        Operation::Reserve(Reserve {
            id: None,
            source: vec![scalar("cpus", 1.0)],
            resources: vec![reserved()],
        }),
        Operation::Unreserve(only(reserved())),
        Operation::Create(only(volume())),
        Operation::Destroy(only(volume())),
        Operation::GrowVolume(GrowVolume {
            id: None,
            volume: volume(),
            addition: scalar("disk", 1.0),
        }),
        Operation::ShrinkVolume(ShrinkVolume {
            id: None,
            volume: volume(),
            subtract: 64000.0,
        }),
        Operation::CreateDisk(CreateDisk {
            id: None,
            source: scalar("disk", 2.0),
            target: DiskKind::Mount,
            target_profile: Some("fast".to_owned()),
        }),
        Operation::DestroyDisk(DestroyDisk {
            id: None,
            source: ranges(),
        }),
    ]
}

fn plain(name: &str, value: ResourceValue) -> MesosResource {
    MesosResource {
        name: name.to_owned(),
        value,
        reservations: Vec::new(),
        disk: None,
        revocable: false,
        shared: false,
        provider: None,
    }
}

fn scalar(name: &str, value: f64) -> MesosResource {
    plain(name, ResourceValue::Scalar(value))
}

fn ranges() -> MesosResource {
    plain(
        "ports",
        ResourceValue::Ranges(vec![Range { begin: 1, end: 2 }]),
    )
}

fn reserved() -> MesosResource {
    MesosResource {
        reservations: vec![Reservation {
            kind: ReservationKind::Dynamic,
            role: "r".to_owned(),
            principal: Some("me".to_owned()),
            labels: vec![Label {
                key: "k".to_owned(),
                value: None,
            }],
        }],
        ..scalar("cpus", 1.0)
    }
}

fn volume() -> MesosResource {
    MesosResource {
        disk: Some(DiskInfo {
            persistence: Some(Persistence {
                id: "v".to_owned(),
                principal: None,
            }),
            volume: Some(Volume {
                container_path: "data".to_owned(),
                host_path: None,
                read_only: false,
            }),
            source: Some(DiskSource {
                kind: DiskKind::Path,
                root: Some("/mnt".to_owned()),
                id: None,
                vendor: None,
                profile: None,
                metadata: Vec::new(),
            }),
        }),
        shared: true,
        ..scalar("disk", 64000.0)
    }
}
