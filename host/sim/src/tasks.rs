//! Tasks that pretend to run: states, updates until they are acknowledged, and
//! an end that the command foretells.

use std::collections::VecDeque;
use std::time::Duration;

use mesos_v1 as wire;
use mesos_v1::TaskState;
use mesos_v1::framework_info::capability::Type as Capability;
use mesos_v1::scheduler as api;
use mesos_v1::task_status::{Reason, Source};
use offerd_core::Instant;
use offerd_core::resource::Resource;

use crate::cluster::Cluster;
use crate::executors::failure_event;

/// First wait before an update is sent again; doubles (R34).
pub(crate) const RESEND: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(600));

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
    /// What the master knows of it: the latest state when an update last came to
    /// it. With unacknowledged updates that is less than the truth.
    pub(crate) told: TaskState,
    pub(crate) fate: Fate,
    /// The next thing that happens, if it is not stopped.
    next: Option<(Instant, TaskState)>,
    /// Updates in order; only the first is sent until it is acknowledged.
    updates: VecDeque<wire::TaskStatus>,
    resend: Option<(Instant, Duration)>,
    /// Why it is being stopped, if not by its framework.
    reason: Option<Reason>,
    /// Stands for what the agent calls it.
    number: u64,
    /// Its executor, if it is more than a command.
    pub(crate) executor: Option<String>,
    /// Tasks with the same number were launched as one group.
    pub(crate) group: Option<u64>,
}

