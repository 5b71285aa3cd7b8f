//! `offerd status`: the service at a glance.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::ask::{failed, print_json};
use super::{Outcome, Target, block_on, table};
use crate::admin::api::Status;
use crate::reading::{show_bytes, show_duration};

/// Show the state of the service.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: Target,
    /// One object, for programs.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    block_on(async {
        let admin = arguments.target.admin()?;
        let status = admin.status().await.map_err(|error| failed(&error))?;
        if arguments.json {
            print_json(&status)?;
        } else {
            print(&status);
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn print(status: &Status) {
    let master = match (&status.master, status.subscribed) {
        (Some(master), true) => format!("subscribed to {master}"),
        (Some(master), false) => format!("not subscribed; last master {master}"),
        (None, _) => "not subscribed yet".to_owned(),
    };
    let framework = status.framework_id.as_deref().unwrap_or("no id yet");
    println!("framework {} ({framework}), {master}", status.framework);
    println!(
        "{} tasks live, {} waiting, {} offers held",
        status.tasks_live, status.tasks_waiting, status.offers_held
    );
    println!(
        "store {}, up for {}, version {}",
        status.store,
        show_duration(Duration::from_secs(status.uptime as u64)),
        status.version
    );
    if status.recording == Some(false) {
        println!("nothing is being recorded; the log says why");
    }
    println!();
    let rows: Vec<Vec<String>> = status
        .policies
        .iter()
        .map(|policy| {
            vec![
                policy.name.clone(),
                policy.version.clone(),
                policy.roles.join(","),
                policy.state.clone(),
                policy.digest.chars().take(12).collect(),
                policy.rounds.to_string(),
                show_bytes(u64::try_from(policy.memory).unwrap_or(u64::MAX)),
                policy.last_failure.clone().unwrap_or_default(),
            ]
        })
        .collect();
    table::print(
        &[
            "POLICY",
            "VERSION",
            "ROLES",
            "STATE",
            "DIGEST",
            "ROUNDS",
            "MEMORY",
            "LAST FAILURE",
        ],
        &rows,
    );
}
