//! `offerd compile-policy`: the service's compiler, in a process of its own.

use std::error::Error;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use offerd_policy::{Compiler, Runtime, confine};

use super::{Failed, Outcome};
use crate::report;

/// Compile a policy from standard input into a cache of compiled policies.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Directory of the cache.
    #[arg(value_name = "CACHE")]
    cache: PathBuf,
}

/// This program as a compiler; `None` if the system does not tell where it is.
pub(crate) fn this_program() -> Option<Compiler> {
    // The file that is running, also when another one has taken its place: code
    // compiled by another version would be of no use here.
    let running = Path::new("/proc/self/exe");
    let program = if running.exists() {
        running.to_owned()
    } else {
        std::env::current_exe().ok()?
    };
    Some(Compiler::new(program, vec!["compile-policy".into()]))
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    // Whoever started it says what this is about.
    let failed = |error: &dyn Error| Failed(report::chain(error));
    confine().map_err(|error| failed(&error))?;
    let mut component = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut component)
        .map_err(|error| failed(&error))?;
    let runtime = Runtime::new(Some(&arguments.cache)).map_err(|error| failed(&error))?;
    runtime
        .compile(&component)
        .map_err(|error| failed(&error))?;
    Ok(ExitCode::SUCCESS)
}
