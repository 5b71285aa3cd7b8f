//! The model without HTTP: time is what the tests say.

mod maintenance;
mod properties;

use super::*;
use mesos_v1::TaskState;
use mesos_v1::scheduler::call::Type;
use mesos_v1::task_status::Reason;

pub(super) const CPUS: f64 = 4.0;
pub(super) const MEM: f64 = 1024.0;
const INTERVAL: Duration = Duration::from_millis(100);

/// A cluster and its time.
#[derive(Debug)]
pub(super) struct World {
    pub(super) cluster: Cluster,
    pub(super) now: Instant,
}

pub(super) fn info(roles: &[&str]) -> wire::FrameworkInfo {
    let capabilities = [Capability::PartitionAware, Capability::TaskKillingState];
    wire::FrameworkInfo {
        user: "root".into(),
        name: "tests".into(),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        failover_timeout: Some(60.0),
        capabilities: capabilities
            .map(|kind| wire::framework_info::Capability {
                r#type: Some(kind as i32),
            })
            .to_vec(),
        ..wire::FrameworkInfo::default()
    }
}

pub(super) fn offer_id(id: &str) -> wire::OfferId {
    wire::OfferId { value: id.into() }
}

fn agent_id(id: &str) -> wire::AgentId {
    wire::AgentId { value: id.into() }
}

pub(super) fn filters(seconds: f64) -> Option<wire::Filters> {
    Some(wire::Filters {
        refuse_seconds: Some(seconds),
    })
}

fn scalar(name: &str, role: &str, amount: f64) -> wire::Resource {
    wire::Resource {
        name: name.into(),
        r#type: wire::value::Type::Scalar as i32,
        scalar: Some(wire::value::Scalar { value: amount }),
        allocation_info: Some(wire::resource::AllocationInfo {
            role: Some(role.into()),
        }),
        ..wire::Resource::default()
    }
}

pub(super) fn task(offer: &wire::Offer, id: &str, cpus: f64, command: &str) -> wire::TaskInfo {
    let role = offer.allocation_info.clone().unwrap().role.unwrap();
    wire::TaskInfo {
        name: id.into(),
        task_id: wire::TaskId { value: id.into() },
        agent_id: offer.agent_id.clone(),
        resources: vec![scalar("cpus", &role, cpus), scalar("mem", &role, 32.0)],
        command: Some(wire::CommandInfo {
            value: Some(command.into()),
            ..wire::CommandInfo::default()
        }),
        ..wire::TaskInfo::default()
    }
}

pub(super) fn launch(tasks: Vec<wire::TaskInfo>) -> wire::offer::Operation {
    wire::offer::Operation {
        r#type: Some(wire::offer::operation::Type::Launch as i32),
        launch: Some(wire::offer::operation::Launch { task_infos: tasks }),
        ..wire::offer::Operation::default()
    }
}

pub(super) fn launch_group(
    framework: &str,
    offer: &wire::Offer,
    executor: &str,
    tasks: Vec<wire::TaskInfo>,
) -> wire::offer::Operation {
    let role = offer.allocation_info.clone().unwrap().role.unwrap();
    let executor = wire::ExecutorInfo {
        r#type: Some(wire::executor_info::Type::Default as i32),
        executor_id: wire::ExecutorId {
            value: executor.into(),
        },
        framework_id: Some(wire::FrameworkId {
            value: framework.into(),
        }),
        resources: [("cpus", 0.1), ("mem", 32.0), ("disk", 8.0)]
            .map(|(name, amount)| scalar(name, &role, amount))
            .to_vec(),
        ..wire::ExecutorInfo::default()
    };
    wire::offer::Operation {
        r#type: Some(wire::offer::operation::Type::LaunchGroup as i32),
        launch_group: Some(wire::offer::operation::LaunchGroup {
            executor,
            task_group: wire::TaskGroupInfo { tasks },
        }),
        ..wire::offer::Operation::default()
    }
}

