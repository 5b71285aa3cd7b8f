//! Policies of different roles on the same agents: neither touches what is the
//! other's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::world::{CANARY, World, spec, status};
use crate::call::{ByRole, Call, WrittenExecutor, WrittenTask};
use crate::event::Event;
use crate::ids::{
    AgentHandle, AgentId, ExecutorId, FrameworkId, InverseOfferHandle, OperationId, PolicyHandle,
    Role, TaskHandle, TaskId,
};
use crate::job::JobKind;
use crate::machine::{CallId, Input, Session};
use crate::offer::{InverseOfferInfo, Offer, Unavailability};
use crate::policy::{
    Action, Answer, Codec, Encoded, Millis, PolicyEvent, Round, WantedOperation, WantedUpdate,
};
use crate::resource::{Name, Resource};
use crate::task::{OperationStatus, TaskState};
use crate::{Instant, Milli};

/// Takes `TASK EXECUTOR` for a task, and names of roles for an update.
#[derive(Debug)]
struct Words;

fn words(encoded: &Encoded) -> Vec<String> {
    match encoded {
        Encoded::Json(text) => text.split(' ').map(str::to_owned).collect(),
        Encoded::Protobuf(_) => Vec::new(),
    }
}

fn by_role(encoded: &Encoded) -> ByRole {
    let roles = words(encoded).into_iter().map(Role::from);
    roles.map(|role| (role, vec![1])).collect()
}

impl Codec for Words {
    fn task(&self, task: &Encoded, _: &AgentId, _: &Role) -> Result<WrittenTask, String> {
        let words = words(task);
        Ok(WrittenTask {
            id: TaskId::from(words[0].as_str()),
            name: "written".to_owned(),
            resources: Vec::new(),
            executor_resources: Vec::new(),
            executor_id: words.get(1).map(|id| ExecutorId::from(id.as_str())),
            body: Vec::new(),
        })
    }

    fn executor(
        &self,
        executor: &Encoded,
        _: &FrameworkId,
        _: &Role,
    ) -> Result<WrittenExecutor, String> {
        Ok(WrittenExecutor {
            id: ExecutorId::from(words(executor)[0].as_str()),
            resources: Vec::new(),
            body: Vec::new(),
        })
    }

    fn update(
        &self,
        framework: Option<&Encoded>,
        constraints: Option<&Encoded>,
    ) -> Result<WantedUpdate, String> {
        Ok(WantedUpdate {
            framework: framework.map(|roles| (Vec::new(), by_role(roles))),
            constraints: constraints.map(by_role),
        })
    }

    fn offer_json(&self, _: &Offer) -> String {
        String::new()
    }
}

/// Tasks wait in both roles, and each policy has been shown that.
fn two_roles() -> World {
    let mut world = World::new();
    world.machine.codec = Arc::new(Words);
    world.submit(spec("b", 0, JobKind::Batch, 3));
    world.submit(spec("w", 1, JobKind::Batch, 3));
    world.place_all();
    world.pass(Duration::from_secs(2));
    world
}

fn nudge(world: &mut World) {
    world.event(Event::Unknown {
        kind: 99,
        details: String::new(),
    });
}

/// A policy's answer is one action; the error is what it hears of a refusal.
fn act(world: &mut World, policy: usize, action: Action) -> Result<(), String> {
    nudge(world);
    world.answer(policy, |_| {
        Ok(Answer {
            actions: vec![(action, 0)],
            ..Answer::default()
        })
    });
    nudge(world);
    let refused = heard(world, policy, |event| match event {
        PolicyEvent::Refused(refusal) => Some(refusal.why.clone()),
        _ => None,
    });
    refused.into_iter().next().map_or(Ok(()), Err)
}

/// What the open round of a policy tells.
fn heard<T>(world: &World, policy: usize, pick: impl Fn(&PolicyEvent) -> Option<T>) -> Vec<T> {
    let round = world.rounds[policy].0.as_ref().unwrap();
    round.events.iter().filter_map(pick).collect()
}

