//! What policies are shown, and when: offers as they come and go, and rounds
//! made of everything that is new.

use bytes::Bytes;
use std::sync::Arc;

use crate::call::Call;
use crate::ids::{AgentId, ExecutorId, OfferHandle, OfferId, PolicyHandle, RoleHandle};
use crate::offer::{InverseOfferInfo, Offer, OfferInfo};
use crate::policy::{Delta, Failure, PolicyEvent, Round, Waiting};
use crate::resource::Amounts;

use super::ledger::Author;
use super::recent::Fate;
use super::{Effect, Machine, PolicyChange, Severity, Timer};

impl Machine {
    pub(super) fn on_offers(&mut self, offers: Vec<OfferInfo>) {
        if self.session.is_none() {
            return;
        }
        let mut unwanted = Vec::new();
        for info in offers {
            self.counters.offers_received += 1;
            let role = self.role_handle(&info.role);
            let wanted = role
                .and_then(|handle| self.role(handle))
                .filter(|role| role.is_wanted());
            let (Some(handle), Some(main)) = (role, wanted.map(|role| role.policy)) else {
                // Nothing waits in this role: a policy need not be asked.
                unwanted.push(info.id);
                continue;
            };
            let (agent, changed) = self.agents.see(&info.agent);
            let lease = self.settings.offer_lease;
            let offer = self.offers.add(info, agent, handle, self.now, lease);
            self.agents.note_offer(agent, &offer.usable);
            let policy = self.assign(main, offer.handle);
            if let Some(policy) = self.policy_mut(policy) {
                policy.meet(agent, changed);
                policy.dirty = true;
            }
        }
        if !unwanted.is_empty() {
            self.counters.offers_declined += unwanted.len() as u64;
            let refuse = self.settings.refuse_idle.as_secs_f64();
            self.send(Call::Decline {
                offers: unwanted,
                refuse,
            });
        }
    }

    pub(super) fn on_rescind(&mut self, id: &OfferId) {
        let Some(handle) = self.offers.find(id) else {
            return;
        };
        self.remember(handle, Fate::Rescinded);
        self.counters.offers_rescinded += 1;
        let offer = self.offers.get(handle);
        let policy = offer.and_then(|offer| self.policy_of_offer(offer));
        self.take_offer(handle);
        // One that was never shown needs no word.
        if let Some(policy) = policy.and_then(|policy| self.policy_mut(policy))
            && handle < policy.fresh_from
        {
            policy.rescinded.push(handle);
        }
    }

    pub(super) fn on_inverse_offers(&mut self, offers: Vec<InverseOfferInfo>) {
        let lease = self.settings.offer_lease;
        let mut shown = Vec::new();
        for info in offers {
            let agent = match &info.agent {
                Some(id) => self.agents.see_id(id).0,
                None => crate::ids::AgentHandle::NONE,
            };
            let offer = self.offers.add_inverse(info, agent, self.now, lease);
            for policy in &mut self.policies {
                policy.meet(agent, false);
            }
            shown.push(offer);
        }
        for policy in &mut self.policies {
            policy.tell(PolicyEvent::InverseOffers(shown.clone()));
        }
    }

    pub(super) fn on_rescind_inverse(&mut self, id: &OfferId) {
        if let Some(offer) = self.offers.remove_inverse_by_id(id) {
            for policy in &mut self.policies {
                policy.tell(PolicyEvent::InverseOfferRescinded(offer.handle));
            }
        }
    }

    /// For the policy whose executor it is; if nobody knows that, for all.
    pub(super) fn on_message(&mut self, agent: &AgentId, executor: &ExecutorId, data: Bytes) {
        let (agent, new) = self.agents.see_id(agent);
        let owner = self.policy_of_executor(agent, executor);
        for policy in &mut self.policies {
            if owner.is_some_and(|owner| owner != policy.handle) {
                continue;
            }
            policy.meet(agent, new);
            policy.tell(PolicyEvent::Message {
                agent,
                executor: executor.to_string(),
                data: data.clone(),
            });
        }
    }

