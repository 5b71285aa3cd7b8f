//! The demand side: which roles want offers, and what becomes of a job's task
//! when it ends.

use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::time::Duration;

use crate::Instant;
use crate::call::Call;
use crate::ids::{JobHandle, PolicyHandle, Role, RoleHandle, TaskHandle};
use crate::job::JobKind;

use super::jobs::Ending;
use super::ledger::Record;
use super::queue::SIDES;
use super::recent::Fate;
use super::{Effect, Machine, Subscription, Timer};

/// One role's place in the world. `suppressed` is what the master was told
/// last; `settle_roles` brings it in line with what is wanted (P2).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RoleState {
    pub(super) name: Role,
    pub(super) policy: PolicyHandle,
    pub(super) suppressed: bool,
    /// New demand came since the last REVIVE: filters have to go.
    pub(super) revive: bool,
    pub(super) last_revive: Option<Instant>,
    /// The policy asked for offers itself.
    pub(super) policy_wants: bool,
    /// Jobs of this role with waiting tasks.
    /// (One of which a canary has a share counts twice.)
    pub(super) jobs_waiting: usize,
    /// While tasks wait and there is no offer: when to look at what other policies
    /// hold.
    pub(super) claims_at: Option<Instant>,
    /// No longer one of the framework's. It keeps its handle.
    pub(super) gone: bool,
}

impl RoleState {
    pub(super) fn new(name: Role, policy: PolicyHandle) -> Self {
        Self {
            name,
            policy,
            suppressed: true,
            revive: false,
            last_revive: None,
            policy_wants: false,
            jobs_waiting: 0,
            claims_at: None,
            gone: false,
        }
    }

    pub(super) fn is_wanted(&self) -> bool {
        !self.gone && (self.policy_wants || self.jobs_waiting > 0)
    }
}

impl Machine {
    /// Filter in seconds where the policy leaves it to the host (R28).
    pub(super) fn refuse_choice(&self, role: RoleHandle) -> f64 {
        let waits = self.role(role).is_some_and(|role| role.jobs_waiting > 0);
        let wait = if waits {
            self.settings.refuse_waiting
        } else {
            self.settings.refuse_idle
        };
        wait.as_secs_f64()
    }

    /// To be called whenever a job's waiting tasks changed. `grew`: there may
    /// be more than before.
    pub(super) fn demand_changed(&mut self, handle: JobHandle, grew: bool) {
        let Some(job) = self.jobs.get(handle) else {
            return;
        };
        let key = (Reverse(job.spec().priority), handle);
        let waits = SIDES.map(|side| job.waiting.first(side).is_some());
        let role = job.view.role;
        let policies = self.policies_of(role);
        let Some(role) = self.roles.get_mut(role.0 as usize) else {
            return;
        };
        for (policy, waits) in policies.zip(waits) {
            let Some(policy) = self.policies.get_mut(policy.0 as usize) else {
                continue;
            };
            let changed = if waits {
                policy.waiting.insert(key)
            } else {
                policy.waiting.remove(&key)
            };
            if changed {
                role.jobs_waiting = if waits {
                    role.jobs_waiting + 1
                } else {
                    role.jobs_waiting.saturating_sub(1)
                };
            }
            if waits && grew {
                role.revive = true;
                policy.dirty = true;
            }
        }
    }

    /// Sends REVIVE and SUPPRESS where the master's picture is not ours.
    pub(super) fn settle_roles(&mut self) {
        let mut revive = Vec::new();
        let mut suppress = Vec::new();
        let mut idle = Vec::new();
        let mut again: Option<Instant> = None;
        let interval = self.settings.revive_interval;
        let connected = self.session.is_some();
        for (position, role) in self.roles.iter_mut().enumerate() {
            if role.gone {
                // Mesos drops a call that names a role which the framework has not.
                continue;
            }
            if role.is_wanted() {
                if !(role.suppressed || role.revive) || !connected {
                    continue;
                }
                let allowed = role.last_revive.map_or(self.now, |last| last + interval);
                if allowed > self.now {
                    again = super::io::earliest(again, Some(allowed));
                    continue;
                }
                role.suppressed = false;
                role.revive = false;
                role.last_revive = Some(self.now);
                revive.push(role.name.clone());
            } else {
                role.revive = false;
                if !role.suppressed && connected {
                    role.suppressed = true;
                    suppress.push(role.name.clone());
                    idle.push(RoleHandle(u32::try_from(position).unwrap_or(u32::MAX)));
                }
            }
        }
        if let Some(at) = again {
            self.arm(at, Timer::Revive);
        }
        let changed = !revive.is_empty() || !suppress.is_empty();
        if !revive.is_empty() {
            self.send(Call::Revive { roles: revive });
        }
        if !suppress.is_empty() {
            self.send(Call::Suppress { roles: suppress });
            // Nobody waits for what is held: it goes back at once (P1).
            let held: Vec<_> = self
                .offers
                .iter()
                .filter(|offer| idle.contains(&offer.role))
                .map(|offer| offer.handle)
                .collect();
            for handle in &held {
                self.remember(*handle, Fate::NobodyWaited);
            }
            self.decline(&held, self.settings.refuse_idle.as_secs_f64());
        }
        if changed {
            self.announce_subscription();
        }
    }