/// A policy launches a task that it wrote on an offer of agent 0.
fn launch(world: &mut World, policy: usize, task: &str) -> Result<(), String> {
    world.offer(0, policy).unwrap();
    let offer = world.machine.offers.iter().last().unwrap().handle;
    // That round was made before the offer came.
    world.answer(policy, |_| Ok(Answer::default()));
    let written = WantedOperation::Launch(vec![Encoded::Json(task.to_owned())]);
    let accept = Action::Accept {
        offers: vec![offer],
        operations: vec![written],
        refuse: Millis::HOSTS_CHOICE,
    };
    act(world, policy, accept)
}

fn message(executor: &str) -> Action {
    Action::Message {
        agent: AgentHandle(0),
        executor: executor.to_owned(),
        data: Vec::new(),
    }
}

fn shutdown(executor: &str) -> Action {
    Action::Shutdown {
        agent: AgentHandle(0),
        executor: executor.to_owned(),
    }
}

#[test]
fn an_executor_is_its_policys_alone_until_it_has_ended() {
    let mut world = two_roles();
    launch(&mut world, 0, "task pod").unwrap();
    let anothers = "executor pod on agent host-0 is another policy's";
    for action in [message("pod"), shutdown("pod")] {
        assert_eq!(act(&mut world, 1, action.clone()), Err(anothers.to_owned()));
    }
    assert_eq!(
        launch(&mut world, 1, "intruder pod"),
        Err(format!("operation 0: task 0: {anothers}"))
    );
    assert_eq!(act(&mut world, 0, message("pod")), Ok(()));
    assert!(matches!(world.sent.last(), Some(Call::Message { .. })));
    let nobodys = act(&mut world, 0, message("nobody")).unwrap_err();
    assert!(
        nobodys.contains("no executor nobody on agent host-0"),
        "{nobodys}"
    );
    // It outlives its task.
    world.update(&"task".into(), TaskState::FINISHED);
    assert_eq!(
        act(&mut world, 1, shutdown("pod")),
        Err(anothers.to_owned())
    );
    assert_eq!(act(&mut world, 0, shutdown("pod")), Ok(()));
    assert!(matches!(world.sent.last(), Some(Call::Shutdown { .. })));
    world.event(Event::Failure {
        agent: Some("S0".into()),
        executor: Some("pod".into()),
        status: Some(0),
    });
    act(&mut world, 0, shutdown("pod")).unwrap_err();
}

#[test]
fn the_executor_of_a_command_is_that_of_its_task() {
    let mut world = two_roles();
    world.offer(0, 1);
    world.place_all();
    let task = world.tasks.keys().next().unwrap().to_string();
    let refused = act(&mut world, 0, shutdown(&task)).unwrap_err();
    assert!(refused.ends_with("another policy's"), "{refused}");
    assert_eq!(act(&mut world, 1, shutdown(&task)), Ok(()));
}

#[test]
fn after_a_restart_updates_tell_whose_an_executor_is() {
    let mut world = two_roles();
    launch(&mut world, 1, "task pod").unwrap();
    world.restart();
    world.connect();
    let mut answer = status(&"task".into(), 0, TaskState::STAGING, None);
    answer.executor = Some("pod".into());
    world.event(Event::Update(answer));
    act(&mut world, 0, shutdown("pod")).unwrap_err();
    assert_eq!(act(&mut world, 1, shutdown("pod")), Ok(()));
}

#[test]
fn words_of_an_executor_are_for_its_policy() {
    let mut world = two_roles();
    launch(&mut world, 0, "task pod").unwrap();
    let mut tell = |event: Event| {
        world.place_all();
        world.event(event);
        nudge(&mut world);
        [0, 1].map(|policy| {
            let told = heard(&world, policy, |event| match event {
                PolicyEvent::Message { .. } | PolicyEvent::Failure { .. } => Some(()),
                _ => None,
            });
            told.len()
        })
    };
    let says = |executor: &str| Event::Message {
        agent: "S0".into(),
        executor: executor.into(),
        data: "hello".into(),
    };
    let ends = |executor: Option<&str>| Event::Failure {
        agent: Some("S0".into()),
        executor: executor.map(ExecutorId::from),
        status: None,
    };
    assert_eq!(tell(says("pod")), [1, 0]);
    assert_eq!(tell(says("nobodys")), [1, 1]);
    assert_eq!(tell(ends(Some("pod"))), [1, 0]);
    assert_eq!(tell(ends(None)), [1, 1], "an agent is everybody's");
}

