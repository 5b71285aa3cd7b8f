//! Names in a scenario's steps: a job or an agent that is not there is a mistake, since
//! what is expected of it would hold for ever.

use std::collections::BTreeSet;

use offerd_core::job::JobSpec;

use super::read::{Agent, StepText};
use crate::reading::did_you_mean;

/// What steps can name.
pub(super) struct Known {
    agents: BTreeSet<String>,
    /// Those of this step and of the ones before.
    jobs: BTreeSet<String>,
}

impl Known {
    pub(super) fn new(agents: &[Agent]) -> Self {
        Self {
            agents: agents.iter().map(|agent| agent.name.clone()).collect(),
            jobs: BTreeSet::new(),
        }
    }

    pub(super) fn add(&mut self, jobs: &[JobSpec]) {
        self.jobs
            .extend(jobs.iter().map(|job| job.name.to_string()));
    }

    /// A line for each name that nothing has.
    pub(super) fn unknown_of(&self, step: &StepText) -> Vec<String> {
        let expect = &step.expect;
        let jobs = [
            step.finish.keys().collect::<Vec<_>>(),
            step.fail.keys().collect(),
            step.scale.keys().collect(),
            step.kill.iter().collect(),
            expect.running.keys().collect(),
            expect.waiting.keys().collect(),
            expect.on.keys().collect(),
            expect.per_agent.keys().collect(),
            expect.killed.keys().collect(),
        ];
        let agents = [
            step.lose.iter().collect::<Vec<_>>(),
            step.rescind.iter().collect(),
            expect.on.values().flatten().collect(),
            expect.held.iter().flatten().collect(),
        ];
        let mut mistakes = unknown("job", "in this step or before", &self.jobs, &jobs);
        mistakes.extend(unknown("agent", "in this scenario", &self.agents, &agents));
        mistakes
    }
}

fn unknown(
    what: &str,
    place: &str,
    known: &BTreeSet<String>,
    written: &[Vec<&String>],
) -> Vec<String> {
    let written: BTreeSet<&String> = written.iter().flatten().copied().collect();
    written
        .into_iter()
        .filter(|name| !known.contains(*name))
        .map(|name| {
            let hint = did_you_mean(name, known.iter().map(String::as_str));
            let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            format!("there is no {what} '{name}' {place}{hint}")
        })
        .collect()
}
