use std::time::Duration;

use super::world::{World, first_fit, spec};
use crate::amount::Milli;
use crate::call::Call;
use crate::ids::{OfferHandle, SetHandle, TaskHandle};
use crate::job::JobKind;
use crate::policy::{
    Action, Answer, Decline, Failure, Kill, Millis, Placement, PolicyEvent, Round, WantedOperation,
};

/// Something waits in both roles and each has an offer.
fn offered() -> World {
    let mut world = World::new();
    world.submit(spec("b", 0, JobKind::Batch, 3));
    world.submit(spec("w", 1, JobKind::Batch, 3));
    world.place_all();
    world.pass(Duration::from_secs(2));
    world.offer(0, 0);
    world.offer(1, 1);
    world
}

/// Why the host refused what a policy answered.
fn refused(answer: impl FnOnce(&Round) -> Answer) -> String {
    let mut world = offered();
    world.answer(0, |round| Ok(answer(round)));
    let counters = world.machine.status().counters;
    assert_eq!(counters.decisions_refused, 1);
    assert_eq!(counters.tasks_launched, 0);
    assert_eq!(world.job("b").waiting, 3, "what waited still waits");
    // Told in the next round.
    world.offer(2, 0);
    let (round, _) = &world.rounds[0];
    let events = &round.as_ref().unwrap().events;
    match events.as_slice() {
        [PolicyEvent::Refused(refusal)] => refusal.why.clone(),
        other => panic!("{other:?}"),
    }
}

fn placement(offer: u32, set: u32, count: u32) -> Answer {
    Answer {
        placements: vec![Placement {
            offer: OfferHandle(offer),
            set: SetHandle(set),
            count,
            reason: 0,
        }],
        ..Answer::default()
    }
}

#[test]
fn placements_that_cannot_be() {
    let mine = |round: &Round| (round.offers[0].handle.0, round.waiting[0].set.0);
    let other_set = 1;
    for (answer, part) in [
        (
            Box::new(move |r: &Round| placement(77, mine(r).1, 1)) as Box<dyn Fn(&Round) -> Answer>,
            "offer",
        ),
        (
            Box::new(move |r: &Round| placement(mine(r).0, 77, 1)),
            "set",
        ),
        (
            Box::new(move |r: &Round| placement(mine(r).0, mine(r).1, 0)),
            "0",
        ),
        (
            Box::new(move |r: &Round| placement(mine(r).0, other_set, 1)),
            "role",
        ),
    ] {
        let why = refused(answer);
        assert!(why.contains(part), "'{part}' is missing: {why}");
    }
}

#[test]
fn of_a_placement_that_is_too_large_a_part_is_done() {
    let mut world = offered();
    world.answer(0, |round| {
        Ok(placement(
            round.offers[0].handle.0,
            round.waiting[0].set.0,
            4,
        ))
    });
    let counters = world.machine.status().counters;
    assert_eq!(
        (counters.tasks_launched, counters.decisions_refused),
        (3, 1)
    );
}

#[test]
fn a_placement_without_room_says_what_is_missing() {
    let mut world = World::new();
    let mut large = spec("b", 0, JobKind::Batch, 3);
    large.needs.cpus = crate::Milli(3000);
    world.submit(large);
    world.place_all();
    world.offer(0, 0);
    world.answer(0, |round| {
        Ok(placement(
            round.offers[0].handle.0,
            round.waiting[0].set.0,
            2,
        ))
    });
    assert_eq!(world.machine.status().counters.decisions_refused, 1);
    world.offer(1, 0);
    let events = &world.rounds[0].0.as_ref().unwrap().events;
    let text = format!("{events:?}");
    assert!(text.contains("cpus: needs 3, there is 1"), "{text}");
}

