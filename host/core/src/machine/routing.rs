//! Which policy decides for what: policies have roles, which can change while all
//! goes on, and a policy can have a canary that decides for a part of its demand.
//!
//! A policy and its canary both know all jobs and tasks of the roles. A waiting
//! task stands on one side, see `queue`. An offer is shown to one side first, in
//! turns, and what that one leaves is shown to the other before the master gets it
//! back.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ids::{JobHandle, OfferHandle, PolicyHandle, Role, RoleHandle};
use crate::offer::Offer;

use super::demand::RoleState;
use super::policies::{CanaryState, Policy};
use super::queue::{Side, is_in_share};
use super::recent::Fate;
use super::tasks::Task;
use super::{Canary, Machine, PolicySettings, Severity, Timer};

/// Percent of offers that a canary for chosen jobs is shown first.
const TURNS: u32 = 50;

impl Machine {
    /// The policy of a role and its canary, in this order.
    pub(super) fn policies_of(
        &self,
        role: RoleHandle,
    ) -> impl DoubleEndedIterator<Item = PolicyHandle> + use<> {
        let main = self.policy_of(role);
        let canary = main.and_then(|main| self.canary_of(main));
        main.into_iter().chain(canary.map(|canary| canary.rule.by))
    }

    fn canary_of(&self, main: PolicyHandle) -> Option<&CanaryState> {
        self.policies.get(main.0 as usize)?.canary.as_ref()
    }

    /// The policy itself, or the one whose canary it is.
    pub(super) fn stands_for(&self, policy: PolicyHandle) -> PolicyHandle {
        let is_its = |main: &&Policy| main.canary.as_ref().is_some_and(|c| c.rule.by == policy);
        self.policies
            .iter()
            .find(is_its)
            .map_or(policy, |main| main.handle)
    }

    pub(super) fn side_of_policy(&self, policy: PolicyHandle) -> Side {
        if self.stands_for(policy) == policy {
            Side::Policy
        } else {
            Side::Canary
        }
    }

    pub(super) fn policy_at(&self, main: PolicyHandle, side: Side) -> PolicyHandle {
        match (side, self.canary_of(main)) {
            (Side::Canary, Some(canary)) => canary.rule.by,
            _ => main,
        }
    }

    /// Whether it has roles, or stands for one that has.
    pub(super) fn decides(&self, policy: PolicyHandle) -> bool {
        let main = self.stands_for(policy);
        self.roles
            .iter()
            .any(|role| role.policy == main && !role.gone)
    }

    /// Who may decide about an offer now.
    pub(super) fn policy_of_offer(&self, offer: &Offer) -> Option<PolicyHandle> {
        let main = self.policy_of(offer.role)?;
        match self.canary_of(main) {
            Some(canary) if canary.offers.contains(&offer.handle) => Some(canary.rule.by),
            _ => Some(main),
        }
    }

    /// Who may kill a task: a canary what it has launched.
    pub(super) fn policy_of_task(&self, task: &Task) -> Option<PolicyHandle> {
        self.policy_about(task.owner())
    }

    /// Who is shown a new offer first.
    pub(super) fn assign(&mut self, main: PolicyHandle, offer: OfferHandle) -> PolicyHandle {
        let Some(canary) = self.canary_of(main) else {
            return main;
        };
        let by = canary.rule.by;
        let share = match canary.rule.share {
            0 => TURNS,
            share => share,
        };
        let first = !self.has_demand(main) || is_in_share(offer.0, share);
        if !(first && self.has_demand(by)) {
            return main;
        }
        if let Some(canary) = self.policy_mut(main).and_then(|main| main.canary.as_mut()) {
            canary.offers.insert(offer);
        }
        by
    }

    /// Declines those of the offers that are a policy's, or shows them to the other
    /// side.
    pub(super) fn decline_for(
        &mut self,
        policy: PolicyHandle,
        offers: Vec<(OfferHandle, Fate)>,
        refuse: f64,
    ) {
        let main = self.stands_for(policy);
        // Some may have gone to another policy meanwhile.
        let mut offers = offers;
        offers.retain(|(offer, _)| {
            let offer = self.offers.get(*offer);
            offer.and_then(|offer| self.policy_of_offer(offer)) == Some(policy)
        });
        let (mut declined, mut handed) = (Vec::with_capacity(offers.len()), Vec::new());
        let other = self.canary_of(main).map(|canary| {
            let other = if policy == main { canary.rule.by } else { main };
            (other, &canary.passed)
        });
        let other = other.filter(|(other, _)| self.has_demand(*other));
        for (offer, fate) in offers {
            match other {
                Some((_, passed)) if !passed.contains(&offer) => handed.push(offer),
                _ => declined.push((offer, fate)),
            }
        }
        let other = other.map(|(other, _)| other);
        if let Some(other) = other.filter(|_| !handed.is_empty()) {
            self.hand_over(main, other, handed);
        }
        let declined: Vec<OfferHandle> = declined
            .into_iter()
            .map(|(offer, fate)| {
                self.remember(offer, fate);
                offer
            })
            .collect();
        self.decline(&declined, refuse);
    }