#[test]
fn filters_and_constraints_are_for_a_policys_own_roles() {
    let mut world = two_roles();
    let update = |framework: Option<&str>, constraints: Option<&str>| Action::UpdateFramework {
        framework: framework.map(|roles| Encoded::Json(roles.to_owned())),
        constraints: constraints.map(|roles| Encoded::Json(roles.to_owned())),
    };
    let sent = |world: &World| match world.sent.last() {
        Some(Call::UpdateFramework(update)) => {
            let roles = |by_role: &ByRole| -> Vec<String> {
                by_role.keys().map(ToString::to_string).collect()
            };
            (roles(&update.filters), roles(&update.constraints))
        }
        other => panic!("{other:?}"),
    };
    let names =
        |roles: &[&str]| -> Vec<String> { roles.iter().map(|role| (*role).to_owned()).collect() };
    assert_eq!(
        act(&mut world, 0, update(Some("batch"), Some("batch"))),
        Ok(())
    );
    assert_eq!(
        act(&mut world, 1, update(None, Some("web batch"))),
        Err("role_constraints: role batch is not one of this policy's (web)".to_owned())
    );
    assert_eq!(
        act(&mut world, 1, update(Some("batch"), None)),
        Err("offer_filters: role batch is not one of this policy's (web)".to_owned())
    );
    // What one says leaves what the other said.
    assert_eq!(act(&mut world, 1, update(None, Some("web"))), Ok(()));
    assert_eq!(sent(&world), (names(&["batch"]), names(&["batch", "web"])));
    let none = Action::UpdateFramework {
        framework: None,
        constraints: Some(Encoded::Protobuf(Vec::new())),
    };
    assert_eq!(act(&mut world, 0, none), Ok(()));
    assert_eq!(sent(&world), (names(&["batch"]), names(&["web"])));
}

/// The latest call and what it says of constraints.
fn update_sent(world: &World) -> (Session, CallId, usize) {
    let session = world.session.unwrap();
    match world.sent.last() {
        Some(Call::UpdateFramework(update)) => {
            let call = CallId(world.machine.next_call - 1);
            (session, call, update.constraints.len())
        }
        other => panic!("{other:?}"),
    }
}

fn constrain(roles: &str) -> Action {
    Action::UpdateFramework {
        framework: None,
        constraints: Some(Encoded::Json(roles.to_owned())),
    }
}

/// What Mesos refuses must not be in the next SUBSCRIBE.
#[test]
fn an_update_that_mesos_refuses_is_taken_back_with_those_after_it() {
    let mut world = two_roles();
    act(&mut world, 0, constrain("batch")).unwrap();
    world.pass(Duration::from_secs(11));
    act(&mut world, 1, constrain("web")).unwrap();
    let (session, call, _) = update_sent(&world);
    act(&mut world, 0, constrain("batch")).unwrap();
    assert_eq!(update_sent(&world).2, 2);
    assert_eq!(world.subscription.constraints.len(), 2);
    world.input(Input::CallFailed {
        session,
        call,
        why: "an empty group".to_owned(),
    });
    let kept: Vec<&str> = world
        .subscription
        .constraints
        .keys()
        .map(Role::as_str)
        .collect();
    assert_eq!(kept, ["batch"]);
    // Both are told, and one is to blame.
    for (policy, blamed) in [(0, 0), (1, 1)] {
        nudge(&mut world);
        world.answer(policy, |_| Ok(Answer::default()));
        nudge(&mut world);
        let told = heard(&world, policy, |event| match event {
            PolicyEvent::Refused(refusal) => Some(refusal.why.clone()),
            _ => None,
        });
        let why = "the update of the framework is taken back: an empty group";
        assert_eq!(told, [why]);
        let numbers = world
            .machine
            .policy_numbers(PolicyHandle(u32::try_from(policy).unwrap()));
        assert_eq!(numbers.refused, blamed);
    }
}

