//! The subscription: its start, its end, and making the books agree with the
//! master's afterwards.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::Instant;
use crate::call::Call;
use crate::ids::{
    AgentId, FrameworkId, JobHandle, PolicyHandle, Role, RoleHandle, TaskHandle, TaskId,
};
use crate::job::JobKind;
use crate::policy::PolicyEvent;
use crate::task::{TaskDetails, TaskState, TaskStatus};

use super::demand::RoleState;
use super::endings::Ending;
use super::ledger::KillCause;
use super::ledger::{JobRecord, Record, TaskRecord};
use super::story::{Step, Story, What};
use super::tasks::{Killing, Task};
use super::{CallId, Effect, Machine, Session, Severity, Timer};

/// The explicit reconciliation that is under way (R36, R37).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reconciliation {
    pending: BTreeSet<TaskHandle>,
    wait: Duration,
    /// When those without an answer are asked for again.
    next: Instant,
}

impl Machine {
    /// Takes over what a store remembers.
    pub(super) fn restore(&mut self, jobs: Vec<JobRecord>, tasks: Vec<TaskRecord>) {
        let mut jobs = jobs;
        jobs.sort_by(|a, b| (a.submitted, &a.spec.name).cmp(&(b.submitted, &b.spec.name)));
        for record in jobs {
            let role = self.restore_role(&record.spec.role);
            if self.policy_of(role).is_none() {
                self.notice(
                    Severity::Error,
                    format!(
                        "job {} is for role {}, which is not in [framework] roles any more; it \
                         is not scheduled until the role is back",
                        record.spec.name, record.spec.role
                    ),
                );
            }
            self.jobs.add(role, record);
        }
        for record in tasks {
            self.restore_task(record);
        }
        let handles: Vec<JobHandle> = self.jobs.iter().map(|job| job.handle).collect();
        for handle in handles {
            let now = self.now;
            let doomed = self.doomed_of(handle);
            let Some(job) = self.jobs.get_mut(handle) else {
                continue;
            };
            let missing = job.spec().count.saturating_sub(job.accounted(doomed));
            if !job.record.killed {
                job.grow(missing, now);
            }
            let record = job.record.clone();
            self.persist(Record::Job(record));
            self.demand_changed(handle, true);
            self.forget_if_over(handle);
        }
    }

    /// A role that the configuration has no more is kept as one that is gone: its jobs
    /// and tasks stay in the books and are there when it comes back.
    fn restore_role(&mut self, name: &Role) -> RoleHandle {
        let position = self.roles.iter().position(|role| role.name == *name);
        let position = position.unwrap_or_else(|| {
            self.roles.push(RoleState {
                gone: true,
                ..RoleState::new(name.clone(), PolicyHandle(0))
            });
            self.roles.len() - 1
        });
        RoleHandle(u32::try_from(position).unwrap_or(u32::MAX))
    }

    fn restore_task(&mut self, record: TaskRecord) {
        let job = record.job.as_ref().and_then(|name| self.jobs.find(name));
        let role = self.restore_role(&record.role);
        let (agent, _) = self.agents.see_id(&record.agent);
        let handle = self.tasks.next_handle();
        let spec = job
            .and_then(|job| self.jobs.get(job))
            .map(|job| Arc::clone(job.spec()));
        let killed = job
            .and_then(|job| self.jobs.get(job))
            .is_some_and(|job| job.record.killed);
        let cause = if killed {
            Some(KillCause::Unwanted)
        } else {
            record.killing
        };
        let killing = cause.map(|cause| Killing {
            cause,
            grace: None,
            next_try: self.now,
            wait: self.settings.kill_retry.0,
        });
        let away = matches!(record.state, TaskState::UNREACHABLE | TaskState::UNKNOWN);
        let replace_at = away.then(|| self.now + self.settings.replace_unreachable);
        if let Some(at) = replace_at {
            self.arm(at, Timer::Replace(handle));
        }
        if killing.is_some() {
            self.arm(self.now, Timer::KillAgain(handle));
        }
        if let Some(job) = job.and_then(|job| self.jobs.get_mut(job)) {
            let tasks = if record.replaced {
                &mut job.replaced
            } else {
                &mut job.live
            };
            tasks.insert(handle);
        }
        let mut story = Story::default();
        if let (Some(cause), Some(killed)) = (record.killing, &record.killed) {
            let (at, what) = (killed.at, What::Kill(cause, killed.clone()));
            story.push(Step { at, what });
        }
        let running = record.state == TaskState::RUNNING;
        let name = spec.as_ref().map(|spec| Arc::clone(&spec.name.0));
        let details = TaskDetails {
            launched_because: record.reason.clone(),
            labels: spec.as_ref().map(|s| s.labels.clone()).unwrap_or_default(),
            ..TaskDetails::of(record.id.clone(), name.unwrap_or_default())
        };
        self.tasks.insert(Task {
            job: job.unwrap_or(JobHandle::NONE),
            priority: spec.as_ref().map_or(0, |spec| spec.priority),
            service: spec.is_some_and(|spec| spec.kind == JobKind::Service),
            killing,
            replace_at,
            running_since: running.then_some(record.launched),
            story,
            ..Task::new(handle, record, details, agent, role)
        });
    }