/// Reserves memory, or gives it back.
pub(super) fn reserve(role: &str, mem: f64, id: &str, back: bool) -> wire::offer::Operation {
    use wire::offer::operation as op;
    let mut resource = scalar("mem", role, mem);
    resource.reservations = vec![wire::resource::ReservationInfo {
        r#type: Some(wire::resource::reservation_info::Type::Dynamic as i32),
        role: Some(role.into()),
        ..wire::resource::ReservationInfo::default()
    }];
    let resources = vec![resource];
    let id = (!id.is_empty()).then(|| wire::OperationId { value: id.into() });
    if back {
        wire::offer::Operation {
            r#type: Some(op::Type::Unreserve as i32),
            id,
            unreserve: Some(op::Unreserve { resources }),
            ..wire::offer::Operation::default()
        }
    } else {
        wire::offer::Operation {
            r#type: Some(op::Type::Reserve as i32),
            id,
            reserve: Some(op::Reserve {
                resources,
                source: Vec::new(),
            }),
            ..wire::offer::Operation::default()
        }
    }
}

impl World {
    pub(super) fn new(agents: usize) -> Self {
        let agents = (0..agents)
            .map(|number| AgentSettings::new(format!("agent-{number}"), CPUS, MEM))
            .collect();
        let now = Instant(1_000_000_000);
        Self {
            cluster: Cluster::new(agents, INTERVAL, None, 7, now),
            now,
        }
    }

