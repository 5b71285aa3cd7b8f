//! A round with everything in it that the contract has: each record with and without
//! what it may lack, each case of each variant, and handles that are none.

use std::sync::Arc;

use offerd_core::ids::{
    AgentHandle, InverseOfferHandle, JobHandle, OfferHandle, RoleHandle, SetHandle, TaskHandle,
};
use offerd_core::job::{JobKind, JobSpec, JobView, waiting_traits};
use offerd_core::offer::{
    Agent, AgentInfo, Attribute, AttributeValue, InverseOffer, InverseOfferInfo, Offer,
    Unavailability, traits,
};
use offerd_core::policy::{
    DecisionKind, Delta, OperationView, PolicyEvent, Refusal, Round, Update, Waiting, update_traits,
};
use offerd_core::resource::{
    DiskInfo, DiskKind, DiskSource, Label, Name, Persistence, Range, Reservation, ReservationKind,
    Resource, Value, Volume,
};
use offerd_core::task::{TaskDetails, TaskState, TaskView, task_traits};
use offerd_core::{Instant, Milli};

use crate::support::{agent_info, amounts, job_spec, offer, round, waiting};

const AGENT: AgentHandle = AgentHandle(1);
/// One of which only the id is known.
const UNNAMED: AgentHandle = AgentHandle(2);
const SERVICE: JobHandle = JobHandle(7);
const BATCH: JobHandle = JobHandle(8);
const RUNS: TaskHandle = TaskHandle(20);
/// The policy launched it by a TaskInfo of its own.
const OWN: TaskHandle = TaskHandle(21);
const ENDED: TaskHandle = TaskHandle(22);
/// In no table.
const UNKNOWN: TaskHandle = TaskHandle(23);

/// Numbers that a signed 32-bit number cannot hold.
const LARGE: u32 = 3_000_000_000;

