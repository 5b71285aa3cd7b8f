//! `offerd policy test`: the shared cases and scenarios of the author's own.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use offerd_policy::{Limits, Program};
use offerd_toolchain::Project;

use super::{Failed, Outcome, build};
use crate::cli::runtime;
use crate::scenario::{self, Broken, Scenario};

/// Lines of a policy's log that are shown when a scenario breaks.
const LOG: usize = 10;

/// Run a policy through the cases that every policy must pass, and your own scenarios.
///
/// Builds the project and runs the component in the real host with a small cluster that
/// is written down in TOML: agents, jobs, what happens, and what must hold then. Your
/// scenarios are the files in the project's folder `scenarios`; docs/languages/testing.md
/// has the format. In every case a policy must answer without an error, decide nothing
/// that the host refuses, and decide the same when it is shown the same again.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  offerd policy test\n  offerd policy test night-batch.wasm --config '{ most = 5 }' --scenario late.toml"
)]
pub(crate) struct Arguments {
    /// Folder with policy.toml, or a component.
    #[arg(value_name = "DIR|POLICY.wasm", default_value = ".")]
    subject: PathBuf,
    /// The policy's settings in the shared cases, as in offerd.toml.
    #[arg(long, value_name = "TABLE", default_value = "{}")]
    config: String,
    /// Further scenarios.
    #[arg(long, value_name = "FILE")]
    scenario: Vec<PathBuf>,
    /// Build with names and source lines for backtraces, where the compiler has them.
    #[arg(long)]
    debug: bool,
    /// Only cases and scenarios whose name contains this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let config = config(&arguments.config)?;
    let mut files = arguments.scenario.clone();
    let component = component(&arguments.subject, arguments.debug)?;
    if arguments.subject.is_dir() {
        files.extend(own(&arguments.subject)?);
    }
    let mut scenarios = Vec::new();
    for (name, text) in scenario::SHARED {
        scenarios.push(scenario::read(name, text).map_err(|error| Failed::new(&error))?);
    }
    for file in files {
        scenarios.push(scenario::open(&file).map_err(|error| Failed::new(&error))?);
    }
    let wanted = |scenario: &Scenario| {
        let only = arguments.only.as_deref();
        only.is_none_or(|text| scenario.name.contains(text))
    };
    scenarios.retain(wanted);
    let program = runtime()?
        .load(&component)
        .map_err(|error| Failed::new(&error))?;
    all(&program, &scenarios, &config)
}

fn all(program: &Program, scenarios: &[Scenario], config: &str) -> Outcome {
    let mut failed = 0;
    for scenario in scenarios {
        let begin = Instant::now();
        match scenario::run(program, scenario, config) {
            Ok(passed) => {
                println!(
                    "ok      {:<24} {:>6.0} ms  {}",
                    scenario.name,
                    begin.elapsed().as_secs_f64() * 1000.0,
                    scenario.about
                );
                warn_if_slow(passed.slowest);
            }
            Err(broken) => {
                failed += 1;
                tell(scenario, &broken);
            }
        }
    }
    println!("{} of {} passed", scenarios.len() - failed, scenarios.len());
    Ok(if failed == 0 && !scenarios.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What takes so long here is ended at work.
fn warn_if_slow(slowest: Duration) {
    let usual = Limits::default().deadline;
    if slowest > usual {
        println!(
            "        slow: a call took {} ms; offerd ends one after {} ms unless call_deadline in \
             [limits] says otherwise",
            slowest.as_millis(),
            usual.as_millis()
        );
    }
}

fn tell(scenario: &Scenario, broken: &Broken) {
    println!("FAILED  {:<24} {}", scenario.name, scenario.about);
    for mistake in &broken.mistakes {
        println!("        {mistake}");
    }
    let first = broken.log.len().saturating_sub(LOG);
    for line in broken.log.iter().skip(first) {
        println!("        log: {line}");
    }
}

/// A table of TOML as JSON.
pub(super) fn config(table: &str) -> Result<String, Failed> {
    let read: toml::Table = toml::from_str(&format!("config = {table}")).map_err(|error| {
        Failed(format!(
            "error: the settings {table} are no table of TOML: {error}"
        ))
    })?;
    serde_json::to_string(&read.get("config")).map_err(|error| Failed::new(&error))
}

/// The component itself, or what a project builds.
pub(super) fn component(subject: &Path, debug: bool) -> Result<PathBuf, Failed> {
    if !subject.is_dir() {
        return Ok(subject.to_owned());
    }
    let project: Project = super::open(subject)?;
    let wanted = build::Wanted {
        debug,
        ..build::Wanted::default()
    };
    Ok(build::build(&project, &wanted, &super::progress)?.file)
}

/// The files in `scenarios`, sorted.
fn own(folder: &Path) -> Result<Vec<PathBuf>, Failed> {
    // What is here is called by its short name.
    let folder = folder.strip_prefix(".").unwrap_or(folder).join("scenarios");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(&folder)
        .map_err(|error| Failed(format!("error: cannot read {}: {error}", folder.display())))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    Ok(files)
}
