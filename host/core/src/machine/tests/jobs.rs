use std::time::Duration;

use super::world::{World, spec};
use crate::ids::{JobName, TaskId};
use crate::job::JobKind;
use crate::machine::view::{TaskFilter, TaskSummary};
use crate::machine::{Reply, Request};
use crate::task::TaskState;

fn tasks(world: &World) -> Vec<TaskId> {
    world.tasks.keys().cloned().collect()
}

/// All tasks of a job run.
fn running(kind: JobKind, count: u32) -> World {
    let mut world = World::new();
    world.submit(spec("j", 0, kind, count));
    world.place_all();
    world.offer_all();
    world.place_all();
    world.progress();
    assert_eq!(world.job("j").running, count);
    world
}

#[test]
fn a_batch_job_runs_to_its_end() {
    let mut world = running(JobKind::Batch, 5);
    world.progress();
    let job = world.job("j");
    assert_eq!((job.state.as_str(), job.finished), ("finished", 5));
    // Its name is free, and its ids are not used again.
    world.submit(spec("j", 0, JobKind::Batch, 5));
    world.pass(Duration::from_secs(2));
    world.place_all();
    world.offer_all();
    world.place_all();
    assert_eq!(world.tasks.len(), 5);
}

#[test]
fn a_task_that_fails_runs_again_as_often_as_it_may() {
    let mut world = running(JobKind::Batch, 1);
    for attempt in 0..2 {
        let [id] = &tasks(&world)[..] else { panic!() };
        world.update(id, TaskState::FAILED);
        let job = world.job("j");
        assert_eq!(
            (job.failed, job.waiting),
            if attempt == 0 { (0, 1) } else { (1, 0) }
        );
        world.pass(Duration::from_secs(5));
        world.place_all();
        world.offer_all();
        world.place_all();
    }
    assert_eq!(world.job("j").state, "failed");
    assert!(world.job("j").reason.unwrap().contains("TASK_FAILED"));
}

#[test]
fn a_task_that_was_lost_without_a_fault_does_not_count() {
    for state in [TaskState::LOST, TaskState::DROPPED, TaskState::GONE] {
        let mut world = running(JobKind::Batch, 1);
        for _ in 0..5 {
            let [id] = &tasks(&world)[..] else { panic!() };
            world.update(id, state);
            assert_eq!(world.job("j").waiting, 1, "{state}");
            world.pass(Duration::from_secs(2));
            world.place_all();
            world.offer_all();
            world.place_all();
        }
        assert_eq!(world.job("j").failed, 0);
    }
}

#[test]
fn a_service_whose_tasks_fail_quickly_is_started_more_and_more_slowly() {
    let mut world = running(JobKind::Service, 1);
    let mut waits = Vec::new();
    for _ in 0..4 {
        let [id] = &tasks(&world)[..] else { panic!() };
        world.update(id, TaskState::FAILED);
        let from = world.now;
        while world.tasks.is_empty() {
            world.pass(Duration::from_millis(100));
            world.place_all();
            world.offer_all();
            world.place_all();
        }
        waits.push(world.now.since(from).as_secs());
    }
    assert!(
        waits.is_sorted() && waits[3] >= 4 * waits[0].max(1),
        "{waits:?}"
    );
}

#[test]
fn an_operator_kills_a_task_of_a_service_and_another_starts() {
    let mut world = running(JobKind::Service, 2);
    let id = tasks(&world)[0].clone();
    assert!(matches!(
        world.request(Request::KillTask(id.clone())),
        Reply::Done(_)
    ));
    assert!(world.tasks[&id].kill_asked);
    world.update(&id, TaskState::KILLED);
    world.pass(Duration::from_secs(2));
    world.place_all();
    world.offer_all();
    world.place_all();
    assert_eq!(world.tasks.len(), 2);
    assert!(!world.tasks.contains_key(&id));
}

#[test]
fn a_kill_is_asked_for_again_until_it_is_done() {
    let mut world = running(JobKind::Service, 1);
    world.request(Request::KillJob("j".into()));
    let asked = |world: &World| {
        world
            .sent
            .iter()
            .filter(|call| matches!(call, crate::call::Call::Kill { .. }))
            .count()
    };
    assert_eq!(asked(&world), 1);
    world.pass(Duration::from_secs(60));
    assert!(asked(&world) >= 3);
    let id = tasks(&world)[0].clone();
    world.update(&id, TaskState::KILLED);
    let before = asked(&world);
    world.pass(Duration::from_secs(600));
    assert_eq!(asked(&world), before);
    assert_eq!(world.job("j").state, "killed");
}

#[test]
fn scaling_down_kills_the_surplus_and_up_starts_more() {
    let mut world = running(JobKind::Service, 4);
    world.request(Request::Scale {
        job: "j".into(),
        count: 2,
    });
    assert_eq!(
        world.tasks.values().filter(|task| task.kill_asked).count(),
        2
    );
    world.progress();
    world.request(Request::Scale {
        job: "j".into(),
        count: 3,
    });
    world.pass(Duration::from_secs(2));
    assert_eq!(world.job("j").count, 3);
}

