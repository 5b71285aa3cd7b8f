//! The same client steps against the simulated master and a real Apache Mesos
//! give the same results.
//!
//! The real one is started by the program that OFFERD_MESOS_LOCAL names, for
//! example tests/mesos-local/mesos-local of this repository. Without it the
//! scenarios run against the simulated master only, and nothing is compared.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in tests a panic is how it is told what is wrong"
)]

#[path = "../common/mod.rs"]
mod common;
mod masters;
mod scenarios;
mod steps;

use std::panic::{AssertUnwindSafe, catch_unwind};

use masters::{Master, Real};
use scenarios::{ALL, Scenario};
use steps::Run;

/// What the scenario saw; a panic is the last line.
fn trace(scenario: Scenario, master: &dyn Master) -> Vec<String> {
    let mut run = Run::new(master);
    let done = catch_unwind(AssertUnwindSafe(|| scenario(&mut run)));
    if let Err(panic) = done {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        run.trace
            .push(format!("PANIC: {}", text.unwrap_or_default()));
    }
    run.trace
}

/// The steps that differ; after the first one there may be more than its own.
fn difference(simulated: &[String], real: &[String]) -> Option<String> {
    let nothing = "(nothing)".to_owned();
    let mut lines = Vec::new();
    for step in 0..simulated.len().max(real.len()) {
        let ours = simulated.get(step).unwrap_or(&nothing);
        let theirs = real.get(step).unwrap_or(&nothing);
        if ours != theirs {
            lines.push(format!(
                "  step {step}\n    simulated: {ours}\n    real:      {theirs}"
            ));
        }
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[test]
fn the_simulated_master_answers_like_a_real_one() {
    let simulated = masters::simulated();
    let real = std::env::var("OFFERD_MESOS_LOCAL");
    let real = real.ok().filter(|program| !program.is_empty());
    let real = real.map(|program| Real::start(&program));
    if real.is_none() {
        assert!(
            std::env::var_os("OFFERD_CI").is_none(),
            "OFFERD_MESOS_LOCAL names no program that starts a real Mesos"
        );
        eprintln!(
            "SKIPPED: nothing is compared with a real Mesos. Set OFFERD_MESOS_LOCAL to the \
             program that starts one, for example tests/mesos-local/mesos-local."
        );
    }
    let only = std::env::var("OFFERD_SCENARIO").ok();
    assert!(
        only.is_none() || std::env::var_os("OFFERD_CI").is_none(),
        "in CI all scenarios are run; OFFERD_SCENARIO must not choose one"
    );
    let known = |only: &String| ALL.iter().any(|(name, _)| name == only);
    assert!(
        only.as_ref().is_none_or(known),
        "OFFERD_SCENARIO={only:?} is no scenario; see tests/conformance/scenarios"
    );
    let mut failures = Vec::new();
    for (name, scenario) in ALL {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        eprintln!("{name}");
        let ours = trace(*scenario, &simulated);
        let theirs = real
            .as_ref()
            .map_or_else(|| ours.clone(), |real| trace(*scenario, real));
        if let Some(difference) = difference(&ours, &theirs) {
            failures.push(format!("{name}:\n{difference}"));
        } else if let Some(panic) = ours.last().filter(|line| line.starts_with("PANIC")) {
            failures.push(format!("{name}: both: {panic}"));
        }
        // What a failed scenario leaves on the agents would fail all others too,
        // each after its own patience.
        if !failures.is_empty() {
            break;
        }
    }
    assert!(
        failures.is_empty(),
        "the later scenarios were not run; of {}:\n{}",
        ALL.len(),
        failures.join("\n")
    );
}