    pub(super) fn on_failure(
        &mut self,
        agent: Option<&AgentId>,
        executor: Option<&ExecutorId>,
        status: Option<i32>,
    ) {
        let agent = match agent {
            Some(id) => self.agents.see_id(id).0,
            None => crate::ids::AgentHandle::NONE,
        };
        // An agent is everybody's, an executor is not.
        let owner = executor.and_then(|executor| self.policy_of_executor(agent, executor));
        self.executors.forget(agent, executor);
        if executor.is_none() {
            self.agents.note_removed(agent);
        }
        for policy in &mut self.policies {
            if owner.is_some_and(|owner| owner != policy.handle) {
                continue;
            }
            policy.meet(agent, false);
            policy.tell(PolicyEvent::Failure {
                agent,
                executor: executor.map(ToString::to_string),
                status,
            });
        }
    }

    pub(super) fn on_unknown_event(&mut self, kind: i32, details: String) {
        self.counters.unknown_events += 1;
        if self.counters.unknown_events == 1 {
            self.notice(
                Severity::Warn,
                format!(
                    "the master sent an event of unknown type {kind}; policies are told, later \
                     ones are only counted"
                ),
            );
        }
        for policy in &mut self.policies {
            policy.tell(PolicyEvent::Other {
                kind: kind.to_string(),
                details: details.clone(),
            });
        }
    }

    /// Offers that a policy left unanswered for too long go back (P1). Inverse
    /// offers get the host's own answer: yes where nothing of ours runs.
    pub(super) fn end_leases(&mut self) {
        let overdue = self.offers.overdue(self.now);
        if !overdue.is_empty() {
            self.counters.offers_lease_ended += overdue.len() as u64;
            let seconds = self.settings.refuse_waiting.as_secs_f64();
            for handle in &overdue {
                self.remember(*handle, Fate::LeaseEnded);
            }
            self.decline(&overdue, seconds);
        }
        for offer in self.offers.overdue_inverse(self.now) {
            let free = self.tasks.on_agent(offer.agent).next().is_none();
            let offers = vec![offer.info.id.clone()];
            let refuse = self.settings.refuse_waiting.as_secs_f64();
            self.send(if free {
                Call::AcceptInverseOffers { offers, refuse }
            } else {
                Call::DeclineInverseOffers { offers, refuse }
            });
        }
    }

    /// Takes offers out of the books and declines them.
    pub(super) fn decline(&mut self, offers: &[OfferHandle], refuse: f64) {
        let ids: Vec<OfferId> = offers
            .iter()
            .filter_map(|handle| self.take_offer(*handle))
            .map(|offer| offer.info.id.clone())
            .collect();
        if !ids.is_empty() {
            self.counters.offers_declined += ids.len() as u64;
            self.send(Call::Decline {
                offers: ids,
                refuse,
            });
        }
    }

    pub(super) fn on_policy_change(&mut self, handle: PolicyHandle, change: PolicyChange) {
        let now = self.now;
        let Some(policy) = self.policy_mut(handle) else {
            return;
        };
        policy.held = matches!(change, PolicyChange::Hold | PolicyChange::Absent);
        if matches!(change, PolicyChange::Replaced | PolicyChange::Renewed) {
            policy.blank = true;
            policy.dirty = true;
            policy.fresh_from = OfferHandle(0);
        }
        if change != PolicyChange::Hold {
            self.set_absent(handle, change == PolicyChange::Absent);
        }
        if change == PolicyChange::Replaced
            && let Some(policy) = self.policy_mut(handle)
        {
            policy.began = now;
            policy.not_before = None;
            policy.strikes = 0;
            policy.last_failure = None;
            // It may want what the one before sent back.
            let main = self.stands_for(handle);
            for role in &mut self.roles {
                if role.policy == main && role.is_wanted() {
                    role.revive = true;
                }
            }
        }
    }

    pub(super) fn on_version(&mut self, handle: PolicyHandle, version: String) {
        if let Some(policy) = self.policy_mut(handle) {
            policy.author = Arc::new(Author {
                policy: policy.name.clone(),
                version,
            });
        }
    }

