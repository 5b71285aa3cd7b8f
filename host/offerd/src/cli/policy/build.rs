//! `offerd policy build`: sources in, a checked component out.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use offerd_toolchain::{BuildOptions, Built, Project};

use super::{Failed, Outcome, progress};
use crate::reading::show_bytes;

/// Build a project into a component.
///
/// Compiles the policy in its language, makes a component of it, and checks that
/// the component fits the contract and imports nothing else. Does nothing if
/// neither the project, the SDK nor the compilers have changed.
#[derive(Debug, Args)]
#[command(after_help = "Example: offerd policy build night-batch -o policies/night-batch.wasm")]
pub(crate) struct Arguments {
    /// Folder with policy.toml.
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Where to put the component [default: NAME.wasm in the project].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Keep names and source lines for backtraces, where the compiler has them.
    #[arg(long)]
    debug: bool,
    /// Build even if nothing has changed.
    #[arg(long)]
    force: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let project = super::open(&arguments.folder)?;
    let built = build(
        &project,
        arguments.output.as_deref(),
        arguments.debug,
        arguments.force,
    )?;
    let file = shown(&built.file);
    if built.fresh {
        println!("{} is up to date", file.display());
    } else {
        println!(
            "{} built in {:.1} s, {}",
            file.display(),
            built.took.as_secs_f64(),
            show_bytes(built.bytes)
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds a project and compares the result with the contract. Warnings of
/// compilers are shown.
pub(super) fn build(
    project: &Project,
    output: Option<&Path>,
    debug: bool,
    force: bool,
) -> Result<Built, Failed> {
    let options = BuildOptions {
        output,
        work: None,
        debug,
        force,
        color: super::color(),
        progress: &progress,
    };
    let built = offerd_toolchain::build(project, &super::toolchains()?, &options)
        .map_err(super::build_failed)?;
    super::show_output(Some(built.output.as_str()).filter(|output| !output.is_empty()));
    let component = std::fs::read(&built.file).map_err(|error| Failed::new(&error))?;
    offerd_policy::Program::check_contract(&shown(&built.file).to_string_lossy(), &component)
        .map_err(|error| Failed::new(&error))?;
    Ok(built)
}

/// Relative to the working directory, if below it.
fn shown(path: &Path) -> PathBuf {
    std::env::current_dir()
        .ok()
        .and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned))
        .unwrap_or_else(|| path.to_owned())
}