    /// Lets time pass in steps no longer than an allocation takes.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            let next = self
                .cluster
                .next_deadline()
                .max(self.now + Duration::from_millis(1));
            self.now = next.min(end);
            self.cluster.tick(self.now);
        }
    }

    pub(super) fn subscribe(&mut self, id: Option<&str>, info: wire::FrameworkInfo) -> String {
        let subscribe = api::call::Subscribe {
            framework_info: info,
            ..api::call::Subscribe::default()
        };
        self.cluster
            .subscribe(id.map(str::to_owned), subscribe)
            .unwrap()
    }

    pub(super) fn call(&mut self, framework: &str, kind: Type, fill: impl FnOnce(&mut api::Call)) {
        let mut call = api::Call {
            r#type: Some(kind as i32),
            ..api::Call::default()
        };
        fill(&mut call);
        self.cluster.call(framework, call);
    }

    pub(super) fn events(&mut self) -> Vec<(String, api::Event)> {
        self.cluster.take_out()
    }

    /// Offers that came, of one framework; other events are dropped.
    fn offers(&mut self, framework: &str) -> Vec<wire::Offer> {
        let events = self.events().into_iter();
        events
            .filter(|(to, _)| to == framework)
            .filter_map(|(_, event)| event.offers)
            .flat_map(|offers| offers.offers)
            .collect()
    }

    fn updates(&mut self, framework: &str) -> Vec<wire::TaskStatus> {
        let events = self.events().into_iter();
        events
            .filter(|(to, _)| to == framework)
            .filter_map(|(_, event)| event.update)
            .map(|update| update.status)
            .collect()
    }

    fn operations(&mut self) -> Vec<wire::OperationStatus> {
        let events = self.events().into_iter();
        events
            .filter_map(|(_, event)| event.update_operation_status)
            .map(|update| update.status)
            .collect()
    }

    pub(super) fn accept(
        &mut self,
        framework: &str,
        offers: &[&str],
        operations: Vec<wire::offer::Operation>,
        refuse: f64,
    ) {
        self.call(framework, Type::Accept, |call| {
            call.accept = Some(api::call::Accept {
                offer_ids: offers.iter().map(|id| offer_id(id)).collect(),
                operations,
                filters: filters(refuse),
            });
        });
    }

    pub(super) fn decline(&mut self, framework: &str, offer: &str, refuse: f64) {
        self.call(framework, Type::Decline, |call| {
            call.decline = Some(api::call::Decline {
                offer_ids: vec![offer_id(offer)],
                filters: filters(refuse),
            });
        });
    }

    pub(super) fn kill(&mut self, framework: &str, task: &str) {
        self.call(framework, Type::Kill, |call| {
            call.kill = Some(api::call::Kill {
                task_id: wire::TaskId { value: task.into() },
                ..api::call::Kill::default()
            });
        });
    }

    pub(super) fn acknowledge(&mut self, framework: &str, status: &wire::TaskStatus) {
        self.call(framework, Type::Acknowledge, |call| {
            call.acknowledge = Some(api::call::Acknowledge {
                agent_id: status.agent_id.clone().unwrap(),
                task_id: status.task_id.clone(),
                uuid: status.uuid.clone().unwrap(),
            });
        });
    }

    pub(super) fn acknowledge_operation(&mut self, framework: &str, s: &wire::OperationStatus) {
        self.call(framework, Type::AcknowledgeOperationStatus, |call| {
            call.acknowledge_operation_status = Some(api::call::AcknowledgeOperationStatus {
                agent_id: s.agent_id.clone(),
                resource_provider_id: None,
                uuid: s.uuid.clone().unwrap().value,
                operation_id: s.operation_id.clone().unwrap(),
            });
        });
    }

    fn reconcile(&mut self, framework: &str, task: &str, agent: Option<&str>) -> wire::TaskStatus {
        self.events();
        self.call(framework, Type::Reconcile, |call| {
            let task = api::call::reconcile::Task {
                task_id: wire::TaskId { value: task.into() },
                agent_id: agent.map(agent_id),
            };
            call.reconcile = Some(api::call::Reconcile { tasks: vec![task] });
        });
        self.updates(framework).remove(0)
    }

    /// A framework with an offer of each agent.
    fn with_offers(agents: usize) -> (Self, String, Vec<wire::Offer>) {
        let mut world = Self::new(agents);
        let framework = world.subscribe(None, info(&["a"]));
        world.pass(INTERVAL);
        let offers = world.offers(&framework);
        assert_eq!(offers.len(), agents);
        (world, framework, offers)
    }

    /// A framework with a task that has started, and its first update.
    fn with_task(command: &str) -> (Self, String, wire::TaskStatus) {
        let (mut world, framework, offers) = Self::with_offers(1);
        let info = task(&offers[0], "t", 1.0, command);
        world.accept(
            &framework,
            &[&offers[0].id.value],
            vec![launch(vec![info])],
            3600.0,
        );
        world.pass(Duration::from_secs(1));
        let mut updates = world.updates(&framework);
        assert_eq!(updates.len(), 1);
        (world, framework, updates.remove(0))
    }
}

fn cpus(offer: &wire::Offer) -> f64 {
    let scalars = offer.resources.iter().filter(|r| r.name == "cpus");
    scalars.map(|r| r.scalar.unwrap().value).sum()
}

#[test]
fn a_task_goes_through_its_states_as_they_are_acknowledged() {
    let (mut world, framework, first) = World::with_task("sleep 3");
    assert_eq!(first.state(), TaskState::TaskStarting);
    world.pass(Duration::from_secs(5));
    assert_eq!(world.updates(&framework), []);
    world.acknowledge(&framework, &first);
    let running = world.updates(&framework).remove(0);
    assert_eq!(running.state(), TaskState::TaskRunning);
    world.acknowledge(&framework, &running);
    let finished = world.updates(&framework).remove(0);
    assert_eq!(finished.state(), TaskState::TaskFinished);
    assert_eq!(world.cluster.tasks().len(), 1);
    world.acknowledge(&framework, &finished);
    assert_eq!(world.cluster.tasks().len(), 0);
    assert_eq!(world.cluster.counts().acknowledged.len(), 3);
}

