//! Offers that a policy declines: those of one filter are one call.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ids::{OfferHandle, RoleHandle};
use crate::policy::{Answer, DecisionKind, DeclineRest, Millis};

use super::Machine;
use super::answers::Checking;
use super::recent::Fate;

/// Offers to decline, by the bits of their filter in seconds.
type Declines = BTreeMap<u64, Vec<(OfferHandle, Fate)>>;

impl Machine {
    pub(super) fn check_declines(&mut self, checking: &mut Checking, answer: &Answer) {
        let mut declines = Declines::new();
        for (position, decline) in answer.declines.iter().enumerate() {
            let offer = self.offer_for(checking.policy, decline.offer);
            let claimed = offer.and_then(|offer| {
                checking.claim(decline.offer, DecisionKind::Decline)?;
                Ok(offer.role)
            });
            match claimed {
                Ok(role) => {
                    let fate = declined(checking, answer.reason(decline.reason).map(Arc::from));
                    let filter = self.filter(decline.refuse, role);
                    declines
                        .entry(filter)
                        .or_default()
                        .push((decline.offer, fate));
                }
                Err(why) => checking.refuse(DecisionKind::Decline, position, why),
            }
        }
        self.carry_out_declines(checking, declines);
    }

    /// All offers of the round that no decision has used.
    pub(super) fn decline_rest(
        &mut self,
        checking: &Checking,
        rest: DeclineRest,
        reason: Option<&Arc<str>>,
    ) {
        let Some(policy) = self.policy_mut(checking.policy) else {
            return;
        };
        let shown = std::mem::take(&mut policy.shown);
        let mut declines = Declines::new();
        for handle in shown {
            if checking.used.contains_key(&handle) {
                continue;
            }
            let Some(offer) = self.offers.get(handle) else {
                continue;
            };
            let fate = declined(checking, reason.cloned());
            let filter = self.filter(rest.refuse, offer.role);
            declines.entry(filter).or_default().push((handle, fate));
        }
        self.carry_out_declines(checking, declines);
    }

    fn filter(&self, refuse: Millis, role: RoleHandle) -> u64 {
        let seconds = refuse.seconds();
        seconds
            .unwrap_or_else(|| self.refuse_choice(role))
            .to_bits()
    }

    fn carry_out_declines(&mut self, checking: &Checking, declines: Declines) {
        for (filter, offers) in declines {
            self.decline_for(checking.policy, offers, f64::from_bits(filter));
        }
    }
}

fn declined(checking: &Checking, reason: Option<Arc<str>>) -> Fate {
    Fate::Declined {
        policy: checking.policy,
        round: checking.round,
        reason,
    }
}
