//! Roles that come, go and move, and canaries.

use std::time::Duration;

use super::world::{CANARY, World, first_fit, policies, spec};
use crate::call::Call;
use crate::ids::{OfferHandle, PolicyHandle, RoleHandle};
use crate::job::JobKind;
use crate::machine::view::TaskFilter;
use crate::machine::{Input, PolicyChange, PolicySettings, Request, Ticket};
use crate::policy::{Action, Answer, DeclineRest, Failure, Kill, Millis};

/// All have answered their first round.
fn calm() -> World {
    let mut world = World::new();
    world.place_all();
    world
}

fn updates(world: &World) -> Vec<Vec<String>> {
    let roles = world.sent.iter().filter_map(|call| match call {
        Call::UpdateFramework(update) => Some(&update.roles),
        _ => None,
    });
    roles
        .map(|roles| roles.iter().map(ToString::to_string).collect())
        .collect()
}

fn declines(world: &World) -> usize {
    let declined = world.sent.iter().map(|call| match call {
        Call::Decline { offers, .. } => offers.len(),
        _ => 0,
    });
    declined.sum()
}

fn nothing_fits() -> Answer {
    Answer {
        rest: Some(DeclineRest {
            refuse: Millis::HOSTS_CHOICE,
            reason: 0,
        }),
        ..Answer::default()
    }
}

#[test]
fn a_new_role_gets_a_policy_and_offers_without_a_new_subscription() {
    let mut world = calm();
    let mut wanted = policies([&["batch"], &["web"]]);
    wanted.push(PolicySettings {
        name: "late".to_owned(),
        roles: vec!["late".into()],
    });
    world.rounds.push((None, 0));
    world.input(Input::Policies(wanted));
    assert_eq!(updates(&world), [["batch", "web", "late"]]);
    let mut job = spec("j", 0, JobKind::Batch, 1);
    job.role = "late".into();
    world.submit(job);
    assert_eq!(world.rounds[3].0, None, "its code is not there yet");
    world.input(Input::Policy {
        policy: PolicyHandle(3),
        change: PolicyChange::Resume,
    });
    let round = world.rounds[3].0.take().unwrap();
    assert_eq!(round.waiting.len(), 1);
    let roles = round.delta.roles.unwrap();
    assert_eq!(roles.last().unwrap().as_str(), "late");
    let revived =
        |call: &Call| matches!(call, Call::Revive { roles } if roles[0].as_str() == "late");
    assert!(world.sent.iter().any(revived));
}

#[test]
fn a_policy_without_code_gets_no_offers_and_hears_all_when_it_begins() {
    let mut world = calm();
    let web = |change| Input::Policy {
        policy: PolicyHandle(1),
        change,
    };
    world.input(web(PolicyChange::Absent));
    world.submit(spec("front", 1, JobKind::Service, 1));
    world.pass(Duration::from_secs(10));
    let task = world.machine.tasks(&TaskFilter::default()).remove(0).id;
    let why = world.machine.why(&task).unwrap().verdict;
    assert_eq!(why, "the policy of role web is still being made ready");
    let revived = |world: &World| {
        let revive =
            |call: &&Call| matches!(call, Call::Revive { roles } if roles[0].as_str() == "web");
        world.sent.iter().filter(revive).count()
    };
    assert_eq!(revived(&world), 0);
    assert_eq!(world.offer(0, 1), None, "its role is suppressed");
    world.input(web(PolicyChange::Resume));
    assert_eq!(revived(&world), 1);
    let round = world.rounds[1].0.take().unwrap();
    assert_eq!(round.waiting.len(), 1);
}

#[test]
fn a_role_with_work_cannot_go_and_one_without_can() {
    let mut world = calm();
    world.submit(spec("front", 1, JobKind::Service, 1));
    let without = policies([&["batch"], &[]]);
    assert_eq!(
        world.machine.check_policies(&without),
        Err(vec![
            "role web cannot go: it has jobs (front); kill them first".to_owned()
        ])
    );
    world.request(Request::KillJob("front".into()));
    // An offer that the policy asked for itself is held.
    world.answer(1, |_| {
        Ok(Answer {
            actions: vec![(Action::Revive(vec![RoleHandle(1)]), 0)],
            ..Answer::default()
        })
    });
    world.pass(Duration::from_secs(2));
    world.offer(0, 1).unwrap();
    assert_eq!(world.machine.status().offers_held, 1);
    let before = declines(&world);
    world.input(Input::Policies(without));
    assert_eq!(updates(&world), [["batch"]]);
    assert_eq!(world.machine.status().roles.len(), 1);
    assert_eq!(declines(&world), before + 1, "it is given back");
    world.input(Input::Operator {
        ticket: Ticket(0),
        request: Request::Submit(vec![spec("late", 1, JobKind::Service, 1)]),
    });
    let refused = format!("{:?}", world.replies.last());
    assert!(
        refused.contains("role web is none of this framework's (batch)"),
        "{refused}"
    );
    // It comes back with the handle that it had.
    world.route([&["batch", "web"], &[]]);
    world.place_all();
    world.submit(spec("again", 1, JobKind::Service, 1));
    world.offer(0, 1);
    let round = world.rounds[0].0.as_ref().unwrap();
    assert_eq!((round.waiting.len(), round.waiting[0].role.0), (1, 1));
}

