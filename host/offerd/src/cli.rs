//! The command line. Each command has a file; this one says what there is.
//!
//! Exit status: 0 done; 1 it did not work, or what was waited for failed; 2 the
//! command line is wrong.

pub(crate) mod ask;
mod check;
mod compile;
pub(crate) mod job;
mod policy;
mod record;
mod reload;
mod replay;
mod run;
mod runtime;
mod status;
mod table;
mod task;
mod why;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::demo;

pub(crate) use runtime::runtime;

/// Hosts Apache Mesos scheduling policies as WebAssembly components.
///
/// `offerd run` is the service: it subscribes to a Mesos master, shows offers
/// and waiting tasks to the policies, checks what they decide, and launches
/// tasks. The other commands ask a running service.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service until it gets SIGTERM or Ctrl-C.
    Run(run::Arguments),
    /// Show offerd at work on a simulated master.
    Demo(demo::Arguments),
    /// Say whether a file can be used as a policy, and what it is.
    Check(check::Arguments),
    /// Make and build policies; list, swap and roll back those at work.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Submit, list, scale and kill jobs.
    #[command(subcommand)]
    Job(job::Command),
    /// List and kill tasks.
    #[command(subcommand)]
    Task(task::Command),
    /// List recordings, and cut pieces to send away.
    #[command(subcommand)]
    Record(record::Command),
    /// Go through a recording again and compare the decisions.
    Replay(replay::Arguments),
    /// Say why a task waits, or who decided what about it.
    Why(why::Arguments),
    /// Let the service read its configuration again, while everything goes on.
    Reload(reload::Arguments),
    /// Show the state of the service.
    Status(status::Arguments),
    /// Compile a policy from standard input into a cache: what the service
    /// starts for each policy that it has not seen.
    #[command(hide = true)]
    CompilePolicy(compile::Arguments),
}

/// Where the running offerd is. One of the three says it, the first that is
/// given; without any, `offerd.toml` here, then 127.0.0.1:5580.
#[derive(Debug, Args)]
struct Target {
    /// Address of the admin API: HOST:PORT or unix:PATH.
    #[arg(long, env = "OFFERD_ADMIN", value_name = "ADDRESS", global = true)]
    admin: Option<String>,
    /// Configuration file that names the address.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

/// Runs a command and gives the exit status.
pub fn run(arguments: Arguments) -> ExitCode {
    end_with_the_reader();
    let result = match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Policy(command) => policy::run(command),
        Command::Job(command) => job::run(command),
        Command::Task(command) => task::run(command),
        Command::Record(command) => record::run(&command),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Why(arguments) => why::run(&arguments),
        Command::Reload(arguments) => reload::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::CompilePolicy(arguments) => compile::run(&arguments),
    };
    match result {
        Ok(code) => code,
        Err(Failed(text)) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

/// Who reads what a command prints may have enough, as `head` has: then the command ends
/// without a word. (`println` panics; what else panics is shown as ever.)
fn end_with_the_reader() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        if message.starts_with("failed printing to std") && message.contains("Broken pipe") {
            std::process::exit(0);
        }
        usual(panic);
    }));
}

/// Why a command did not work, ready to be printed.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) String);

impl Failed {
    /// `what` failed: the error and its causes.
    pub(crate) fn new(error: &dyn std::error::Error) -> Self {
        Self(format!("error: {}", crate::report::chain(error)))
    }
}

pub(crate) type Outcome = Result<ExitCode, Failed>;

/// What goes on in the background when a command is done, such as compiling, is not
/// waited for any longer.
const PATIENCE: Duration = Duration::from_millis(500);

/// Runs a future on a runtime of this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failed::new(&error))?;
    let result = runtime.block_on(future);
    runtime.shutdown_timeout(PATIENCE);
    result
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
