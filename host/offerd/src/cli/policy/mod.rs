//! `offerd policy`: what authors of policies do, from a new project on. Needs no
//! running offerd and no Mesos.

mod at_work;
mod bench;
mod build;
mod new;
mod run_sim;
mod setup;
mod test;
mod unit;

use std::io::IsTerminal as _;

use clap::Subcommand;
use offerd_toolchain::{BuildError, Language, Project, SetupError, Toolchains};

use super::{Failed, Outcome};

/// Make, build and check policies, in any of eight languages.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a project that builds, tests and runs.
    New(new::Arguments),
    /// Install what builds the policies of a language.
    Setup(setup::Arguments),
    /// Build a project into a component.
    Build(build::Arguments),
    /// Run a project's unit tests with the test tool of its language.
    Unit(unit::Arguments),
    /// Run a policy through the cases that every policy must pass, and your own scenarios.
    Test(test::Arguments),
    /// Measure what a policy costs.
    Bench(bench::Arguments),
    /// Run a project's policy on a simulated cluster, with a live view.
    Run(run_sim::Arguments),
    /// Say whether a file can be used as a policy, and what it is.
    Check(super::check::Arguments),
    /// List policies at work: what decides, what decided before, and how it does.
    List(at_work::List),
    /// Put other code to work for a policy, while everything goes on.
    Swap(at_work::Swap),
    /// Let a candidate decide beside a policy, without effect, and compare.
    Shadow(at_work::Shadow),
    /// Let other code decide for a part of a policy's demand, and compare.
    Canary(at_work::Canary),
    /// Put the canary or a shadow to work.
    Promote(at_work::OneShadow),
    /// End the canary or a shadow.
    Abort(at_work::OneShadow),
    /// Put the code before to work again.
    #[command(name = "rollback")]
    RollBack(at_work::RollBack),
}

pub(crate) fn run(command: Command) -> Outcome {
    match command {
        Command::New(arguments) => new::run(&arguments),
        Command::Setup(arguments) => setup::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        Command::Unit(arguments) => unit::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Run(arguments) => run_sim::run(&arguments),
        Command::Check(arguments) => super::check::run(&arguments),
        Command::List(arguments) => at_work::list(&arguments),
        Command::Swap(arguments) => at_work::swap(&arguments),
        Command::Shadow(arguments) => at_work::shadow(&arguments),
        Command::Canary(arguments) => at_work::canary(&arguments),
        Command::Promote(arguments) => at_work::promote(&arguments),
        Command::Abort(arguments) => at_work::abort(&arguments),
        Command::RollBack(arguments) => at_work::roll_back(&arguments),
    }
}

/// Shows a step that takes time. Not on standard output, which is for results.
fn progress(line: &str) {
    eprintln!("{line}");
}

/// Whether compilers may colour what they say.
fn color() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

fn toolchains() -> Result<Toolchains, Failed> {
    Toolchains::from_environment().map_err(setup_failed)
}

fn open(folder: &std::path::Path) -> Result<Project, Failed> {
    Project::open(folder).map_err(|error| Failed::new(&error))
}

fn setup_failed(error: SetupError) -> Failed {
    after(error.output(), &error)
}

fn build_failed(error: BuildError) -> Failed {
    after(error.output(), &error)
}

/// What the other program said, whole, then what failed.
fn after(output: Option<&str>, error: &dyn std::error::Error) -> Failed {
    let Failed(what) = Failed::new(error);
    Failed(match output {
        Some(output) => format!("{output}\n{what}"),
        None => what,
    })
}

/// A language of the command line.
fn language(text: &str) -> Result<Language, String> {
    text.parse()
        .map_err(|error: offerd_toolchain::UnknownLanguage| error.to_string())
}