#[test]
fn another_policys_offers_and_tasks_are_out_of_reach() {
    let why = refused(|_| Answer {
        declines: vec![Decline {
            // The other role's offer.
            offer: OfferHandle(1),
            refuse: Millis::HOSTS_CHOICE,
            reason: 0,
        }],
        ..Answer::default()
    });
    assert!(why.contains("offer"), "{why}");

    let mut world = offered();
    world.answer(1, |round| Ok(first_fit(round)));
    let running = world.tasks.len();
    assert!(running > 0);
    world.answer(0, |_| {
        Ok(Answer {
            kills: (0..5)
                .map(|task| Kill {
                    task: TaskHandle(task),
                    grace: Millis::HOSTS_CHOICE,
                    reason: 0,
                })
                .collect(),
            ..Answer::default()
        })
    });
    assert_eq!(world.machine.status().counters.kills_sent, 0);
    assert_eq!(world.machine.status().counters.decisions_refused, 5);
}

#[test]
fn an_offer_is_used_once() {
    let mut world = offered();
    world.answer(0, |round| {
        let offer = round.offers[0].handle;
        let mut answer = placement(offer.0, round.waiting[0].set.0, 1);
        answer.declines.push(Decline {
            offer,
            refuse: Millis::HOSTS_CHOICE,
            reason: 0,
        });
        answer.actions.push((
            Action::Accept {
                offers: vec![offer],
                operations: vec![WantedOperation::Place {
                    set: round.waiting[0].set,
                    count: 1,
                }],
                refuse: Millis::HOSTS_CHOICE,
            },
            0,
        ));
        Ok(answer)
    });
    let counters = world.machine.status().counters;
    assert_eq!(
        (counters.tasks_launched, counters.decisions_refused),
        (1, 2)
    );
}

#[test]
fn an_offer_that_was_taken_back_meanwhile_is_refused_and_the_task_waits() {
    let mut world = offered();
    let id = world.offers.keys().next().unwrap().clone();
    let round = world.rounds[0].0.clone().unwrap();
    world.rescind(&id);
    world.answer(0, |_| Ok(first_fit(&round)));
    let status = world.machine.status();
    assert_eq!(status.counters.offers_rescinded, 1);
    assert_eq!(status.counters.tasks_launched, 0);
    assert_eq!(world.job("b").waiting, 3);
}

#[test]
fn an_offer_without_an_answer_goes_back_when_its_lease_ends() {
    let mut world = offered();
    world.answer(0, |_| Ok(Answer::default()));
    assert_eq!(world.machine.status().offers_held, 2);
    world.pass(Duration::from_secs(29));
    assert_eq!(world.machine.status().offers_held, 2);
    world.pass(Duration::from_secs(2));
    let status = world.machine.status();
    assert_eq!(
        (status.offers_held, status.counters.offers_lease_ended),
        (0, 2)
    );
}

/// The policy of `batch` was shown an offer and leaves it undecided; that of `web` has
/// none, and these tasks wait there.
fn held_beside(cpus: Milli) -> World {
    let mut world = World::new();
    world.submit(spec("b", 0, JobKind::Batch, 3));
    world.place_all();
    world.pass(Duration::from_secs(2));
    world.offer(0, 0);
    world.answer(0, |_| Ok(Answer::default()));
    world.pass(Duration::from_secs(5));
    let mut waiting = spec("w", 1, JobKind::Batch, 3);
    waiting.needs.cpus = cpus;
    world.submit(waiting);
    world.answer(1, |_| Ok(Answer::default()));
    world
}

fn offers_held(world: &World) -> (usize, u64) {
    let status = world.machine.status();
    (status.offers_held, status.counters.offers_lease_ended)
}

#[test]
fn an_offer_that_another_role_goes_short_of_goes_back_early() {
    let mut world = held_beside(Milli(1000));
    world.pass(Duration::from_millis(900));
    assert_eq!(offers_held(&world), (1, 0));
    // A decision that is being made comes first.
    world.submit(spec("b2", 0, JobKind::Batch, 1));
    world.pass(Duration::from_millis(500));
    assert_eq!(offers_held(&world), (1, 0));
    world.answer(0, |_| Ok(Answer::default()));
    assert_eq!(offers_held(&world), (0, 1));
    let refuse = match world.sent.last() {
        Some(Call::Decline { refuse, .. }) => *refuse,
        other => panic!("{other:?}"),
    };
    assert!(refuse < 10.0, "it is wanted again: {refuse}");
}

