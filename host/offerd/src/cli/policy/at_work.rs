//! `offerd policy list|swap|rollback`: the policies of a running offerd.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::admin::api::{CanaryWish, Done, PolicyStatus};
use crate::admin::client::AskError;
use crate::cli::ask::{failed, print_json};
use crate::cli::{Failed, Outcome, Target, block_on, job, table};
use crate::reading::show_duration;

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    target: Target,
    /// An array of objects, for programs.
    #[arg(long)]
    json: bool,
}

/// Put other code to work for a policy, while everything goes on.
///
/// The file is read, checked, compiled and started beside the one at work, which
/// decides until then. The new one takes over between two rounds with the state
/// that the old one saves; offers and tasks stay as they are. If anything fails,
/// the old one goes on and the reason is shown. For its trial time the new one is
/// watched closely; if it does worse, the old one comes back by itself.
#[derive(Debug, Args)]
pub(crate) struct Swap {
    #[command(flatten)]
    target: Target,
    /// Name of the policy, or one of its roles.
    #[arg(value_name = "POLICY")]
    policy: String,
    /// WebAssembly component, on the machine where the service runs.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RollBack {
    #[command(flatten)]
    target: Target,
    /// Name of the policy, or one of its roles.
    #[arg(value_name = "POLICY")]
    policy: String,
}

/// Let a candidate decide beside a policy, without effect, and compare.
///
/// It sees each round that the policy sees. `offerd policy list` shows how often
/// the two agree, where they first did not, what each placed and what it cost.
/// Any number of rounds later it can be promoted or aborted.
#[derive(Debug, Args)]
pub(crate) struct Shadow {
    #[command(flatten)]
    target: Target,
    /// Name of the policy, or one of its roles.
    #[arg(value_name = "POLICY")]
    policy: String,
    /// WebAssembly component, on the machine where the service runs.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Let other code decide for a part of a policy's demand, and compare.
///
/// It really decides: for a share of the tasks of each job, for chosen jobs, or
/// both. Offers are shown to one of the two first, in turns, and what that one
/// leaves to the other. `offerd policy list` shows what it does. It ends by itself
/// if it fails, if its decisions are refused or if its tasks wait too long; else it
/// is promoted or aborted. It does not outlive a restart of the service.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples: offerd policy canary batch new.wasm --share 10\n          \
    offerd policy canary batch new.wasm --job nightly --job reports"
)]
pub(crate) struct Canary {
    #[command(flatten)]
    target: Target,
    /// Name of the policy, or one of its roles.
    #[arg(value_name = "POLICY")]
    policy: String,
    /// WebAssembly component, on the machine where the service runs.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// So many percent of the tasks of each job.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(1..=100), required_unless_present = "jobs")]
    share: Option<u32>,
    /// All tasks of this job; may be given several times.
    #[arg(long = "job", value_name = "JOB")]
    jobs: Vec<String>,
}

pub(super) fn canary(arguments: &Canary) -> Outcome {
    let file = std::path::absolute(&arguments.file).map_err(|error| Failed::new(&error))?;
    let wish = CanaryWish {
        file,
        share: arguments.share.unwrap_or_default(),
        jobs: arguments.jobs.clone(),
    };
    block_on(async {
        let admin = arguments.target.admin()?;
        done(admin.canary(&arguments.policy, &wish).await)
    })
}

#[derive(Debug, Args)]
pub(crate) struct OneShadow {
    #[command(flatten)]
    target: Target,
    /// Name of the policy, or one of its roles.
    #[arg(value_name = "POLICY")]
    policy: String,
    /// How its digest begins; not needed if there is one.
    #[arg(value_name = "DIGEST", default_value = "")]
    digest: String,
}

pub(super) fn shadow(arguments: &Shadow) -> Outcome {
    let file = std::path::absolute(&arguments.file).map_err(|error| Failed::new(&error))?;
    block_on(async {
        let admin = arguments.target.admin()?;
        done(admin.shadow(&arguments.policy, file).await)
    })
}

pub(super) fn promote(arguments: &OneShadow) -> Outcome {
    block_on(async {
        let admin = arguments.target.admin()?;
        done(admin.promote(&arguments.policy, &arguments.digest).await)
    })
}

pub(super) fn abort(arguments: &OneShadow) -> Outcome {
    block_on(async {
        let admin = arguments.target.admin()?;
        done(admin.abort(&arguments.policy, &arguments.digest).await)
    })
}

pub(super) fn swap(arguments: &Swap) -> Outcome {
    let file = std::path::absolute(&arguments.file).map_err(|error| Failed::new(&error))?;
    block_on(async {
        let admin = arguments.target.admin()?;
        done(admin.swap(&arguments.policy, file).await)
    })
}

pub(super) fn roll_back(arguments: &RollBack) -> Outcome {
    block_on(async {
        let admin = arguments.target.admin()?;
        done(admin.roll_back(&arguments.policy).await)
    })
}

