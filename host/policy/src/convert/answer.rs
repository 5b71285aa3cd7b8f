//! An answer on its way from the policy: bounded, then turned into decisions.

use offerd_core::ids::{OfferHandle, SetHandle, TaskHandle};
use offerd_core::policy::{Answer, Decline, DeclineRest, Kill, Millis, Placement};

use super::action::from_action;
use crate::bindings::types as wit;
use crate::text;

/// Longest sentence of a reason; the rest is cut off.
const REASON_BYTES: usize = 1024;

/// A list of an answer is longer than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Excess {
    pub(crate) list: &'static str,
    pub(crate) length: usize,
}

/// The domain's answer. No list may be longer than `limit`.
pub(crate) fn from_answer(answer: wit::Answer, limit: usize) -> Result<Answer, Excess> {
    for (list, length) in [
        ("placements", answer.placements.len()),
        ("declines", answer.declines.len()),
        ("kills", answer.kills.len()),
        ("actions", answer.actions.len()),
        ("reasons", answer.reasons.len()),
    ] {
        if length > limit {
            return Err(Excess { list, length });
        }
    }
    Ok(Answer {
        placements: answer
            .placements
            .into_iter()
            .map(|p| Placement {
                offer: OfferHandle(p.offer),
                set: SetHandle(p.set),
                count: p.count,
                reason: p.reason,
            })
            .collect(),
        declines: answer
            .declines
            .into_iter()
            .map(|d| Decline {
                offer: OfferHandle(d.offer),
                refuse: Millis(d.refuse),
                reason: d.reason,
            })
            .collect(),
        kills: answer
            .kills
            .into_iter()
            .map(|k| Kill {
                task: TaskHandle(k.task),
                grace: Millis(k.grace),
                reason: k.reason,
            })
            .collect(),
        actions: answer
            .actions
            .into_iter()
            .map(|a| (from_action(a.action), a.reason))
            .collect(),
        rest: answer.rest.map(|rest| DeclineRest {
            refuse: Millis(rest.refuse),
            reason: rest.reason,
        }),
        leftover: Millis(answer.leftover),
        reasons: answer
            .reasons
            .into_iter()
            .map(|reason| text::one_line(reason, REASON_BYTES))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> wit::Answer {
        wit::Answer {
            placements: Vec::new(),
            declines: Vec::new(),
            kills: Vec::new(),
            actions: Vec::new(),
            rest: None,
            leftover: -1.0,
            reasons: Vec::new(),
        }
    }

    #[test]
    fn an_empty_answer_is_no_decision() {
        assert_eq!(from_answer(empty(), 10), Ok(Answer::default()));
    }

    #[test]
    fn long_lists_are_refused_and_long_reasons_cut() {
        let mut answer = empty();
        answer.reasons = vec!["ä".repeat(1000); 3];
        assert_eq!(
            from_answer(answer.clone(), 2),
            Err(Excess {
                list: "reasons",
                length: 3
            })
        );
        let reasons = from_answer(answer, 3).unwrap().reasons;
        assert_eq!(reasons[0], format!("{}…", "ä".repeat(512)));
    }
}