#[test]
fn updates_without_an_answer_are_taken_back_when_the_session_ends() {
    let mut world = two_roles();
    act(&mut world, 0, constrain("batch")).unwrap();
    world.pass(Duration::from_secs(11));
    act(&mut world, 1, constrain("web")).unwrap();
    world.disconnect();
    let kept: Vec<&str> = world
        .subscription
        .constraints
        .keys()
        .map(Role::as_str)
        .collect();
    assert_eq!(kept, ["batch"], "that was taken long ago");
    world.connect();
    for _ in 0..64 {
        act(&mut world, 0, constrain("batch")).unwrap();
    }
    let many = act(&mut world, 0, constrain("batch")).unwrap_err();
    assert!(many.contains("64 updates"), "{many}");
}

#[test]
fn what_a_policy_said_of_a_role_ends_with_its_word_about_it() {
    let mut world = two_roles();
    act(&mut world, 1, constrain("web")).unwrap();
    world.sent.clear();
    world.route([&["web", "batch"], &[]]);
    let told = |call: &Call| matches!(call, Call::UpdateFramework(update) if update.constraints.is_empty());
    assert!(world.sent.iter().any(told), "{:?}", world.sent);
    assert_eq!(world.subscription.constraints.len(), 0);
}

fn inverse_offer(world: &mut World, agent: Option<&str>) -> InverseOfferHandle {
    world.place_all();
    world.event(Event::InverseOffers(vec![InverseOfferInfo {
        id: "I".into(),
        agent: agent.map(AgentId::from),
        unavailability: Unavailability {
            start: Instant(0),
            duration: None,
        },
        resources: Vec::new(),
    }]));
    let offers = heard(world, 0, |event| match event {
        PolicyEvent::InverseOffers(offers) => Some(offers[0].handle),
        _ => None,
    });
    offers[0]
}

#[test]
fn an_inverse_offer_is_answered_by_those_whose_tasks_are_there() {
    let answer = |handle, accept| {
        let (offers, refuse) = (vec![handle], Millis::HOSTS_CHOICE);
        if accept {
            Action::AcceptInverseOffers { offers, refuse }
        } else {
            Action::DeclineInverseOffers { offers, refuse }
        }
    };
    let mut world = two_roles();
    launch(&mut world, 0, "zero").unwrap();
    for accept in [true, false] {
        let handle = inverse_offer(&mut world, Some("S0"));
        act(&mut world, 1, answer(handle, accept)).unwrap_err();
        assert_eq!(act(&mut world, 0, answer(handle, accept)), Ok(()));
    }
    launch(&mut world, 1, "one").unwrap();
    for policy in [0, 1] {
        let handle = inverse_offer(&mut world, Some("S0"));
        let shared = act(&mut world, policy, answer(handle, true)).unwrap_err();
        assert!(
            shared.contains("tasks of other policies run there"),
            "{shared}"
        );
        assert_eq!(act(&mut world, policy, answer(handle, false)), Ok(()));
        let again = act(&mut world, policy, answer(handle, false)).unwrap_err();
        assert!(again.contains("does not live"), "{again}");
    }
    // Where nobody has a task anyone may answer; with no agent named all tasks count.
    let handle = inverse_offer(&mut world, Some("S2"));
    assert_eq!(act(&mut world, 1, answer(handle, true)), Ok(()));
    let handle = inverse_offer(&mut world, None);
    act(&mut world, 1, answer(handle, true)).unwrap_err();
    world.sent.clear();
    world.pass(Duration::from_secs(31));
    let declined = |call: &Call| matches!(call, Call::DeclineInverseOffers { .. });
    assert!(world.sent.iter().any(declined), "{:?}", world.sent);
}

