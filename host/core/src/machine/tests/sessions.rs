use std::time::Duration;

use super::world::{World, first_fit, spec, status};
use crate::call::Call;
use crate::event::Event;
use crate::ids::TaskId;
use crate::job::JobKind;
use crate::machine::view::TaskFilter;
use crate::machine::{CallId, Input, Request, Session};
use crate::task::TaskState;

fn reconciled(world: &World) -> Vec<Vec<TaskId>> {
    let calls = world.sent.iter().filter_map(|call| match call {
        Call::Reconcile { tasks } => Some(tasks.iter().map(|(id, _)| id.clone()).collect()),
        _ => None,
    });
    calls.collect()
}

fn with_tasks(count: u32) -> World {
    let mut world = World::new();
    world.submit(spec("j", 0, JobKind::Service, count));
    world.place_all();
    world.offer_all();
    world.place_all();
    world
}

#[test]
fn a_lost_session_voids_offers_and_the_next_one_reconciles_each_task() {
    let mut world = with_tasks(2);
    world.submit(spec("more", 0, JobKind::Batch, 50));
    world.pass(Duration::from_secs(2));
    world.offer_all();
    assert!(world.machine.status().offers_held > 0);
    world.disconnect();
    assert_eq!(world.machine.status().offers_held, 0);
    world.sent.clear();
    world.connect();
    let known: Vec<TaskId> = world.tasks.keys().cloned().collect();
    assert_eq!(reconciled(&world), std::slice::from_ref(&known));
    // Those without an answer are asked for again, and later the others not.
    world.event(Event::Update(status(
        &known[0],
        0,
        TaskState::RUNNING,
        None,
    )));
    world.sent.clear();
    world.pass(Duration::from_secs(3));
    assert_eq!(reconciled(&world), [vec![known[1].clone()]]);
    world.event(Event::Update(status(
        &known[1],
        0,
        TaskState::RUNNING,
        None,
    )));
    world.sent.clear();
    world.pass(Duration::from_secs(600));
    assert_eq!(reconciled(&world), Vec::<Vec<TaskId>>::new());
}

#[test]
fn a_launch_that_mesos_does_not_know_waits_again() {
    let mut world = with_tasks(1);
    let id = world.tasks.keys().next().unwrap().clone();
    world.event(Event::Update(status(&id, 0, TaskState::UNKNOWN, None)));
    assert_eq!(world.job("j").waiting, 1);
}

#[test]
fn a_call_that_the_master_refused_launched_nothing() {
    let mut world = World::new();
    world.submit(spec("j", 0, JobKind::Batch, 2));
    world.place_all();
    world.offer(0, 0);
    let round = world.rounds[0].0.take().unwrap();
    let mut effects = Vec::new();
    world.machine.handle(
        world.now,
        Input::Answered {
            policy: crate::ids::PolicyHandle(0),
            round: round.number,
            result: Ok(first_fit(&round)).into(),
        },
        &mut effects,
    );
    let accept = effects.iter().find_map(|effect| match effect {
        crate::Effect::Send {
            session,
            id,
            call: Call::Accept { .. },
        } => Some((*session, *id)),
        _ => None,
    });
    let (session, call) = accept.unwrap();
    effects.clear();
    let why = "400 Bad Request".to_owned();
    world.machine.handle(
        world.now,
        Input::CallFailed { session, call, why },
        &mut effects,
    );
    let job = world.job("j");
    assert_eq!((job.waiting, job.staging), (2, 0));
    // One of an older session says nothing about this one.
    let why = "late".to_owned();
    let late = Input::CallFailed {
        session: Session(0),
        call: CallId(1),
        why,
    };
    world.machine.handle(world.now, late, &mut effects);
    assert_eq!(world.job("j").waiting, 2);
}

#[test]
fn events_of_an_older_session_are_dropped() {
    let mut world = with_tasks(1);
    let id = world.tasks.keys().next().unwrap().clone();
    let old = world.session.unwrap();
    world.disconnect();
    world.connect();
    let event = Event::Update(status(&id, 0, TaskState::FAILED, None));
    world.input(Input::Master {
        session: old,
        event,
    });
    assert_eq!(world.job("j").staging, 1);
}