    /// Makes a round for each policy that has something new and is free.
    pub(super) fn call_policies(&mut self) {
        for position in 0..self.policies.len() {
            let Some(policy) = self.policies.get(position) else {
                continue;
            };
            let later = policy.not_before.is_some_and(|at| at > self.now);
            if !policy.dirty || policy.busy || policy.held || later {
                continue;
            }
            if !self.decides(policy.handle) {
                let handle = policy.handle;
                self.forget_policy(handle);
                continue;
            }
            if let Some(round) = self.make_round(position) {
                let policy = PolicyHandle(u32::try_from(position).unwrap_or(u32::MAX));
                self.out.push(Effect::Invoke {
                    policy,
                    round: Box::new(round),
                });
            }
        }
    }

    fn make_round(&mut self, position: usize) -> Option<Round> {
        let handle = self.policies.get(position)?.handle;
        let fresh_from = self.policies.get(position)?.fresh_from;
        let (offers, more) = self.offers_to_show(handle, fresh_from);
        let waiting = self.waiting_to_show(handle)?;
        let delta = self.make_delta(position)?;
        let next_offer = self.offers.next_handle();
        let policy = self.policies.get_mut(position)?;
        policy.numbers.chances += u64::from(may_fit(&offers, &waiting));
        policy.rounds += 1;
        policy.busy = true;
        policy.not_before = None;
        // Offers beyond the limit of a round come with the next one.
        policy.dirty = more;
        policy.shown.clear();
        policy.shown.extend(offers.iter().map(|offer| offer.handle));
        let handed = std::mem::take(&mut policy.handed).into_iter().min();
        let fresh_from = handed.map_or(policy.fresh_from, |offer| offer.min(policy.fresh_from));
        policy.fresh_from = if policy.dirty {
            offers
                .last()
                .map_or(next_offer, |last| OfferHandle(last.handle.0 + 1))
        } else {
            next_offer
        };
        Some(Round {
            number: policy.rounds,
            now: self.now,
            offers,
            fresh_from,
            waiting,
            updates: std::mem::take(&mut policy.updates),
            rescinded: std::mem::take(&mut policy.rescinded),
            events: std::mem::take(&mut policy.events),
            delta,
        })
    }

    /// What waits for a policy, as far as a round may show it.
    pub(super) fn waiting_to_show(&self, policy: PolicyHandle) -> Option<Vec<Waiting>> {
        let side = self.side_of_policy(policy);
        let waiting = &self.policies.get(policy.0 as usize)?.waiting;
        let shown = waiting
            .iter()
            .take(self.settings.waiting_per_round)
            .filter_map(|(_, job)| self.jobs.get(*job)?.as_waiting(side));
        Some(shown.collect())
    }

    /// The offers of a policy's next round, and whether there are more that it has not
    /// been shown. New ones come first, so that what is left undecided does not keep
    /// them away.
    pub(super) fn offers_to_show(
        &self,
        policy: PolicyHandle,
        new: OfferHandle,
    ) -> (Vec<Arc<Offer>>, bool) {
        let limit = self.settings.offers_per_round;
        let one_policy = self.policies.len() == 1;
        let is_its =
            |offer: &&Arc<Offer>| one_policy || self.policy_of_offer(offer) == Some(policy);
        let mut fresh = self.offers.from(new).filter(is_its).cloned();
        let shown_now: Vec<_> = fresh.by_ref().take(limit).collect();
        let more = fresh.next().is_some();
        let before = self.offers.iter().take_while(|offer| offer.handle < new);
        let mut offers: Vec<_> = before
            .filter(is_its)
            .take(limit - shown_now.len())
            .cloned()
            .collect();
        offers.extend(shown_now);
        (offers, more)
    }

