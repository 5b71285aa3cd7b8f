//! Status updates of tasks: into the books, then acknowledged,
//! then told to policies.

use std::sync::Arc;
use std::time::Duration;

use crate::call::Call;
use crate::ids::{JobHandle, RoleHandle, TaskHandle};
use crate::policy::{Update, update_traits};
use crate::resource::Amounts;
use crate::task::{TaskDetails, TaskState, TaskStatus, reason};

use super::jobs::Ending;
use super::ledger::{Author, KillCause, Killed, Record, TaskRecord};
use super::story::{Ended, Step, Story, What};
use super::tasks::{Killing, Task};
use super::{Machine, Severity, Timer};

impl Machine {
    pub(super) fn on_update(&mut self, status: TaskStatus) {
        self.counters.updates_received += 1;
        match self.tasks.find(&status.task) {
            Some(handle) => self.update_known(handle, &status),
            None => self.update_unknown(&status),
        }
        // After the records above: the effects are carried out in order (R33).
        if let Some(uuid) = status.uuid
            && let Some(agent) = status.agent
        {
            self.counters.updates_acknowledged += 1;
            self.send(Call::Acknowledge {
                agent,
                task: status.task,
                uuid,
            });
        }
    }

    fn update_known(&mut self, handle: TaskHandle, status: &TaskStatus) {
        self.reconciled(handle);
        self.note_executor(handle, status);
        let now = self.now;
        let Some(task) = self.tasks.get_mut(handle) else {
            return;
        };
        let doubtful = task.is_intent() || task.killing.is_some() || task.record.replaced;
        if status.state == TaskState::UNKNOWN && doubtful {
            // The launch never came to pass, or what was to go is gone.
            let id = task.record.id.clone();
            let ending = match &task.killing {
                Some(killing) => ending_of_kill(killing.cause, task.service),
                None => Ending::Innocent,
            };
            self.task_notice(
                Severity::Info,
                &id,
                "Mesos does not know it; it is not running",
            );
            self.end_task(handle, status, ending);
            return;
        }
        // Answers to a reconciliation lack detail and may repeat what is known.
        let repeats = status.state == task.record.state
            && (status.uuid.is_none() || task.healthy == status.healthy);
        if repeats && !task.record.replaced {
            return;
        }
        task.record.state = status.state;
        task.healthy = status.healthy.or(task.healthy);
        if status.message.is_some() || status.executor.is_some() {
            let details = Arc::make_mut(&mut task.details);
            details.message = status.message.clone().or(details.message.take());
            if let Some(executor) = &status.executor {
                details.executor = Some(executor.to_string());
            }
        }
        if status.state == TaskState::RUNNING && task.running_since.is_none() {
            task.running_since = Some(now);
        }
        if status.state.is_terminal() {
            let ending = ending_of(task, status);
            return self.end_task(handle, status, ending);
        }
        let lost_touch = matches!(status.state, TaskState::UNREACHABLE | TaskState::UNKNOWN);
        let surplus = task.record.replaced && !lost_touch && task.killing.is_none();
        let record = task.record.clone();
        let replace_at = lost_touch.then(|| now + self.settings.replace_unreachable);
        if let Some(task) = self.tasks.get_mut(handle) {
            task.replace_at = replace_at;
        }
        if let Some(at) = replace_at {
            self.arm(at, Timer::Replace(handle));
        }
        self.persist(Record::Task(record));
        self.task_changed(handle);
        self.tell_update(handle, status);
        if surplus {
            let text = "it came back after another took its place";
            let notice = format!("{text}; it is killed");
            self.task_notice(Severity::Warn, &status.task, notice);
            self.kill_task(
                handle,
                KillCause::Unwanted,
                None,
                None,
                Some(text.to_owned()),
            );
        }
    }

    /// After a restart the updates tell which executors there are.
    fn note_executor(&mut self, handle: TaskHandle, status: &TaskStatus) {
        if let Some(task) = self.tasks.get(handle)
            && let Some(executor) = &status.executor
            // That of a plain command ends with its task.
            && executor.as_str() != task.record.id.as_str()
        {
            let (agent, owner) = (task.agent, task.owner());
            self.executors.note(agent, executor.clone(), owner);
        }
    }

    /// A task that is in no book. It is never killed by itself (P5).
    fn update_unknown(&mut self, status: &TaskStatus) {
        let Some(agent_id) = status.agent.clone() else {
            return;
        };
        let gone = matches!(status.state, TaskState::UNKNOWN | TaskState::UNREACHABLE);
        if status.state.is_terminal() || gone {
            return;
        }
        // Its role is not in the status; the first role keeps it in sight.
        let role = RoleHandle(0);
        let Some(role_name) = self.role(role).map(|role| role.name.clone()) else {
            return;
        };
        let (agent, _) = self.agents.see_id(&agent_id);
        let handle = self.tasks.next_handle();
        let record = TaskRecord {
            id: status.task.clone(),
            job: None,
            role: role_name,
            agent: agent_id,
            needs: Amounts::default(),
            state: status.state,
            attempt: 0,
            launched: self.now,
            killing: None,
            killed: None,
            replaced: false,
            quarantined: true,
            reason: None,
            placed: None,
        };
        self.persist(Record::Task(record.clone()));
        self.tasks.insert(Task {
            handle,
            details: Arc::new(TaskDetails {
                message: status.message.clone(),
                ..TaskDetails::of(record.id.clone(), Arc::from(""))
            }),
            record,
            job: JobHandle::NONE,
            agent,
            role,
            priority: 0,
            service: false,
            healthy: status.healthy,
            launch: None,
            killing: None,
            replace_at: None,
            running_since: None,
            launched_by: None,
            story: Story::default(),
        });
        self.task_notice(
            Severity::Warn,
            &status.task,
            "it runs for this framework but is in no book; it is left alone (quarantined); \
             `offerd task kill` ends it",
        );
        self.task_changed(handle);
        self.tell_update(handle, status);
    }

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

    fn tell_update(&mut self, handle: TaskHandle, status: &TaskStatus) {
        self.tell_story(
            handle,
            What::Update {
                state: status.state,
                message: status.message.clone(),
            },
        );
        let Some(task) = self.tasks.get(handle) else {
            return;
        };
        let (job, agent, role) = (task.job, task.agent, task.role);
        let mut traits = 0;
        if status.state.is_terminal() {
            traits |= update_traits::TERMINAL;
        }
        if status.reason == Some(reason::RECONCILIATION) {
            traits |= update_traits::RECONCILED;
        }
        match status.healthy {
            Some(true) => traits |= update_traits::HEALTHY,
            Some(false) => traits |= update_traits::UNHEALTHY,
            None => {}
        }
        let update = Update {
            task: handle,
            job,
            agent,
            state: status.state,
            reason: status.reason,
            source: status.source,
            traits,
            at: status.at.unwrap_or_default(),
        };
        for policy in self.policies_of(role) {
            if let Some(policy) = self.policy_mut(policy) {
                policy.meet(agent, false);
                policy.dirty = true;
                policy.updates.push(update);
            }
        }
    }

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
        let killed = Killed { at: now, by, why };
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

pub(super) fn ending_of_kill(cause: KillCause, service: bool) -> Ending {
    match cause {
        KillCause::Unwanted => Ending::Unwanted,
        KillCause::Policy => Ending::Innocent,
        // A service keeps its number; a batch task that a person killed is done.
        KillCause::Operator if service => Ending::Innocent,
        KillCause::Operator => Ending::Hopeless,
    }
}

fn ending_of(task: &Task, status: &TaskStatus) -> Ending {
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
