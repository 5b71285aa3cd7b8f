//! What the framework says of itself: its roles, which of them are suppressed, and
//! what policies have to say. A policy's word that Mesos does not take is taken back:
//! it would spoil each later subscription, and that for all roles.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::call::{ByRole, Call, FrameworkUpdate};
use crate::ids::{PolicyHandle, Role};
use crate::policy::{DecisionKind, Encoded, PolicyEvent, Refusal};

use super::answers::Checking;
use super::demand::RoleState;
use super::{CallId, Machine, Session, Severity};

/// An update that was not refused within this time was taken. (Of what was taken the
/// machine is not told.)
const ANSWERED: Duration = Duration::from_secs(10);

/// Most updates by policies within that time: each is kept until then.
const UPDATES: usize = 64;

/// An update that may yet be refused.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Update {
    call: (Session, CallId),
    at: Instant,
    /// Whose word it was.
    policy: PolicyHandle,
    round: u32,
    position: u32,
    /// What was said before.
    before: FrameworkUpdate,
}

impl Update {
    pub(super) fn redact(&mut self) {
        self.before.redact();
    }
}

impl Machine {
    /// FrameworkInfo as it is wanted now.
    pub(super) fn framework_as(&self, suppressed: impl Fn(&RoleState) -> bool) -> FrameworkUpdate {
        let live = self.roles.iter().filter(|role| !role.gone);
        let mut update = FrameworkUpdate {
            suppressed: live
                .filter(|role| suppressed(role))
                .map(|role| role.name.clone())
                .collect(),
            roles: self.live_roles().cloned().collect(),
            ..self.update.clone()
        };
        // Mesos takes no word about a role that the framework does not have.
        let lives = |role: &Role| update.roles.contains(role);
        update.filters.retain(|role, _| lives(role));
        update.constraints.retain(|role, _| lives(role));
        update
    }

    /// Tells the master, now and with the next SUBSCRIBE (R21).
    pub(super) fn update_framework(&mut self) -> Option<(Session, CallId)> {
        let update = self.framework_as(|role| role.suppressed);
        let call = self.send(Call::UpdateFramework(update));
        self.announce_subscription();
        call
    }

    /// A policy's word about its roles takes the place of its word before; that of
    /// other policies about theirs stays.
    pub(super) fn change_framework(
        &mut self,
        checking: &Checking,
        framework: Option<&Encoded>,
        constraints: Option<&Encoded>,
    ) -> Result<(), String> {
        let policy = checking.policy;
        let wanted = self.codec.update(framework, constraints)?;
        let filtered = wanted.framework.iter().flat_map(|(_, f)| f.keys());
        self.own_roles(policy, "offer_filters", filtered)?;
        let constrained = wanted.constraints.iter().flat_map(|c| c.keys());
        self.own_roles(policy, "role_constraints", constrained)?;
        self.updates_answered();
        if self.updates.len() >= UPDATES {
            return Err(format!(
                "{UPDATES} updates of the framework were sent within {} s; later ones wait for \
                 what Mesos says of those",
                ANSWERED.as_secs()
            ));
        }
        let before = self.update.clone();
        let own: Vec<Role> = self.roles_of(policy).cloned().collect();
        let replace = |old: &mut ByRole, new: ByRole| {
            old.retain(|role, _| !own.contains(role));
            old.extend(new);
        };
        if let Some((info, filters)) = wanted.framework {
            self.update.info = Some(info);
            replace(&mut self.update.filters, filters);
        }
        if let Some(constraints) = wanted.constraints {
            replace(&mut self.update.constraints, constraints);
        }
        if let Some(call) = self.update_framework() {
            self.updates.push_back(Update {
                call,
                at: self.now,
                policy,
                round: checking.round,
                position: checking.action,
                before,
            });
        }
        Ok(())
    }

    /// The master refused a call. If that was a policy's update, the updates after it
    /// said the same and more; only the first one is its policy's fault.
    pub(super) fn update_refused(&mut self, call: (Session, CallId), why: &str) {
        let refused = self.updates.iter().position(|update| update.call == call);
        let Some(position) = refused else {
            return;
        };
        let policy = self.updates.get(position).map(|update| update.policy);
        self.counters.decisions_refused += 1;
        if let Some(policy) = policy.and_then(|policy| self.policy_mut(policy)) {
            policy.numbers.refused += 1;
        }
        self.take_back_updates(position, why);
    }

    /// The session has ended, and nobody knows what became of the latest updates.
    /// The policies may say it again in the next session.
    pub(super) fn updates_in_doubt(&mut self) {
        self.updates_answered();
        self.take_back_updates(0, "the session ended before Mesos had answered");
    }

    fn updates_answered(&mut self) {
        while let Some(update) = self.updates.front()
            && update.at + ANSWERED <= self.now
        {
            self.updates.pop_front();
        }
    }

    fn take_back_updates(&mut self, from: usize, why: &str) {
        let undone = self.updates.split_off(from.min(self.updates.len()));
        let Some(first) = undone.front() else {
            return;
        };
        self.update = first.before.clone();
        self.announce_subscription();
        for update in undone {
            let text = format!("the update of the framework is taken back: {why}");
            self.policy_notice(Severity::Warn, update.policy, text.clone());
            if let Some(policy) = self.policy_mut(update.policy) {
                // No cause for a round, as with other refusals.
                policy.events.push(PolicyEvent::Refused(Refusal {
                    round: update.round,
                    kind: DecisionKind::Action,
                    position: update.position,
                    why: text,
                }));
            }
        }
    }
}