#[test]
fn submissions_that_cannot_be_are_refused_as_a_whole() {
    let mut world = World::new();
    world.submit(spec("lives", 0, JobKind::Service, 1));
    let mut strange = spec("strange", 0, JobKind::Batch, 1);
    strange.role = "nobody".into();
    let good = spec("good", 0, JobKind::Batch, 1);
    let again = spec("lives", 0, JobKind::Batch, 1);
    let all = vec![good.clone(), strange, again, good];
    let Reply::Refused(why) = world.request(Request::Submit(all)) else {
        panic!()
    };
    let text = why.join("\n");
    for part in [
        "role nobody is none of",
        "a job of this name lives",
        "stands twice",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(world.machine.jobs().len(), 1);
}

#[test]
fn a_job_larger_than_any_offer_says_so() {
    let mut world = World::new();
    let mut large = spec("large", 0, JobKind::Batch, 1);
    large.needs.cpus = crate::Milli(9000);
    world.submit(large.clone());
    assert_eq!(world.job("large").reason, None, "nothing was offered yet");
    world.offer_all();
    let reason = world.job("large").reason.unwrap();
    assert!(reason.contains("cpus: needs 9, there is 4"), "{reason}");
    large.name = "second".into();
    let Reply::Done(done) = world.request(Request::Submit(vec![large])) else {
        panic!()
    };
    assert!(done[0].contains("waits for a larger agent"), "{done:?}");
}

#[test]
fn of_jobs_that_are_over_the_latest_are_remembered() {
    let mut world = World::new();
    world.machine.settings.ended_tasks = 2;
    for name in ["a", "b", "c"] {
        world.submit(spec(name, 0, JobKind::Service, 1));
        world.request(Request::KillJob(name.into()));
    }
    let names: Vec<String> = world
        .machine
        .jobs()
        .into_iter()
        .map(|job| job.name)
        .collect();
    assert_eq!(names, ["b", "c"]);
    // Whoever decides next does not hear of them.
    let full = world.machine.full_delta(crate::ids::PolicyHandle(0));
    assert_eq!(full.jobs.len(), 0);
    world.submit(spec("c", 0, JobKind::Service, 1));
    assert_eq!(world.job("c").state, "waiting");
}

/// What is submitted is compared with the agents that are there.
#[test]
fn an_agent_that_was_removed_is_nobodys_measure() {
    let mut world = World::new();
    world.submit(spec("j", 0, JobKind::Batch, 1));
    world.offer(0, 0);
    let submit = |world: &mut World, name: &str| {
        let mut racked = spec(name, 0, JobKind::Batch, 1);
        racked.constraints = vec!["rack == r0".parse().unwrap()];
        world.request(Request::Submit(vec![racked]))
    };
    assert!(matches!(submit(&mut world, "a"), Reply::Done(_)));
    world.event(crate::event::Event::Failure {
        agent: Some("S0".into()),
        executor: None,
        status: None,
    });
    world.offer(1, 0);
    assert!(matches!(submit(&mut world, "b"), Reply::Refused(_)));
}

/// What exists not is told from what can't be done.
#[test]
fn what_is_unknown_is_said_to_be() {
    let mut world = World::new();
    let job = JobName::from("none");
    for request in [
        Request::KillJob(job.clone()),
        Request::Scale { job, count: 2 },
        Request::KillTask("j.abcdefgh.0".into()),
    ] {
        assert!(matches!(world.request(request), Reply::Unknown(_)));
    }
    world.submit(spec("j", 0, JobKind::Batch, 1));
    let waiting = world.machine.tasks(&TaskFilter::default());
    let id = waiting[0].id.as_str();
    let reply = world.request(Request::KillTask(id.into()));
    assert!(matches!(reply, Reply::Refused(_)), "{reply:?}");
    world.request(Request::KillJob("j".into()));
    let reply = world.request(Request::KillJob("j".into()));
    assert!(matches!(reply, Reply::Refused(_)), "{reply:?}");
}

/// In pieces of any size, while tasks go from waiting to running.
#[test]
fn a_list_of_tasks_can_be_gone_through_in_pieces() {
    let mut world = World::new();
    world.submit(spec("b", 0, JobKind::Service, 12));
    world.submit(spec("a", 0, JobKind::Service, 3));
    let ids = |tasks: Vec<TaskSummary>| -> Vec<String> {
        tasks.into_iter().map(|task| task.id).collect()
    };
    let all = ids(world.machine.tasks(&TaskFilter::default()));
    let numbers: Vec<&str> = all
        .iter()
        .map(|id| id.rsplit_once('.').unwrap().1)
        .collect();
    assert_eq!(numbers[..4], ["0", "1", "2", "0"]);
    assert_eq!(numbers[12..], ["9", "10", "11"]);
    for limit in [1, 4, 15, 100] {
        let mut pieces = Vec::new();
        loop {
            let filter = TaskFilter {
                after: pieces.last().cloned(),
                limit,
                ..TaskFilter::default()
            };
            let piece = ids(world.machine.tasks(&filter));
            if piece.is_empty() {
                break;
            }
            assert!(piece.len() <= limit);
            pieces.extend(piece);
            world.offer_all();
            world.place_all();
        }
        assert_eq!(pieces, all, "{limit}");
    }
    let of = |job: Option<&str>, state: Option<&str>| {
        let filter = TaskFilter {
            job: job.map(str::to_owned),
            state: state.map(str::to_owned),
            ..TaskFilter::default()
        };
        world.machine.tasks(&filter).len()
    };
    assert_eq!((of(Some("a"), None), of(Some("c"), None)), (3, 0));
    let live = world.tasks.len();
    assert!(live > 0);
    assert_eq!(of(None, Some("WAITING")), 15 - live);
    assert_eq!(
        of(None, Some("TASK_STAGING")) + of(None, Some("TASK_RUNNING")),
        live
    );
}
