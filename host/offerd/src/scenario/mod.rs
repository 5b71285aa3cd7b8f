//! Scenarios: what a policy does with a small cluster and some work, step by step, written
//! in TOML (docs/languages/testing.md).
//!
//! The machine and the policy are the real ones; the master is a few lines of books beside
//! them, so that each run is the same. Nothing here waits: time passes when a step says so.

mod cluster;
mod names;
mod read;
mod steps;

use std::path::Path;
use std::time::Duration;

use offerd_policy::{Program, StartError};

pub use read::{ReadError, Scenario};

/// What every policy must be able to do: name and text of each case.
pub const SHARED: [(&str, &str); 7] = [
    (
        "nothing",
        include_str!("../../../../sdk/conformance/cases/nothing.toml"),
    ),
    (
        "work",
        include_str!("../../../../sdk/conformance/cases/work.toml"),
    ),
    (
        "odd-names",
        include_str!("../../../../sdk/conformance/cases/odd-names.toml"),
    ),
    (
        "resources",
        include_str!("../../../../sdk/conformance/cases/resources.toml"),
    ),
    (
        "troubles",
        include_str!("../../../../sdk/conformance/cases/troubles.toml"),
    ),
    (
        "state",
        include_str!("../../../../sdk/conformance/cases/state.toml"),
    ),
    (
        "many",
        include_str!("../../../../sdk/conformance/cases/many.toml"),
    ),
];

/// For one call, as long as a policy needs on a slow machine: whether it is quick enough is
/// for [`Passed::slowest`] to tell.
const DEADLINE: Duration = Duration::from_secs(10);

/// A scenario that went as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// The longest call of the policy.
    pub slowest: Duration,
}

/// A scenario that did not go as it says, or as it must for every policy: a line for each
/// thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub mistakes: Vec<String>,
    /// What the policy logged, the latest last.
    pub log: Vec<String>,
}

/// Reads and checks one.
pub fn read(name: &str, text: &str) -> Result<Scenario, ReadError> {
    read::scenario(name, text)
}

/// Reads a file.
pub fn open(path: &Path) -> Result<Scenario, ReadError> {
    let text = std::fs::read_to_string(path).map_err(|source| ReadError::File {
        path: path.to_owned(),
        source,
    })?;
    read(&path.display().to_string(), &text)
}

/// Runs a scenario. `config` is the policy's configuration as JSON where the scenario has
/// none of its own.
pub fn run(program: &Program, scenario: &Scenario, config: &str) -> Result<Passed, Broken> {
    let config = scenario.config.as_deref().unwrap_or(config);
    let mut run = match cluster::Cluster::start(program, scenario, config) {
        Ok(run) => run,
        Err(error) => return refusal(scenario, &error),
    };
    if let Some(text) = &scenario.refuses {
        return Err(Broken {
            mistakes: vec![format!("it was to refuse its configuration: {text}")],
            log: run.log(),
        });
    }
    steps::take(&mut run, scenario);
    let slowest = run.slowest;
    let (mistakes, log) = run.end();
    if mistakes.is_empty() {
        Ok(Passed { slowest })
    } else {
        Err(Broken { mistakes, log })
    }
}

fn refusal(scenario: &Scenario, error: &StartError) -> Result<Passed, Broken> {
    let text = error.to_string();
    let mistake = match &scenario.refuses {
        Some(expected) if text.contains(expected) => {
            return Ok(Passed {
                slowest: Duration::ZERO,
            });
        }
        Some(expected) => {
            format!("it refuses its configuration, but does not say '{expected}': {text}")
        }
        None => text,
    };
    Err(Broken {
        mistakes: vec![mistake],
        log: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