#[test]
fn another_framework_id_stops_it() {
    let mut world = World::new();
    world.disconnect();
    world.input(Input::Master {
        session: Session(9),
        event: Event::Subscribed {
            framework_id: "G".into(),
            master: "m".into(),
        },
    });
    assert!(
        world
            .stopped
            .unwrap()
            .contains("framework id G where F was asked for")
    );
}

#[test]
fn errors_of_the_master() {
    for (message, part) in [
        ("Framework failed over", "another host has taken over"),
        ("Framework has been removed", "gone for good"),
    ] {
        let mut world = World::new();
        world.event(Event::Error(message.into()));
        assert!(world.stopped.unwrap().contains(part));
    }
    let mut world = World::new();
    world.event(Event::Error("something".into()));
    assert_eq!(world.stopped, None);
    let mut world = World::disconnected();
    world.session = Some(Session(1));
    world.event(Event::Error("Role 'x' is not present".into()));
    assert!(world.stopped.unwrap().contains("refuses the subscription"));
}

#[test]
fn a_task_that_stays_unreachable_is_replaced_and_killed_when_it_comes_back() {
    let mut world = with_tasks(1);
    let id = world.tasks.keys().next().unwrap().clone();
    world.update(&id, TaskState::RUNNING);
    world.update(&id, TaskState::UNREACHABLE);
    world.pass(Duration::from_secs(299));
    assert_eq!(world.job("j").waiting, 0);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.job("j").waiting, 1);
    world.sent.clear();
    world.update(&id, TaskState::RUNNING);
    assert!(kills(&world, &id) > 0, "{:?}", world.sent);
}

#[test]
fn a_batch_job_does_not_wait_for_a_task_whose_place_another_took() {
    let (mut world, id) = replaced(JobKind::Batch);
    assert_eq!(world.job("j").state, "finished");
    // It is still on watch: should it come back, it is one too many.
    world.sent.clear();
    world.update(&id, TaskState::RUNNING);
    assert!(kills(&world, &id) > 0, "{:?}", world.sent);
    world.update(&id, TaskState::KILLED);
    assert_eq!(world.machine.status().tasks_live, 0);
    assert_eq!(world.job("j").finished, 1);
}

#[test]
fn a_task_whose_place_another_took_is_remembered_over_a_restart() {
    let (mut world, id) = replaced(JobKind::Service);
    world.disconnect();
    world.restart();
    world.connect();
    assert_eq!(world.job("j").running, 1);
    world.sent.clear();
    world.update(&id, TaskState::RUNNING);
    assert!(kills(&world, &id) > 0, "{:?}", world.sent);
}

#[test]
fn a_replaced_task_that_mesos_does_not_know_any_more_is_forgotten() {
    let (mut world, id) = replaced(JobKind::Service);
    assert_eq!(world.machine.status().tasks_live, 2);
    world.event(Event::Update(status(&id, 0, TaskState::UNKNOWN, None)));
    assert_eq!(world.machine.status().tasks_live, 1);
}

#[test]
fn a_task_to_be_killed_that_stays_unknown_is_gone() {
    let mut world = with_tasks(1);
    let id = world.tasks.keys().next().unwrap().clone();
    world.update(&id, TaskState::RUNNING);
    let unknown = || Event::Update(status(&id, 0, TaskState::UNKNOWN, None));
    world.event(unknown());
    world.request(Request::KillJob("j".into()));
    assert_eq!(world.job("j").state, "killing");
    world.event(unknown());
    assert_eq!(world.job("j").state, "killed");
}

#[test]
fn many_sessions_leave_one_reconciliation_behind() {
    let mut world = with_tasks(1);
    for _ in 0..10 {
        world.disconnect();
        world.connect();
        world.pass(Duration::from_millis(10));
    }
    world.pass(Duration::from_secs(300));
    world.sent.clear();
    world.pass(Duration::from_secs(600));
    let asked = reconciled(&world).iter().filter(|t| !t.is_empty()).count();
    assert!((1..=11).contains(&asked), "{asked} in ten minutes");
}

fn kills(world: &World, id: &TaskId) -> usize {
    let calls = world.sent.iter();
    calls
        .filter(|call| matches!(call, Call::Kill { task, .. } if task == id))
        .count()
}

