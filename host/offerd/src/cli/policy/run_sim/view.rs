//! What is to be seen of a policy at work: the agents, the jobs, and what was decided
//! last, with its reasons.

use offerd_core::machine::view::{JobStatus, TaskFilter, TaskSummary};
use offerd_sim::{AgentUse, Sim};

use crate::admin::api::PolicyStatus;
use crate::admin::client::{Admin, AskError};
use crate::cli::table;

/// So many rows of each kind, for terminals of 24 lines.
const AGENTS: usize = 6;
const JOBS: usize = 5;
const DECISIONS: usize = 4;

/// One look.
#[derive(Debug)]
pub(super) struct Seen {
    name: String,
    policy: Option<PolicyStatus>,
    agents: Vec<AgentUse>,
    jobs: Vec<JobStatus>,
    /// The newest first.
    decisions: Vec<Decision>,
}

#[derive(Debug)]
struct Decision {
    task: String,
    text: String,
}

/// Asks for all of it.
pub(super) async fn look(name: &str, admin: &Admin, sim: &Sim) -> Result<Seen, AskError> {
    let status = admin.status().await?;
    let mut tasks = admin.tasks(TaskFilter::default()).await?;
    tasks.retain(|task| !task.agent.is_empty());
    tasks.sort_by_key(|task| std::cmp::Reverse(task.since));
    let mut decisions = Vec::new();
    for task in tasks.iter().take(DECISIONS) {
        decisions.extend(decision(admin, task).await);
    }
    Ok(Seen {
        name: name.to_owned(),
        policy: status.policies.into_iter().next(),
        agents: sim.with(|cluster| cluster.agents()),
        jobs: admin.jobs().await?,
        decisions,
    })
}

/// The last that a policy decided about a task; `None` if that is forgotten by now.
async fn decision(admin: &Admin, task: &TaskSummary) -> Option<Decision> {
    let why = admin.why(&task.id).await.ok()?;
    let step = why
        .steps
        .into_iter()
        .rev()
        .find(|step| step.policy.is_some())?;
    Some(Decision {
        task: task.id.clone(),
        text: step.text,
    })
}

impl Seen {
    /// For a terminal.
    pub(super) fn table(&self) -> Vec<String> {
        let mut lines = vec![String::new(), self.summary()];
        let agents = self.agents.iter().take(AGENTS).map(|agent| {
            vec![
                agent.hostname.clone(),
                bar(agent.cpus.0.units(), agent.cpus.1.units()),
                format!("{} of {}", agent.cpus.0, agent.cpus.1),
                bar(agent.mem.0.units(), agent.mem.1.units()),
                format!("{} of {}", agent.mem.0, agent.mem.1),
                agent.tasks.to_string(),
            ]
        });
        let heads = ["AGENT", "CPUS", "", "MEM", "", "TASKS"];
        lines.extend(table::lines(&heads, &agents.collect::<Vec<_>>()));
        lines.extend(more(self.agents.len(), AGENTS, "agents"));

        let busy: Vec<&JobStatus> = self.jobs.iter().filter(|job| is_live(job)).collect();
        let jobs = busy.iter().take(JOBS).map(|job| {
            vec![
                job.name.clone(),
                job.waiting.to_string(),
                (job.staging + job.running).to_string(),
                job.finished.to_string(),
                job.reason.clone().unwrap_or_default(),
            ]
        });
        lines.extend(table::lines(
            &["JOB", "WAIT", "RUN", "FINISHED", "WHY THEY WAIT"],
            &jobs.collect::<Vec<_>>(),
        ));
        lines.extend(more(busy.len(), JOBS, "jobs"));

        lines.push("LATEST DECISIONS".to_owned());
        lines.extend(self.told());
        lines
    }

    /// Line by line.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.told().collect();
        lines.reverse();
        lines.push(self.summary());
        lines
    }

    fn told(&self) -> impl Iterator<Item = String> + '_ {
        let decisions = self.decisions.iter();
        decisions.map(|decision| format!("{}: {}", decision.task, decision.text))
    }

    fn summary(&self) -> String {
        let sum = |number: fn(&JobStatus) -> u32| self.jobs.iter().map(number).sum::<u32>();
        let Some(policy) = &self.policy else {
            return String::new();
        };
        if policy.state == "starting" {
            return format!("{} is being compiled; its tasks wait", self.name);
        }
        let numbers = policy.numbers;
        let mut line = format!(
            "{} {}, round {}: {} tasks wait, {} run, {} finished; {} placed, {:.1} s wait each",
            self.name,
            policy.version,
            policy.rounds,
            sum(|job| job.waiting),
            sum(|job| job.running),
            sum(|job| job.finished),
            numbers.placed,
            numbers.waited as f64 / 1000.0 / numbers.placed.max(1) as f64,
        );
        if numbers.refused > 0 {
            line.push_str(&format!(", {} decisions refused", numbers.refused));
        }
        if let Some(failure) = &policy.last_failure {
            let first = failure.lines().next().unwrap_or_default();
            line.push_str(&format!("; fails: {first}"));
        }
        line
    }
}

fn is_live(job: &JobStatus) -> bool {
    job.waiting + job.staging + job.running > 0
}

fn more(there: usize, shown: usize, what: &str) -> Option<String> {
    let more = there.checked_sub(shown).filter(|more| *more > 0)?;
    Some(format!("... and {more} more {what}"))
}

/// Ten signs: `###.......`.
fn bar(used: f64, whole: f64) -> String {
    const WIDTH: usize = 10;
    let share = if whole > 0.0 { used / whole } else { 0.0 };
    // Any use is to be seen.
    let full = ((share * WIDTH as f64).ceil() as usize).min(WIDTH);
    format!("{}{}", "#".repeat(full), ".".repeat(WIDTH - full))
}

#[cfg(test)]
mod tests {
    use offerd_core::Milli;

    use super::*;

    fn seen() -> Seen {
        let agent = |number: usize| AgentUse {
            hostname: format!("agent-{number}"),
            cpus: (Milli(500), Milli(4000)),
            mem: (Milli(4_096_000), Milli(4_096_000)),
            tasks: number,
        };
        let job = JobStatus {
            name: "front".to_owned(),
            role: "dev".to_owned(),
            kind: "service".to_owned(),
            state: "running".to_owned(),
            priority: 0,
            count: 3,
            waiting: 1,
            staging: 0,
            running: 2,
            finished: 0,
            failed: 0,
            reason: Some("no room".to_owned()),
        };
        let decision = |number: u32| Decision {
            task: format!("front.{number}"),
            text: "the first offer".to_owned(),
        };
        Seen {
            name: "night-batch".to_owned(),
            policy: None,
            agents: (0..AGENTS + 2).map(agent).collect(),
            jobs: vec![job],
            decisions: vec![decision(2), decision(1)],
        }
    }

    #[test]
    fn the_table_fits_a_small_terminal() {
        let seen = seen();
        let table = seen.table();
        assert!(table.len() < 24);
        for line in [
            "AGENT    CPUS                  MEM                       TASKS",
            "agent-0  ##........  0.5 of 4  ##########  4096 of 4096  0",
            "... and 2 more agents",
            "front  1     2    0         no room",
            "front.2: the first offer",
        ] {
            assert!(table.contains(&line.to_owned()), "{line}\n{table:#?}");
        }
    }

    #[test]
    fn lines_tell_decisions_in_their_order() {
        let lines = seen().lines();
        assert_eq!(lines.first().unwrap(), "front.1: the first offer");
    }
}
