//! Policies that were compiled with an earlier version of the contract: they load
//! and decide as they did, for ever. See tests/corpus/README.md.

use std::path::{Path, PathBuf};

use offerd_policy::{Policy, PolicyCode as _};

use crate::conformance::rich;
use crate::support::{options, runtime};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus")
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// What a component says of itself and decides in two rounds, as text.
fn told(component: &Path) -> String {
    let program = runtime()
        .load(component)
        .unwrap_or_else(|error| panic!("{}: {error}", component.display()));
    let (options, _) = options(&program, "{}");
    let mut policy = Policy::start(&program, options).unwrap();
    let about = policy.description();
    let mut text = format!("{} {}: {}\n", about.name, about.version, about.summary);
    for number in 1..=2 {
        let mut round = rich();
        round.number = number;
        round.delta.reset = number == 1;
        let answer = policy.decide(round.into()).result.unwrap();
        text.push_str(&format!(
            "round {number}: {} placements, {} declines, {} kills, {} actions, rest {}\n",
            answer.placements.len(),
            answer.declines.len(),
            answer.kills.len(),
            answer.actions.len(),
            answer.rest.is_some(),
        ));
        for reason in &answer.reasons {
            text.push_str(&format!("  {reason}\n"));
        }
    }
    if program.has_state() {
        let state = policy.save().unwrap().unwrap();
        text.push_str(&format!("state {}: {:?}\n", state.version, state.data));
    }
    text
}

#[test]
fn every_policy_of_every_version_loads_and_decides_as_it_did() {
    let mut seen = 0;
    for version in sorted(&corpus()).into_iter().filter(|path| path.is_dir()) {
        for component in sorted(&version) {
            if component.extension().is_none_or(|ending| ending != "wasm") {
                continue;
            }
            seen += 1;
            let told = told(&component);
            let expected = component.with_extension("txt");
            // Only what is new: what is there stays as it is.
            if std::env::var_os("OFFERD_BLESS").is_some() && !expected.exists() {
                std::fs::write(&expected, &told).unwrap();
            }
            let expected = std::fs::read_to_string(&expected).unwrap();
            assert_eq!(told, expected, "{}", component.display());
        }
    }
    assert!(seen >= 2, "the corpus is not where it was");
}
