//! Random histories: whatever comes in whatever order, the invariants of
//! [`super::world`] hold, and afterwards a healthy cluster gets all work done.

use std::time::Duration;

use proptest::prelude::*;

use super::world::{ROLES, World, first_fit, spec, status};
use crate::event::Event;
use crate::ids::{AgentHandle, JobName, OfferHandle, OfferId, SetHandle, TaskHandle, TaskId};
use crate::job::JobKind;
use crate::machine::{Input, Request};
use crate::policy::{
    Action, Answer, Decline, DeclineRest, Failure, Kill, Millis, Placement, WantedOperation,
};
use crate::task::TaskState;

#[derive(Debug, Clone)]
enum Step {
    Offer {
        agent: usize,
        role: usize,
    },
    Rescind(usize),
    Update {
        task: usize,
        state: TaskState,
    },
    /// The same update again, as Mesos sends it when it saw no acknowledgement.
    Repeat {
        task: usize,
    },
    Reconcile,
    Good(usize),
    Nothing(usize),
    Garbage(usize, Vec<u32>),
    Fails {
        policy: usize,
        trap: bool,
    },
    Submit {
        role: usize,
        service: bool,
        count: u32,
    },
    Scale {
        job: usize,
        count: u32,
    },
    KillJob(usize),
    KillTask(usize),
    /// Other code takes over; the round that is open is answered first.
    Swap(usize),
    /// A policy gets a canary; another one ends.
    Canary {
        policy: usize,
        share: u32,
        job: usize,
    },
    CanaryEnds,
    /// Roles go to these policies.
    Route([usize; 2]),
    /// The machine is written down and read again.
    Checkpoint,
    Disconnect,
    Connect,
    Pass(u64),
    Crash {
        kept: usize,
        policy: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let state = prop::sample::select(vec![
        TaskState::STARTING,
        TaskState::RUNNING,
        TaskState::FINISHED,
        TaskState::FAILED,
        TaskState::LOST,
        TaskState::KILLED,
        TaskState::DROPPED,
        TaskState::UNREACHABLE,
        TaskState(99),
    ]);
    prop_oneof![
        6 => (0..3_usize, 0..2_usize).prop_map(|(agent, role)| Step::Offer { agent, role }),
        2 => any::<usize>().prop_map(Step::Rescind),
        6 => (any::<usize>(), state).prop_map(|(task, state)| Step::Update { task, state }),
        1 => any::<usize>().prop_map(|task| Step::Repeat { task }),
        1 => Just(Step::Reconcile),
        8 => (0..3_usize).prop_map(Step::Good),
        1 => (0..3_usize).prop_map(Step::Nothing),
        2 => (0..3_usize, prop::collection::vec(0..12_u32, 12))
            .prop_map(|(policy, numbers)| Step::Garbage(policy, numbers)),
        1 => (0..3_usize, any::<bool>()).prop_map(|(policy, trap)| Step::Fails { policy, trap }),
        2 => (0..2_usize, any::<bool>(), 1..6_u32)
            .prop_map(|(role, service, count)| Step::Submit { role, service, count }),
        1 => (any::<usize>(), 0..8_u32).prop_map(|(job, count)| Step::Scale { job, count }),
        1 => any::<usize>().prop_map(Step::KillJob),
        1 => any::<usize>().prop_map(Step::KillTask),
        2 => (0..2_usize).prop_map(Step::Swap),
        1 => (0..2_usize, 0..=100_u32, any::<usize>())
            .prop_map(|(policy, share, job)| Step::Canary { policy, share, job }),
        1 => Just(Step::CanaryEnds),
        1 => prop::array::uniform2(0..2_usize).prop_map(Step::Route),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Disconnect),
        3 => Just(Step::Connect),
        3 => prop::sample::select(vec![1, 100, 2_000, 40_000, 400_000]).prop_map(Step::Pass),
        1 => (0..6_usize, 0..2_usize).prop_map(|(kept, policy)| Step::Crash { kept, policy }),
    ]
}