    /// What changed for this policy in the tables that answer its questions.
    fn make_delta(&mut self, position: usize) -> Option<Delta> {
        let policy = self.policies.get_mut(position)?;
        let handle = policy.handle;
        let reset = std::mem::take(&mut policy.blank);
        let ended = std::mem::take(&mut policy.tasks_ended);
        let roles_changed = std::mem::take(&mut policy.roles_changed);
        let mut delta = Delta {
            reset,
            framework_id: self.framework_id.as_ref().map(ToString::to_string),
            jobs_gone: std::mem::take(&mut policy.jobs_gone),
            operations: std::mem::take(&mut policy.operations),
            ..Delta::default()
        };
        let agents = std::mem::take(&mut policy.agents_changed);
        let jobs = std::mem::take(&mut policy.jobs_changed);
        let tasks = std::mem::take(&mut policy.tasks_changed);
        if reset {
            policy.agents_known = self.agents.all().iter().map(|agent| agent.handle).collect();
            let full = self.full_delta(handle);
            delta.agents = full.agents;
            delta.jobs = full.jobs;
            delta.tasks = full.tasks;
            delta.roles = full.roles;
            // What has ended since the last round comes after what has not.
            delta.operations.splice(0..0, full.operations);
            delta.jobs_gone.clear();
        } else {
            delta.roles = roles_changed.then(|| self.role_names());
            delta.agents = agents
                .iter()
                .filter_map(|a| self.agents.get(*a))
                .cloned()
                .collect();
            delta.jobs = jobs
                .iter()
                .filter_map(|job| self.jobs.get(*job))
                .map(|job| Arc::clone(&job.view))
                .collect();
            delta.tasks = tasks
                .iter()
                .filter_map(|task| self.tasks.get(*task))
                .map(super::tasks::Task::view)
                .collect();
        }
        delta
            .tasks
            .extend(ended.iter().map(super::tasks::Task::view));
        delta.tasks_ended = ended.iter().map(|task| task.handle).collect();
        Some(delta)
    }

    /// All that a policy may know.
    pub fn full_delta(&self, policy: PolicyHandle) -> Delta {
        let main = Some(self.stands_for(policy));
        Delta {
            reset: true,
            roles: Some(self.role_names()),
            framework_id: self.framework_id.as_ref().map(ToString::to_string),
            agents: self.agents.all().to_vec(),
            jobs: self
                .jobs
                .iter()
                .filter(|job| self.policy_of(job.view.role) == main && !job.is_over())
                .map(|job| Arc::clone(&job.view))
                .collect(),
            tasks: self
                .tasks
                .iter()
                .filter(|task| self.policy_of(task.role) == main)
                .map(super::tasks::Task::view)
                .collect(),
            operations: self.operations_of(policy),
            ..Delta::default()
        }
    }

    /// A round that ended without an answer.
    pub(super) fn on_policy_failure(&mut self, handle: PolicyHandle, failure: &Failure) {
        let (first, longest) = self.settings.policy_backoff;
        let now = self.now;
        let Some(policy) = self.policy_mut(handle) else {
            return;
        };
        policy.strikes += 1;
        policy.numbers.failures += 1;
        policy.last_failure = Some(failure.to_string());
        let mut again = None;
        if failure.ends_instance() {
            policy.blank = true;
            // What it did not come to see it can learn from the tables.
            policy.dirty = true;
            let doubled = first.saturating_mul(1 << policy.strikes.saturating_sub(1).min(16));
            again = Some(now + doubled.min(longest));
            policy.not_before = again;
        }
        let shown = std::mem::take(&mut policy.shown);
        let name = policy.name.clone();
        self.policy_notice(
            Severity::Error,
            handle,
            format!("policy {name}: {failure}; its offers are declined"),
        );
        let shown = shown
            .into_iter()
            .map(|offer| (offer, Fate::PolicyFailed))
            .collect();
        self.decline_for(handle, shown, self.settings.refuse_waiting.as_secs_f64());
        if let Some(at) = again {
            self.arm(at, Timer::CallPolicy(handle));
        }
    }
}

/// Whether there may be room for a waiting task: in one pass, by the most that any of
/// the offers has of each resource. Constraints are not looked at.
fn may_fit(offers: &[Arc<Offer>], waiting: &[Waiting]) -> bool {
    let mut most: Vec<(RoleHandle, Amounts)> = Vec::new();
    for offer in offers {
        match most.iter_mut().find(|(role, _)| *role == offer.role) {
            Some((_, most)) => *most = most.max(&offer.usable),
            None => most.push((offer.role, offer.usable)),
        }
    }
    waiting.iter().any(|set| {
        let room = most.iter().find(|(role, _)| *role == set.role);
        room.is_some_and(|(_, room)| set.needs.fits_in(room))
    })
}