    pub(super) fn on_subscribed(&mut self, session: Session, id: FrameworkId, master: String) {
        if let Some(known) = &self.framework_id
            && *known != id
        {
            self.out.push(Effect::Stop(format!(
                "the master gave framework id {id} where {known} was asked for; the tasks of \
                 {known} would be lost sight of"
            )));
            return;
        }
        let fresh = self.framework_id.is_none();
        if fresh {
            self.framework_id = Some(id.clone());
            // Durable before anything else happens with it (R14).
            self.persist(Record::FrameworkId(id.clone()));
        }
        self.session = Some(session);
        self.newest_session = session;
        self.ever_subscribed = true;
        self.counters.sessions += 1;
        self.master = Some(master.clone());
        self.void_offers();
        // Say again what is wanted, whatever SUBSCRIBE carried: it may have
        // been older than the latest change (P2). So the opposite is noted here.
        for role in &mut self.roles {
            role.suppressed = role.is_wanted();
            role.last_revive = None;
        }
        self.announce_subscription();
        let fresh_id = id.to_string();
        self.notice(
            Severity::Info,
            format!("subscribed to {master} as framework {fresh_id}"),
        );
        for policy in &mut self.policies {
            policy.tell(PolicyEvent::Subscribed {
                framework_id: fresh_id.clone(),
                fresh,
                master: master.clone(),
            });
        }
        self.start_reconciliation();
        let at = self.now + self.settings.reconcile_interval;
        self.arm(at, Timer::ReconcileAll);
    }

    pub(super) fn on_disconnected(&mut self, session: Session, reason: String) {
        if session < self.newest_session {
            return;
        }
        self.newest_session = session;
        if self.session.take().is_none() {
            return;
        }
        self.void_offers();
        self.updates_in_doubt();
        self.reconciliation = None;
        self.announce_subscription();
        self.notice(
            Severity::Warn,
            format!("disconnected from the master: {reason}"),
        );
        for policy in &mut self.policies {
            policy.tell(PolicyEvent::Disconnected(reason.clone()));
        }
    }

    fn void_offers(&mut self) {
        self.offers.clear();
        for policy in &mut self.policies {
            policy.shown.clear();
            policy.rescinded.clear();
            policy.handed.clear();
            if let Some(canary) = &mut policy.canary {
                canary.offers.clear();
                canary.passed.clear();
            }
        }
    }

    /// The master's ERROR event (R8, R16, R17).
    pub(super) fn on_error(&mut self, message: String) {
        for policy in &mut self.policies {
            policy.tell(PolicyEvent::Error(message.clone()));
        }
        let removed = message.contains("has been removed") || message.contains("completed");
        let stop = if message.contains("failed over") {
            format!(
                "the master says \"{message}\": another host has taken over framework {}; this \
                 one stops, since two would fight without end",
                self.framework_id.as_ref().map_or("", |id| id.as_str())
            )
        } else if removed {
            format!(
                "the master says \"{message}\": framework {} is gone for good, with its tasks. To \
                 begin a new one, start with an empty [store] dir",
                self.framework_id.as_ref().map_or("", |id| id.as_str())
            )
        } else if !self.ever_subscribed {
            format!("the master refuses the subscription: {message}")
        } else {
            self.notice(
                Severity::Error,
                format!("the master reports an error: {message}"),
            );
            return;
        };
        self.out.push(Effect::Stop(stop));
    }

