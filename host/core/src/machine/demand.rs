//! The demand side: which roles want offers, and what the master is told of it.

use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

use crate::Instant;
use crate::call::Call;
use crate::ids::{JobHandle, PolicyHandle, Role, RoleHandle, TaskHandle};

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
    /// There is no code yet that could use offers.
    pub(super) absent: bool,
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
            absent: false,
            policy_wants: false,
            jobs_waiting: 0,
            claims_at: None,
            gone: false,
        }
    }

    pub(super) fn is_wanted(&self) -> bool {
        !self.gone && !self.absent && (self.policy_wants || self.jobs_waiting > 0)
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

    /// Roles of a policy without code get no offers.
    pub(super) fn set_absent(&mut self, policy: PolicyHandle, absent: bool) {
        let mut changed = false;
        for role in self.roles.iter_mut().filter(|role| role.policy == policy) {
            changed |= role.absent != absent;
            role.absent = absent;
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
}
