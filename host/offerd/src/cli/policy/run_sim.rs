//! `offerd policy run --sim`: a project's policy at work on a simulated cluster, built
//! and swapped when its sources change.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use notify::{RecursiveMode, Watcher as _};
use offerd_core::machine::view::JobStatus;
use offerd_sim::{AgentSettings, Sim};
use offerd_toolchain::Project;
use tokio::sync::mpsc;

use super::{Failed, Outcome, build};
use crate::admin::api::Status;
use crate::admin::client::Admin;
use crate::cli::ask::failed;
use crate::cli::block_on;
use crate::config::{Config, Log};
use crate::service::Service;
use crate::telemetry;

/// Sources are left alone for so long before they are built.
const QUIET: Duration = Duration::from_millis(300);

/// Between two looks at what the policy does, and between two jobs.
const LOOK: Duration = Duration::from_secs(1);
const NEXT_JOB: Duration = Duration::from_secs(5);

/// Run a project's policy on a simulated cluster, with a live view.
///
/// Builds the project, starts a simulated Mesos master with agents on two racks, and
/// submits work: a service, and every five seconds a batch job of another size, or your
/// own jobs (--jobs, of role dev). Each second it shows what the policy did. When you save
/// a source, the project is built and the new code takes over while tasks run; if it cannot
/// be built or used, the reason is shown and the old code goes on. Ctrl-C ends it; nothing
/// is kept.
#[derive(Debug, Args)]
#[command(after_help = "Example: offerd policy run night-batch --sim --config '{ most = 10 }'")]
pub(crate) struct Arguments {
    /// Folder with policy.toml.
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// On a simulated cluster. (On a real one: `offerd run` with a configuration.)
    #[arg(long, required = true)]
    sim: bool,
    /// The policy's settings, as in offerd.toml.
    #[arg(long, value_name = "TABLE", default_value = "{}")]
    config: String,
    /// A job file in place of the work that is made up.
    #[arg(long, value_name = "FILE")]
    jobs: Option<PathBuf>,
    /// Agents of 4 CPUs and 4096 MiB.
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    agents: u32,
    /// Build with names and source lines for backtraces, where the compiler has them.
    #[arg(long)]
    debug: bool,
    /// End after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    telemetry::start(&Log {
        level: "warn,policy=info".to_owned(),
        ..Log::default()
    });
    let project = super::open(&arguments.folder)?;
    let built = build::build(&project, None, arguments.debug, false)?;
    let jobs =
        match &arguments.jobs {
            Some(file) => Some(std::fs::read_to_string(file).map_err(|error| {
                Failed(format!("error: cannot read {}: {error}", file.display()))
            })?),
            None => None,
        };
    block_on(show(arguments, &project, &built.file, jobs))
}

async fn show(
    arguments: &Arguments,
    project: &Project,
    file: &Path,
    jobs: Option<String>,
) -> Outcome {
    let sim = simulated(arguments.agents)
        .await
        .map_err(|error| Failed::new(&error))?;
    let state = tempfile::tempdir().map_err(|error| Failed::new(&error))?;
    let address = sim.address().to_string();
    let config = config(&address, file, &arguments.config, state.path())?;
    let service = Service::start(config, crate::cli::compile::this_program())
        .await
        .map_err(|error| Failed::new(&error))?;
    let admin = service.admin().clone();
    println!(
        "{} works on {} agents of a simulated master; save a source to swap it, Ctrl-C ends",
        project.name, arguments.agents
    );
    println!(
        "The admin API, for other commands: --admin {}",
        admin.address()
    );
    let result = live(arguments, project, &admin, jobs).await;
    service.stop().await.map_err(|error| Failed::new(&error))?;
    result
}

async fn simulated(count: u32) -> std::io::Result<Sim> {
    let agents = (0..count)
        .map(|number| {
            let mut agent = AgentSettings::new(format!("agent-{number}.sim"), 4.0, 4096.0);
            let rack = if number % 2 == 0 { "a" } else { "b" };
            agent.attributes = vec![("rack".to_owned(), rack.to_owned())];
            agent
        })
        .collect();
    Sim::start(offerd_sim::Settings::new(agents)).await
}

/// The file is not watched: this program says when it has changed.
fn config(master: &str, policy: &Path, table: &str, state: &Path) -> Result<Config, Failed> {
    let quoted = |path: &Path| toml::Value::from(path.display().to_string()).to_string();
    let text = format!(
        "mesos.masters = [\"{master}\"]\n\
         framework = {{ name = \"offerd-dev\", user = \"nobody\", roles = [\"dev\"] }}\n\
         admin.listen = \"127.0.0.1:0\"\nstore.dir = {}\n\
         [[policy]]\nroles = [\"dev\"]\nname = \"dev\"\nfile = {}\nwatch = false\nconfig = {table}\n",
        quoted(state),
        quoted(policy),
    );
    Config::parse("--config", &text, Path::new("")).map_err(|mistakes| Failed::new(&mistakes))
}

