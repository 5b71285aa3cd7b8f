//! Status updates of tasks: into the books, then acknowledged, then told to
//! policies.

use std::sync::Arc;

use crate::call::Call;
use crate::ids::{RoleHandle, TaskHandle};
use crate::policy::{Update, update_traits};
use crate::resource::Amounts;
use crate::task::{TaskDetails, TaskState, TaskStatus, reason};

use super::endings::{Ending, ending_of, ending_of_kill};
use super::ledger::{KillCause, Record, TaskRecord};
use super::story::What;
use super::tasks::Task;
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
        let details = TaskDetails {
            message: status.message.clone(),
            ..TaskDetails::of(record.id.clone(), Arc::from(""))
        };
        self.tasks.insert(Task {
            healthy: status.healthy,
            ..Task::new(handle, record, details, agent, role)
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

    pub(super) fn tell_update(&mut self, handle: TaskHandle, status: &TaskStatus) {
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
}
