//! The format of scenarios. Unknown keys are refused with their place.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use offerd_core::Milli;
use offerd_core::job::JobSpec;
use offerd_core::resource::Amounts;
use serde::Deserialize;

use super::names;
use crate::jobs;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{name}: {why}")]
    Toml { name: String, why: String },
    #[error("{0}")]
    Jobs(crate::reading::Mistakes),
    /// Everything that is wrong with what it says, a line for each.
    #[error("{}", mistakes.iter().map(|why| format!("{name}: {why}")).collect::<Vec<_>>().join("\n"))]
    Wrong { name: String, mistakes: Vec<String> },
}

/// A scenario that was read and checked.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: String,
    pub about: String,
    pub(super) roles: Vec<String>,
    /// As JSON.
    pub(super) config: Option<String>,
    pub(super) refuses: Option<String>,
    pub(super) agents: Vec<Agent>,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub(super) struct Agent {
    pub(super) name: String,
    pub(super) amounts: Amounts,
    pub(super) attributes: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) jobs: Vec<JobSpec>,
    pub(super) pass: Duration,
    pub(super) written: StepText,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default)]
    about: String,
    #[serde(default = "usual_roles")]
    roles: Vec<String>,
    config: Option<toml::Value>,
    refuses: Option<String>,
    #[serde(default, rename = "agent")]
    agents: Vec<AgentText>,
    #[serde(default, rename = "step")]
    steps: Vec<StepText>,
}

fn usual_roles() -> Vec<String> {
    vec!["batch".to_owned()]
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentText {
    name: String,
    /// So many agents, named `name-0` and so on.
    count: Option<usize>,
    #[serde(default)]
    cpus: f64,
    /// MiB.
    #[serde(default)]
    mem: f64,
    #[serde(default)]
    disk: f64,
    #[serde(default)]
    gpus: f64,
    #[serde(default)]
    ports: u32,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

/// What happens in a step, in this order, and what must hold afterwards.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepText {
    /// Jobs to submit, as in job files.
    #[serde(default)]
    job: Vec<toml::Table>,
    /// Tasks of jobs that end.
    #[serde(default)]
    pub(super) finish: BTreeMap<String, usize>,
    #[serde(default)]
    pub(super) fail: BTreeMap<String, usize>,
    /// Jobs to scale or kill.
    #[serde(default)]
    pub(super) scale: BTreeMap<String, u32>,
    #[serde(default)]
    pub(super) kill: Vec<String>,
    /// Seconds that pass.
    #[serde(default)]
    pass: f64,
    /// Agents whose offers Mesos takes back; it makes new ones.
    #[serde(default)]
    pub(super) rescind: Vec<String>,
    /// Agents that are lost with their tasks.
    #[serde(default)]
    pub(super) lose: Vec<String>,
    /// The connection to the master breaks and comes back.
    #[serde(default)]
    pub(super) reconnect: bool,
    /// A new instance of the policy goes on, with what the old one saved.
    #[serde(default)]
    pub(super) restart: bool,
    #[serde(default)]
    pub(super) expect: Expect,
}

/// What must hold at the end of a step. Besides: no error, no decision that the host
/// refuses, and the same decisions from a second instance.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    /// Numbers of live tasks and of waiting tasks, by job.
    #[serde(default)]
    pub(super) running: BTreeMap<String, usize>,
    #[serde(default)]
    pub(super) waiting: BTreeMap<String, usize>,
    /// Agents with live tasks of a job: exactly these.
    #[serde(default)]
    pub(super) on: BTreeMap<String, Vec<String>>,
    /// At most so many live tasks of a job on each agent.
    #[serde(default)]
    pub(super) per_agent: BTreeMap<String, usize>,
    /// Tasks that the policy killed in this step, by job.
    #[serde(default)]
    pub(super) killed: BTreeMap<String, usize>,
    /// Agents with an offer that is held undecided.
    pub(super) held: Option<Vec<String>>,
    /// Texts that reasons of decisions, or errors, or lines of the log contain.
    #[serde(default)]
    pub(super) reasons: Vec<String>,
    pub(super) error: Option<String>,
    #[serde(default)]
    pub(super) log: Vec<String>,
    /// The most tasks that may be placed in one round.
    pub(super) at_once: Option<u32>,
    /// Decisions that the host refuses.
    #[serde(default)]
    pub(super) refused: u64,
}