fn done(result: Result<Done, AskError>) -> Outcome {
    let done = result.map_err(|error| failed(&error))?;
    job::print_done(&done.done);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn list(arguments: &List) -> Outcome {
    block_on(list_now(arguments))
}

async fn list_now(arguments: &List) -> Outcome {
    let admin = arguments.target.admin()?;
    let status = admin.status().await.map_err(|error| failed(&error))?;
    if arguments.json {
        print_json(&status.policies)?;
        return Ok(ExitCode::SUCCESS);
    }
    let short = |digest: &str| digest.chars().take(12).collect::<String>();
    let now = status.started + (status.uptime * 1000.0) as u64;
    let shadows: Vec<Vec<String>> = status
        .policies
        .iter()
        .flat_map(|policy| policy.shadows.iter().map(move |shadow| (policy, shadow)))
        .map(|(policy, shadow)| {
            let agreed = shadow.agreed as f64 * 100.0 / (shadow.rounds.max(1) as f64);
            vec![
                policy.name.clone(),
                shadow.version.clone(),
                short(&shadow.digest),
                shadow.rounds.to_string(),
                format!("{agreed:.1} %"),
                format!("{} / {}", shadow.placed, shadow.active_placed),
                shadow.refused.to_string(),
                shadow.failures.to_string(),
                format!("{:.3} / {:.3} s", shadow.busy, shadow.active_busy),
                shadow
                    .first_divergence
                    .as_ref()
                    .map(|first| format!("round {}", first.round))
                    .unwrap_or_default(),
            ]
        })
        .collect();
    let canaries: Vec<Vec<String>> = status
        .policies
        .iter()
        .filter_map(|policy| Some((policy, policy.canary.as_ref()?)))
        .map(|(policy, canary)| {
            let mut part = canary.jobs.clone();
            if canary.share > 0 {
                part.insert(0, format!("{} %", canary.share));
            }
            vec![
                policy.name.clone(),
                canary.version.clone(),
                short(&canary.digest),
                part.join(", "),
                canary.numbers.placed.to_string(),
                canary.numbers.refused.to_string(),
                canary.numbers.failures.to_string(),
                canary.strikes.to_string(),
                format!("{:.3} s", canary.busy),
            ]
        })
        .collect();
    let notes: Vec<String> = status
        .policies
        .iter()
        .flat_map(|policy| notes(policy, now))
        .collect();
    let rows: Vec<Vec<String>> = status
        .policies
        .into_iter()
        .map(|policy| {
            let age = Duration::from_millis(now.saturating_sub(policy.since));
            vec![
                policy.name,
                policy.roles.join(","),
                policy.state,
                policy.version,
                short(&policy.digest),
                policy.previous.as_deref().map(short).unwrap_or_default(),
                show_duration(Duration::from_secs(age.as_secs())),
                policy.numbers.placed.to_string(),
                policy.numbers.refused.to_string(),
                policy.strikes.to_string(),
            ]
        })
        .collect();
    table::print(
        &[
            "POLICY", "ROLES", "STATE", "VERSION", "DIGEST", "BEFORE", "FOR", "PLACED", "REFUSED",
            "STRIKES",
        ],
        &rows,
    );
    if !notes.is_empty() {
        println!();
        for note in notes {
            println!("{note}");
        }
    }
    if !canaries.is_empty() {
        println!();
        table::print(
            &[
                "CANARY OF",
                "VERSION",
                "DIGEST",
                "FOR",
                "PLACED",
                "REFUSED",
                "FAILURES",
                "STRIKES",
                "TIME",
            ],
            &canaries,
        );
    }
    if !shadows.is_empty() {
        println!();
        table::print(
            &[
                "SHADOW OF",
                "VERSION",
                "DIGEST",
                "ROUNDS",
                "AGREED",
                "PLACED",
                "REFUSED",
                "FAILURES",
                "TIME",
                "DIVERGED",
            ],
            &shadows,
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// What an operator should know of a policy beyond its numbers.
fn notes(policy: &PolicyStatus, now: u64) -> Vec<String> {
    let ago = |at: u64| {
        let age = Duration::from_millis(now.saturating_sub(at));
        show_duration(Duration::from_secs(age.as_secs()))
    };
    let mut notes = Vec::new();
    if policy.state == "fallback"
        && let Some(switch) = policy.switches.last()
    {
        notes.push(format!(
            "policy {}: {} decides since {} ago: {}",
            policy.name,
            policy.file,
            ago(switch.at),
            switch.why
        ));
    }
    if let Some(refused) = &policy.refused {
        notes.push(format!(
            "policy {}: other code could not take over {} ago: {}",
            policy.name,
            ago(refused.at),
            first_line(&refused.why)
        ));
    }
    notes
}

/// Where a policy was when it failed takes many lines; whoever asked for it got them, and
/// the log has them.
fn first_line(why: &str) -> String {
    match why.split_once('\n') {
        Some((first, _)) => format!("{first} (more in the log)"),
        None => why.to_owned(),
    }
}
