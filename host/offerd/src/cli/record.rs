//! `offerd record`: recordings as files: list them, cut a piece to send away.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use offerd_record::{Cut, Folder, cut};

use super::{Failed, Outcome, table};
use crate::reading::{parse_duration, show_bytes, show_duration};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List recordings, oldest first.
    List(List),
    /// Copy the beginning of a recording, with the policies that it needs.
    Cut(CutArguments),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Folder with recordings, such as state/recordings.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Copy the beginning of a recording, with the policies that it needs.
///
/// The copy stands for itself: `offerd replay` goes through it on any machine.
/// With --redact it has no command lines, no arguments, no values of the
/// environment and no URIs of jobs; decisions do not depend on them.
#[derive(Debug, Args)]
#[command(name = "cut")]
pub(crate) struct CutArguments {
    /// A recording.
    #[arg(value_name = "RECORDING")]
    recording: PathBuf,
    /// Folder for the copy; it is made.
    #[arg(short, long, value_name = "FOLDER")]
    out: PathBuf,
    /// How much of it, from its beginning, such as 10m.
    #[arg(long, value_name = "TIME")]
    first: Option<String>,
    /// Leave out what may be secret.
    #[arg(long)]
    redact: bool,
}

pub(super) fn run(command: &Command) -> Outcome {
    match command {
        Command::List(arguments) => list(&arguments.folder),
        Command::Cut(arguments) => cut_one(arguments),
    }
}

fn list(folder: &Path) -> Outcome {
    let found = Folder::new(folder)
        .list()
        .map_err(|error| Failed(format!("error: cannot read {}: {error}", folder.display())))?;
    let rows: Vec<Vec<String>> = found
        .into_iter()
        .map(|found| {
            let age = SystemTime::now()
                .duration_since(found.modified)
                .unwrap_or(Duration::ZERO);
            vec![
                found.path.display().to_string(),
                show_bytes(found.bytes),
                format!("{} ago", show_duration(Duration::from_secs(age.as_secs()))),
            ]
        })
        .collect();
    table::print(&["RECORDING", "SIZE", "LAST WRITTEN"], &rows);
    Ok(ExitCode::SUCCESS)
}

fn cut_one(arguments: &CutArguments) -> Outcome {
    let first = match &arguments.first {
        Some(text) => {
            Some(parse_duration(text).map_err(|why| Failed(format!("error: --first: {why}")))?)
        }
        None => None,
    };
    let wish = Cut {
        first,
        redact: arguments.redact,
    };
    let written = cut(&arguments.recording, &Folder::new(&arguments.out), &wish)
        .map_err(|error| Failed::new(&error))?;
    println!("{}", written.display());
    Ok(ExitCode::SUCCESS)
}