#[test]
fn other_policies_tasks_and_operations_are_not_asked_for() {
    let mut world = two_roles();
    launch(&mut world, 0, "task").unwrap();
    let refused = act(&mut world, 1, Action::Reconcile(vec![TaskHandle(0)])).unwrap_err();
    assert!(refused.contains("another policy's"), "{refused}");
    assert_eq!(
        act(&mut world, 0, Action::Reconcile(vec![TaskHandle(0)])),
        Ok(())
    );
    reserve(&mut world, 0, "mine");
    let query = || Action::ReconcileOperations(vec![("mine".to_owned(), AgentHandle::NONE, None)]);
    let refused = act(&mut world, 1, query()).unwrap_err();
    assert_eq!(refused, "operation mine is another policy's");
    assert_eq!(act(&mut world, 0, query()), Ok(()));
}

/// A policy reserves what it is offered of agent 0, with an id.
fn reserve(world: &mut World, policy: usize, id: &str) {
    world.offer(0, policy).unwrap();
    let offer = world.machine.offers.iter().last().unwrap().clone();
    world.answer(policy, |_| Ok(Answer::default()));
    let mut resource = Resource::scalar(Name::Cpus, Milli(1000));
    resource.reservations = vec![crate::resource::Reservation {
        kind: crate::resource::ReservationKind::Dynamic,
        role: offer.info.role.to_string(),
        principal: None,
        labels: None,
    }];
    let reserve = WantedOperation::Reserve {
        id: Some(id.to_owned()),
        source: Vec::new(),
        resources: vec![resource],
    };
    let accept = Action::Accept {
        offers: vec![offer.handle],
        operations: vec![reserve],
        refuse: Millis::HOSTS_CHOICE,
    };
    act(world, policy, accept).unwrap();
}

fn operation(world: &mut World, id: &str, state: crate::task::OperationState) {
    world.event(Event::UpdateOperationStatus(OperationStatus {
        operation: Some(OperationId::from(id)),
        state,
        message: None,
        agent: Some("S0".into()),
        provider: None,
        converted: Vec::new(),
        uuid: None,
    }));
}

#[test]
fn a_rehearsal_is_the_round_that_other_code_sees_first() {
    let mut world = two_roles();
    reserve(&mut world, 0, "kept");
    operation(&mut world, "kept", crate::task::OperationState::PENDING);
    world.submit(spec("waits", 0, JobKind::Batch, 3));
    world.offer(1, 0);
    let handle = PolicyHandle(0);
    world.answer(0, |_| Ok(Answer::default()));
    let rehearsal = world.machine.rehearsal(handle).unwrap();
    world.swap(0);
    let first = world.rounds[0].0.clone().unwrap();
    assert!(!first.offers.is_empty() && !first.waiting.is_empty());
    let told = Round {
        number: first.number,
        ..rehearsal
    };
    assert_eq!(told, first);
}

#[test]
fn whoever_decides_now_knows_the_operations_of_the_one_before() {
    use crate::task::OperationState as State;
    let mut world = two_roles();
    reserve(&mut world, 0, "kept");
    operation(&mut world, "kept", State::PENDING);
    world.swap(0);
    let states = |world: &World, policy: usize| -> BTreeMap<String, i32> {
        let round = world.rounds[policy].0.as_ref().unwrap();
        let views = round.delta.operations.iter();
        views
            .map(|view| (view.operation.clone().unwrap(), view.state))
            .collect()
    };
    let pending = BTreeMap::from([("kept".to_owned(), State::PENDING.0)]);
    assert_eq!(states(&world, 0), pending, "a swap");
    world.answer(0, |_| Err(crate::policy::Failure::Trap("oh".to_owned())));
    world.pass(Duration::from_secs(1));
    assert_eq!(states(&world, 0), pending, "a trap");

    // Those beside each other both hear of it, and of those after each other the one
    // that is there.
    let told = |world: &World, policy: usize| {
        heard(world, policy, |event| match event {
            PolicyEvent::Operation(view) => Some(view.state),
            _ => None,
        })
    };
    world.canary(0, 100, &[]);
    world.place_all();
    operation(&mut world, "kept", State::RECOVERING);
    for policy in [0, CANARY.0 as usize] {
        assert_eq!(told(&world, policy), [State::RECOVERING.0]);
    }
    world.canary_ends();
    world.place_all();
    operation(&mut world, "kept", State::FINISHED);
    assert_eq!(told(&world, 0), [State::FINISHED.0]);
    assert_eq!(world.rounds[1].0, None, "nothing of it is the other role's");
}

