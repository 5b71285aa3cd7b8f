//! Calls that go well.

use offerd_core::ids::{OfferHandle, SetHandle};
use offerd_core::policy::{Answer, Placement};
use offerd_policy::{Policy, PolicyCode};

use crate::support::{guest, offer, options, round, waiting};

fn placement(offer: u32, set: u32, count: u32) -> Placement {
    Placement {
        offer: OfferHandle(offer),
        set: SetHandle(set),
        count,
        reason: 0,
    }
}

#[test]
fn places_waiting_tasks_round_after_round() {
    let program = guest("minimal");
    let (options, _) = options(&program, "{}");
    let mut policy = Policy::start(&program, options).unwrap();
    for number in 1..=3 {
        let mut round = round(number);
        round.offers = vec![offer(1, 2, 1024), offer(2, 4, 4096)];
        round.waiting = vec![waiting(7, 3, 1, 512), waiting(8, 1, 3, 64)];
        let decided = policy.decide(round.into());
        assert_eq!(decided.round, number);
        assert_eq!(
            decided.result.unwrap().placements,
            [placement(1, 7, 2), placement(2, 7, 1), placement(2, 8, 1)]
        );
        assert_eq!(decided.stats.instance, 0);
        assert!(decided.stats.memory > 0);
    }
}

#[test]
fn a_round_of_ten_thousand_offers_passes() {
    let program = guest("minimal");
    let (options, _) = options(&program, "{}");
    let mut policy = Policy::start(&program, options).unwrap();
    let mut large = round(1);
    large.offers = (0..10_000).map(|n| offer(n, 1, 100)).collect();
    large.waiting = vec![waiting(1, 20_000, 1, 100)];
    let answer = policy.decide(large.into()).result.unwrap();
    assert_eq!(answer.placements.len(), 10_000);
    assert_eq!(policy.decide(round(2).into()).result, Ok(Answer::default()));
}

#[test]
fn describes_itself_without_being_started() {
    let program = guest("minimal");
    let (options, _) = options(&program, "{}");
    let description = program.describe(&options).unwrap();
    assert_eq!(description.name, "minimal");
    assert_eq!(description.version, "1.2.3");
    assert_eq!(description.summary, "First fit without anything else");
    assert!(!program.has_state());
    assert_eq!(program.digest().len(), 64);
    assert_eq!(program.imports(), ["offerd:policy/types@0.1.0"]);
    assert_eq!(
        guest("misbehave").imports(),
        [
            "offerd:policy/clock@0.1.0",
            "offerd:policy/cluster@0.1.0",
            "offerd:policy/logging@0.1.0",
            "offerd:policy/metrics@0.1.0",
            "offerd:policy/random@0.1.0",
            "offerd:policy/types@0.1.0",
        ]
    );
    assert!(guest("misbehave").has_state());
}
