//! Kills, which are repeated until the task has ended, and tasks that stay away.

use std::sync::Arc;
use std::time::Duration;

use crate::call::Call;
use crate::ids::TaskHandle;

use super::ledger::{Author, KillCause, Killed, Record};
use super::story::{Step, What};
use super::tasks::Killing;
use super::{Machine, Severity, Timer};

impl Machine {
    /// Starts a kill; it is repeated until the task has ended (R38).
    pub(super) fn kill_task(
        &mut self,
        handle: TaskHandle,
        cause: KillCause,
        grace: Option<u64>,
        by: Option<(Arc<Author>, u32)>,
        why: Option<String>,
    ) {
        let (first, _) = self.settings.kill_retry;
        let now = self.now;
        let Some(task) = self.tasks.get_mut(handle) else {
            return;
        };
        // A job's word is final; a policy's may not soften it.
        let word = cause;
        let cause = match &task.killing {
            Some(before) if before.cause == KillCause::Unwanted => KillCause::Unwanted,
            _ => cause,
        };
        let killed = Box::new(Killed { at: now, by, why });
        let what = What::Kill(word, killed.clone());
        task.story.push(Step { at: now, what });
        task.record.killed = Some(killed);
        task.killing = Some(Killing {
            cause,
            grace,
            next_try: now + first,
            wait: first,
        });
        task.record.killing = Some(cause);
        let record = task.record.clone();
        let call = Call::Kill {
            task: task.record.id.clone(),
            agent: Some(task.record.agent.clone()),
            grace,
        };
        self.persist(Record::Task(record));
        self.task_changed(handle);
        if self.send(call).is_some() {
            self.counters.kills_sent += 1;
        }
        self.arm(now + first, Timer::KillAgain(handle));
    }

    pub(super) fn kill_again(&mut self, handle: TaskHandle) {
        let (_, longest) = self.settings.kill_retry;
        let now = self.now;
        let Some(task) = self.tasks.get_mut(handle) else {
            return;
        };
        let Some(killing) = &mut task.killing else {
            return;
        };
        if killing.next_try > now {
            return;
        }
        killing.wait = killing.wait.saturating_mul(2).min(longest);
        killing.next_try = now + killing.wait;
        let at = killing.next_try;
        let call = Call::Kill {
            task: task.record.id.clone(),
            agent: Some(task.record.agent.clone()),
            grace: killing.grace,
        };
        if self.send(call).is_some() {
            self.counters.kills_sent += 1;
        }
        self.arm(at, Timer::KillAgain(handle));
    }

    /// A task has been out of touch for long: its job goes on without it. Should it
    /// come back it is killed.
    pub(super) fn replace_unreachable(&mut self, handle: TaskHandle) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(handle) else {
            return;
        };
        if task.record.replaced || task.replace_at.is_none_or(|at| at > now) {
            return;
        }
        let (job, id, attempt) = (task.job, task.record.id.clone(), task.record.attempt);
        let unwanted = task.is_to_go();
        let Some(entry) = self.jobs.get_mut(job) else {
            return;
        };
        task.record.replaced = true;
        entry.live.remove(&handle);
        entry.replaced.insert(handle);
        if !unwanted {
            entry.requeue(attempt, now, Duration::ZERO);
        }
        let (task_record, job_record) = (task.record.clone(), entry.record.clone());
        self.persist(Record::Task(task_record));
        if unwanted {
            let text = "its agent stays away; its job does not wait for its end";
            self.task_notice(Severity::Warn, &id, text);
            return self.forget_if_over(job);
        }
        self.persist(Record::Job(job_record));
        self.tell_story(handle, What::Replaced);
        let text = "its agent stays away; another takes its place";
        self.task_notice(Severity::Warn, &id, text);
        self.demand_changed(job, true);
    }
}