    fn has_demand(&self, policy: PolicyHandle) -> bool {
        let policy = self.policies.get(policy.0 as usize);
        policy.is_some_and(|policy| !policy.waiting.is_empty())
    }

    /// Offers that one side left are the other's now.
    fn hand_over(&mut self, main: PolicyHandle, to: PolicyHandle, handed: Vec<OfferHandle>) {
        if let Some(canary) = self.policy_mut(main).and_then(|main| main.canary.as_mut()) {
            for offer in &handed {
                canary.passed.insert(*offer);
                if to == main {
                    canary.offers.remove(offer);
                } else {
                    canary.offers.insert(*offer);
                }
            }
        }
        let agents: Vec<_> = handed
            .iter()
            .filter_map(|handle| Some(self.offers.get(*handle)?.agent))
            .collect();
        if let Some(policy) = self.policy_mut(to) {
            for agent in agents {
                policy.meet(agent, false);
            }
            policy.handed.extend(handed);
            policy.dirty = true;
        }
    }

    /// Takes a live offer out of the books.
    pub(super) fn take_offer(&mut self, handle: OfferHandle) -> Option<Arc<Offer>> {
        let offer = self.offers.remove(handle)?;
        for policy in &mut self.policies {
            if let Some(canary) = &mut policy.canary {
                canary.offers.remove(&handle);
                canary.passed.remove(&handle);
            }
        }
        Some(offer)
    }

    /// Names by handle. Those of roles that are gone stay, since handles do.
    pub fn role_names(&self) -> Vec<Role> {
        self.roles.iter().map(|role| role.name.clone()).collect()
    }

    pub(super) fn live_roles(&self) -> impl Iterator<Item = &Role> {
        self.roles
            .iter()
            .filter(|role| !role.gone)
            .map(|role| &role.name)
    }

