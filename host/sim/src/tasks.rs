//! Tasks that pretend to run: states, updates until they are acknowledged, and
//! an end that the command foretells.

use std::collections::VecDeque;
use std::time::Duration;

use mesos_v1 as wire;
use mesos_v1::TaskState;
use mesos_v1::scheduler as api;
use mesos_v1::task_status::{Reason, Source};
use offerd_core::Instant;
use offerd_core::resource::Resource;

use crate::cluster::Cluster;

/// First wait before an update is sent again; doubles (R34).
const RESEND: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(600));

/// Time from one simulated state to the next.
const STEP: Duration = Duration::from_millis(5);

/// How a task ends by itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fate {
    Finishes(Duration),
    Fails(Duration, i32),
}

/// Reads a shell command as far as a simulation cares: `sleep N`, `exit N`,
/// `true`, `false`, joined by `;` or `&&`. Anything else takes no time.
pub(crate) fn fate(command: &str) -> Fate {
    let mut time = Duration::ZERO;
    for part in command
        .split([';', '&'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let mut words = part.split_whitespace().skip_while(|word| *word == "exec");
        match (words.next(), words.next()) {
            (Some("sleep"), Some(seconds)) => {
                let seconds = seconds.parse::<f64>().unwrap_or(0.0).clamp(0.0, 1e9);
                time += Duration::from_secs_f64(seconds);
            }
            (Some("exit"), Some(code)) if code != "0" => {
                return Fate::Fails(time, code.parse().unwrap_or(1));
            }
            (Some("exit"), _) => return Fate::Finishes(time),
            (Some("false"), _) => return Fate::Fails(time, 1),
            _ => {}
        }
    }
    Fate::Finishes(time)
}

#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) agent: usize,
    pub(crate) resources: Vec<Resource>,
    pub(crate) state: TaskState,
    pub(crate) fate: Fate,
    /// The next thing that happens, if it is not stopped.
    next: Option<(Instant, TaskState)>,
    /// Updates in order; only the first is sent until it is acknowledged.
    updates: VecDeque<wire::TaskStatus>,
    resend: Option<(Instant, Duration)>,
}

impl Task {
    pub(crate) fn new(
        id: String,
        agent: usize,
        resources: Vec<Resource>,
        fate: Fate,
        now: Instant,
    ) -> Self {
        Self {
            id,
            agent,
            resources,
            state: TaskState::TaskStaging,
            fate,
            next: Some((now + STEP, TaskState::TaskStarting)),
            updates: VecDeque::new(),
            resend: None,
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let next = self.next.map(|(at, _)| at);
        let resend = self.resend.map(|(at, _)| at);
        match (next, resend) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        is_terminal(self.state)
    }
}

fn is_terminal(state: TaskState) -> bool {
    matches!(
        state,
        TaskState::TaskFinished
            | TaskState::TaskFailed
            | TaskState::TaskKilled
            | TaskState::TaskLost
            | TaskState::TaskError
            | TaskState::TaskGone
            | TaskState::TaskGoneByOperator
            | TaskState::TaskDropped
    )
}

/// An update that the master makes itself: no uuid, never repeated.
pub(crate) fn master_status(
    task: &str,
    agent: Option<String>,
    state: TaskState,
    reason: Option<Reason>,
    message: &str,
) -> wire::TaskStatus {
    wire::TaskStatus {
        task_id: wire::TaskId {
            value: task.to_owned(),
        },
        state: state as i32,
        message: Some(message.to_owned()),
        source: Some(Source::Master as i32),
        reason: reason.map(|reason| reason as i32),
        agent_id: agent.map(|value| wire::AgentId { value }),
        ..wire::TaskStatus::default()
    }
}

pub(crate) fn update_event(status: wire::TaskStatus) -> api::Event {
    api::Event {
        r#type: Some(api::event::Type::Update as i32),
        update: Some(api::event::Update { status }),
        ..api::Event::default()
    }
}

impl Cluster {
    /// Lets tasks do what is due.
    pub(crate) fn run_tasks(&mut self) {
        let now = self.now;
        let mut due = Vec::new();
        let mut resend = Vec::new();
        for (framework, state) in &mut self.frameworks {
            for task in state.tasks.values_mut() {
                if task.next.is_some_and(|(at, _)| at <= now)
                    && let Some((_, next)) = task.next.take()
                {
                    due.push((framework.clone(), task.id.clone(), next));
                }
                if let Some((at, wait)) = &mut task.resend
                    && *at <= now
                {
                    *wait = wait.saturating_mul(2).min(RESEND.1);
                    *at = now + *wait;
                    resend.extend(task.updates.front().map(|u| (framework.clone(), u.clone())));
                }
            }
        }
        for (framework, task, state) in due {
            self.task_becomes(&framework, &task, state, None);
        }
        for (framework, status) in resend {
            self.send(&framework, update_event(status));
        }
    }