impl Task {
    pub(crate) fn new(
        id: String,
        agent: usize,
        resources: Vec<Resource>,
        fate: Fate,
        number: u64,
        now: Instant,
    ) -> Self {
        Self {
            id,
            agent,
            resources,
            state: TaskState::TaskStaging,
            told: TaskState::TaskStaging,
            fate,
            next: Some((now + STEP, TaskState::TaskStarting)),
            updates: VecDeque::new(),
            resend: None,
            reason: None,
            number,
            executor: None,
            group: None,
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

    /// Where it runs, if the master knows it.
    pub(crate) fn container(&self) -> Option<wire::ContainerStatus> {
        (self.told != TaskState::TaskStaging).then(|| container(self.number))
    }

    /// The update to send now, and the resources that are free with it: the
    /// master learns the latest state with any update.
    fn tell(&mut self) -> Option<(wire::TaskStatus, Vec<Resource>)> {
        let update = self.updates.front()?.clone();
        self.told = self.state;
        let freed = if self.is_terminal() {
            std::mem::take(&mut self.resources)
        } else {
            Vec::new()
        };
        Some((update, freed))
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
    now: Instant,
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
        timestamp: Some(now.as_millis_f64() / 1000.0),
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

/// Where a command runs, as far as frameworks are told.
fn container(number: u64) -> wire::ContainerStatus {
    let address = wire::network_info::IpAddress {
        protocol: Some(wire::network_info::Protocol::IPv4 as i32),
        ip_address: Some("127.0.0.1".to_owned()),
    };
    wire::ContainerStatus {
        container_id: Some(wire::ContainerId {
            value: format!("51300000-0000-4000-a000-{number:012x}"),
            parent: None,
        }),
        network_infos: vec![wire::NetworkInfo {
            ip_addresses: vec![address],
            ..wire::NetworkInfo::default()
        }],
        executor_pid: Some(u32::try_from(number).unwrap_or(u32::MAX)),
        ..wire::ContainerStatus::default()
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
                    resend.push((framework.clone(), task.id.clone()));
                }
            }
        }
        for (framework, task, state) in due {
            self.task_becomes(&framework, &task, state);
        }
        for (framework, task) in resend {
            self.tell(&framework, &task);
        }
    }

    /// Sends the oldest update of a task that is not acknowledged, if its agent
    /// is there to send it.
    fn tell(&mut self, framework: &str, id: &str) {
        let owner = self.frameworks.get_mut(framework);
        let Some(task) = owner.and_then(|owner| owner.tasks.get_mut(id)) else {
            return;
        };
        let agent = task.agent;
        if !self.agents.get(agent).is_some_and(|agent| agent.present) {
            return;
        }
        if let Some((status, freed)) = task.tell() {
            self.give_back(agent, freed);
            self.send(framework, update_event(status));
        }
    }

    /// Asks a task to end, and with it all of its group (R38).
    pub(crate) fn stop_task(&mut self, framework: &str, id: &str, reason: Option<Reason>) {
        let Some(owner) = self.frameworks.get_mut(framework) else {
            return;
        };
        let state = if owner.can(Capability::TaskKillingState) {
            TaskState::TaskKilling
        } else {
            TaskState::TaskKilled
        };
        let group = owner.tasks.get(id).and_then(|task| task.group);
        let mut stopped = Vec::new();
        for task in owner.tasks.values_mut() {
            let with_it = group.is_some() && task.group == group;
            if (task.id == id || with_it) && task.state != TaskState::TaskKilling {
                task.reason = reason;
                stopped.push(task.id.clone());
            }
        }
        for task in stopped {
            self.task_becomes(framework, &task, state);
        }
    }

    /// A new state of a task, with the update that tells it.
    fn task_becomes(&mut self, framework: &str, id: &str, state: TaskState) {
        let now = self.now;
        let uuid = self.uuid();
        let owner = self.frameworks.get_mut(framework);
        let Some(task) = owner.and_then(|owner| owner.tasks.get_mut(id)) else {
            return;
        };
        if task.is_terminal() {
            return;
        }
        task.state = state;
        task.next = match (&task.fate, state) {
            (_, TaskState::TaskStarting) => Some((now + STEP, TaskState::TaskRunning)),
            (Fate::Finishes(time), TaskState::TaskRunning) => {
                Some((now + *time, TaskState::TaskFinished))
            }
            (Fate::Fails(time, _), TaskState::TaskRunning) => {
                Some((now + *time, TaskState::TaskFailed))
            }
            (_, TaskState::TaskKilling) => Some((now + STEP, TaskState::TaskKilled)),
            _ => None,
        };
        let message = match (&task.fate, state) {
            (_, TaskState::TaskFinished) => Some("Command exited with status 0".to_owned()),
            (Fate::Fails(_, code), TaskState::TaskFailed) => {
                Some(format!("Command exited with status {code}"))
            }
            (_, TaskState::TaskKilled) => {
                Some("Command terminated with signal Terminated".to_owned())
            }
            _ => None,
        };
        let agent_id = self.agents.get(task.agent).map(|agent| agent.id.clone());
        task.updates.push_back(wire::TaskStatus {
            task_id: wire::TaskId {
                value: id.to_owned(),
            },
            state: state as i32,
            message,
            source: Some(Source::Executor as i32),
            reason: task.reason.map(|reason| reason as i32),
            agent_id: agent_id.map(|value| wire::AgentId { value }),
            executor_id: Some(wire::ExecutorId {
                value: task.executor.clone().unwrap_or_else(|| id.to_owned()),
            }),
            timestamp: Some(now.as_millis_f64() / 1000.0),
            uuid: Some(uuid.clone()),
            container_status: Some(container(task.number)),
            ..wire::TaskStatus::default()
        });
        let first = task.updates.len() == 1;
        let fails_group = task.group.is_some() && state == TaskState::TaskFailed;
        self.counts.updates.insert(uuid);
        if first {
            task.resend = Some((now + RESEND.0, RESEND.0));
            self.tell(framework, id);
        }
        if fails_group {
            self.stop_task(framework, id, None);
        }
    }

    /// ACKNOWLEDGE: the next update of the task may go. What an agent that is
    /// not there should hear is lost (R6).
    pub(crate) fn acknowledge(&mut self, framework: &str, task: &str, uuid: Vec<u8>) {
        let now = self.now;
        *self.counts.acknowledged.entry(uuid.clone()).or_default() += 1;
        let Some(owner) = self.frameworks.get_mut(framework) else {
            return;
        };
        let Some(entry) = owner.tasks.get_mut(task) else {
            return;
        };
        let here = self.agents.get(entry.agent).is_some_and(|a| a.present);
        let oldest = entry.updates.front();
        if !here || oldest.and_then(|update| update.uuid.as_ref()) != Some(&uuid) {
            return;
        }
        entry.updates.pop_front();
        if !entry.updates.is_empty() {
            entry.resend = Some((now + RESEND.0, RESEND.0));
            self.tell(framework, task);
        } else if entry.is_terminal() {
            owner.tasks.remove(task);
            self.end_executors(framework);
        } else {
            entry.resend = None;
        }
    }

    /// Sends what was not acknowledged again.
    pub(crate) fn repeat_updates(&mut self, framework: &str) {
        self.repeat_updates_of(framework, None);
    }

    fn repeat_updates_of(&mut self, framework: &str, agent: Option<usize>) {
        let owner = self.frameworks.get(framework);
        let tasks: Vec<String> = owner
            .into_iter()
            .flat_map(|owner| owner.tasks.values())
            .filter(|task| agent.is_none_or(|agent| agent == task.agent))
            .map(|task| task.id.clone())
            .collect();
        for task in tasks {
            self.tell(framework, &task);
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
        self.rescind_agent(position);
        let mut events = Vec::new();
        for (id, framework) in &self.frameworks {
            for task in framework
                .tasks
                .values()
                .filter(|t| t.agent == position && !t.is_terminal())
            {
                let (state, reason) = match (present, framework.partition_aware()) {
                    (true, _) => (task.told, Reason::AgentReregistered),
                    (false, true) => (TaskState::TaskUnreachable, Reason::AgentRemoved),
                    (false, false) => (TaskState::TaskLost, Reason::AgentRemoved),
                };
                let status = master_status(
                    self.now,
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
                events.push((id.clone(), failure_event(failure)));
            }
        }
        for (framework, event) in events {
            self.send(&framework, event);
        }
        if present {
            // What its tasks did meanwhile.
            let ids: Vec<String> = self.frameworks.keys().cloned().collect();
            for id in ids {
                self.repeat_updates_of(&id, Some(position));
            }
            self.next_allocation = self.now;
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