    /// Whether [`Input::Policies`](super::Input::Policies) can be, or all reasons
    /// why not. A position is a policy's for ever: known ones come first, in their
    /// order; one that decides no more has no roles. What such a one still answers
    /// is void; should it get roles again, it is with code that begins anew.
    pub fn check_policies(&self, wanted: &[PolicySettings]) -> Result<(), Vec<String>> {
        let mut wrong = Vec::new();
        for (known, wanted) in self.policies.iter().zip(wanted) {
            if known.name != wanted.name {
                wrong.push(format!("policy {} is not at its place", known.name));
            }
        }
        if wanted.len() < self.policies.len() {
            wrong.push("policies are missing".to_owned());
        }
        for (position, role) in self.roles.iter().enumerate() {
            let stays = wanted
                .iter()
                .any(|policy| policy.roles.contains(&role.name));
            if role.gone || stays {
                continue;
            }
            let position = RoleHandle(u32::try_from(position).unwrap_or(u32::MAX));
            let jobs: Vec<&str> = self
                .jobs
                .iter()
                .filter(|job| job.view.role == position && !job.is_over())
                .map(|job| job.spec().name.as_str())
                .collect();
            let tasks = self.tasks.iter().filter(|task| task.role == position);
            let tasks = tasks.count();
            if !jobs.is_empty() {
                wrong.push(format!(
                    "role {} cannot go: it has jobs ({}); kill them first",
                    role.name,
                    jobs.join(", ")
                ));
            } else if tasks > 0 {
                wrong.push(format!(
                    "role {} cannot go: {tasks} of its tasks have not ended yet",
                    role.name
                ));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    pub(super) fn on_policies(&mut self, wanted: Vec<PolicySettings>) {
        if let Err(why) = self.check_policies(&wanted) {
            // The service checks before it asks.
            return self.notice(Severity::Error, why.join("; "));
        }
        for (position, settings) in wanted.iter().enumerate().skip(self.policies.len()) {
            let handle = PolicyHandle(u32::try_from(position).unwrap_or(u32::MAX));
            self.policies.push(Policy {
                held: true,
                ..Policy::new(handle, settings.name.clone())
            });
        }
        let before: Vec<Role> = self.live_roles().cloned().collect();
        let mut changed: BTreeSet<PolicyHandle> = BTreeSet::new();
        let owner = |role: &Role| {
            let position = wanted
                .iter()
                .position(|policy| policy.roles.contains(role))?;
            u32::try_from(position).ok().map(PolicyHandle)
        };
        // What the policy before said of a role is not the word of the next one.
        let mut said = false;
        let update = &mut self.update;
        let mut unsay = |role: &Role| {
            said |= update.filters.remove(role).is_some();
            said |= update.constraints.remove(role).is_some();
        };
        for role in &mut self.roles {
            match owner(&role.name) {
                Some(policy) if policy == role.policy && !role.gone => {}
                Some(policy) => {
                    unsay(&role.name);
                    changed.extend([role.policy, policy]);
                    let (suppressed, back) = (role.suppressed, role.gone);
                    *role = RoleState {
                        suppressed: suppressed || back,
                        jobs_waiting: role.jobs_waiting,
                        ..RoleState::new(role.name.clone(), policy)
                    };
                }
                None if role.gone => {}
                None => {
                    unsay(&role.name);
                    changed.insert(role.policy);
                    *role = RoleState {
                        gone: true,
                        ..RoleState::new(role.name.clone(), role.policy)
                    };
                }
            }
        }
        for (policy, position) in wanted.iter().zip(0..) {
            for role in &policy.roles {
                if !self.roles.iter().any(|known| known.name == *role) {
                    let handle = PolicyHandle(position);
                    self.roles.push(RoleState::new(role.clone(), handle));
                    changed.insert(handle);
                }
            }
        }
        self.settings.policies = wanted;
        let canaries: Vec<PolicyHandle> = changed
            .iter()
            .filter_map(|main| self.canary_of(*main))
            .map(|canary| canary.rule.by)
            .collect();
        changed.extend(canaries);
        for policy in changed {
            if self.decides(policy) {
                self.begin_anew(policy);
            } else {
                self.forget_policy(policy);
            }
        }
        self.divide_demand();
        self.give_back_of_gone_roles();
        if !self.live_roles().eq(&before) {
            for policy in &mut self.policies {
                policy.roles_changed = true;
            }
            let roles: Vec<&str> = self.live_roles().map(Role::as_str).collect();
            let text = format!("the roles of the framework are now {}", roles.join(", "));
            self.notice(Severity::Info, text);
            said = true;
        }
        if said {
            let _ = self.update_framework();
        }
    }

    fn give_back_of_gone_roles(&mut self) {
        let gone = |role| self.role(role).is_none_or(|role| role.gone);
        let offers: Vec<OfferHandle> = self
            .offers
            .iter()
            .filter(|offer| gone(offer.role))
            .map(|offer| offer.handle)
            .collect();
        self.decline(&offers, 0.0);
    }

    pub(super) fn on_canary(&mut self, main: PolicyHandle, canary: Option<Canary>) {
        let Some(policy) = self.policies.get(main.0 as usize) else {
            return;
        };
        let name = policy.name.clone();
        let before = policy.canary.as_ref().map(|canary| canary.rule.by);
        let text = match &canary {
            Some(canary) => format!("policy {name} has a canary: {}", shown(canary)),
            None => format!("policy {name} decides alone again"),
        };
        let by = canary.as_ref().map(|canary| canary.by);
        if let Some(policy) = self.policy_mut(main) {
            policy.canary = canary.map(|rule| CanaryState {
                rule,
                offers: BTreeSet::new(),
                passed: BTreeSet::new(),
            });
        }
        // Whatever it answers now comes too late.
        if let Some(before) = before {
            self.forget_policy(before);
        }
        for policy in [Some(main), by].into_iter().flatten() {
            self.begin_anew(policy);
        }
        self.divide_demand();
        self.policy_notice(Severity::Info, main, text);
    }

    /// The next round of a policy shows and carries all.
    fn begin_anew(&mut self, handle: PolicyHandle) {
        let now = self.now;
        if let Some(policy) = self.policy_mut(handle) {
            policy.began = now;
            policy.blank = true;
            policy.dirty = true;
            policy.handed.push(OfferHandle(0));
        }
    }

    /// It decides nothing from now on.
    pub(super) fn forget_policy(&mut self, handle: PolicyHandle) {
        self.timers.retain(
            |(_, timer)| !matches!(timer, Timer::PolicyAsked(policy, _) if *policy == handle),
        );
        if let Some(policy) = self.policy_mut(handle) {
            policy.forget_all();
        }
    }

    /// Puts each waiting task on the side where it belongs.
    fn divide_demand(&mut self) {
        for policy in &mut self.policies {
            policy.waiting.clear();
        }
        for role in &mut self.roles {
            role.jobs_waiting = 0;
        }
        let handles: Vec<JobHandle> = self.jobs.iter().map(|job| job.handle).collect();
        for handle in handles {
            self.divide_job(handle);
            self.demand_changed(handle, true);
        }
    }

    /// Sets the canary's share of a job.
    pub(super) fn divide_job(&mut self, handle: JobHandle) {
        let Some(job) = self.jobs.get(handle) else {
            return;
        };
        let main = self.policy_of(job.view.role);
        let rule = main
            .and_then(|main| self.canary_of(main))
            .map(|canary| &canary.rule);
        let share = rule.map_or(0, |rule| {
            let chosen = rule.jobs.contains(&job.spec().name);
            if chosen { 100 } else { rule.share }
        });
        if let Some(job) = self.jobs.get_mut(handle) {
            job.waiting.divide(share);
        }
    }
}

fn shown(canary: &Canary) -> String {
    let mut parts = Vec::new();
    if canary.share > 0 {
        parts.push(format!("{} % of the tasks", canary.share));
    }
    if !canary.jobs.is_empty() {
        let jobs: Vec<&str> = canary.jobs.iter().map(|job| job.as_str()).collect();
        parts.push(format!("all tasks of {}", jobs.join(", ")));
    }
    format!("it decides for {}", parts.join(" and "))
}
