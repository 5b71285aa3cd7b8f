//! The log: what is written, in which form.

use std::io::IsTerminal as _;
use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Log, LogFormat};

/// Whether a text is a log filter.
pub(crate) fn check_level(text: &str) -> Result<(), String> {
    // Words alone would be taken as names of modules.
    let known = |part: &str| {
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
        ["off", "error", "warn", "info", "debug", "trace"]
            .contains(&level.trim().to_lowercase().as_str())
    };
    let wrong = || {
        format!(
            "'{text}' is no log level; write off, error, warn, info, debug or trace, or a list such \
             as \"info,policy=debug\""
        )
    };
    if !text.split(',').all(known) {
        return Err(wrong());
    }
    EnvFilter::try_new(text).map(|_| ()).map_err(|_| wrong())
}

/// Starts the log of this process, on standard error. The variable OFFERD_LOG
/// wins over the configured level. Does nothing if a log was started before.
pub fn start(log: &Log) {
    start_on(log, std::io::stderr, std::io::stderr().is_terminal());
}

/// The same, with each entry handed to `tell`.
pub(crate) fn start_into(log: &Log, tell: impl Fn(&str) + Send + Sync + 'static) {
    let tell = Arc::new(tell);
    start_on(log, move || Entries(Arc::clone(&tell)), false);
}

/// Each write is one entry.
struct Entries<F>(Arc<F>);

impl<F: Fn(&str)> std::io::Write for Entries<F> {
    fn write(&mut self, entry: &[u8]) -> std::io::Result<usize> {
        (self.0)(String::from_utf8_lossy(entry).trim_end());
        Ok(entry.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn start_on<W>(log: &Log, writer: W, ansi: bool)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = std::env::var("OFFERD_LOG")
        .ok()
        .and_then(|text| EnvFilter::try_new(text).ok())
        .or_else(|| EnvFilter::try_new(&log.level).ok())
        .unwrap_or_default();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    // An error means that there is a log already, which is fine.
    let _ = match log.format {
        LogFormat::Human => builder.with_ansi(ansi).with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        for text in [
            "info",
            "INFO",
            "off",
            "info,policy=debug",
            "warn,offerd=trace",
        ] {
            check_level(text).unwrap();
        }
        for text in ["", "loud", "info,policy", "info,policy=loud"] {
            assert!(
                check_level(text).unwrap_err().contains("no log level"),
                "{text}"
            );
        }
    }
}