#[test]
fn an_update_comes_again_later_and_later() {
    let (mut world, framework, first) = World::with_task("sleep 100000");
    let mut waits = Vec::new();
    let mut last = world.now;
    for _ in 0..20_000 {
        world.pass(Duration::from_millis(100));
        for update in world.updates(&framework) {
            assert_eq!(update, first);
            waits.push(world.now.since(last).as_secs_f64().round());
            last = world.now;
        }
    }
    // R34. The first one a second early, since it was sent a second ago.
    assert_eq!(waits, [9.0, 20.0, 40.0, 80.0, 160.0, 320.0, 600.0, 600.0]);
}

#[test]
fn resources_are_free_when_the_master_knows_the_end() {
    let (mut world, framework, first) = World::with_task("true");
    world.call(&framework, Type::Revive, |_| {});
    world.pass(INTERVAL);
    let offer = world.offers(&framework).remove(0);
    assert_eq!(cpus(&offer), 3.0);
    world.decline(&framework, &offer.id.value, 0.0);
    let told = world.reconcile(&framework, "t", None);
    assert_eq!(told.state(), TaskState::TaskStarting);
    world.acknowledge(&framework, &first);
    let told = world.reconcile(&framework, "t", None);
    assert_eq!(told.state(), TaskState::TaskFinished);
    world.pass(INTERVAL);
    assert_eq!(cpus(&world.offers(&framework)[0]), CPUS);
}

#[test]
fn a_wrong_acknowledgement_changes_nothing() {
    let (mut world, framework, first) = World::with_task("sleep 100000");
    let mut wrong = first.clone();
    wrong.uuid = Some(vec![9; 16]);
    world.acknowledge(&framework, &wrong);
    assert_eq!(world.updates(&framework), []);
    world.acknowledge(&framework, &first);
    assert_eq!(world.updates(&framework).len(), 1);
    world.acknowledge(&framework, &first);
    assert_eq!(world.updates(&framework), []);
}

#[test]
fn a_kill_is_told_as_the_framework_can_hear_it() {
    for (can, first_state) in [
        (true, TaskState::TaskKilling),
        (false, TaskState::TaskKilled),
    ] {
        let mut world = World::new(1);
        let mut info = info(&["a"]);
        if !can {
            info.capabilities.clear();
        }
        let framework = world.subscribe(None, info);
        world.pass(INTERVAL);
        let offer = world.offers(&framework).remove(0);
        let info = task(&offer, "t", 1.0, "sleep 100000");
        world.accept(
            &framework,
            &[&offer.id.value],
            vec![launch(vec![info])],
            5.0,
        );
        for _ in 0..2 {
            world.pass(Duration::from_secs(1));
            let update = world.updates(&framework).remove(0);
            world.acknowledge(&framework, &update);
        }
        world.kill(&framework, "t");
        assert_eq!(world.updates(&framework)[0].state(), first_state);
    }
}

#[test]
fn a_filter_hides_what_is_contained_in_what_was_refused() {
    let (mut world, framework, offers) = World::with_offers(1);
    // A task takes its part; the rest is refused for an hour.
    let info = task(&offers[0], "t", 1.0, "sleep 5");
    let tasks = vec![launch(vec![info])];
    world.accept(&framework, &[&offers[0].id.value], tasks, 3600.0);
    for _ in 0..2 {
        world.pass(Duration::from_secs(1));
        let update = world.updates(&framework).remove(0);
        world.acknowledge(&framework, &update);
    }
    world.pass(Duration::from_secs(2));
    assert_eq!(world.offers(&framework), []);
    // With what the task gives back it is more than was refused.
    world.pass(Duration::from_secs(10));
    let offer = world.offers(&framework).remove(0);
    assert_eq!(cpus(&offer), CPUS);
    // R26: at least until the next allocation.
    world.decline(&framework, &offer.id.value, 0.001);
    world.pass(INTERVAL * 3);
    assert_eq!(world.offers(&framework).len(), 1);
}

