//! `offerd policy run --sim`: a project's policy at work on a simulated cluster, built
//! and swapped when its sources change.

mod rebuild;
mod screen;
mod view;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use offerd_sim::{AgentSettings, Sim};
use offerd_toolchain::Project;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use self::rebuild::Rebuild;
use self::screen::Screen;
use super::build::{self, Wanted};
use super::{Failed, Outcome};
use crate::admin::client::Admin;
use crate::cli::ask::failed;
use crate::cli::block_on;
use crate::config::{Config, Log};
use crate::service::Service;
use crate::telemetry;

/// Between two looks at what the policy does, and between two jobs.
const LOOK: Duration = Duration::from_secs(1);
const NEXT_JOB: Duration = Duration::from_secs(5);

/// Run a project's policy on a simulated cluster, with a live view.
///
/// Builds the project, starts a simulated Mesos master with agents on two racks, and
/// submits work: a service, and every five seconds a batch job of another size, or your
/// own jobs (--jobs, of role dev). Each second it shows agents, jobs and the latest
/// decisions with their reasons; above them pass the policy's log, what the host refuses,
/// and builds. When you save a source, the project is built and the new code takes over
/// while tasks run; if it cannot be built or used, the reason is shown and the old code
/// goes on. Ctrl-C ends it; nothing is kept.
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
    // Everything that is to be read, in its order: the log, builds, what took over.
    let (news, to_show) = mpsc::unbounded_channel();
    let log = Log {
        level: "warn,policy=info,offerd_policy::runtime=info".to_owned(),
        ..Log::default()
    };
    telemetry::start_into(&log, lines_to(news.clone()));
    let project = super::open(&arguments.folder)?;
    let wanted = Wanted {
        debug: arguments.debug,
        ..Wanted::default()
    };
    let built = build::build(&project, &wanted, &super::progress)?;
    let jobs =
        match &arguments.jobs {
            Some(file) => Some(std::fs::read_to_string(file).map_err(|error| {
                Failed(format!("error: cannot read {}: {error}", file.display()))
            })?),
            None => None,
        };
    block_on(start(arguments, &project, &built.file, jobs, news, to_show))
}

fn lines_to(news: UnboundedSender<String>) -> impl Fn(&str) + Send + Sync + 'static {
    // At the end nobody reads.
    move |line| drop(news.send(line.to_owned()))
}

async fn start(
    arguments: &Arguments,
    project: &Project,
    file: &Path,
    jobs: Option<String>,
    news: UnboundedSender<String>,
    to_show: UnboundedReceiver<String>,
) -> Outcome {
    let sim = simulated(arguments.agents)
        .await
        .map_err(|error| Failed::new(&error))?;
    let state = tempfile::tempdir().map_err(|error| Failed::new(&error))?;
    let address = sim.address().to_string();
    let mut config = config(&address, file, &arguments.config, state.path())?;
    config.compiled = crate::cli::runtime::usable_cache();
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
    let rebuild = Rebuild {
        folder: project.folder.clone(),
        debug: arguments.debug,
        admin: admin.clone(),
        news,
    };
    let watcher = rebuild.start()?;
    let live = Live {
        sim: &sim,
        admin: &admin,
        name: &project.name,
        to_show,
    };
    let result = live.run(jobs, arguments.seconds).await;
    drop(watcher);
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

/// What is shown, and the work that is made up.
struct Live<'a> {
    sim: &'a Sim,
    admin: &'a Admin,
    name: &'a str,
    to_show: UnboundedReceiver<String>,
}

impl Live<'_> {
    async fn run(mut self, jobs: Option<String>, seconds: Option<u64>) -> Outcome {
        let own = jobs.is_some();
        let first = jobs.unwrap_or_else(a_service);
        self.submit(first).await?;
        let mut screen = Screen::new();
        let mut looks = tokio::time::interval(LOOK);
        let mut work = tokio::time::interval(NEXT_JOB);
        let mut number = 0;
        let end = async {
            match seconds {
                Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(end);
        let interrupt = tokio::signal::ctrl_c();
        tokio::pin!(interrupt);
        loop {
            tokio::select! {
                _ = &mut interrupt => return Ok(ExitCode::SUCCESS),
                () = &mut end => return Ok(ExitCode::SUCCESS),
                Some(line) = self.to_show.recv() => screen.say(&line),
                _ = work.tick(), if !own => {
                    number += 1;
                    self.submit(made_up(number)).await?;
                }
                _ = looks.tick() => {
                    let seen = view::look(self.name, self.admin, self.sim).await;
                    screen.show(&seen.map_err(|error| failed(&error))?);
                }
            }
        }
    }

    async fn submit(&self, jobs: String) -> Result<(), Failed> {
        self.admin
            .submit(jobs)
            .await
            .map(drop)
            .map_err(|error| failed(&error))
    }
}

fn a_service() -> String {
    "[[job]]\nname = \"front\"\nrole = \"dev\"\nkind = \"service\"\ncount = 3\ncpus = 0.5\n\
     mem = 128\ncommand = \"exec sleep 100000\"\npriority = 10\n"
        .to_owned()
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
