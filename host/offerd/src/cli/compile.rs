//! `offerd compile-policy`: the service's compiler, in a process of its own.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use offerd_policy::{Compiler, Runtime};

use super::{Failed, Outcome};

/// Compile a policy from standard input into a cache of compiled policies.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Directory of the cache.
    #[arg(value_name = "CACHE")]
    cache: PathBuf,
}

/// This program as a compiler; `None` if the system does not tell where it is.
pub(crate) fn this_program() -> Option<Compiler> {
    Some(Compiler {
        program: std::env::current_exe().ok()?,
        arguments: vec!["compile-policy".into()],
    })
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let mut component = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut component)
        .map_err(|error| Failed::new(&error))?;
    let runtime = Runtime::new(Some(&arguments.cache)).map_err(|error| Failed::new(&error))?;
    runtime
        .load_bytes("the policy", &component)
        .map_err(|error| Failed::new(&error))?;
    Ok(ExitCode::SUCCESS)
}
