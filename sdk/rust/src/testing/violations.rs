//! What a host would refuse of an answer, as far as a test needs to know.

use crate::amounts::Amounts;
use crate::map::{Map, Set};
use crate::types::{Action, Answer, Offer, Round, Task, Waiting};

/// Each decision of an answer that the host would refuse, in words.
pub fn violations(round: &Round, tasks: &[Task], answer: &Answer) -> Vec<String> {
    let mut check = Check {
        offers: round
            .offers
            .iter()
            .map(|offer| (offer.offer, offer))
            .collect(),
        waiting: round.waiting.iter().map(|set| (set.set, set)).collect(),
        used: Map::default(),
        placed: Map::default(),
        gone: Set::default(),
        reasons: answer.reasons.len(),
        wrong: Vec::new(),
    };
    for kill in &answer.kills {
        if !tasks.iter().any(|task| task.task == kill.task) {
            check
                .wrong
                .push(format!("kill of task {}, which does not live", kill.task));
        }
        check.reason("kill", kill.reason);
    }
    for placement in &answer.placements {
        check.placement(placement.offer, placement.set, placement.count);
        check.reason("placement", placement.reason);
    }
    for decline in &answer.declines {
        check.goes("decline", decline.offer);
        check.reason("decline", decline.reason);
    }
    for action in &answer.actions {
        if let Action::Accept(accept) = &action.action {
            for offer in &accept.offers {
                check.goes("accept", *offer);
            }
        }
        check.reason("action", action.reason);
    }
    check.wrong
}

struct Check<'r> {
    offers: Map<u32, &'r Offer>,
    waiting: Map<u32, &'r Waiting>,
    used: Map<u32, Amounts>,
    placed: Map<u32, u32>,
    /// Offers named by a decline or accept.
    gone: Set<u32>,
    reasons: usize,
    wrong: Vec<String>,
}

impl Check<'_> {
    fn placement(&mut self, offer: u32, set: u32, count: u32) {
        let what = format!("placement of {count} of set {set} on offer {offer}");
        let (Some(there), Some(waiting)) = (self.offers.get(&offer), self.waiting.get(&set)) else {
            self.wrong
                .push(format!("{what}: the round shows no such offer or set"));
            return;
        };
        if there.role != waiting.role {
            self.wrong.push(format!("{what}: their roles differ"));
        }
        if count == 0 {
            self.wrong.push(format!("{what}: it places nothing"));
        }
        let used = self.used.entry(offer).or_insert(Amounts::ZERO);
        *used += waiting.needs().times(count);
        if !there.amounts().fits(used) {
            self.wrong
                .push(format!("{what}: the offer has no room for it"));
        }
        let placed = self.placed.entry(set).or_insert(0);
        *placed = placed.saturating_add(count);
        if *placed > waiting.count {
            self.wrong
                .push(format!("{what}: only {} wait", waiting.count));
        }
    }

    fn goes(&mut self, kind: &str, offer: u32) {
        if !self.offers.contains_key(&offer) {
            self.wrong.push(format!(
                "{kind} of offer {offer}, which the round does not show"
            ));
        }
        if !self.gone.insert(offer) || self.used.contains_key(&offer) {
            self.wrong
                .push(format!("{kind} of offer {offer}, which is used already"));
        }
    }

    fn reason(&mut self, kind: &str, reason: u32) {
        if reason as usize > self.reasons {
            self.wrong
                .push(format!("{kind} with reason {reason} of {}", self.reasons));
        }
    }
}
