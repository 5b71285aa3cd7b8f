//! What people are told who ask about a task.

use std::time::Duration;

use super::world::{World, first_fit, spec};
use crate::Milli;
use crate::ids::{PolicyHandle, SetHandle};
use crate::job::{JobKind, JobSpec};
use crate::machine::view::{TaskFilter, Why};
use crate::machine::{Input, Request};
use crate::policy::{Answer, DeclineRest, Kill, Millis, Placement};
use crate::task::TaskState;

/// Two agents were offered to the job's role, and the policy declined both.
fn declined(job: JobSpec) -> World {
    let mut world = World::new();
    world.submit(job);
    world.place_all();
    world.pass(Duration::from_secs(2));
    for agent in [0, 1] {
        world.offer(agent, 0);
        world.answer(0, |_| {
            Ok(Answer {
                rest: Some(DeclineRest {
                    refuse: Millis::HOSTS_CHOICE,
                    reason: 1,
                }),
                reasons: vec!["not today".to_owned()],
                ..Answer::default()
            })
        });
    }
    world
}

/// About the first task of a job that waits or ended without having been placed.
fn first_of(world: &World, job: &str) -> Why {
    let tasks = world.machine.tasks(&TaskFilter::default());
    let of_job = tasks.iter().filter(|task| task.job == job);
    let task = of_job.min_by_key(|task| task.state == "WAITING").unwrap();
    world.machine.why(&task.id).unwrap()
}

fn job(constraints: &[&str]) -> JobSpec {
    JobSpec {
        constraints: constraints.iter().map(|c| c.parse().unwrap()).collect(),
        ..spec("j", 0, JobKind::Service, 1)
    }
}

#[test]
fn verdicts_on_a_task_that_waits() {
    // Room, and the policy's words.
    let why = first_of(&declined(job(&[])), "j");
    assert_eq!(
        why.verdict,
        "an offer of host-1 had room; the policy says: not today"
    );
    assert_eq!(why.candidates[0].missing, Some(0.0));

    // Too small: the one that misses least.
    let mut large = job(&[]);
    large.needs.cpus = Milli(5000);
    let why = first_of(&declined(large.clone()), "j");
    let nearest = "host-1: cpus: needs 5, there is 4";
    assert_eq!(
        why.verdict,
        format!("no offer had room for it; nearest was {nearest}")
    );
    assert_eq!(why.nearest.as_deref(), Some(nearest));

    // Constraints forbid one: it is not the nearest, whatever it has.
    large.constraints = job(&["rack != r1"]).constraints;
    let why = first_of(&declined(large), "j");
    assert_eq!(
        why.nearest.as_deref(),
        Some("host-0: cpus: needs 5, there is 4")
    );
    assert!(
        why.verdict
            .ends_with("(its constraints forbid 1 other offers)"),
        "{}",
        why.verdict
    );

    // Constraints forbid all: no amount is missing.
    let why = first_of(&declined(job(&["rack == r7"])), "j");
    assert_eq!(
        why.verdict,
        "its constraints forbid each of the 2 offers; of host-1: constraint 'rack in r7' of j \
         does not allow agent host-1"
    );
    assert_eq!((why.nearest, why.candidates[0].missing), (None, None));

    // Nothing was offered.
    let mut world = World::new();
    world.submit(job(&[]));
    let verdict = first_of(&world, "j").verdict;
    assert!(
        verdict.contains("has offered nothing to role batch"),
        "{verdict}"
    );
    world.disconnect();
    let verdict = first_of(&world, "j").verdict;
    assert!(verdict.contains("not subscribed"), "{verdict}");
}