#[test]
fn a_role_moves_with_its_offers_and_tasks() {
    let mut world = calm();
    world.submit(spec("j", 0, JobKind::Service, 2));
    world.answer(0, |_| Ok(Answer::default()));
    world.offer(0, 0);
    world.answer(0, |round| {
        let mut answer = first_fit(round);
        answer.placements[0].count = 1;
        Ok(answer)
    });
    world.offer(1, 0);
    let held = world.rounds[0].0.clone().unwrap();
    assert_eq!(held.offers.len(), 1);
    world.route([&[], &["web", "batch"]]);
    let round = world.rounds[1].0.clone().unwrap();
    assert_eq!(round.offers, held.offers, "it is shown to the new one");
    assert!(round.fresh_from <= round.offers[0].handle);
    assert_eq!(round.delta.tasks.len(), 1);
    // The one before answers too late.
    let before = world.machine.status().counters.tasks_launched;
    world.answer(0, |round| Ok(first_fit(round)));
    assert_eq!(world.machine.status().counters.tasks_launched, before);
    world.answer(1, |round| Ok(first_fit(round)));
    assert_eq!(world.machine.status().counters.tasks_launched, before + 1);
}

#[test]
fn a_canary_decides_for_its_share() {
    let mut world = calm();
    world.canary(0, 50, &[]);
    world.submit(spec("j", 0, JobKind::Batch, 10));
    // The canary's first round came before.
    world.answer(2, |_| Ok(Answer::default()));
    world.answer(0, |_| Ok(Answer::default()));
    let count = |world: &World, policy: usize| {
        let round = world.rounds[policy].0.as_ref();
        round.map_or(0, |round| round.waiting.iter().map(|set| set.count).sum())
    };
    assert_eq!((count(&world, 0), count(&world, 2)), (5, 5));
    world.answer(0, |_| Ok(Answer::default()));
    world.answer(2, |_| Ok(Answer::default()));
    for agent in 0..3 {
        world.offer(agent, 0);
    }
    world.place_all();
    let numbers = |world: &World, policy| world.machine.policy_numbers(PolicyHandle(policy)).placed;
    assert_eq!(numbers(&world, 0) + numbers(&world, 2), 10);
    assert_eq!(numbers(&world, 0), 5);
    assert_eq!(world.machine.status().counters.decisions_refused, 0);
    // Each kills its own.
    let task = |world: &World, by: PolicyHandle| {
        let mine = |task: &&super::super::tasks::Task| task.launched_by == Some(by);
        world.machine.tasks.iter().find(mine).unwrap().handle
    };
    let (own, other) = (task(&world, CANARY), task(&world, PolicyHandle(0)));
    world.submit(spec("k", 0, JobKind::Batch, 4));
    world.answer(2, |_| {
        let kill = |task| Kill {
            task,
            grace: Millis::HOSTS_CHOICE,
            reason: 0,
        };
        Ok(Answer {
            kills: vec![kill(other), kill(own)],
            ..Answer::default()
        })
    });
    assert_eq!(world.machine.status().counters.decisions_refused, 1);
    let kills = world
        .sent
        .iter()
        .filter(|call| matches!(call, Call::Kill { .. }));
    assert_eq!(kills.count(), 1);
}

#[test]
fn a_canary_decides_for_chosen_jobs() {
    let mut world = calm();
    world.submit(spec("a", 0, JobKind::Batch, 2));
    world.submit(spec("b", 0, JobKind::Batch, 3));
    world.canary(0, 0, &["b"]);
    world.answer(0, |_| Ok(Answer::default()));
    world.offer(0, 0);
    world.offer(1, 0);
    world.place_all();
    let numbers = |policy| world.machine.policy_numbers(PolicyHandle(policy)).placed;
    assert_eq!((numbers(0), numbers(2)), (2, 3));
}

#[test]
fn what_one_side_leaves_the_other_is_shown_before_the_master_gets_it_back() {
    let mut world = calm();
    world.submit(spec("a", 0, JobKind::Batch, 20));
    world.canary(0, 50, &[]);
    world.answer(0, |_| Ok(Answer::default()));
    for agent in [0, 1, 2, 0, 1, 2] {
        world.offer(agent, 0);
    }
    let before = declines(&world);
    let shown = |world: &World, policy: usize| -> Vec<OfferHandle> {
        let round = world.rounds[policy].0.as_ref();
        round.map_or(Vec::new(), |round| {
            round.offers.iter().map(|o| o.handle).collect()
        })
    };
    // The canary fails: its offers go to the policy.
    world.answer(2, |_| Ok(Answer::default()));
    let of_canary = shown(&world, 2);
    assert!(!of_canary.is_empty());
    world.answer(2, |_| Err(Failure::Trap("unreachable".into())));
    assert_eq!(declines(&world), before);
    world.answer(0, |_| Ok(Answer::default()));
    let of_policy = shown(&world, 0);
    assert!(of_canary.iter().all(|offer| of_policy.contains(offer)));
    // Neither wants them: back they go.
    world.answer(0, |_| Ok(nothing_fits()));
    assert!(declines(&world) > before);
}

#[test]
fn a_canary_that_ends_leaves_nothing_behind() {
    let mut world = calm();
    world.submit(spec("a", 0, JobKind::Batch, 6));
    world.canary(0, 100, &[]);
    world.offer(0, 0);
    assert_eq!(
        world.rounds[2].0.as_ref().map(|round| round.offers.len()),
        Some(0)
    );
    world.canary_ends();
    world.answer(2, |_| Ok(Answer::default()));
    assert_eq!(world.rounds[2].0, None, "there is nothing to decide");
    world.offer_all();
    world.place_all();
    assert_eq!(world.machine.status().tasks_waiting, 0);
    assert_eq!(world.machine.policy_numbers(PolicyHandle(0)).placed, 6);
}
