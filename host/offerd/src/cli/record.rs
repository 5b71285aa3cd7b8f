//! `offerd record`: recordings as files: list them, cut a piece to send away.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use offerd_core::Instant;
use offerd_mesos::ProtobufCodec;
use offerd_record::{Cut, Folder, cut};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Failed, Outcome, table};
use crate::reading::{parse_duration, show_bytes, show_duration};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List recordings, oldest first.
    List(List),
    /// Copy a part of recordings, with the policies that it needs.
    Cut(CutArguments),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Folder with recordings, such as state/recordings.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Copy a part of recordings, with the policies that it needs.
///
/// The copy stands for itself: `offerd replay` goes through it on any machine. A
/// recording can be gone through only from its beginning, so the copy begins with
/// the one in which --from lies; a new one begins every hour (file_time of [record])
/// and when one is large.
///
/// With --redact it has no command lines, arguments, values of the environment and
/// URIs of jobs and of tasks that policies wrote, no data that policies sent to
/// executors, no log lines, and nothing of the policies' configurations under keys
/// such as command, env or password. A policy whose configuration had such a key is
/// copied without its state, and its decisions cannot be compared; all others can.
/// Names, labels, reasons, states of other policies and what the master and
/// executors sent stay: decisions depend on them.
#[derive(Debug, Args)]
#[command(
    name = "cut",
    after_help = "Example: offerd record cut state/recordings --from 90m \\\n    \
    --to 80m --redact -o bug-report"
)]
pub(crate) struct CutArguments {
    /// A recording, or a folder of them such as state/recordings.
    #[arg(value_name = "RECORDING")]
    recording: PathBuf,
    /// Folder for the copy; it is made.
    #[arg(short, long, value_name = "FOLDER")]
    out: PathBuf,
    /// From here on: a time such as 2026-11-23T21:20:00Z, or how long ago, such as 90m.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Instant>,
    /// Up to here, in the same way.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<Instant>,
    /// So much from the beginning, such as 10m.
    #[arg(long, value_name = "TIME", value_parser = parse_duration, conflicts_with_all = ["from", "to"])]
    first: Option<Duration>,
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
    let wish = Cut {
        from: arguments.from,
        to: arguments.to,
        first: arguments.first,
        redact: arguments.redact.then(|| Arc::new(ProtobufCodec) as _),
    };
    let written = cut(&arguments.recording, &Folder::new(&arguments.out), &wish)
        .map_err(|error| Failed::new(&error))?;
    for path in written {
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// A time, or how long it is ago.
fn moment(text: &str) -> Result<Instant, String> {
    let nanos = match OffsetDateTime::parse(text, &Rfc3339) {
        Ok(at) => at.unix_timestamp_nanos(),
        Err(_) => {
            let ago = parse_duration(text)
                .map_err(|why| format!("{why}, or a time such as 2026-11-23T21:20:00Z"))?;
            (OffsetDateTime::now_utc() - ago).unix_timestamp_nanos()
        }
    };
    u64::try_from(nanos)
        .map(Instant)
        .map_err(|_| "that is before 1970 or too far away".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_times_or_ages() {
        assert_eq!(
            moment("1970-01-02T00:00:01.5Z"),
            Ok(Instant(86_401_500_000_000))
        );
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let ago = i64::try_from(moment("2h").unwrap().0 / 1_000_000_000).unwrap();
        assert!((now - ago - 7200).abs() <= 2, "{now} {ago}");
        let why = moment("yesterday").unwrap_err();
        assert!(why.contains("2026-11-23T21:20:00Z"), "{why}");
        assert!(moment("1969-01-01T00:00:00Z").is_err());
    }
}
