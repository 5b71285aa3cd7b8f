//! What one policy holds and another role needs. An offer that is left undecided is
//! kept from all others, and those may be roles of the same framework: the master
//! can offer them only what came back.

use crate::ids::{OfferHandle, PolicyHandle, RoleHandle};
use crate::offer::traits::RESERVED;
use crate::resource::Amounts;

use super::recent::Fate;
use super::{Machine, Timer};

/// Waiting jobs of a role that are compared with what others hold.
const JOBS: usize = 100;

/// Seconds for which the role that held an offer does not get it again: a few of
/// the master's allocations, so that the others have their turn.
const FILTER: f64 = 5.0;

impl Machine {
    /// Ends leases early: of offers held for [`super::Settings::contended_lease`]
    /// that would fit the tasks of a role that had no offer for as long.
    pub(super) fn claim_held(&mut self) {
        if self.roles.len() < 2 {
            return;
        }
        for position in 0..self.roles.len() {
            let handle = RoleHandle(u32::try_from(position).unwrap_or(u32::MAX));
            let Some(role) = self.roles.get_mut(position) else {
                continue;
            };
            let goes_short = role.is_wanted()
                && role.jobs_waiting > 0
                && self.offers.len() > 0
                && self.offers.len_of_role(handle) == 0;
            if !goes_short {
                role.claims_at = None;
                continue;
            }
            let (own, claims_at) = (role.policy, role.claims_at);
            if claims_at.is_some_and(|at| at > self.now) {
                continue;
            }
            if claims_at.is_some() {
                let claimed = self.claimable(handle, own);
                if claimed.is_empty() && self.others_are_busy(own) {
                    // Their answers come soon, and are the time to look again.
                    continue;
                }
                self.counters.offers_lease_ended += claimed.len() as u64;
                for offer in &claimed {
                    self.remember(*offer, Fate::Claimed);
                }
                self.decline(&claimed, FILTER);
            }
            let next = self.now + self.settings.contended_lease;
            if let Some(role) = self.roles.get_mut(position) {
                role.claims_at = Some(next);
            }
            self.arm(next, Timer::ClaimHeld);
        }
    }

    fn others_are_busy(&self, own: PolicyHandle) -> bool {
        let mut others = self.policies.iter().filter(|other| other.handle != own);
        others.any(|other| other.busy)
    }

    fn claimable(&self, role: RoleHandle, own: PolicyHandle) -> Vec<OfferHandle> {
        let needs: Vec<Amounts> = self
            .policies_of(role)
            .filter_map(|policy| self.policies.get(policy.0 as usize))
            .flat_map(|policy| &policy.waiting)
            .filter_map(|(_, job)| self.jobs.get(*job))
            .filter(|job| job.view.role == role)
            .map(|job| job.spec().needs)
            .take(JOBS)
            .collect();
        let is_idle = |policy: PolicyHandle| {
            let policy = self.policies.get(policy.0 as usize);
            policy.is_some_and(|policy| !policy.busy)
        };
        self.offers
            .iter()
            .filter(|offer| self.policy_of(offer.role) != Some(own))
            .filter(|offer| offer.since + self.settings.contended_lease <= self.now)
            // What is reserved for its role can go to no other.
            .filter(|offer| offer.traits & RESERVED == 0)
            // While a policy thinks about its offers they are its own.
            .filter(|offer| self.policy_of_offer(offer).is_some_and(is_idle))
            .filter(|offer| needs.iter().any(|needs| needs.fits_in(&offer.usable)))
            .map(|offer| offer.handle)
            .collect()
    }
}