pub(super) fn scenario(name: &str, text: &str) -> Result<Scenario, ReadError> {
    let wrong = |mistakes: Vec<String>| ReadError::Wrong {
        name: name.to_owned(),
        mistakes,
    };
    let read: Text = toml::from_str(text).map_err(|error| ReadError::Toml {
        name: name.to_owned(),
        why: error.to_string().trim_end().to_owned(),
    })?;
    let config = match &read.config {
        Some(table) => {
            Some(serde_json::to_string(table).map_err(|error| wrong(vec![error.to_string()]))?)
        }
        None => None,
    };
    let mut mistakes = Vec::new();
    let mut agents = Vec::new();
    for agent in read.agents {
        match several(agent) {
            Ok(more) => agents.extend(more),
            Err(why) => mistakes.push(why),
        }
    }
    let mut known = names::Known::new(&agents);
    let mut steps = Vec::new();
    for (mut step, number) in read.steps.into_iter().zip(1..) {
        let tables = std::mem::take(&mut step.job);
        let jobs = jobs(&format!("{name}, step {number}"), tables, &read.roles)?;
        known.add(&jobs);
        let mut wrong = known.unknown_of(&step);
        let pass = Duration::try_from_secs_f64(step.pass).unwrap_or_else(|_| {
            wrong.push(format!(
                "pass = {}: must be a number of seconds, 0 or more",
                step.pass
            ));
            Duration::ZERO
        });
        mistakes.extend(wrong.into_iter().map(|why| format!("step {number}: {why}")));
        steps.push(Step {
            jobs,
            pass,
            written: step,
        });
    }
    if !mistakes.is_empty() {
        return Err(wrong(mistakes));
    }
    Ok(Scenario {
        name: name.to_owned(),
        about: read.about,
        roles: read.roles,
        config,
        refuses: read.refuses,
        agents,
        steps,
    })
}

fn several(text: AgentText) -> Result<Vec<Agent>, String> {
    let milli = |key: &str, amount: f64| {
        Milli::from_units(amount)
            .ok_or_else(|| format!("agent {}: {key} = {amount} is no amount", text.name))
    };
    let amounts = Amounts {
        cpus: milli("cpus", text.cpus)?,
        mem: milli("mem", text.mem)?,
        disk: milli("disk", text.disk)?,
        gpus: milli("gpus", text.gpus)?,
        ports: text.ports,
    };
    let agent = |name: String| Agent {
        name,
        amounts,
        attributes: text.attributes.clone(),
    };
    Ok(match text.count {
        None => vec![agent(text.name.clone())],
        Some(count) => (0..count)
            .map(|n| agent(format!("{}-{n}", text.name)))
            .collect(),
    })
}

/// Jobs of a step, by the rules of job files.
fn jobs(name: &str, tables: Vec<toml::Table>, roles: &[String]) -> Result<Vec<JobSpec>, ReadError> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let tables = tables
        .into_iter()
        .map(|mut table| {
            // What is run is of no interest here.
            table.entry("command").or_insert_with(|| "true".into());
            if let [role] = roles {
                table.entry("role").or_insert_with(|| role.as_str().into());
            }
            table.entry("kind").or_insert_with(|| "batch".into());
            toml::Value::Table(table)
        })
        .collect();
    let file = toml::Table::from_iter([("job".to_owned(), toml::Value::Array(tables))]);
    jobs::parse(name, &file.to_string(), jobs::Format::Toml, Some(roles)).map_err(ReadError::Jobs)
}