async fn live(
    arguments: &Arguments,
    project: &Project,
    admin: &Admin,
    jobs: Option<String>,
) -> Outcome {
    let (changes, mut changed) = mpsc::unbounded_channel();
    let _watcher = watch(project, changes)?;
    let own = jobs.is_some();
    let first = jobs.unwrap_or_else(|| {
        "[[job]]\nname = \"front\"\nrole = \"dev\"\nkind = \"service\"\ncount = 3\ncpus = 0.5\n\
         mem = 128\ncommand = \"exec sleep 100000\"\npriority = 10\n"
            .to_owned()
    });
    admin.submit(first).await.map_err(|error| failed(&error))?;
    let mut looks = tokio::time::interval(LOOK);
    let mut work = tokio::time::interval(NEXT_JOB);
    let mut number = 0;
    let mut shown = String::new();
    let end = async {
        match arguments.seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(end);
    // One for all of the time: it keeps a Ctrl-C that comes during a build.
    let interrupt = tokio::signal::ctrl_c();
    tokio::pin!(interrupt);
    loop {
        tokio::select! {
            _ = &mut interrupt => return Ok(ExitCode::SUCCESS),
            () = &mut end => return Ok(ExitCode::SUCCESS),
            _ = work.tick(), if !own => {
                number += 1;
                let job = made_up(number);
                admin.submit(job).await.map_err(|error| failed(&error))?;
            }
            _ = looks.tick() => {
                let status = admin.status().await.map_err(|error| failed(&error))?;
                let jobs = admin.jobs().await.map_err(|error| failed(&error))?;
                let line = line(&status, &jobs);
                if line != shown {
                    println!("{line}");
                    shown = line;
                }
            }
            Some(()) = changed.recv() => {
                // An editor writes several files.
                while tokio::time::timeout(QUIET, changed.recv()).await.is_ok() {}
                swap(project, admin, arguments.debug).await;
            }
        }
    }
}

/// Builds the project; if that works, the new code takes over.
async fn swap(project: &Project, admin: &Admin, debug: bool) {
    // Compilers take seconds, and the cluster goes on meanwhile.
    let project = project.clone();
    let built = tokio::task::spawn_blocking(move || build::build(&project, None, debug, false));
    let Ok(built) = built.await else { return };
    let built = match built {
        Ok(built) if built.fresh => return,
        Ok(built) => built,
        Err(Failed(why)) => return eprintln!("{why}\nThe code before goes on."),
    };
    match admin.swap("dev", built.file).await {
        Ok(done) => done.done.iter().for_each(|line| println!("{line}")),
        Err(error) => eprintln!("{}\nThe code before goes on.", failed(&error).0),
    }
}

/// Tells when a source may have changed.
fn watch(
    project: &Project,
    changes: mpsc::UnboundedSender<()>,
) -> Result<notify::RecommendedWatcher, Failed> {
    let folder = project.folder.clone();
    let is_source = move |path: &PathBuf| {
        let inner = path.strip_prefix(&folder).unwrap_or(path);
        let made = ["build", "target", "node_modules", "__pycache__", "sdk"];
        let in_made = inner
            .iter()
            .any(|part| made.iter().any(|name| part == *name));
        !in_made && path.extension().is_none_or(|ending| ending != "wasm")
    };
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if let Ok(event) = event
            && !event.kind.is_access()
            && event.paths.iter().any(&is_source)
        {
            // Nobody listens any more at the end.
            let _ = changes.send(());
        }
    })
    .map_err(|error| Failed::new(&error))?;
    watcher
        .watch(&project.folder, RecursiveMode::Recursive)
        .map_err(|error| Failed::new(&error))?;
    Ok(watcher)
}

/// Jobs of different sizes, the same in each run.
fn made_up(number: u32) -> String {
    let count = 2 + number * 7 % 11;
    let cpus = 0.25 * f64::from(1 + number % 4);
    let seconds = 1 + number % 6;
    format!(
        "[[job]]\nname = \"batch-{number}\"\nrole = \"dev\"\nkind = \"batch\"\ncount = {count}\n\
         cpus = {cpus}\nmem = {}\ncommand = \"sleep {seconds}\"\n",
        64 * (1 + number % 5)
    )
}

fn line(status: &Status, jobs: &[JobStatus]) -> String {
    let sum = |number: fn(&JobStatus) -> u32| jobs.iter().map(number).sum::<u32>();
    let Some(policy) = status.policies.first() else {
        return String::new();
    };
    let numbers = policy.numbers;
    let mut line = format!(
        "round {}: {} tasks wait, {} run, {} finished; {} placed, {:.1} s wait each",
        policy.rounds,
        sum(|job| job.waiting),
        sum(|job| job.running),
        sum(|job| job.finished),
        numbers.placed,
        numbers.waited as f64 / 1000.0 / numbers.placed.max(1) as f64,
    );
    if numbers.refused > 0 {
        line.push_str(&format!(", {} decisions refused", numbers.refused));
    }
    if let Some(failure) = &policy.last_failure {
        line.push_str(&format!(
            "; fails: {}",
            failure.lines().next().unwrap_or_default()
        ));
    }
    line
}