#[test]
fn filters_end_by_time_by_revive_and_by_subscription() {
    let (mut world, framework, offers) = World::with_offers(1);
    world.decline(&framework, &offers[0].id.value, 60.0);
    world.pass(Duration::from_secs(59));
    assert_eq!(world.offers(&framework), []);
    world.pass(Duration::from_secs(2));
    let offer = world.offers(&framework).remove(0);
    world.decline(&framework, &offer.id.value, 3600.0);
    world.call(&framework, Type::Revive, |_| {});
    world.pass(Duration::from_millis(1));
    let offer = world.offers(&framework).remove(0);
    world.decline(&framework, &offer.id.value, 3600.0);
    world.subscribe(Some(&framework), info(&["a"]));
    world.pass(Duration::from_millis(1));
    assert_eq!(world.offers(&framework).len(), 1);
}

#[test]
fn a_decline_without_a_filter_means_five_seconds() {
    let (mut world, framework, offers) = World::with_offers(1);
    world.call(&framework, Type::Decline, |call| {
        call.decline = Some(api::call::Decline {
            offer_ids: vec![offers[0].id.clone()],
            filters: None,
        });
    });
    world.pass(Duration::from_millis(4900));
    assert_eq!(world.offers(&framework), []);
    world.pass(Duration::from_millis(300));
    assert_eq!(world.offers(&framework).len(), 1);
}

#[test]
fn roles_are_suppressed_and_revived_one_by_one() {
    let mut world = World::new(1);
    let framework = world.subscribe(None, info(&["a", "b"]));
    let suppress = |world: &mut World, roles: &[&str]| {
        let roles = roles.iter().map(|&role| role.to_owned()).collect();
        world.call(&framework, Type::Suppress, |call| {
            call.suppress = Some(api::call::Suppress { roles });
        });
    };
    suppress(&mut world, &["a", "nobody's"]);
    assert_eq!(world.cluster.wanted_roles(), ["a", "b"]);
    suppress(&mut world, &["a"]);
    assert_eq!(world.cluster.wanted_roles(), ["b"]);
    suppress(&mut world, &[]);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.offers(&framework), []);
    world.call(&framework, Type::Revive, |call| {
        let roles = vec!["b".to_owned()];
        call.revive = Some(api::call::Revive { roles });
    });
    world.pass(INTERVAL);
    let offer = world.offers(&framework).remove(0);
    assert_eq!(offer.allocation_info.unwrap().role(), "b");
}

#[test]
fn agents_are_shared_between_frameworks() {
    let mut world = World::new(4);
    let first = world.subscribe(None, info(&["a"]));
    let second = world.subscribe(None, info(&["b"]));
    world.pass(INTERVAL);
    let events = world.events();
    let offers = |to: &str| -> usize {
        let mine = events.iter().filter(|(framework, _)| framework == to);
        mine.filter_map(|(_, event)| event.offers.as_ref())
            .map(|offers| offers.offers.len())
            .sum()
    };
    assert_eq!((offers(&first), offers(&second)), (2, 2));
}

#[test]
fn a_rescinded_offer_is_of_no_use() {
    let (mut world, framework, offers) = World::with_offers(1);
    let id = offers[0].id.value.clone();
    world.cluster.rescind(&id);
    let events = world.events();
    assert_eq!(events[0].1.rescind.as_ref().unwrap().offer_id.value, id);
    let tasks = vec![launch(vec![task(&offers[0], "t", 1.0, "true")])];
    world.accept(&framework, &[&id], tasks, 5.0);
    let update = world.updates(&framework).remove(0);
    assert_eq!(update.state(), TaskState::TaskDropped);
    assert_eq!(update.reason(), Reason::InvalidOffers);
    assert_eq!(update.uuid, None);
}

