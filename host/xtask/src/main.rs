//! `cargo xtask COMMAND`: everything that is done with this repository, in one
//! place, the same for people and for CI.

mod bindings;
mod costs;
mod guests;
mod mesos;
mod process;
mod test;
mod tidy;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Builds, runs and checks offerd")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Sets up what is missing: compilers for policies and, on Linux x86-64, a real
    /// Mesos.
    Setup,
    /// Builds all policies into target/guests/NAME.wasm; skips those that are fresh.
    Guests,
    /// Sets up what is missing and runs all tests.
    Test {
        /// Nothing may be skipped or left behind; all failures are told.
        #[arg(long)]
        ci: bool,
        /// Handed to `cargo test`, for example `-p offerd-core`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Shows offerd at work: a simulated master, a policy, jobs until they end.
    Demo {
        /// On a real Mesos instead of the simulated one.
        #[arg(long)]
        real: bool,
        /// The policy: a file, or the name of one in plugins/.
        #[arg(long, default_value = "bin-pack")]
        policy: String,
        /// Handed to `offerd demo`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Runs the benchmarks; see docs/performance.md.
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Measures best fit in every language and writes docs/languages/costs.md.
    Costs {
        /// The program to measure with; a release build is made if none is named.
        #[arg(long)]
        offerd: Option<PathBuf>,
    },
    /// Writes the committed generated code anew.
    Bless,
    /// Writes the bindings of the SDKs from wit/ anew.
    Bindings {
        /// Write nothing; fail if anything differs.
        #[arg(long)]
        check: bool,
    },
    /// Checks what compilers do not: crate arrows, file headers, links, leftovers.
    Tidy,
}

fn main() -> Result<()> {
    let root = root()?;
    let group = process::Group::lead()?;
    match Arguments::parse().command {
        Task::Setup => {
            guests::set_up(&root)?;
            mesos::set_up(&root).map(|_| ())
        }
        Task::Guests => guests::build(&root),
        Task::Test { ci, arguments } => test::all(&root, group, &test::Wish { ci, arguments }),
        Task::Demo {
            real,
            policy,
            arguments,
        } => demo(&root, real, &policy, arguments),
        Task::Bench { arguments } => {
            guests::build(&root)?;
            let mut bench = cargo(&root);
            bench.args(["bench", "--workspace"]);
            let names_one = |argument: &OsString| argument.to_string_lossy().starts_with("--bench");
            if !arguments.iter().any(names_one) {
                // Not the tests of all crates too, each optimised as a whole.
                bench.args(["--bench", "*"]);
            }
            run(bench.args(arguments))
        }
        Task::Costs { offerd } => match offerd {
            Some(offerd) => costs::write(&root, &offerd),
            None => {
                run(cargo(&root).args(["build", "--release", "-p", "offerd"]))?;
                costs::write(&root, &root.join("target/release/offerd"))
            }
        },
        Task::Bless => run(cargo(&root)
            .args(["test", "-p", "mesos-v1", "--test", "generated"])
            .env("OFFERD_BLESS", "1")),
        Task::Bindings { check } => bindings::make(&root, check),
        Task::Tidy => tidy::check(&root),
    }
}

/// The workspace's folder, found from where this program was compiled.
fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here
        .ancestors()
        .nth(2)
        .context("host/xtask is not in a workspace")?;
    Ok(root.to_owned())
}

fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("{program} can't be started"))?;
    process::go_on();
    if !status.success() {
        let arguments: Vec<_> = command
            .get_args()
            .map(|a| a.to_string_lossy().into_owned())
            .collect();
        bail!("`{program} {}` failed ({status})", arguments.join(" "));
    }
    Ok(())
}

fn demo(root: &Path, real: bool, policy: &str, arguments: Vec<OsString>) -> Result<()> {
    guests::build_with(root, policy)?;
    // Of the package alone, others would be built with fewer features, and once more for tests.
    run(cargo(root).args(["build", "--workspace", "--bin", "offerd"]))?;
    let mut command = Command::new(root.join("target/debug/offerd"));
    command.current_dir(root).args(["demo", "--guests"]);
    command.arg(guests::folder(root)).args(["--policy", policy]);
    let cluster = if real {
        Some(mesos::set_up(root)?.start()?)
    } else {
        None
    };
    if let Some(cluster) = &cluster {
        command.args(["--master", &cluster.address]);
    }
    run(command.args(arguments))
}
