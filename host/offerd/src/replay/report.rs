//! What came of a replay, and what makes two decisions the same.

use offerd_core::policy::{Answer, Failure};
use serde::Serialize;

/// Differences that are described; the rest is counted.
const TOLD: usize = 5;

/// What came of it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Seconds that the recordings cover.
    pub recorded: f64,
    /// Seconds that going through them took, without compiling and starting
    /// policies.
    pub took: f64,
    pub events: u64,
    /// The writer died before the end of the last file.
    pub cut_off: bool,
    /// Why files of a folder were not gone through, or not to their end.
    pub unread: Vec<String>,
    pub policies: Vec<Compared>,
}

/// Decisions of one version of a policy, then and now.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Compared {
    pub policy: String,
    /// Digest of what decided then and of what decides now.
    pub then: String,
    pub now: String,
    pub rounds: u64,
    pub identical: u64,
    /// Rounds that need not end in the same way again: a limit of time stopped the
    /// policy then, the host could not call it, or its configuration was redacted.
    pub not_comparable: u64,
    /// Tasks placed, then and now.
    pub placed_then: u64,
    pub placed_now: u64,
    pub differences: Vec<Difference>,
}

/// A round that was decided otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    pub round: u32,
    /// Milliseconds since the epoch.
    pub at: u64,
    pub then: String,
    pub now: String,
}

impl Report {
    /// Adds what was compared; one entry stays for each pair of versions.
    pub(super) fn add(&mut self, new: Compared) {
        // A place where nothing has decided.
        if new.rounds == 0 {
            return;
        }
        let same = |known: &&mut Compared| {
            (&known.policy, &known.then, &known.now) == (&new.policy, &new.then, &new.now)
        };
        match self.policies.iter_mut().find(same) {
            Some(known) => {
                known.rounds += new.rounds;
                known.identical += new.identical;
                known.not_comparable += new.not_comparable;
                known.placed_then += new.placed_then;
                known.placed_now += new.placed_now;
                known.differences.extend(new.differences);
                known.differences.truncate(TOLD);
            }
            None => self.policies.push(new),
        }
    }
}

impl Compared {
    pub fn different(&self) -> u64 {
        self.rounds - self.identical - self.not_comparable
    }

    /// A round of which nobody can say how it would end now.
    pub(super) fn skip(&mut self, then: &Result<Answer, Failure>) {
        self.rounds += 1;
        self.not_comparable += 1;
        self.placed_then += placed(then);
    }

    /// A round that was decided twice; `at` in milliseconds since the epoch.
    pub(super) fn round(
        &mut self,
        round: u32,
        at: u64,
        then: &Result<Answer, Failure>,
        now: &Result<Answer, Failure>,
    ) {
        self.rounds += 1;
        self.placed_then += placed(then);
        self.placed_now += placed(now);
        if is_same(then, now) {
            self.identical += 1;
        } else if self.differences.len() < TOLD {
            self.differences.push(Difference {
                round,
                at,
                then: shown(then),
                now: shown(now),
            });
        }
    }
}

/// To the byte, but for what is said about a trap: lines of a stack differ.
fn is_same(then: &Result<Answer, Failure>, now: &Result<Answer, Failure>) -> bool {
    match (then, now) {
        // Not by `==`: there are times that are no numbers.
        (Ok(then), Ok(now)) => postcard::to_allocvec(then) == postcard::to_allocvec(now),
        (Err(Failure::Guest(then)), Err(Failure::Guest(now))) => then == now,
        (Err(Failure::Trap(_)), Err(Failure::Trap(_))) => true,
        _ => false,
    }
}

fn placed(result: &Result<Answer, Failure>) -> u64 {
    result.as_ref().map_or(0, |answer| {
        answer.placements.iter().map(|p| u64::from(p.count)).sum()
    })
}

/// An answer in a few words.
pub(crate) fn shown(result: &Result<Answer, Failure>) -> String {
    match result {
        Ok(answer) => {
            let placements: Vec<String> = answer
                .placements
                .iter()
                .take(10)
                .map(|p| format!("{} of set {} on offer {}", p.count, p.set, p.offer))
                .collect();
            format!(
                "{} placements ({}), {} declines, {} kills, {} actions, the rest {}",
                answer.placements.len(),
                placements.join(", "),
                answer.declines.len(),
                answer.kills.len(),
                answer.actions.len(),
                if answer.rest.is_some() {
                    "declined"
                } else {
                    "held"
                },
            )
        }
        Err(failure) => failure.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use offerd_core::policy::{Decline, Millis};

    use super::*;

    fn declines(refuse: f64) -> Result<Answer, Failure> {
        Ok(Answer {
            declines: vec![Decline {
                offer: offerd_core::ids::OfferHandle(1),
                refuse: Millis(refuse),
                reason: 0,
            }],
            ..Answer::default()
        })
    }

    #[test]
    fn the_same_is_the_same_to_the_byte_and_traps_are_traps() {
        let guest = |text: &str| Err(Failure::Guest(text.to_owned()));
        let trap = |text: &str| Err(Failure::Trap(text.to_owned()));
        let late = || Err(Failure::Deadline("late".to_owned()));
        assert!(is_same(&declines(f64::NAN), &declines(f64::NAN)));
        assert!(!is_same(&declines(1.0), &declines(2.0)));
        assert!(is_same(&guest("no"), &guest("no")));
        assert!(!is_same(&guest("no"), &guest("yes")));
        assert!(is_same(&trap("at 1"), &trap("at 2")));
        assert!(!is_same(&trap("at 1"), &late()));
        assert!(!is_same(&trap("at 1"), &declines(1.0)));
    }

    #[test]
    fn versions_are_counted_each_for_itself() {
        let compared = |then: &str| Compared {
            policy: "web".to_owned(),
            then: then.to_owned(),
            now: then.to_owned(),
            rounds: 2,
            identical: 1,
            ..Compared::default()
        };
        let mut report = Report::default();
        for new in [
            compared("a"),
            compared("b"),
            Compared::default(),
            compared("a"),
        ] {
            report.add(new);
        }
        let found: Vec<_> = report
            .policies
            .iter()
            .map(|p| (p.then.as_str(), p.rounds, p.different()))
            .collect();
        assert_eq!(found, [("a", 4, 2), ("b", 2, 1)]);
    }
}
