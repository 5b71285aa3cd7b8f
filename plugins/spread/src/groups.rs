//! Which group an agent belongs to, and how many tasks of a job each has.

use offerd_sdk::cluster;
use offerd_sdk::map::Map;

use crate::{By, Over};

/// A group that has offers, seen from one job.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) number: u32,
    /// Place among all names, so that ties are broken the same way each time.
    pub(crate) rank: u32,
    /// Tasks of the job that live there.
    pub(crate) count: u32,
    /// Agents that do not say where they are: taken last.
    pub(crate) is_unknown: bool,
}

/// The groups of the agents that a round names.
#[derive(Debug)]
pub(crate) struct Groups<'a> {
    by: &'a By,
    /// Names in order of their numbers; `None` where agents do not say it.
    names: Vec<Option<String>>,
    numbers: Map<Option<String>, u32>,
    agents: Map<u32, u32>,
}

impl<'a> Groups<'a> {
    pub(crate) fn new(by: &'a By) -> Self {
        Self {
            by,
            names: Vec::new(),
            numbers: Map::default(),
            agents: Map::default(),
        }
    }

    /// Number of an agent's group.
    pub(crate) fn of(&mut self, agent: u32) -> u32 {
        if let Some(number) = self.agents.get(&agent) {
            return *number;
        }
        let name = self.name(agent);
        let number = match self.numbers.get(&name) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
                self.names.push(name.clone());
                self.numbers.insert(name, number);
                number
            }
        };
        self.agents.insert(agent, number);
        number
    }

    /// All groups that have offers, with the tasks of a job counted.
    pub(crate) fn with_counts(&mut self, job: u32) -> impl Iterator<Item = Group> {
        let mut counts: Vec<u32> = vec![0; self.names.len()];
        for task in cluster::tasks_of_job(job) {
            // A task that is being killed leaves its place to another.
            if task.is_being_killed() {
                continue;
            }
            let group = match self.agents.get(&task.agent) {
                Some(number) => Some(*number),
                None => self.numbers.get(&self.name(task.agent)).copied(),
            };
            if let Some(count) = group.and_then(|number| counts.get_mut(number as usize)) {
                *count += 1;
            }
        }
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        order.sort_by_key(|number| self.names.get(*number));
        let mut ranks: Vec<u32> = vec![0; order.len()];
        for (rank, number) in (0..).zip(order) {
            if let Some(slot) = ranks.get_mut(number) {
                *slot = rank;
            }
        }
        let unknown: Vec<bool> = self.names.iter().map(Option::is_none).collect();
        (0..)
            .zip(counts)
            .zip(ranks)
            .zip(unknown)
            .map(|(((number, count), rank), is_unknown)| Group {
                number,
                rank,
                count,
                is_unknown,
            })
    }

    fn name(&self, agent: u32) -> Option<String> {
        let details = cluster::agent(agent)?;
        match self.by {
            By::Attribute(name) => details.attribute_text(name),
            // Two agents of one host name are one host.
            By::Over(Over::Host) => Some(details.hostname.clone()),
            By::Over(Over::Zone) => details.zone.clone(),
            By::Over(Over::Region) => details.region.clone(),
        }
    }
}
