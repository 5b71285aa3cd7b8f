//! Tasks that end: what it means, and what comes next for their jobs.

use std::sync::Arc;
use std::time::Duration;

use crate::ids::{JobHandle, TaskHandle};
use crate::job::JobKind;
use crate::task::{TaskState, TaskStatus};

use super::jobs::Job;
use super::ledger::{KillCause, Record};
use super::story::Ended;
use super::tasks::Task;
use super::{Machine, Severity, Timer};

/// What to do with a task of a job that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Finished,
    /// Its own fault; may be run again.
    Failed,
    /// Its own fault, and running it again can't help.
    Hopeless,
    /// Ended by offerd or the cluster; runs again and nothing is counted.
    Innocent,
    /// Ended because it is not wanted any more.
    Unwanted,
}

impl Machine {
    /// Books a task out.
    pub(super) fn end_task(&mut self, handle: TaskHandle, status: &TaskStatus, ending: Ending) {
        let hostname = match self.tasks.get(handle) {
            Some(task) => self.host_of(task).to_owned(),
            None => return,
        };
        self.tell_update(handle, status);
        let Some(task) = self.tasks.end(handle, &hostname, self.settings.ended_tasks) else {
            return;
        };
        self.persist(Record::TaskGone(task.record.id.clone()));
        self.persist_latest_story();
        let ran = task
            .running_since
            .map_or(Duration::ZERO, |since| self.now.since(since));
        let (job, attempt, replaced) = (task.job, task.record.attempt, task.record.replaced);
        if matches!(ending, Ending::Failed | Ending::Hopeless)
            && let Some(job) = self.jobs.get_mut(job)
        {
            let why = status
                .message
                .clone()
                .unwrap_or_else(|| "no message".to_owned());
            job.last_problem = Some(format!("{} {}: {why}", task.record.id, status.state));
        }
        let role = task.role;
        let mut task = Some(task);
        for policy in self.policies_of(role).rev() {
            let is_main = self.policy_of(role) == Some(policy);
            if let Some(policy) = self.policy_mut(policy) {
                policy.tasks_changed.remove(&handle);
                let task = if is_main { task.take() } else { task.clone() };
                policy.tasks_ended.extend(task);
            }
        }
        self.job_task_ended(job, handle, attempt, ending, ran, replaced);
    }

    /// The story of the task that has ended last.
    pub(super) fn persist_latest_story(&mut self) {
        if !self.settings.durable {
            return;
        }
        let why = self.tasks.ended().next_back().map(Ended::why);
        if let Some(why) = why {
            self.persist(Record::History(Box::new(why)));
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
        let spec = Arc::clone(job.spec());
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
        let mut requeue = |job: &mut Job, attempt, delay| {
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
        self.notice(Severity::Info, text);
        self.persist(Record::JobGone(name));
        self.jobs.retire(handle, self.settings.ended_tasks);
        for policy in self.policies_of(role) {
            if let Some(policy) = self.policy_mut(policy) {
                policy.jobs_gone.push(handle);
            }
        }
    }
}

pub(super) fn ending_of_kill(cause: KillCause, service: bool) -> Ending {
    match cause {
        KillCause::Unwanted => Ending::Unwanted,
        KillCause::Policy => Ending::Innocent,
        // A service keeps its number; a batch task that a person killed is done.
        KillCause::Operator if service => Ending::Innocent,
        KillCause::Operator => Ending::Hopeless,
    }
}

pub(super) fn ending_of(task: &Task, status: &TaskStatus) -> Ending {
    if status.state == TaskState::FINISHED {
        return match &task.killing {
            Some(killing) if killing.cause == KillCause::Unwanted => Ending::Unwanted,
            _ => Ending::Finished,
        };
    }
    if let Some(killing) = &task.killing {
        return ending_of_kill(killing.cause, task.service);
    }
    match status.state {
        TaskState::FAILED => Ending::Failed,
        TaskState::ERROR => Ending::Hopeless,
        // Killed by the agent's operator, drained (R40), lost, gone, dropped:
        // none of it is the task's fault.
        _ => Ending::Innocent,
    }
}