#[test]
fn an_offer_that_is_no_use_to_another_role_stays() {
    let mut world = held_beside(Milli(10_000));
    world.pass(Duration::from_secs(10));
    assert_eq!(offers_held(&world), (1, 0), "too small for what waits");
    let mut world = held_beside(Milli(1000));
    world.offer(1, 1);
    world.answer(1, |_| Ok(Answer::default()));
    world.pass(Duration::from_secs(10));
    assert_eq!(offers_held(&world), (2, 0), "the other role has one too");
}

#[test]
fn failures_of_a_policy() {
    let mut world = offered();
    world.answer(0, |_| Err(Failure::Guest("no idea".into())));
    let status = world.machine.status();
    assert_eq!(status.offers_held, 1, "its offers are declined");
    assert_eq!(status.policies[0].strikes, 1);
    assert!(
        status.policies[0]
            .last_failure
            .as_ref()
            .unwrap()
            .contains("no idea")
    );
    // After a trap it is called again after a pause that grows, and is told all.
    for (strike, pause) in [(2, 400), (3, 800), (4, 1600)] {
        if world.rounds[0].0.is_none() {
            world.offer(0, 0);
        }
        world.answer(0, |_| Err(Failure::Trap("unreachable".into())));
        assert_eq!(world.machine.status().policies[0].strikes, strike);
        world.pass(Duration::from_millis(pause - 10));
        assert!(world.rounds[0].0.is_none(), "strike {strike}");
        world.pass(Duration::from_millis(20));
        let round = world.rounds[0].0.as_ref().unwrap();
        assert!(round.delta.reset);
    }
    world.offer(0, 0);
    world.answer(0, |round| Ok(first_fit(round)));
    world.place_all();
    assert_eq!(world.machine.status().policies[0].strikes, 0);
    assert_eq!(
        world.machine.status().policies[1].strikes,
        0,
        "others are not affected"
    );
}

#[test]
fn many_placements_on_an_offer_are_one_accept_and_declines_are_one_call() {
    let mut world = World::new();
    world.submit(spec("one", 0, JobKind::Batch, 2));
    world.submit(spec("two", 0, JobKind::Batch, 2));
    world.place_all();
    world.pass(Duration::from_secs(2));
    world.rounds[0].0 = None;
    for agent in 0..3 {
        world.offer(agent, 0);
    }
    world.sent.clear();
    world.place_all();
    world.pass(Duration::from_secs(2));
    world.place_all();
    let accepts = world
        .sent
        .iter()
        .filter(|call| matches!(call, Call::Accept { .. }))
        .count();
    let declines = world
        .sent
        .iter()
        .filter(|call| matches!(call, Call::Decline { .. }))
        .count();
    assert!(accepts <= 2 && declines <= 3, "{:?}", world.sent);
}

/// More offers than a round shows, and a policy that leaves them undecided: each is
/// shown, and then there is quiet.
#[test]
fn offers_beyond_the_limit_of_a_round_are_shown_in_later_ones() {
    let mut world = World::new();
    world.machine.settings.offers_per_round = 2;
    world.submit(spec("b", 0, JobKind::Batch, 1));
    world.place_all();
    world.pass(Duration::from_secs(2));
    world.place_all();
    let shown = |world: &World| -> Vec<u32> {
        let round = world.rounds[0].0.as_ref().unwrap();
        round.offers.iter().map(|offer| offer.handle.0).collect()
    };
    world.submit(spec("b2", 0, JobKind::Batch, 1));
    for agent in 0..3 {
        world.offer(agent, 0).unwrap();
    }
    let mut seen = Vec::new();
    while world.rounds[0].0.is_some() {
        seen.push(shown(&world));
        world.answer(0, |_| Ok(Answer::default()));
    }
    // The first round was made when nothing was offered yet.
    assert_eq!(seen, [vec![], vec![0, 1], vec![0, 2]]);
}
