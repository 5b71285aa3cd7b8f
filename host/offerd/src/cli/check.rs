//! `offerd check`: is this a policy?

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use offerd_policy::{LogLevel, LogSink, Options};

use super::{Failed, Outcome, runtime};
use crate::reading::show_bytes;

/// Say whether a file can be used as a policy, and what it is.
///
/// Checks the component's imports and exports against the contract, compiles
/// it, and asks it for its name. Needs no running offerd and no Mesos.
#[derive(Debug, Args)]
#[command(after_help = "Example: offerd check bin-pack.wasm")]
pub(crate) struct Arguments {
    /// WebAssembly component.
    #[arg(value_name = "POLICY.wasm")]
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let program = runtime()?
        .load(&arguments.file)
        .map_err(|error| Failed::new(&error))?;
    let name = arguments
        .file
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let options = Options {
        log: Arc::new(Said),
        ..Options::new(name, &program)
    };
    let about = program
        .describe(&options)
        .map_err(|error| Failed::new(&error))?;
    println!("{} is a policy", arguments.file.display());
    for (what, value) in [
        ("name", about.name),
        ("version", about.version),
        ("summary", about.summary),
        ("contract", program.contract()),
        ("exports", program.export_names().join(", ")),
        ("imports", program.imports().join(", ")),
        (
            "state",
            if program.has_state() {
                "kept between instances"
            } else {
                "none"
            }
            .to_owned(),
        ),
        (
            "size",
            show_bytes(u64::try_from(program.size()).unwrap_or(u64::MAX)),
        ),
        ("digest", program.digest().to_owned()),
    ] {
        println!("  {what:<8} {value}");
    }
    Ok(ExitCode::SUCCESS)
}

/// What the policy says of its own troubles, such as the text of an exception.
#[derive(Debug)]
struct Said;

impl LogSink for Said {
    fn enabled(&self, level: LogLevel) -> bool {
        level >= LogLevel::Warn
    }

    fn line(&self, _: LogLevel, message: &str) {
        eprintln!("the policy says: {message}");
    }

    fn dropped(&self, _: u32) {}
}