fn take(world: &mut World, step: Step, jobs: &mut u32) {
    let pick = |length: usize, at: usize| (length > 0).then(|| at % length);
    let task = |world: &World, at: usize| -> Option<TaskId> {
        let at = pick(world.tasks.len(), at)?;
        world.tasks.keys().nth(at).cloned()
    };
    let job = |world: &World, at: usize| {
        let jobs = world.machine.jobs();
        Some(JobName::from(jobs[pick(jobs.len(), at)?].name.as_str()))
    };
    match step {
        Step::Offer { agent, role } => drop(world.offer(agent, role)),
        Step::Rescind(at) => {
            let id: Option<OfferId> =
                pick(world.offers.len(), at).and_then(|at| world.offers.keys().nth(at).cloned());
            if let Some(id) = id {
                world.rescind(&id);
            }
        }
        Step::Update { task: at, state } => {
            if let Some(id) = task(world, at).filter(|_| world.session.is_some()) {
                world.update(&id, state);
            }
        }
        Step::Repeat { task: at } => {
            if let Some(id) = task(world, at) {
                let state = world.tasks[&id].state;
                let agent = world.tasks[&id].agent;
                let uuid = world.uuid();
                let status = status(&id, agent, state, Some(uuid));
                world.event(Event::Update(status.clone()));
                world.event(Event::Update(status));
            }
        }
        Step::Reconcile => world.reconcile(),
        Step::Good(policy) => world.answer(policy, |round| Ok(first_fit(round))),
        Step::Nothing(policy) => world.answer(policy, |_| Ok(Answer::default())),
        Step::Garbage(policy, numbers) => world.answer(policy, |_| Ok(garbage(&numbers))),
        Step::Fails { policy, trap } => world.answer(policy, |_| {
            Err(if trap {
                Failure::Trap("unreachable".into())
            } else {
                Failure::Guest("no".into())
            })
        }),
        Step::Submit {
            role,
            service,
            count,
        } => {
            *jobs += 1;
            let kind = if service {
                JobKind::Service
            } else {
                JobKind::Batch
            };
            world.submit(spec(&format!("job-{jobs}"), role, kind, count));
        }
        Step::Scale { job: at, count } => {
            if let Some(job) = job(world, at) {
                world.request(Request::Scale { job, count });
            }
        }
        Step::KillJob(at) => {
            if let Some(job) = job(world, at) {
                world.request(Request::KillJob(job));
            }
        }
        Step::KillTask(at) => {
            if let Some(id) = task(world, at) {
                world.request(Request::KillTask(id));
            }
        }
        Step::Swap(policy) => world.swap(policy),
        Step::Canary {
            policy,
            share,
            job: at,
        } => {
            let chosen: Option<JobName> = job(world, at);
            let chosen: Vec<&str> = chosen.iter().map(JobName::as_str).collect();
            world.canary_ends();
            world.canary(policy, share, &chosen);
        }
        Step::CanaryEnds => world.canary_ends(),
        Step::Route(owners) => {
            let of = |policy| -> Vec<&str> {
                let mine = |(_, owner): &(&&str, usize)| *owner == policy;
                let roles = ROLES.iter().zip(owners).filter(mine);
                roles.map(|(role, _)| *role).collect()
            };
            world.route([&of(0), &of(1)]);
        }
        Step::Checkpoint => world.checkpoint(),
        Step::Disconnect => world.disconnect(),
        Step::Connect => world.connect(),
        Step::Pass(millis) => world.pass(Duration::from_millis(millis)),
        Step::Crash { kept, policy } => {
            // In the middle of what an answer causes, if there is a round.
            let open = world.rounds[policy].0.take();
            let input = match open {
                Some(round) => Input::Answered {
                    policy: crate::ids::PolicyHandle(u32::try_from(policy).unwrap()),
                    round: round.number,
                    result: Ok(first_fit(&round)).into(),
                },
                None => Input::Tick,
            };
            world.crash_during(input, kept);
        }
    }
}

/// An answer of small numbers that mean nothing, or by chance something.
fn garbage(numbers: &[u32]) -> Answer {
    let at = |position: usize| numbers[position];
    Answer {
        placements: vec![
            Placement {
                offer: OfferHandle(at(0)),
                set: SetHandle(at(1)),
                count: at(2),
                reason: at(3),
            };
            2
        ],
        declines: vec![Decline {
            offer: OfferHandle(at(4)),
            refuse: Millis(f64::from(at(5)) - 3.0),
            reason: 0,
        }],
        kills: vec![Kill {
            task: TaskHandle(at(6)),
            grace: Millis::HOSTS_CHOICE,
            reason: 0,
        }],
        actions: vec![
            (Action::Reconcile(vec![TaskHandle(at(7))]), 0),
            (
                Action::Timer {
                    number: at(5) % 3,
                    after: Millis(5000.0 * (f64::from(at(6)) - 3.0)),
                },
                0,
            ),
            (
                Action::Accept {
                    offers: vec![OfferHandle(at(8)), OfferHandle(at(9))],
                    operations: vec![WantedOperation::Place {
                        set: SetHandle(at(1)),
                        count: at(10),
                    }],
                    refuse: Millis(f64::NAN),
                },
                0,
            ),
            (
                Action::Shutdown {
                    agent: AgentHandle(at(11)),
                    executor: String::new(),
                },
                at(3),
            ),
        ],
        rest: at(0).is_multiple_of(3).then_some(DeclineRest {
            refuse: Millis(f64::INFINITY),
            reason: 77,
        }),
        ..Answer::default()
    }
}

/// Lets a healthy cluster with good policies go on until all batch jobs ended.
fn calm(world: &mut World) {
    world.connect();
    for _ in 0..400 {
        world.reconcile();
        world.place_all();
        world.offer_all();
        world.place_all();
        world.progress();
        world.pass(Duration::from_secs(20));
        let jobs = world.machine.jobs();
        let over = jobs.iter().all(|job| match job.kind.as_str() {
            "batch" => ["finished", "failed", "killed"].contains(&job.state.as_str()),
            _ => true,
        });
        if over {
            return;
        }
    }
    panic!("jobs do not end: {:#?}", world.machine.jobs());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens(steps in prop::collection::vec(step(), 1..90)) {
        let mut world = World::new();
        let mut jobs = 0;
        for step in steps {
            take(&mut world, step, &mut jobs);
        }
        assert_eq!(world.stopped, None);
        // Services would take all room for ever.
        for job in world.machine.jobs().into_iter().filter(|job| job.kind == "service") {
            world.request(Request::KillJob(job.name.as_str().into()));
        }
        calm(&mut world);
        world.place_all();
        world.pass(Duration::from_secs(3600));
        world.place_all();
        let status = world.machine.status();
        assert_eq!(status.offers_held, 0);
        assert_eq!(status.tasks_waiting, 0);
    }
}
