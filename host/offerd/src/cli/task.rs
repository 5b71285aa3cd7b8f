//! `offerd task`: list, kill.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use offerd_core::machine::view::{TaskFilter, TaskSummary};

use super::ask::{failed, print_json};
use super::{Failed, Outcome, Target, block_on, table};
use crate::admin::api::Done;
use crate::admin::client::AskError;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List tasks: recently ended, live and waiting ones.
    List(List),
    /// Kill tasks. A task of a service is replaced; scale or kill the job to
    /// end it for good.
    Kill(Kill),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    target: Target,
    /// Only tasks of this job.
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// Only tasks in this state, such as running, failed or waiting.
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// An array of objects, for programs.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Kill {
    #[command(flatten)]
    target: Target,
    /// Ids of tasks.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

pub(super) fn run(command: Command) -> Outcome {
    block_on(async {
        match command {
            Command::List(arguments) => list(&arguments).await,
            Command::Kill(arguments) => {
                let admin = arguments.target.admin()?;
                for_each(&arguments.ids, |id| admin.kill_task(id)).await
            }
        }
    })
}

async fn list(arguments: &List) -> Outcome {
    let admin = arguments.target.admin()?;
    let filter = TaskFilter {
        job: arguments.job.clone(),
        state: arguments.state.clone(),
        ..TaskFilter::default()
    };
    let tasks = admin.tasks(filter).await.map_err(|error| failed(&error))?;
    if arguments.json {
        print_json(&tasks)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = tasks
        .into_iter()
        .map(
            |TaskSummary {
                 id,
                 job,
                 role,
                 state,
                 hostname,
                 agent,
                 reason,
                 ..
             }| {
                let place = if hostname.is_empty() { agent } else { hostname };
                vec![id, job, role, state, place, reason]
            },
        )
        .collect();
    table::print(&["TASK", "JOB", "ROLE", "STATE", "AGENT", "REASON"], &rows);
    Ok(ExitCode::SUCCESS)
}

/// Asks for each name in turn; all are tried, and all that fail are named.
pub(super) async fn for_each<'a, F>(names: &'a [String], ask: impl Fn(&'a str) -> F) -> Outcome
where
    F: Future<Output = Result<Done, AskError>>,
{
    let mut wrong = Vec::new();
    for name in names {
        match ask(name).await {
            Ok(done) => super::job::print_done(&done.done),
            Err(error) if error.is_gone() => return Err(failed(&error)),
            Err(error) => wrong.push(failed(&error).0),
        }
    }
    if wrong.is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Failed(wrong.join("\n")))
    }
}