    /// Tells the transport what the next SUBSCRIBE has to carry.
    pub(super) fn announce_subscription(&mut self) {
        self.out.push(Effect::Subscription(Subscription {
            framework_id: self.framework_id.clone(),
            update: self.framework_as(|role| !role.is_wanted()),
        }));
    }

    /// A policy must see the new state of a task.
    pub(super) fn task_changed(&mut self, handle: TaskHandle) {
        let Some(task) = self.tasks.get(handle) else {
            return;
        };
        for policy in self.policies_of(task.role) {
            if let Some(policy) = self.policy_mut(policy) {
                policy.tasks_changed.insert(handle);
            }
        }
    }

    /// What comes after a task of a job that has ended. `ran` is how long it
    /// was running.
    pub(super) fn job_task_ended(
        &mut self,
        handle: JobHandle,
        task: TaskHandle,
        attempt: u32,
        ending: Ending,
        ran: Duration,
        replaced: bool,
    ) {
        let now = self.now;
        let (first, longest) = self.settings.restart_backoff;
        let Some(job) = self.jobs.get_mut(handle) else {
            return;
        };
        job.live.remove(&task);
        let was_replaced = job.replaced.remove(&task);
        if was_replaced && job.is_over() {
            return;
        }
        let spec = std::sync::Arc::clone(job.spec());
        let service = spec.kind == JobKind::Service;
        let quick = ran < longest;
        match ending {
            Ending::Failed | Ending::Hopeless if quick => job.quick_failures += 1,
            _ if !quick => job.quick_failures = 0,
            _ => {}
        }
        let backoff = first
            .saturating_mul(1 << job.quick_failures.saturating_sub(1).min(16))
            .min(longest);
        let mut requeued = false;
        let mut requeue = |job: &mut super::jobs::Job, attempt, delay| {
            job.requeue(attempt, now, delay);
            requeued = true;
        };
        match ending {
            _ if job.record.killed || replaced => {}
            Ending::Unwanted => {}
            Ending::Innocent => requeue(job, attempt, Duration::ZERO),
            Ending::Finished if service => requeue(job, 0, first),
            Ending::Failed | Ending::Hopeless if service => requeue(job, attempt + 1, backoff),
            Ending::Finished => job.record.finished += 1,
            Ending::Failed if attempt < spec.retries => requeue(job, attempt + 1, backoff),
            Ending::Failed | Ending::Hopeless => job.record.failed += 1,
        }
        let record = job.record.clone();
        let wake = job.next_wake();
        self.persist(Record::Job(record));
        if let Some(at) = wake {
            self.arm(at, Timer::WakeJob(handle));
        }
        self.demand_changed(handle, requeued);
        self.forget_if_over(handle);
    }

    pub(super) fn wake_job(&mut self, handle: JobHandle) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(handle) else {
            return;
        };
        let woke = job.wake(now);
        let wake = job.next_wake();
        if let Some(at) = wake {
            self.arm(at, Timer::WakeJob(handle));
        }
        if woke {
            self.demand_changed(handle, true);
        }
    }

    /// A job that is over leaves the durable books and the policies' tables.
    pub(super) fn forget_if_over(&mut self, handle: JobHandle) {
        let Some(job) = self.jobs.get(handle) else {
            return;
        };
        if !job.is_over() {
            return;
        }
        let name = job.spec().name.clone();
        let role = job.view.role;
        let text = match (job.record.killed, job.record.failed) {
            (true, _) => format!("job {name} was killed and has ended"),
            (_, 0) => format!("job {name} has finished"),
            (_, failed) => format!("job {name} has failed: {failed} of its tasks failed"),
        };
        self.notice(super::Severity::Info, text);
        self.persist(Record::JobGone(name));
        self.jobs.retire(handle, self.settings.ended_tasks);
        for policy in self.policies_of(role) {
            if let Some(policy) = self.policy_mut(policy) {
                policy.jobs_gone.push(handle);
            }
        }
    }
}
