//! How the tasks of a job lie over the groups of its constraints (`max 2 per rack`):
//! counted once for many agents, since a job can have thousands of tasks.

use foldhash::HashMap;

use crate::job::JobSpec;
use crate::offer::AgentInfo;

use super::Machine;
use super::jobs::Job;

pub(super) struct Spread {
    /// For each constraint of the job the tasks of each group; empty for one that does
    /// not depend on them.
    tasks: Vec<HashMap<Vec<String>, usize>>,
}

impl Spread {
    pub(super) fn of<'a>(spec: &JobSpec, agents: impl IntoIterator<Item = &'a AgentInfo>) -> Self {
        let tasks = spec.constraints.iter().map(|_| HashMap::default());
        let mut spread = Self {
            tasks: tasks.collect(),
        };
        for agent in agents {
            spread.add(spec, agent);
        }
        spread
    }

    /// One more task is on an agent.
    pub(super) fn add(&mut self, spec: &JobSpec, agent: &AgentInfo) {
        for (constraint, tasks) in spec.constraints.iter().zip(&mut self.tasks) {
            if constraint.counts_tasks() {
                *tasks.entry(constraint.group(agent)).or_default() += 1;
            }
        }
    }

    /// Whether the job's constraints allow one more task on an agent.
    pub(super) fn check(&self, spec: &JobSpec, agent: &AgentInfo) -> Result<(), String> {
        for (constraint, tasks) in spec.constraints.iter().zip(&self.tasks) {
            let taken = |group: &[String]| tasks.get(group).copied().unwrap_or(0);
            if constraint.room(agent, taken) == 0 {
                return Err(format!(
                    "constraint '{constraint}' of {} does not allow agent {}",
                    spec.name, agent.hostname
                ));
            }
        }
        Ok(())
    }
}

impl Machine {
    pub(super) fn spread_of(&self, job: &Job) -> Spread {
        let spec = job.spec();
        let counts = spec.constraints.iter().any(|c| c.counts_tasks());
        let live = job.live.iter().filter(|_| counts);
        let agents = live
            .filter_map(|task| self.tasks.get(*task))
            .filter_map(|task| self.agents.get(task.agent))
            .map(|agent| &agent.info);
        Spread::of(spec, agents)
    }
}