#[test]
fn offers_that_are_not_answered_are_rescinded_in_time() {
    let mut world = World::new(1);
    world.cluster.offer_timeout = Some(Duration::from_secs(3));
    let framework = world.subscribe(None, info(&["a"]));
    world.pass(INTERVAL);
    world.events();
    world.pass(Duration::from_secs(4));
    let kinds: Vec<api::event::Type> = world.events().iter().map(|(_, e)| e.r#type()).collect();
    assert_eq!(
        kinds,
        [api::event::Type::Rescind, api::event::Type::Offers],
        "{framework}"
    );
}

#[test]
fn two_offers_of_one_agent_become_one_task() {
    let (mut world, framework, offers) = World::with_offers(1);
    // A task for half of the agent: the other half is offered at once, the first
    // half when the task has ended.
    let half = vec![launch(vec![task(&offers[0], "half", 2.0, "sleep 2")])];
    world.accept(&framework, &[&offers[0].id.value], half, 0.0);
    let mut halves: Vec<wire::Offer> = Vec::new();
    for _ in 0..40 {
        world.pass(INTERVAL);
        for (_, event) in world.events() {
            halves.extend(event.offers.into_iter().flat_map(|offers| offers.offers));
            if let Some(update) = event.update {
                world.acknowledge(&framework, &update.status);
            }
        }
    }
    assert_eq!(halves.iter().map(cpus).collect::<Vec<_>>(), [2.0, 2.0]);
    let ids: Vec<&str> = halves.iter().map(|offer| offer.id.value.as_str()).collect();
    let whole = vec![launch(vec![task(&halves[0], "whole", 4.0, "true")])];
    world.accept(&framework, &ids, whole, 0.0);
    world.pass(INTERVAL);
    let update = world.updates(&framework).remove(0);
    assert_eq!(update.state(), TaskState::TaskStarting);
}

#[test]
fn a_framework_may_come_back_in_time() {
    let (mut world, framework, first) = World::with_task("sleep 100000");
    world.cluster.disconnect(&framework);
    world.pass(Duration::from_secs(59));
    assert_eq!(world.events(), []);
    world.subscribe(Some(&framework), info(&["a"]));
    assert_eq!(world.updates(&framework), [first]);
    world.cluster.disconnect(&framework);
    world.pass(Duration::from_secs(61));
    assert_eq!(world.cluster.tasks(), []);
    let subscribe = api::call::Subscribe {
        framework_info: info(&["a"]),
        ..api::call::Subscribe::default()
    };
    let error = world.cluster.subscribe(Some(framework), subscribe);
    assert_eq!(error.unwrap_err(), "Framework has been removed");
}

#[test]
fn without_a_failover_timeout_it_may_not() {
    let mut world = World::new(1);
    let mut info = info(&["a"]);
    info.failover_timeout = None;
    let framework = world.subscribe(None, info.clone());
    world.cluster.disconnect(&framework);
    let subscribe = api::call::Subscribe {
        framework_info: info,
        ..api::call::Subscribe::default()
    };
    world
        .cluster
        .subscribe(Some(framework), subscribe)
        .unwrap_err();
}

#[test]
fn a_lost_agent_comes_back_with_its_tasks() {
    let (mut world, framework, first) = World::with_task("sleep 100000");
    let agent = first.agent_id.clone().unwrap().value;
    world.cluster.lose_agent(0);
    let events = world.events();
    let update = events[0].1.update.clone().unwrap().status;
    assert_eq!(update.state(), TaskState::TaskUnreachable);
    assert_eq!(update.reason(), Reason::AgentRemoved);
    assert_eq!(update.uuid, None);
    assert!(events[1].1.failure.is_some());
    let told = world.reconcile(&framework, "t", Some(&agent));
    assert_eq!(told.state(), TaskState::TaskUnreachable);
    // Nothing comes from it, and what is said to it is lost.
    world.acknowledge(&framework, &first);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.events(), []);
    world.cluster.return_agent(0);
    let updates = world.updates(&framework);
    assert_eq!(updates[0].reason(), Reason::AgentReregistered);
    assert_eq!(updates[1], first);
}

