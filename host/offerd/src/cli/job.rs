//! `offerd job`: submit, list, scale, kill.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use offerd_core::machine::view::JobStatus;

use super::ask::{failed, print_json};
use super::{Failed, Outcome, Target, block_on, table};
use crate::admin::client::Admin;
use crate::jobs::{self, Format};

/// Between two looks at the jobs that are waited for.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Submit the jobs of a file, all or none.
    #[command(after_help = "Example: offerd job submit jobs.toml --wait\n\n\
        A job file has one [[job]] for each job:\n\n  \
        [[job]]\n  name = \"sleepers\"\n  role = \"batch\"\n  kind = \"batch\"   # or \"service\"\n  \
        count = 40\n  cpus = 0.1\n  mem = 32           # MiB\n  command = \"sleep 1\"\n  retries = 1")]
    Submit(Submit),
    /// List jobs, ended ones included.
    List(List),
    /// Change the number of tasks of a job.
    #[command(after_help = "Example: offerd job scale front 8")]
    Scale(Scale),
    /// Kill jobs with all their tasks.
    #[command(after_help = "Example: offerd job kill front sleepers")]
    Kill(Kill),
}

#[derive(Debug, Args)]
pub(crate) struct Submit {
    #[command(flatten)]
    target: Target,
    /// Job file (TOML).
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Return when batch jobs have ended and services run; exit status 1 if one
    /// failed or was killed.
    #[arg(long)]
    wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    target: Target,
    /// An array of objects, for programs.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Scale {
    #[command(flatten)]
    target: Target,
    /// Name of the job.
    job: String,
    /// New number of tasks.
    count: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Kill {
    #[command(flatten)]
    target: Target,
    /// Names of jobs.
    #[arg(required = true, value_name = "JOB")]
    jobs: Vec<String>,
}

pub(super) fn run(command: Command) -> Outcome {
    block_on(async {
        match command {
            Command::Submit(arguments) => submit(&arguments).await,
            Command::List(arguments) => list(&arguments).await,
            Command::Scale(arguments) => scale(&arguments).await,
            Command::Kill(arguments) => kill(&arguments).await,
        }
    })
}

async fn submit(arguments: &Submit) -> Outcome {
    let name = arguments.file.display().to_string();
    let text = std::fs::read_to_string(&arguments.file)
        .map_err(|error| Failed(format!("error: cannot read the job file {name}: {error}")))?;
    // Read here too: mistakes get the file's name, and the names are known.
    let parsed = jobs::parse(&name, &text, Format::Toml, None).map_err(|mistakes| {
        Failed(format!(
            "{mistakes}\nerror: {} in the jobs; nothing was submitted",
            mistakes.count()
        ))
    })?;
    let admin = arguments.target.admin()?;
    let done = admin.submit(text).await.map_err(|error| failed(&error))?;
    for line in done.done {
        println!("{line}");
    }
    if !arguments.wait {
        return Ok(ExitCode::SUCCESS);
    }
    let names: Vec<String> = parsed.iter().map(|job| job.name.to_string()).collect();
    let progress = std::io::stderr().is_terminal();
    wait(&admin, &names, |jobs| {
        if progress {
            eprint!("\r\x1b[K{}", progress_line(jobs));
        }
    })
    .await
    .inspect(|_| {
        if progress {
            eprintln!();
        }
    })
}

/// Waits until all have ended or run, and prints what became of them.
async fn wait(admin: &Admin, names: &[String], mut show: impl FnMut(&[JobStatus])) -> Outcome {
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        let mut jobs = admin.jobs().await.map_err(|error| failed(&error))?;
        jobs.retain(|job| names.contains(&job.name));
        show(&jobs);
        if jobs.iter().all(is_settled) {
            for job in &jobs {
                println!("{}", settled_line(job));
            }
            let good = |job: &JobStatus| ["finished", "running"].contains(&job.state.as_str());
            let all = jobs.len() == names.len() && jobs.iter().all(good);
            return Ok(if all {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
    }
}

fn is_settled(job: &JobStatus) -> bool {
    match job.state.as_str() {
        "finished" | "failed" | "killed" => true,
        "running" => job.kind == "service" && job.running >= job.count,
        _ => false,
    }
}

fn settled_line(job: &JobStatus) -> String {
    let JobStatus {
        name,
        state,
        finished,
        failed,
        running,
        count,
        ..
    } = job;
    let mut line = match state.as_str() {
        "running" => format!("job {name}: {running} of {count} tasks run"),
        _ => format!("job {name} {state}: {finished} of {count} tasks finished, {failed} failed"),
    };
    if let Some(reason) = &job.reason
        && state != "running"
        && state != "finished"
    {
        line.push_str(&format!(" ({reason})"));
    }
    line
}

fn progress_line(jobs: &[JobStatus]) -> String {
    let parts: Vec<String> = jobs
        .iter()
        .map(|job| {
            format!(
                "{}: {} waiting, {} running, {} finished, {} failed",
                job.name,
                job.waiting,
                job.staging + job.running,
                job.finished,
                job.failed
            )
        })
        .collect();
    parts.join("; ")
}

async fn list(arguments: &List) -> Outcome {
    let jobs = arguments
        .target
        .admin()?
        .jobs()
        .await
        .map_err(|error| failed(&error))?;
    if arguments.json {
        print_json(&jobs)?;
    } else {
        print_jobs(&jobs);
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn print_jobs(jobs: &[JobStatus]) {
    let rows: Vec<Vec<String>> = jobs
        .iter()
        .map(|job| {
            vec![
                job.name.clone(),
                job.role.clone(),
                job.kind.clone(),
                job.state.clone(),
                job.count.to_string(),
                job.waiting.to_string(),
                job.running.to_string(),
                job.finished.to_string(),
                job.failed.to_string(),
                job.reason.clone().unwrap_or_default(),
            ]
        })
        .collect();
    table::print(
        &[
            "JOB", "ROLE", "KIND", "STATE", "COUNT", "WAITING", "RUNNING", "FINISHED", "FAILED",
            "REASON",
        ],
        &rows,
    );
}

async fn scale(arguments: &Scale) -> Outcome {
    let admin = arguments.target.admin()?;
    let done = admin
        .scale(&arguments.job, arguments.count)
        .await
        .map_err(|error| failed(&error))?;
    print_done(&done.done);
    Ok(ExitCode::SUCCESS)
}

async fn kill(arguments: &Kill) -> Outcome {
    let admin = arguments.target.admin()?;
    super::task::for_each(&arguments.jobs, |job| admin.kill_job(job)).await
}

pub(super) fn print_done(done: &[String]) {
    for line in done {
        println!("{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(kind: &str, state: &str, running: u32) -> JobStatus {
        JobStatus {
            name: "j".into(),
            role: "r".into(),
            kind: kind.into(),
            state: state.into(),
            priority: 0,
            count: 2,
            waiting: 0,
            staging: 0,
            running,
            finished: 0,
            failed: 0,
            reason: None,
        }
    }

    #[test]
    fn a_service_is_settled_when_all_its_tasks_run_and_a_batch_job_when_it_ended() {
        assert!(!is_settled(&job("service", "running", 1)));
        assert!(is_settled(&job("service", "running", 2)));
        assert!(!is_settled(&job("batch", "running", 2)));
        assert!(!is_settled(&job("batch", "waiting", 0)));
        assert!(!is_settled(&job("service", "killing", 0)));
        for state in ["finished", "failed", "killed"] {
            assert!(is_settled(&job("batch", state, 0)));
        }
    }
}