pub(crate) fn everything() -> Round {
    Round {
        offers: offers(),
        waiting: sets(),
        updates: updates(),
        rescinded: vec![OfferHandle(0)],
        events: events(),
        delta: Delta {
            reset: true,
            framework_id: Some("F".to_owned()),
            agents: vec![agent(AGENT, full_agent()), agent(UNNAMED, unnamed_agent())],
            jobs: vec![service(), batch()],
            tasks: tasks(),
            tasks_ended: vec![ENDED],
            operations: vec![
                operation(Some("op-1"), AgentHandle::NONE),
                operation(Some("op-2"), AGENT),
            ],
            ..Delta::default()
        },
        ..round(1)
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn labels() -> Vec<Label> {
    let label = |key: &str, value| Label {
        key: key.to_owned(),
        value,
    };
    vec![label("tier", text("ünïcode ☃")), label("alone", None)]
}

fn scalar(name: &str, units: i64) -> Resource {
    Resource::scalar(Name::from(name), Milli(units * 1000))
}

/// Static below dynamic, as Mesos stacks them.
fn reservations() -> Vec<Reservation> {
    vec![
        Reservation {
            kind: ReservationKind::Static,
            role: "web".to_owned(),
            principal: None,
            labels: None,
        },
        Reservation {
            kind: ReservationKind::Dynamic,
            role: "web/db".to_owned(),
            principal: text("me"),
            labels: Some(labels()),
        },
    ]
}

fn disk(kind: DiskKind, has_details: bool) -> Option<Box<DiskInfo>> {
    let given = |value: &str| has_details.then(|| value.to_owned());
    Some(Box::new(DiskInfo {
        source: Some(DiskSource {
            kind,
            root: given("/mnt"),
            id: given("d-1"),
            vendor: given("v"),
            profile: given("fast"),
            metadata: has_details.then(labels),
        }),
        ..DiskInfo::default()
    }))
}

fn volume() -> Option<Box<DiskInfo>> {
    Some(Box::new(DiskInfo {
        persistence: Some(Persistence {
            id: "p".to_owned(),
            principal: text("me"),
        }),
        volume: Some(Volume {
            container_path: "data".to_owned(),
            host_path: text("/srv"),
            read_only: true,
        }),
        source: None,
    }))
}

fn resources() -> Vec<Resource> {
    let ports = vec![
        Range {
            begin: 31_000,
            end: 31_005,
        },
        Range {
            begin: 32_000,
            end: 32_000,
        },
    ];
    let kinds = [
        DiskKind::Unknown,
        DiskKind::Path,
        DiskKind::Mount,
        DiskKind::Block,
        DiskKind::Raw,
    ];
    let disks = kinds.into_iter().enumerate().map(|(at, kind)| Resource {
        disk: disk(kind, at % 2 == 1),
        ..scalar("disk", 100)
    });
    let tags = Value::Set(vec!["a".to_owned(), "☃".to_owned()]);
    let mut all = vec![
        scalar("fpgas", 3),
        Resource::plain(Name::Ports, Value::Ranges(ports)),
        Resource::plain(Name::from("tags"), tags),
        Resource {
            revocable: true,
            ..scalar("cpus", 1)
        },
        Resource {
            reservations: reservations(),
            disk: volume(),
            shared: true,
            provider: Some("provider".into()),
            ..scalar("disk", 64)
        },
    ];
    all.extend(disks);
    all
}

/// One with all fields, one for each other resource (the host cuts long reasons, in
/// which the guests show them), and one of the agent that is not known.
fn offers() -> Vec<Arc<Offer>> {
    let mut full = Arc::unwrap_or_clone(offer(1, 2, 1024));
    full.usable.ports = 7;
    full.traits = traits::RESERVED | traits::OTHER | traits::UNAVAILABLE;
    full.info.executor_ids = vec!["e-1".into(), "e-2".into()];
    full.info.unavailability = Some(unavailability(Some(5_000_000)));
    let mut offers = vec![Arc::new(full)];
    for (resource, number) in resources().into_iter().zip(10..) {
        let mut one = Arc::unwrap_or_clone(offer(number, 0, 0));
        one.agent = AGENT;
        one.info.resources = vec![resource];
        offers.push(Arc::new(one));
    }
    let mut unnamed = Arc::unwrap_or_clone(offer(30, 4, 4096));
    unnamed.agent = UNNAMED;
    offers.push(Arc::new(unnamed));
    offers
}

/// `duration` is in nanoseconds.
fn unavailability(duration: Option<u64>) -> Unavailability {
    Unavailability {
        start: Instant::from_millis(1_700_000_000_500),
        duration,
    }
}

fn agent(handle: AgentHandle, info: AgentInfo) -> Arc<Agent> {
    Arc::new(Agent { handle, info })
}

fn full_agent() -> AgentInfo {
    let range = Range { begin: 1, end: 9 };
    let values = [
        ("rack", AttributeValue::Text("ünïcode ☃".to_owned())),
        ("cores", AttributeValue::Scalar(Milli(2500))),
        ("slots", AttributeValue::Ranges(vec![range])),
        ("kinds", AttributeValue::Set(vec!["ssd".to_owned()])),
    ];
    let attribute = |(name, value): (&str, _)| Attribute {
        name: name.to_owned(),
        value,
    };
    AgentInfo {
        region: text("europe"),
        zone: text("a"),
        attributes: values.into_iter().map(attribute).collect(),
        ..agent_info(1)
    }
}

fn unnamed_agent() -> AgentInfo {
    AgentInfo {
        hostname: "".into(),
        ..agent_info(2)
    }
}

fn job(handle: JobHandle, spec: JobSpec) -> Arc<JobView> {
    Arc::new(JobView {
        handle,
        set: SetHandle(handle.0),
        role: RoleHandle(0),
        spec: Arc::new(spec),
    })
}

/// One of its tasks runs on the agent already, so two more are allowed there.
fn service() -> Arc<JobView> {
    let constraints = ["max 3 per @hostname", "rack exists"];
    let spec = JobSpec {
        priority: -3,
        constraints: constraints.map(|text| text.parse().unwrap()).into(),
        labels: labels(),
        ..job_spec("job", JobKind::Service)
    };
    job(SERVICE, spec)
}

fn batch() -> Arc<JobView> {
    job(BATCH, job_spec("batch", JobKind::Batch))
}

fn sets() -> Vec<Waiting> {
    let constrained = waiting_traits::CONSTRAINED | waiting_traits::SERVICE;
    vec![
        Waiting {
            traits: constrained,
            priority: -3,
            ..waiting(SERVICE.0, 2, 1, 64)
        },
        Waiting {
            traits: waiting_traits::RETRY,
            ..waiting(BATCH.0, 1, 1, 64)
        },
    ]
}

fn task(handle: TaskHandle, job: JobHandle, details: TaskDetails) -> TaskView {
    TaskView {
        handle,
        job,
        agent: AGENT,
        role: RoleHandle(0),
        state: TaskState::RUNNING,
        priority: -3,
        traits: task_traits::SERVICE | task_traits::HEALTHY,
        needs: amounts(1, 64),
        since: Instant::from_millis(77),
        details: Arc::new(details),
    }
}

fn tasks() -> Vec<TaskView> {
    let full = TaskDetails {
        executor: text("e-1"),
        message: text("ünïcode ☃"),
        launched_because: Some("it fits".into()),
        labels: labels(),
        resources: Arc::new(vec![scalar("cpus", 1)]),
        ..TaskDetails::of("job.1".into(), "job".into())
    };
    let named = |id: &str| TaskDetails::of(id.into(), "job".into());
    vec![
        task(RUNS, SERVICE, full),
        TaskView {
            traits: task_traits::QUARANTINED,
            ..task(OWN, JobHandle::NONE, named("own.1"))
        },
        task(ENDED, BATCH, named("batch.1")),
    ]
}

fn update(task: TaskHandle, job: JobHandle) -> Update {
    Update {
        task,
        job,
        agent: AGENT,
        state: TaskState::RUNNING,
        reason: None,
        source: Some(2),
        traits: update_traits::HEALTHY,
        at: Instant::from_millis(88),
    }
}

fn updates() -> Vec<Update> {
    vec![
        update(RUNS, SERVICE),
        Update {
            source: None,
            reason: Some(9),
            traits: update_traits::RECONCILED,
            ..update(OWN, JobHandle::NONE)
        },
        Update {
            state: TaskState::FINISHED,
            traits: update_traits::TERMINAL,
            ..update(ENDED, BATCH)
        },
        Update {
            agent: AgentHandle::NONE,
            ..update(UNKNOWN, JobHandle::NONE)
        },
    ]
}

fn operation(id: Option<&str>, agent: AgentHandle) -> OperationView {
    let is_full = agent == AGENT;
    OperationView {
        operation: id.map(str::to_owned),
        state: 2,
        message: is_full.then(|| "done".to_owned()),
        agent,
        provider: is_full.then(|| "provider".to_owned()),
        converted: if is_full {
            vec![scalar("disk", 64)]
        } else {
            Vec::new()
        },
    }
}

fn inverse_offer(handle: u32, agent: AgentHandle) -> Arc<InverseOffer> {
    let names_agent = agent != AgentHandle::NONE;
    Arc::new(InverseOffer {
        handle: InverseOfferHandle(handle),
        agent,
        info: InverseOfferInfo {
            id: format!("I{handle}").into(),
            agent: names_agent.then(|| "S1".into()),
            unavailability: unavailability(names_agent.then_some(60_000_000_000)),
            resources: if names_agent {
                vec![scalar("cpus", 1)]
            } else {
                Vec::new()
            },
        },
    })
}

fn failure(agent: AgentHandle, executor: Option<&str>, status: Option<i32>) -> PolicyEvent {
    PolicyEvent::Failure {
        agent,
        executor: executor.map(str::to_owned),
        status,
    }
}

fn events() -> Vec<PolicyEvent> {
    vec![
        PolicyEvent::Subscribed {
            framework_id: "F".to_owned(),
            fresh: true,
            master: "m:5050".to_owned(),
        },
        PolicyEvent::Disconnected("gone".to_owned()),
        PolicyEvent::Operation(operation(None, AgentHandle::NONE)),
        PolicyEvent::Operation(operation(Some("op-2"), AGENT)),
        PolicyEvent::Message {
            agent: AGENT,
            executor: "e".to_owned(),
            data: vec![0, 1, 255].into(),
        },
        failure(AGENT, None, None),
        failure(AgentHandle::NONE, Some("e-1"), Some(-9)),
        PolicyEvent::Error("bad".to_owned()),
        PolicyEvent::InverseOffers(vec![
            inverse_offer(5, AGENT),
            inverse_offer(6, AgentHandle::NONE),
        ]),
        PolicyEvent::InverseOfferRescinded(InverseOfferHandle(5)),
        PolicyEvent::Timer(9),
        PolicyEvent::Timer(LARGE),
        PolicyEvent::Refused(Refusal {
            round: 1,
            kind: DecisionKind::Kill,
            position: 4,
            why: "because".to_owned(),
        }),
        PolicyEvent::Other {
            kind: "k".to_owned(),
            details: "d".to_owned(),
        },
    ]
}
