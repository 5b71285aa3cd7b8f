//! The simulated master as a program, for use by hand.

use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use offerd_sim::{AgentSettings, Settings, Sim};

/// A simulated Mesos master with agents that only pretend to run tasks.
///
/// It speaks the v1 scheduler API at http://127.0.0.1:PORT/api/v1/scheduler.
/// Commands of tasks are read as far as a simulation cares: `sleep 5`,
/// `exit 1`, `true`, `false`, joined by `;` or `&&`.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Example: offerd-sim --agents 4 --attributes 'rack:a;rack:b'"
)]
struct Arguments {
    /// Port on the loopback interface; 0 takes any free one.
    #[arg(long, default_value_t = 5050)]
    port: u16,
    /// Number of agents.
    #[arg(long, default_value_t = 4)]
    agents: usize,
    /// CPUs of each agent.
    #[arg(long, default_value_t = 4.0)]
    cpus: f64,
    /// Memory of each agent in MiB.
    #[arg(long, default_value_t = 4096.0)]
    mem: f64,
    /// Attributes NAME:VALUE, divided by semicolons; agents take them in turn.
    #[arg(long, default_value = "")]
    attributes: String,
    /// Seconds after which an offer without an answer is rescinded.
    #[arg(long)]
    offer_timeout: Option<f64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let attributes = arguments
        .attributes
        .split(';')
        .filter(|part| !part.is_empty())
        .map(|part| {
            part.split_once(':')
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .with_context(|| format!("--attributes: '{part}' is not NAME:VALUE"))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let agents = (0..arguments.agents)
        .map(|position| {
            let name = format!("agent-{position}.sim");
            let mut agent = AgentSettings::new(name, arguments.cpus, arguments.mem);
            let turn = position
                .checked_rem(attributes.len())
                .and_then(|turn| attributes.get(turn));
            agent.attributes = turn.cloned().into_iter().collect();
            agent
        })
        .collect();
    let mut settings = Settings::new(agents);
    settings.port = arguments.port;
    settings.offer_timeout = arguments.offer_timeout.map(Duration::from_secs_f64);
    let sim = Sim::start(settings)
        .await
        .with_context(|| format!("port {} can't be used; try --port 0", arguments.port))?;
    println!(
        "offerd-sim: master at http://{}, {} agents",
        sim.address(),
        arguments.agents
    );
    tokio::signal::ctrl_c()
        .await
        .context("no signal can be waited for")?;
    Ok(())
}
