//! `offerd policy unit`: a project's own unit tests.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use offerd_toolchain::BuildOptions;

use super::{Failed, Outcome, progress};

/// Run a project's unit tests with the ordinary test tool of its language.
///
/// That is cargo test, node --test, python3 -m unittest, go test or zig test; for
/// C and C++ the files in `test` are compiled for this machine and run. Nothing
/// runs in WebAssembly, and the SDK stands in for the host.
#[derive(Debug, Args)]
#[command(after_help = "Example: offerd policy unit night-batch")]
pub(crate) struct Arguments {
    /// Folder with policy.toml.
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let project = super::open(&arguments.folder)?;
    let options = BuildOptions {
        output: None,
        work: None,
        debug: false,
        force: false,
        color: super::color(),
        progress: &progress,
    };
    let status = offerd_toolchain::unit_tests(&project, &super::toolchains()?, &options)
        .map_err(super::build_failed)?;
    if status.success() {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Failed(format!(
            "The unit tests of {} failed ({status}).",
            project.name
        )))
    }
}