/// A job of one task that stayed unreachable; another took its place, and
/// finished if the job is a batch.
fn replaced(kind: JobKind) -> (World, TaskId) {
    let mut world = World::new();
    world.submit(spec("j", 0, kind, 1));
    world.place_all();
    world.offer_all();
    world.place_all();
    let id = world.tasks.keys().next().unwrap().clone();
    world.update(&id, TaskState::RUNNING);
    world.update(&id, TaskState::UNREACHABLE);
    world.pass(Duration::from_secs(301));
    world.place_all();
    world.offer_all();
    world.place_all();
    let other = world.tasks.keys().find(|other| **other != id).cloned();
    let other = other.expect("another takes its place");
    world.update(&other, TaskState::RUNNING);
    if kind == JobKind::Batch {
        world.update(&other, TaskState::FINISHED);
    }
    (world, id)
}

#[test]
fn what_runs_and_is_in_no_book_is_left_alone() {
    let mut world = World::new();
    let stranger: TaskId = "stranger".into();
    let event = Event::Update(status(&stranger, 0, TaskState::RUNNING, None));
    let mut effects = Vec::new();
    let session = world.session.unwrap();
    world
        .machine
        .handle(world.now, Input::Master { session, event }, &mut effects);
    world.machine.handle(
        world.now + Duration::from_secs(3600),
        Input::Tick,
        &mut effects,
    );
    let kills = effects.iter().filter(|effect| {
        matches!(
            effect,
            crate::Effect::Send {
                call: Call::Kill { .. },
                ..
            }
        )
    });
    assert_eq!(kills.count(), 0);
    assert_eq!(
        world.machine.tasks(&TaskFilter::default())[0].id,
        "stranger"
    );
}

/// A job of a role that the configuration has no more: its tasks end, and none of
/// them runs again when the role comes back.
#[test]
fn a_role_that_is_missing_at_the_start_keeps_its_jobs() {
    let mut world = World::new();
    world.submit(spec("w", 1, JobKind::Batch, 2));
    world.offer(0, 1);
    world.place_all();
    let launched = world.tasks.len();
    assert_eq!(launched, 2);
    world.restart_with([&["batch"], &[]]);
    assert!(
        world
            .notices
            .iter()
            .any(|text| text.contains("job w is for role web"))
    );
    world.connect();
    world.reconcile();
    world.place_all();
    let ids: Vec<_> = world.tasks.keys().cloned().collect();
    world.update(&ids[0], TaskState::FINISHED);
    assert_eq!(world.job("w").finished, 1);
    world.route([&["batch"], &["web"]]);
    world.place_all();
    world.update(&ids[1], TaskState::FINISHED);
    assert_eq!(world.job("w").state, "finished");
    assert_eq!(world.machine.status().counters.tasks_launched, 0);
}

#[test]
fn a_role_that_is_gone_is_not_spoken_of_after_a_new_subscription() {
    let mut world = World::new();
    world.place_all();
    world.route([&["batch"], &[]]);
    world.disconnect();
    world.sent.clear();
    world.connect();
    let named = |call: &Call| match call {
        Call::Suppress { roles } | Call::Revive { roles } => {
            roles.iter().any(|role| role.as_str() == "web")
        }
        _ => false,
    };
    assert!(!world.sent.iter().any(named), "{:?}", world.sent);
}

#[test]
fn a_task_on_a_lost_agent_does_not_keep_its_job_and_is_forgotten_with_its_agent() {
    let mut world = World::new();
    world.submit(spec("s", 1, JobKind::Service, 1));
    world.offer(0, 1);
    world.place_all();
    let id = world.tasks.keys().next().unwrap().clone();
    world.update(&id, TaskState::UNREACHABLE);
    world.request(Request::KillJob("s".into()));
    assert_eq!(world.job("s").state, "killing");
    world.pass(Duration::from_secs(299));
    assert_eq!(world.job("s").state, "killing");
    world.pass(Duration::from_secs(2));
    assert_eq!(world.job("s").state, "killed");
    // The name is free, and the task is still known.
    world.submit(spec("s", 1, JobKind::Service, 1));
    assert_eq!(world.machine.tasks.len(), 1);
    // When the master has forgotten it, it says so only to those who ask for it.
    world.tasks.remove(&id);
    world.pass(Duration::from_secs(15 * 60));
    world.reconcile();
    assert_eq!(world.machine.tasks.len(), 0);
}
