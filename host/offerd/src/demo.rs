//! `offerd demo`: the whole of it at work in one process, with nothing to set
//! up but a policy.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use offerd_core::machine::view::JobStatus;
use offerd_sim::{AgentSettings, Sim};

use crate::admin::client::Admin;
use crate::cli::ask::failed;
use crate::cli::job::print_jobs;
use crate::cli::{Failed, Outcome, block_on};
use crate::config::{Config, Log};
use crate::service::Service;
use crate::telemetry;

/// What is submitted: a batch job and a service.
const JOBS: &str = r#"
[[job]]
name = "sleepers"
role = "demo"
kind = "batch"
count = 12
cpus = 0.5
mem = 32
command = "sleep 1"
retries = 1

[[job]]
name = "front"
role = "demo"
kind = "service"
count = 2
cpus = 0.1
mem = 32
command = "exec sleep 100000"
priority = 10
"#;

/// Between two looks at the jobs.
const LOOK: Duration = Duration::from_millis(100);

/// Show offerd at work on a simulated master.
///
/// Starts a simulated Mesos master with four agents, a policy, and the service;
/// submits a batch job and a service, shows them until the batch job has ended,
/// kills the service, and ends. Keeps nothing.
#[derive(Debug, Args)]
#[command(after_help = "Example: offerd demo --policy ./bin-pack.wasm\n\n\
    In a checkout, `cargo xtask demo` builds the policies first.")]
pub(crate) struct Arguments {
    /// The policy: a file, or the name of one in the folder of --guests.
    #[arg(long, value_name = "POLICY", default_value = "bin-pack")]
    policy: String,
    /// Folder of compiled policies.
    #[arg(long, value_name = "DIR", default_value = "target/guests")]
    guests: PathBuf,
    /// A real master, HOST:PORT, in place of the simulated one.
    #[arg(long, value_name = "ADDRESS")]
    master: Option<String>,
    /// Show the service's log too.
    #[arg(long, short)]
    verbose: bool,
}

pub(crate) fn run(arguments: Arguments) -> Outcome {
    let level = if arguments.verbose { "info" } else { "warn" };
    telemetry::start(&Log {
        level: level.to_owned(),
        ..Log::default()
    });
    let policy = find_policy(&arguments)?;
    block_on(show(arguments, policy))
}

fn find_policy(arguments: &Arguments) -> Result<PathBuf, Failed> {
    let named = Path::new(&arguments.policy);
    let in_folder = arguments.guests.join(format!("{}.wasm", arguments.policy));
    [named, in_folder.as_path()]
        .into_iter()
        .find(|path| path.is_file())
        .and_then(|path| std::path::absolute(path).ok())
        .ok_or_else(|| {
            Failed(format!(
                "error: there is no policy {}: neither a file of this name nor {}; name a \
                 component with --policy FILE.wasm, or run `cargo xtask demo` in a checkout of \
                 offerd, which builds some",
                arguments.policy,
                in_folder.display()
            ))
        })
}

async fn show(arguments: Arguments, policy: PathBuf) -> Outcome {
    let (_sim, master) = match arguments.master {
        Some(master) => {
            println!("Master: {master}");
            (None, master)
        }
        None => {
            let sim = simulated().await.map_err(|error| Failed::new(&error))?;
            let address = sim.address().to_string();
            println!("Master: simulated, with 4 agents, at {address}");
            (Some(sim), address)
        }
    };
    println!("Policy: {}", policy.display());
    let config = config(&master, &policy)?;
    let service = Service::start(config, None)
        .await
        .map_err(|error| Failed::new(&error))?;
    let admin = service.admin().clone();
    println!("Admin:  {} (until the demo ends)", admin.address());
    println!("\nSubmitting a batch job of 12 tasks and a service of 2:\n");
    let result = watch(&admin).await;
    service.stop().await.map_err(|error| Failed::new(&error))?;
    result
}

async fn simulated() -> std::io::Result<Sim> {
    let agents = (0..4)
        .map(|number| {
            let mut agent = AgentSettings::new(format!("agent-{number}.sim"), 2.0, 2048.0);
            let rack = if number < 2 { "a" } else { "b" };
            agent.attributes = vec![("rack".to_owned(), rack.to_owned())];
            agent
        })
        .collect();
    Sim::start(offerd_sim::Settings::new(agents)).await
}

fn config(master: &str, policy: &Path) -> Result<Config, Failed> {
    // Written as users write it, so that the demo shows what they get.
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let text = format!(
        "mesos.masters = [{}]\n\
         framework = {{ name = \"offerd-demo\", user = {}, roles = [\"demo\"], \
         failover_timeout = \"0s\" }}\n\
         admin.listen = \"127.0.0.1:0\"\n\
         store.memory = true\n\
         [[policy]]\nroles = [\"demo\"]\nfile = {}\n",
        quoted(master),
        quoted(&user()),
        quoted(&policy.display().to_string()),
    );
    Config::parse("demo", &text, Path::new("")).map_err(|mistakes| Failed::new(&mistakes))
}

/// The tasks of a real agent run as this user.
fn user() -> String {
    ["USER", "LOGNAME"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "root".to_owned())
}

async fn watch(admin: &Admin) -> Outcome {
    let ask = |error| failed(&error);
    admin.submit(JOBS.to_owned()).await.map_err(ask)?;
    let mut looks = tokio::time::interval(LOOK);
    let mut shown = String::new();
    let done = loop {
        looks.tick().await;
        let jobs = admin.jobs().await.map_err(ask)?;
        let line = line(&jobs);
        if line != shown {
            println!("  {line}");
            shown = line;
        }
        if jobs.iter().all(|job| match job.kind.as_str() {
            "batch" => ["finished", "failed", "killed"].contains(&job.state.as_str()),
            _ => job.running == job.count,
        }) {
            break jobs;
        }
    };
    println!("\nThe batch job has ended and the service runs:\n");
    print_jobs(&done);
    println!("\nKilling the service:\n");
    admin.kill_job("front").await.map_err(ask)?;
    let jobs = loop {
        looks.tick().await;
        let jobs = admin.jobs().await.map_err(ask)?;
        if jobs.iter().all(|job| job.state != "killing") {
            break jobs;
        }
    };
    print_jobs(&jobs);
    let status = admin.status().await.map_err(ask)?;
    println!(
        "\n{} offers received, {} accepted, {} declined; {} tasks launched, {} updates \
         acknowledged",
        status.counters.offers_received,
        status.counters.offers_accepted,
        status.counters.offers_declined,
        status.counters.tasks_launched,
        status.counters.updates_acknowledged
    );
    let good = jobs
        .iter()
        .all(|job| job.kind != "batch" || job.state == "finished");
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn line(jobs: &[JobStatus]) -> String {
    let parts: Vec<String> = jobs
        .iter()
        .map(|job| {
            let JobStatus {
                name,
                waiting,
                staging,
                running,
                finished,
                ..
            } = job;
            format!(
                "{name}: {waiting} waiting, {staging} staging, {running} running, {finished} \
                 finished"
            )
        })
        .collect();
    parts.join("   ")
}