#[test]
fn what_the_policy_does_with_an_offer_is_told() {
    let mut world = declined(job(&[]));
    let candidate = |world: &World, at: usize| {
        let candidate = first_of(world, "j").candidates.remove(at);
        (candidate.became, candidate.round, candidate.policy_says)
    };
    let gone = candidate(&world, 0);
    assert_eq!(gone.0, "the policy declined it");
    assert_eq!(gone.2.as_deref(), Some("not today"));
    world.offer(2, 0);
    let round = world.rounds[0].1;
    let deciding = "it is held; the policy is deciding".to_owned();
    assert_eq!(candidate(&world, 0), (deciding, Some(round), None));
    world.answer(0, |_| Ok(Answer::default()));
    let undecided = "it is held; the policy left it undecided".to_owned();
    assert_eq!(candidate(&world, 0), (undecided, Some(round), None));
    let mut other = spec("other", 0, JobKind::Service, 1);
    other.priority = 9;
    world.submit(other);
    world.answer(0, |round| {
        let mut answer = first_fit(round);
        answer.placements.truncate(1);
        answer.placements[0].reason = 1;
        answer.reasons = vec!["it goes first".to_owned()];
        Ok(answer)
    });
    let why = first_of(&world, "j");
    let taken = why.candidates.iter().find(|c| c.host == "host-2").unwrap();
    assert_eq!(taken.became, "tasks were launched on it");
    assert_eq!(taken.policy.as_deref(), Some("policy-batch"));
    assert_eq!(taken.policy_says.as_deref(), Some("it goes first"));
}

#[test]
fn the_hosts_refusals_are_told_and_repeated_ones_once() {
    let mut large = job(&[]);
    large.needs.cpus = Milli(5000);
    let mut world = declined(large);
    let place = |world: &mut World, set: u32| {
        world.answer(0, |round| {
            Ok(Answer {
                placements: vec![Placement {
                    offer: round.offers[0].handle,
                    set: SetHandle(set),
                    count: 1,
                    reason: 0,
                }],
                ..Answer::default()
            })
        });
    };
    world.submit(spec("w", 1, JobKind::Service, 1));
    for _ in 0..2 {
        world.offer(2, 0);
        place(&mut world, 0);
        world.submit(spec("more", 0, JobKind::Service, 1));
        // The set of another role: nothing to be told there.
        place(&mut world, 1);
        world.request(Request::KillJob("more".into()));
    }
    let why = first_of(&world, "j");
    let refused: Vec<_> = why
        .steps
        .iter()
        .filter(|step| step.round.is_some())
        .collect();
    assert_eq!(refused.len(), 1, "{:?}", why.steps);
    assert_eq!(
        refused[0].text,
        "the host refused to place tasks of its job: cpus: needs 5, there is 4"
    );
    assert_eq!(refused[0].policy.as_deref(), Some("policy-batch"));
    assert_eq!(first_of(&world, "w").steps.len(), 1);
}

#[test]
fn a_kill_by_a_policy_is_told_with_its_version_also_after_a_restart() {
    let mut world = World::new();
    world.input(Input::Version {
        policy: PolicyHandle(0),
        version: "1.2 (abc)".to_owned(),
    });
    world.submit(spec("j", 0, JobKind::Service, 1));
    world.offer(0, 0);
    world.place_all();
    let id = world.tasks.keys().next().unwrap().clone();
    world.update(&id, TaskState::RUNNING);
    let task = world.machine.tasks.find(&id).unwrap();
    let round = world.rounds[0].1;
    world.answer(0, |_| {
        Ok(Answer {
            kills: vec![Kill {
                task,
                grace: Millis::HOSTS_CHOICE,
                reason: 1,
            }],
            reasons: vec!["room for others".to_owned()],
            ..Answer::default()
        })
    });
    let killed = |world: &World| {
        let why = world.machine.why(id.as_str()).unwrap();
        let is_kill = |step: &&crate::machine::view::Step| step.text.starts_with("killed");
        why.steps.iter().find(is_kill).cloned().unwrap()
    };
    let step = killed(&world);
    assert_eq!(step.text, "killed by its policy: room for others");
    assert_eq!(step.policy.as_deref(), Some("policy-batch"));
    assert_eq!(step.version.as_deref(), Some("1.2 (abc)"));
    assert_eq!(step.round, Some(round));
    world.restart();
    assert_eq!(killed(&world), step);
    world.connect();
    world.update(&id, TaskState::KILLED);
    let why = world.machine.why(id.as_str()).unwrap();
    assert_eq!(why.verdict, "it ended as TASK_KILLED on host-0");
    assert!(why.steps.contains(&step));
    assert_eq!(world.history[id.as_str()], why);
}