#[test]
fn timers_are_few_and_not_too_fast() {
    let mut world = two_roles();
    let timer = |number, after| Action::Timer {
        number,
        after: Millis(after),
    };
    let kept = |world: &World| {
        let mine = |(_, timer): &&(Instant, crate::machine::Timer)| {
            matches!(timer, crate::machine::Timer::PolicyAsked(..))
        };
        world.machine.timers.iter().filter(mine).count()
    };
    let set = |numbers: std::ops::Range<u32>| Answer {
        actions: numbers.map(|number| (timer(number, 1e9), 0)).collect(),
        ..Answer::default()
    };
    nudge(&mut world);
    world.answer(0, |_| Ok(set(0..256)));
    assert_eq!(kept(&world), 256);
    let full = act(&mut world, 0, timer(256, 1e9)).unwrap_err();
    assert!(full.contains("256 timers are set already"), "{full}");
    assert_eq!(
        act(&mut world, 1, timer(256, 1e9)),
        Ok(()),
        "each has its own"
    );
    // In place of one, and taken back: nothing stays behind.
    assert_eq!(act(&mut world, 0, timer(3, 2e9)), Ok(()));
    assert_eq!(kept(&world), 257);
    assert_eq!(act(&mut world, 0, timer(3, -1.0)), Ok(()));
    assert_eq!(kept(&world), 256);

    assert_eq!(act(&mut world, 0, timer(3, 0.0)), Ok(()));
    world.place_all();
    world.pass(Duration::from_millis(9));
    assert_eq!(kept(&world), 257);
    world.pass(Duration::from_millis(1));
    assert_eq!(kept(&world), 256);
    let came = heard(&world, 0, |event| match event {
        PolicyEvent::Timer(number) => Some(*number),
        _ => None,
    });
    assert_eq!(came, [3]);

    world.route([&[], &["web", "batch"]]);
    assert_eq!(kept(&world), 1, "it decides nothing any more");
}

#[test]
fn what_a_task_waited_under_other_code_is_not_counted() {
    let waited = |swap: fn(&mut World)| {
        let mut world = World::new();
        world.submit(spec("b", 0, JobKind::Batch, 1));
        world.answer(0, |_| Ok(Answer::default()));
        world.pass(Duration::from_secs(600));
        swap(&mut world);
        world.place_all();
        world.pass(Duration::from_secs(5));
        world.offer(0, 0);
        world.place_all();
        let policies = [PolicyHandle(0), CANARY];
        policies.map(|policy| world.machine.policy_numbers(policy).waited)
    };
    assert_eq!(waited(|_| {}), [605_000, 0]);
    assert_eq!(waited(|world| world.swap(0)), [5_000, 0]);
    assert_eq!(waited(|world| world.canary(0, 100, &[])), [0, 5_000]);
}

#[test]
fn an_operation_of_a_refused_call_is_dropped_and_its_id_is_free() {
    let mut world = two_roles();
    reserve(&mut world, 0, "mine");
    world.place_all();
    let session = world.session.unwrap();
    let accepted = |entry: &crate::machine::OperationEntry| entry.call;
    let call = world.machine.operations.values().find_map(accepted);
    world.input(Input::CallFailed {
        session,
        call: call.unwrap().1,
        why: "no".to_owned(),
    });
    let told = heard(&world, 0, |event| match event {
        PolicyEvent::Operation(view) => view.message.clone(),
        _ => None,
    });
    assert_eq!(told, ["never begun: no"]);
    assert_eq!(world.machine.operations.len(), 0);
}
