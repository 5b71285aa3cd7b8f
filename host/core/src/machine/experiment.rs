//! Rounds without effect: what a policy would see of a waiting task in an experiment,
//! for which the service asks it once more with something altered, and what other code
//! would see first.

use std::sync::Arc;

use crate::ids::{JobHandle, OfferHandle, PolicyHandle, TaskId};
use crate::offer::{Offer, OfferInfo, traits};
use crate::policy::Round;

use super::Machine;

/// The case of a task that waits.
#[derive(Debug)]
pub struct Experiment {
    pub policy: PolicyHandle,
    pub job: JobHandle,
    /// The round that the policy would see if all live and recent offers were there,
    /// with full tables.
    pub round: Round,
    /// What other roles have or had on agents of which the task's role has no offer,
    /// as offers to its role.
    pub elsewhere: Vec<Arc<Offer>>,
}

impl Machine {
    /// `None`: no such task waits, or nobody decides about it.
    pub fn experiment(&self, id: &str) -> Option<Experiment> {
        let (job, task, _) = self.find_waiting(&TaskId::from(id))?;
        let side = job.waiting.side_of(task.instance);
        let policy = self.policy_at(self.policy_of(job.view.role)?, side);
        let all = self.latest_offers();
        let is_its = |offer: &&Arc<Offer>| self.policies_of(offer.role).any(|p| p == policy);
        let mut offers: Vec<Arc<Offer>> = all.iter().filter(is_its).cloned().collect();
        offers.sort_by_key(|offer| offer.handle);
        let has = |agent| {
            let mut own = all.iter().filter(|offer| offer.role == job.view.role);
            own.any(|offer| offer.agent == agent)
        };
        let elsewhere = all
            .iter()
            .filter(|offer| offer.role != job.view.role && !has(offer.agent))
            // What is reserved for a role can go to no other.
            .filter(|offer| offer.traits & traits::RESERVED == 0)
            .map(|offer| {
                Arc::new(Offer {
                    role: job.view.role,
                    info: OfferInfo {
                        role: job.spec().role.clone(),
                        ..offer.info.clone()
                    },
                    ..Offer::clone(offer)
                })
            })
            .collect();
        Some(Experiment {
            policy,
            job: job.handle,
            round: self.first_round(policy, offers)?,
            elsewhere,
        })
    }

    /// The first round of other code, if it took over now.
    pub fn rehearsal(&self, policy: PolicyHandle) -> Option<Round> {
        let (offers, _) = self.offers_to_show(policy, OfferHandle(0));
        self.first_round(policy, offers)
    }

    fn first_round(&self, policy: PolicyHandle, offers: Vec<Arc<Offer>>) -> Option<Round> {
        Some(Round {
            number: 1,
            now: self.now,
            offers,
            fresh_from: OfferHandle(0),
            waiting: self.waiting_to_show(policy)?,
            updates: Vec::new(),
            rescinded: Vec::new(),
            events: Vec::new(),
            delta: self.full_delta(policy),
        })
    }

    /// All live offers, and for agents and roles without one the latest that went: an
    /// agent has its resources once.
    fn latest_offers(&self) -> Vec<Arc<Offer>> {
        let mut offers: Vec<Arc<Offer>> = self.offers.iter().cloned().collect();
        let mut seen: std::collections::BTreeSet<_> = offers
            .iter()
            .map(|offer| (offer.role, offer.agent))
            .collect();
        for gone in self.recent.all() {
            if seen.insert((gone.offer.role, gone.offer.agent)) {
                offers.push(Arc::new(Offer {
                    usable: gone.room(),
                    ..Offer::clone(&gone.offer)
                }));
            }
        }
        offers
    }
}