#[test]
fn tasks_that_were_never_placed_have_a_story_too() {
    let mut world = World::new();
    world.submit(spec("j", 0, JobKind::Service, 3));
    let scale = |count| Request::Scale {
        job: "j".into(),
        count,
    };
    world.request(scale(2));
    let why = first_of(&world, "j");
    assert_eq!(why.state, "TASK_KILLED");
    assert_eq!(
        why.verdict,
        "it ended before it was placed: its job was scaled down"
    );
    let texts: Vec<&str> = why.steps.iter().map(|step| step.text.as_str()).collect();
    let killed = "killed, since it is not wanted any more: its job was scaled down";
    assert_eq!(texts, ["it waits", killed]);
    world.request(Request::KillJob("j".into()));
    assert_eq!(world.history.len(), 3);
    let job_killed = |why: &&Why| why.verdict.ends_with("its job was killed");
    assert_eq!(world.history.values().filter(job_killed).count(), 2);
}

/// Each role remembers its own offers that went.
#[test]
fn a_busy_role_does_not_push_out_the_offers_of_a_quiet_one() {
    let mut world = declined(job(&[]));
    world.submit(spec("w", 1, JobKind::Service, 1));
    for _ in 0..300 {
        world.pass(Duration::from_secs(2));
        if let Some(id) = world.offer(2, 1) {
            world.rescind(&id);
        }
    }
    let hosts = |job: &str| {
        let why = first_of(&world, job);
        why.candidates.iter().filter(|c| c.host == "host-2").count()
    };
    assert_eq!(hosts("w"), 50, "as many as are shown");
    assert_eq!(first_of(&world, "j").candidates.len(), 2);
}

#[test]
fn an_experiment_has_what_other_roles_were_offered() {
    let mut world = declined(job(&[]));
    world.submit(spec("w", 1, JobKind::Service, 1));
    world.place_all();
    world.pass(Duration::from_secs(2));
    world.offer(1, 1);
    let case = |world: &World, job: &str| {
        let tasks = world.machine.tasks(&TaskFilter::default());
        let task = tasks.iter().find(|task| task.job == job).unwrap();
        world.machine.experiment(&task.id).unwrap()
    };
    let web = case(&world, "w");
    assert_eq!(web.round.offers.len(), 1);
    let hosts: Vec<&str> = web
        .elsewhere
        .iter()
        .map(|o| &*o.info.agent.hostname)
        .collect();
    assert_eq!(
        hosts,
        ["host-0"],
        "it has an offer of the other agent itself"
    );
    assert_eq!(web.elsewhere[0].role, web.round.offers[0].role);
    let batch = case(&world, "j");
    assert_eq!((batch.round.offers.len(), batch.elsewhere.len()), (2, 0));
}

#[test]
fn a_constraint_that_counts_tasks_is_told_and_kept_within_one_answer() {
    let mut world = World::new();
    let mut large = job(&["max 100 per rack"]);
    large.count = 400;
    large.needs.cpus = Milli(1);
    large.needs.mem = Milli(1);
    world.submit(large);
    world.offer(0, 0);
    world.place_all();
    // On the one rack.
    assert_eq!(world.tasks.len(), 100);
    assert_eq!(world.machine.status().counters.decisions_refused, 1);
    let waiting = world.machine.tasks(&TaskFilter::default());
    let waiting = waiting.iter().find(|task| task.state == "WAITING").unwrap();
    let why = world.machine.why(&waiting.id).unwrap();
    let says = &why.candidates[0].says;
    assert!(says.contains("max 100 per rack"), "{says}");
}
