//! `offerd why`: the reasons behind a task.

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use offerd_core::machine::view::{Candidate, Why};

use super::ask::{failed, print_json};
use super::{Outcome, Target, block_on, table};
use crate::admin::api::WhatIf;
use crate::reading::show_duration;

/// Say why a task waits, or who decided what about it.
///
/// For a waiting task: each live or recent offer to its role with the host's
/// judgement and the policy's words, and the nearest miss. For a placed or ended
/// task: which decision of which policy placed or killed it, and what happened.
#[derive(Debug, Args)]
#[command(after_help = "Example: offerd why sleepers.abcdefgh.3 --what-if")]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: Target,
    /// Id of the task, as `offerd task list` shows it.
    #[arg(value_name = "TASK")]
    task: String,
    /// Ask the policy what would get it placed: it decides once more about altered
    /// input, without effect.
    #[arg(long)]
    what_if: bool,
    /// One object, for programs.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    block_on(async {
        let admin = arguments.target.admin()?;
        let why = admin
            .why(&arguments.task)
            .await
            .map_err(|error| failed(&error))?;
        let what_if = if arguments.what_if {
            let found = admin.what_if(&arguments.task).await;
            Some(found.map_err(|error| failed(&error))?)
        } else {
            None
        };
        if arguments.json {
            match what_if {
                Some(what_if) => {
                    print_json(&serde_json::json!({ "why": why, "what_if": what_if }))?
                }
                None => print_json(&why)?,
            }
        } else {
            print(&why);
            if let Some(what_if) = what_if {
                print_what_if(&what_if);
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn ago(millis: u64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    let since = now.saturating_sub(Duration::from_millis(millis));
    format!(
        "{} ago",
        show_duration(Duration::from_secs(since.as_secs()))
    )
}

fn print(why: &Why) {
    println!("{} ({}): {}", why.task, why.state, why.verdict);
    for step in &why.steps {
        let by = match (&step.policy, step.round) {
            (Some(policy), Some(round)) => {
                let version = step.version.as_deref().unwrap_or_default();
                format!(" (policy {policy} {version}, round {round})")
            }
            _ => String::new(),
        };
        println!("  {}: {}{by}", ago(step.at), step.text);
    }
    if why.candidates.is_empty() {
        return;
    }
    println!();
    let rows: Vec<Vec<String>> = why
        .candidates
        .iter()
        .map(|candidate| {
            vec![
                candidate.host.clone(),
                if candidate.live {
                    "now".to_owned()
                } else {
                    ago(candidate.at)
                },
                candidate.says.clone(),
                became(candidate),
                candidate.policy_says.clone().unwrap_or_default(),
            ]
        })
        .collect();
    table::print(
        &[
            "OFFER OF",
            "WHEN",
            "THE HOST SAYS",
            "WHAT BECAME OF IT",
            "THE POLICY SAID",
        ],
        &rows,
    );
}

/// What became of an offer, and who decided so.
fn became(candidate: &Candidate) -> String {
    match (&candidate.policy, candidate.round) {
        (Some(policy), Some(round)) => {
            format!("{} ({policy}, round {round})", candidate.became)
        }
        _ => candidate.became.clone(),
    }
}

fn print_what_if(what_if: &WhatIf) {
    println!();
    for text in &what_if.would_help {
        println!("it would be placed {text}");
    }
    for text in &what_if.would_not_help {
        println!("it would not be placed {text}");
    }
    if !what_if.note.is_empty() {
        println!("{}", what_if.note);
    }
}
