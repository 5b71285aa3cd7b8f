//! Tasks in the books, from the launch intent to their end.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use foldhash::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::Instant;
use crate::ids::{AgentHandle, JobHandle, PolicyHandle, RoleHandle, TaskHandle, TaskId};
use crate::task::{TaskDetails, TaskState, TaskView, task_traits};

use super::executors::Owner;
use super::io::{CallId, Session};
use super::ledger::{KillCause, TaskRecord};
use super::story::{Beginning, Ended, Story};
use super::view::TaskSummary;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Killing {
    pub(super) cause: KillCause,
    pub(super) grace: Option<u64>,
    pub(super) next_try: Instant,
    pub(super) wait: Duration,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) handle: TaskHandle,
    pub(super) record: TaskRecord,
    pub(super) job: JobHandle,
    pub(super) agent: AgentHandle,
    pub(super) role: RoleHandle,
    pub(super) priority: i32,
    pub(super) service: bool,
    pub(super) details: Arc<TaskDetails>,
    pub(super) healthy: Option<bool>,
    /// The call and session that launched it; `None` after a restart.
    pub(super) launch: Option<(Session, CallId)>,
    pub(super) killing: Option<Killing>,
    /// When a replacement starts if it stays unreachable.
    pub(super) replace_at: Option<Instant>,
    pub(super) running_since: Option<Instant>,
    /// Who launched it; `None` after a restart.
    pub(super) launched_by: Option<PolicyHandle>,
    pub(super) story: Story,
}

impl Task {
    /// A task that nothing more is known of.
    pub(super) fn new(
        handle: TaskHandle,
        record: TaskRecord,
        details: TaskDetails,
        agent: AgentHandle,
        role: RoleHandle,
    ) -> Self {
        Self {
            handle,
            record,
            details: Arc::new(details),
            agent,
            role,
            job: JobHandle::NONE,
            priority: 0,
            service: false,
            healthy: None,
            launch: None,
            killing: None,
            replace_at: None,
            running_since: None,
            launched_by: None,
            story: Story::default(),
        }
    }

    /// On whose word it was launched.
    pub(super) fn owner(&self) -> Owner {
        Owner {
            role: self.role,
            launched_by: self.launched_by,
        }
    }

    /// Whether it does not count for its job any more: another has its place, or
    /// it is one too many.
    pub(super) fn is_to_go(&self) -> bool {
        let killing = self.killing.as_ref();
        self.record.replaced || killing.is_some_and(|k| k.cause == KillCause::Unwanted)
    }

    pub(super) fn view(&self) -> TaskView {
        let mut traits = 0;
        if self.killing.is_some() {
            traits |= task_traits::KILLING;
        }
        if self.service {
            traits |= task_traits::SERVICE;
        }
        match self.healthy {
            Some(true) => traits |= task_traits::HEALTHY,
            Some(false) => traits |= task_traits::UNHEALTHY,
            None => {}
        }
        if self.record.quarantined {
            traits |= task_traits::QUARANTINED;
        }
        TaskView {
            handle: self.handle,
            job: self.job,
            agent: self.agent,
            role: self.role,
            state: self.record.state,
            priority: self.priority,
            traits,
            needs: self.record.needs,
            since: self.record.launched,
            details: Arc::clone(&self.details),
        }
    }

    pub(super) fn summary(&self, hostname: &str) -> TaskSummary {
        let reason = self
            .details
            .message
            .clone()
            .or_else(|| self.record.reason.as_deref().map(str::to_owned))
            .unwrap_or_default();
        TaskSummary {
            id: self.record.id.to_string(),
            job: self
                .record
                .job
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            role: self.record.role.to_string(),
            state: self.record.state.to_string(),
            agent: self.record.agent.to_string(),
            hostname: hostname.to_owned(),
            reason,
            since: self.record.launched.0 / 1_000_000,
        }
    }

    pub(super) fn beginning(&self) -> Beginning {
        Beginning::Placed {
            at: self.record.launched,
            reason: self.record.reason.clone(),
            placed: self.record.placed.clone(),
        }
    }

    /// Whether a launch intent is all there is: Mesos has said nothing yet.
    pub(super) fn is_intent(&self) -> bool {
        self.record.state == TaskState::STAGING
    }
}

/// Live tasks, and some that ended, for lists.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Tasks {
    /// Boxed, since nodes of a growing tree are half empty.
    live: BTreeMap<TaskHandle, Box<Task>>,
    by_id: HashMap<TaskId, TaskHandle>,
    by_agent: HashMap<AgentHandle, BTreeSet<TaskHandle>>,
    ended: VecDeque<Ended>,
    next: u32,
}

impl Tasks {
    pub(super) fn next_handle(&mut self) -> TaskHandle {
        let handle = TaskHandle(self.next);
        self.next = self.next.wrapping_add(1);
        handle
    }

    pub(super) fn insert(&mut self, task: Task) {
        self.by_id.insert(task.record.id.clone(), task.handle);
        self.by_agent
            .entry(task.agent)
            .or_default()
            .insert(task.handle);
        self.live.insert(task.handle, Box::new(task));
    }

    pub(super) fn get(&self, handle: TaskHandle) -> Option<&Task> {
        self.live.get(&handle).map(Box::as_ref)
    }

    pub(super) fn get_mut(&mut self, handle: TaskHandle) -> Option<&mut Task> {
        self.live.get_mut(&handle).map(Box::as_mut)
    }

    pub(super) fn find(&self, id: &TaskId) -> Option<TaskHandle> {
        self.by_id.get(id).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Task> {
        self.live.values().map(Box::as_ref)
    }

    /// Those on an agent; with no agent named, all.
    pub(super) fn on_agent(&self, agent: AgentHandle) -> impl Iterator<Item = &Task> {
        let all = (agent == AgentHandle::NONE).then(|| self.live.values());
        let there = self.by_agent.get(&agent).into_iter().flatten();
        let there = there.filter_map(|task| self.live.get(task));
        let all = all.into_iter().flatten();
        all.chain(there).map(Box::as_ref)
    }

    pub(super) fn len(&self) -> usize {
        self.live.len()
    }

    /// Takes a task that has ended out of the live ones.
    pub(super) fn end(&mut self, handle: TaskHandle, hostname: &str, keep: usize) -> Option<Task> {
        let task = *self.live.remove(&handle)?;
        self.by_id.remove(&task.record.id);
        if let Some(there) = self.by_agent.get_mut(&task.agent) {
            there.remove(&handle);
            if there.is_empty() {
                self.by_agent.remove(&task.agent);
            }
        }
        let ended = Ended {
            summary: task.summary(hostname),
            beginning: task.beginning(),
            story: task.story.clone(),
        };
        self.remember(ended, keep);
        Some(task)
    }

    /// Of tasks that have ended `keep` are remembered.
    pub(super) fn remember(&mut self, ended: Ended, keep: usize) {
        self.ended.push_back(ended);
        while self.ended.len() > keep {
            self.ended.pop_front();
        }
    }

    pub(super) fn ended(&self) -> impl DoubleEndedIterator<Item = &Ended> {
        self.ended.iter()
    }
}