    /// The master did not take a call. What was to be launched waits again.
    pub(super) fn on_call_failed(&mut self, session: Session, call: CallId, why: &str) {
        self.update_refused((session, call), why);
        self.operations_refused((session, call), why);
        let lost: Vec<TaskHandle> = self
            .tasks
            .iter()
            .filter(|task| task.launch == Some((session, call)) && task.is_intent())
            .map(|task| task.handle)
            .collect();
        self.notice(
            Severity::Warn,
            format!(
                "call {} failed: {why}{}",
                call.0,
                match lost.len() {
                    0 => String::new(),
                    n => format!("; {n} launches in doubt"),
                }
            ),
        );
        // While disconnected nobody knows whether a launch was taken: the
        // reconciliation after the next subscription tells.
        if self.session != Some(session) {
            return;
        }
        for handle in lost {
            let Some(task) = self.tasks.get(handle) else {
                continue;
            };
            let status = TaskStatus {
                task: task.record.id.clone(),
                state: TaskState::DROPPED,
                message: Some(format!("never launched: {why}")),
                source: None,
                reason: None,
                agent: Some(task.record.agent.clone()),
                executor: None,
                healthy: None,
                at: Some(self.now),
                uuid: None,
            };
            self.end_task(handle, &status, Ending::Innocent);
        }
    }

    fn start_reconciliation(&mut self) {
        let pending: BTreeSet<TaskHandle> = self.tasks.iter().map(|task| task.handle).collect();
        if pending.is_empty() {
            self.reconciliation = None;
            return;
        }
        let wait = self.settings.reconcile_retry.0;
        self.reconciliation = Some(Reconciliation {
            pending,
            wait,
            next: self.now,
        });
        self.ask_for_pending();
    }

    /// An answer came for this task.
    pub(super) fn reconciled(&mut self, task: TaskHandle) {
        if let Some(reconciliation) = &mut self.reconciliation {
            reconciliation.pending.remove(&task);
            if reconciliation.pending.is_empty() {
                self.reconciliation = None;
                self.notice(Severity::Info, "all tasks are reconciled with the master");
            }
        }
    }

    fn ask_for_pending(&mut self) {
        let Some(reconciliation) = &mut self.reconciliation else {
            return;
        };
        let tasks: Vec<_> = reconciliation
            .pending
            .iter()
            .filter_map(|handle| self.tasks.get(*handle))
            .map(|task| (task.record.id.clone(), Some(task.record.agent.clone())))
            .collect();
        if tasks.is_empty() {
            self.reconciliation = None;
            return;
        }
        let at = self.now + reconciliation.wait;
        reconciliation.next = at;
        reconciliation.wait = reconciliation
            .wait
            .saturating_mul(2)
            .min(self.settings.reconcile_retry.1);
        self.send(Call::Reconcile { tasks });
        self.arm(at, Timer::Reconcile);
    }

    pub(super) fn reconcile_again(&mut self) {
        // A timer of an earlier session may come sooner.
        let due = self
            .reconciliation
            .as_ref()
            .is_some_and(|r| r.next <= self.now);
        if due {
            self.ask_for_pending();
        }
    }

    pub(super) fn reconcile_all(&mut self) {
        if self.session.is_some() {
            self.send(Call::Reconcile { tasks: Vec::new() });
            // Of tasks that the master has forgotten it only speaks when asked for them.
            let tasks = self.out_of_touch();
            if !tasks.is_empty() {
                self.send(Call::Reconcile { tasks });
            }
            let at = self.now + self.settings.reconcile_interval;
            self.timers
                .retain(|(_, timer)| *timer != Timer::ReconcileAll);
            self.arm(at, Timer::ReconcileAll);
        }
    }
    /// Live tasks of which the master may know no more than the books do.
    fn out_of_touch(&self) -> Vec<(TaskId, Option<AgentId>)> {
        let (_, longest) = self.settings.reconcile_retry;
        self.tasks
            .iter()
            .filter(|task| match task.record.state {
                TaskState::UNREACHABLE | TaskState::UNKNOWN => true,
                // The launch of a young one may be under way.
                TaskState::STAGING => task.record.launched + longest <= self.now,
                _ => false,
            })
            .map(|task| (task.record.id.clone(), Some(task.record.agent.clone())))
            .collect()
    }
}
