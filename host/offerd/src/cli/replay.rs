//! `offerd replay`: go through a recording again.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::ask::print_json;
use super::{Failed, Outcome};
use crate::replay::{Report, Wish, replay};

/// Go through a recording again and compare the decisions.
///
/// The policies that decided then decide once more, on any machine, in the same
/// rounds; their decisions must be the same to the byte, and the exit status is 1
/// if one is not, or if a file of a folder cannot be gone through. Not comparable
/// are rounds in which a limit of time stopped the policy or the host could not
/// call it, and those of a policy whose configuration was redacted. With --policy another one decides, and what it would have done
/// is compared.
#[derive(Debug, Args)]
#[command(after_help = "Example: offerd replay state/recordings --policy bin-pack.wasm")]
pub(crate) struct Arguments {
    /// A recording, or a folder with recordings.
    #[arg(value_name = "RECORDING")]
    recording: PathBuf,
    /// Another component to decide in place of the recorded one.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The policy in whose place it decides, by its name or a role; not needed if
    /// there is only one.
    #[arg(long, value_name = "POLICY", requires = "policy")]
    role: Option<String>,
    /// One object, for programs.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let wish = Wish {
        policy: arguments.policy.clone(),
        role: arguments.role.clone(),
    };
    let report = replay(&arguments.recording, &wish).map_err(|error| Failed::new(&error))?;
    if arguments.json {
        print_json(&report)?;
    } else {
        print(&report);
    }
    let same_code = report.policies.iter().filter(|p| p.then == p.now);
    let wrong: u64 = same_code.map(|policy| policy.different()).sum();
    Ok(if wrong == 0 && report.unread.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print(report: &Report) {
    println!(
        "{:.1} s recorded, {} events, gone through in {:.3} s: {:.0} times as fast",
        report.recorded,
        report.events,
        report.took,
        report.recorded / report.took.max(1e-9),
    );
    if report.cut_off {
        println!("the recording ends in the middle of a block: what wrote it was killed");
    }
    for why in &report.unread {
        println!("not gone through to its end: {why}");
    }
    for policy in &report.policies {
        let short = |digest: &str| digest.chars().take(12).collect::<String>();
        println!(
            "policy {} ({}): {} rounds, {} decided alike, {} otherwise, {} not comparable",
            policy.policy,
            short(&policy.then),
            policy.rounds,
            policy.identical,
            policy.different(),
            policy.not_comparable,
        );
        if policy.then != policy.now {
            println!(
                "  then {} placed {} tasks, now {} places {}",
                short(&policy.then),
                policy.placed_then,
                short(&policy.now),
                policy.placed_now
            );
        }
        for difference in &policy.differences {
            println!("  round {} at {} ms:", difference.round, difference.at);
            println!("    then {}", difference.then);
            println!("    now  {}", difference.now);
        }
    }
}