#[test]
fn what_reconciliation_says_of_unknown_tasks() {
    let (mut world, framework, offers) = World::with_offers(1);
    let agent = offers[0].agent_id.value.clone();
    let told = world.reconcile(&framework, "nobody", Some(&agent));
    assert_eq!(told.state(), TaskState::TaskGone);
    let told = world.reconcile(&framework, "nobody", None);
    assert_eq!(told.state(), TaskState::TaskUnknown);
    let mut old = info(&["a"]);
    old.capabilities.clear();
    world.subscribe(Some(&framework), old);
    let told = world.reconcile(&framework, "nobody", Some(&agent));
    assert_eq!(told.state(), TaskState::TaskLost);
}

#[test]
fn an_operation_is_told_until_it_is_acknowledged() {
    let (mut world, framework, offers) = World::with_offers(1);
    let reserve = reserve("a", 64.0, "op", false);
    world.accept(&framework, &[&offers[0].id.value], vec![reserve], 3600.0);
    let first = world.operations().remove(0);
    assert_eq!(first.state(), wire::OperationState::OperationFinished);
    world.pass(Duration::from_secs(11));
    assert_eq!(world.operations(), std::slice::from_ref(&first));
    let ask = |world: &mut World| {
        world.call(&framework, Type::ReconcileOperations, |call| {
            call.reconcile_operations = Some(api::call::ReconcileOperations::default());
        });
        world.operations()
    };
    let answers = ask(&mut world);
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].uuid, None);
    world.acknowledge_operation(&framework, &first);
    assert_eq!(ask(&mut world), []);
    world.pass(Duration::from_secs(3000));
    assert_eq!(world.operations(), []);
}

#[test]
fn a_group_lives_and_dies_together() {
    let (mut world, framework, offers) = World::with_offers(1);
    let offer = &offers[0];
    let tasks = vec![
        task(offer, "one", 1.0, "sleep 3; exit 1"),
        task(offer, "two", 1.0, "sleep 100000"),
    ];
    let group = launch_group(&framework, offer, "pod", tasks);
    world.accept(&framework, &[&offer.id.value], vec![group], 3600.0);
    let mut ends = Vec::new();
    for _ in 0..10 {
        world.pass(Duration::from_secs(1));
        for (_, event) in world.events() {
            if let Some(failure) = event.failure {
                ends.push(failure.executor_id.unwrap().value);
            }
            if let Some(status) = event.update.map(|update| update.status) {
                assert_eq!(status.executor_id.as_ref().unwrap().value, "pod");
                world.acknowledge(&framework, &status);
                if [TaskState::TaskFailed, TaskState::TaskKilled].contains(&status.state()) {
                    ends.push(status.task_id.value);
                }
            }
        }
    }
    assert_eq!(ends, ["one", "two", "pod"]);
    let offered = world.cluster.offers.values();
    let offered: Milli = offered.map(|o| Amounts::usable(&o.resources).cpus).sum();
    let hidden = Amounts::usable(world.cluster.agents[0].free.items()).cpus;
    assert_eq!((offered + hidden).units(), CPUS);
}

#[test]
fn a_role_that_is_given_up_loses_its_offers() {
    let (mut world, framework, _) = World::with_offers(2);
    let update = api::call::UpdateFramework {
        framework_info: info(&["b"]),
        ..api::call::UpdateFramework::default()
    };
    world.call(&framework, Type::UpdateFramework, |call| {
        call.update_framework = Some(update);
    });
    let events = world.events();
    assert_eq!(
        events.iter().filter(|(_, e)| e.rescind.is_some()).count(),
        2
    );
    world.pass(INTERVAL);
    let offers = world.offers(&framework);
    assert!(
        offers
            .iter()
            .all(|o| o.allocation_info.as_ref().unwrap().role() == "b")
    );
    assert_eq!(offers.len(), 2);
}
