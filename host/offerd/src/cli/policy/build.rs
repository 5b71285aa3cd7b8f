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
/// neither the project, the SDK nor the compilers have changed; of sources in other
/// folders only cargo and Go know (--force builds in any case).
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
    let wanted = Wanted {
        output: arguments.output.as_deref(),
        debug: arguments.debug,
        force: arguments.force,
    };
    let built = build(&project, &wanted, &progress)?;
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

/// What of [`BuildOptions`] differs between commands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted<'a> {
    pub(super) output: Option<&'a Path>,
    pub(super) debug: bool,
    pub(super) force: bool,
}

/// Builds a project and compares the result with the contract. `tell` gets what takes
/// time, and the warnings of compilers.
pub(super) fn build(
    project: &Project,
    wanted: &Wanted<'_>,
    tell: &dyn Fn(&str),
) -> Result<Built, Failed> {
    let options = BuildOptions {
        output: wanted.output,
        work: None,
        debug: wanted.debug,
        force: wanted.force,
        color: super::color(),
        progress: tell,
    };
    let built = offerd_toolchain::build(project, &super::toolchains()?, &options)
        .map_err(super::build_failed)?;
    if !built.output.is_empty() {
        tell(&built.output);
    }
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