    /// A new state of a task, with the update that tells it.
    pub(crate) fn task_becomes(
        &mut self,
        framework: &str,
        id: &str,
        state: TaskState,
        reason: Option<Reason>,
    ) {
        let now = self.now;
        let uuid = self.uuid();
        let Some(owner) = self.frameworks.get_mut(framework) else {
            return;
        };
        let Some(task) = owner.tasks.get_mut(id) else {
            return;
        };
        if task.is_terminal() {
            return;
        }
        task.state = state;
        let message = match (&task.fate, state) {
            (_, TaskState::TaskStarting) => {
                task.next = Some((now + STEP, TaskState::TaskRunning));
                None
            }
            (fate, TaskState::TaskRunning) => {
                task.next = Some(match fate {
                    Fate::Finishes(time) => (now + *time, TaskState::TaskFinished),
                    Fate::Fails(time, _) => (now + *time, TaskState::TaskFailed),
                });
                None
            }
            (_, TaskState::TaskKilling) => {
                task.next = Some((now + STEP, TaskState::TaskKilled));
                None
            }
            (_, TaskState::TaskFinished) => Some("Command exited with status 0".to_owned()),
            (Fate::Fails(_, code), TaskState::TaskFailed) => {
                Some(format!("Command exited with status {code}"))
            }
            (_, TaskState::TaskKilled) => Some("Command terminated with signal Killed".to_owned()),
            _ => None,
        };
        let agent = task.agent;
        let freed = if task.is_terminal() {
            task.next = None;
            std::mem::take(&mut task.resources)
        } else {
            Vec::new()
        };
        let agent_id = self.agents.get(agent).map(|agent| agent.id.clone());
        let status = wire::TaskStatus {
            task_id: wire::TaskId {
                value: id.to_owned(),
            },
            state: state as i32,
            message,
            source: Some(Source::Executor as i32),
            reason: reason.map(|reason| reason as i32),
            agent_id: agent_id.map(|value| wire::AgentId { value }),
            executor_id: Some(wire::ExecutorId {
                value: id.to_owned(),
            }),
            timestamp: Some(now.as_millis_f64() / 1000.0),
            uuid: Some(uuid.clone()),
            ..wire::TaskStatus::default()
        };
        let first = task.updates.is_empty();
        task.updates.push_back(status.clone());
        if first {
            task.resend = Some((now + RESEND.0, RESEND.0));
        }
        self.counts.updates.insert(uuid);
        self.give_back(agent, freed);
        if first {
            self.send(framework, update_event(status));
        }
    }

    /// ACKNOWLEDGE: the next update of the task may go.
    pub(crate) fn acknowledge(&mut self, framework: &str, task: &str, uuid: Vec<u8>) {
        let now = self.now;
        *self.counts.acknowledged.entry(uuid.clone()).or_default() += 1;
        let Some(owner) = self.frameworks.get_mut(framework) else {
            return;
        };
        let Some(entry) = owner.tasks.get_mut(task) else {
            return;
        };
        if entry
            .updates
            .front()
            .and_then(|update| update.uuid.as_ref())
            != Some(&uuid)
        {
            return;
        }
        entry.updates.pop_front();
        entry.resend = None;
        if let Some(next) = entry.updates.front().cloned() {
            entry.resend = Some((now + RESEND.0, RESEND.0));
            self.send(framework, update_event(next));
        } else if entry.is_terminal() {
            owner.tasks.remove(task);
        }
    }

    pub(crate) fn repeat_updates(&mut self, framework: &str) {
        let waiting: Vec<wire::TaskStatus> = self
            .frameworks
            .get(framework)
            .into_iter()
            .flat_map(|f| f.tasks.values())
            .filter_map(|task| task.updates.front().cloned())
            .collect();
        for status in waiting {
            self.send(framework, update_event(status));
        }
    }

    /// An agent is cut off: its tasks may still run.
    pub fn lose_agent(&mut self, position: usize) {
        self.agent_changes(position, false, "health check timed out");
    }

    /// An agent that was cut off comes back with its tasks.
    pub fn return_agent(&mut self, position: usize) {
        self.agent_changes(position, true, "Unreachable agent re-reregistered");
    }

    fn agent_changes(&mut self, position: usize, present: bool, message: &str) {
        let Some(agent) = self.agents.get_mut(position) else {
            return;
        };
        agent.present = present;
        let agent_id = agent.id.clone();
        let held: Vec<String> = self
            .offers
            .iter()
            .filter(|(_, offer)| offer.agent == position)
            .map(|(id, _)| id.clone())
            .collect();
        for offer in held {
            self.rescind(&offer);
        }
        let mut events = Vec::new();
        for (id, framework) in &self.frameworks {
            for task in framework
                .tasks
                .values()
                .filter(|t| t.agent == position && !t.is_terminal())
            {
                let (state, reason) = match (present, framework.partition_aware()) {
                    (true, _) => (task.state, Reason::AgentReregistered),
                    (false, true) => (TaskState::TaskUnreachable, Reason::AgentRemoved),
                    (false, false) => (TaskState::TaskLost, Reason::AgentRemoved),
                };
                let status = master_status(
                    &task.id,
                    Some(agent_id.clone()),
                    state,
                    Some(reason),
                    message,
                );
                events.push((id.clone(), update_event(status)));
            }
            if !present {
                let failure = api::event::Failure {
                    agent_id: Some(wire::AgentId {
                        value: agent_id.clone(),
                    }),
                    ..api::event::Failure::default()
                };
                events.push((
                    id.clone(),
                    api::Event {
                        r#type: Some(api::event::Type::Failure as i32),
                        failure: Some(failure),
                        ..api::Event::default()
                    },
                ));
            }
        }
        for (framework, event) in events {
            self.send(&framework, event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_foretell_their_end() {
        let seconds = Duration::from_secs_f64;
        assert_eq!(fate("sleep 1"), Fate::Finishes(seconds(1.0)));
        assert_eq!(
            fate("exec sleep 100000"),
            Fate::Finishes(seconds(100_000.0))
        );
        assert_eq!(fate("sleep 0.5; exit 3"), Fate::Fails(seconds(0.5), 3));
        assert_eq!(fate("false"), Fate::Fails(Duration::ZERO, 1));
        assert_eq!(fate("echo hello && exit 0"), Fate::Finishes(Duration::ZERO));
    }
}
