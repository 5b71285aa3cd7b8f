//! `offerd run`: the service.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failed, Outcome, block_on, compile};
use crate::config::Config;
use crate::service::Service;
use crate::telemetry;

/// Run the service until it gets SIGTERM or Ctrl-C.
///
/// Tasks go on when it ends; started again with the same store, it takes them
/// over. All mistakes in the configuration are reported at once.
#[derive(Debug, Args)]
#[command(after_help = "Example: offerd run --config offerd.toml\n\n\
    OFFERD_LOG sets what is logged, such as info or info,policy=debug.")]
pub(crate) struct Arguments {
    /// Configuration file; relative paths in it are relative to it.
    #[arg(long, value_name = "FILE", default_value = "offerd.toml")]
    config: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let config = Config::load(&arguments.config).map_err(|mistakes| {
        Failed(format!(
            "{mistakes}\nerror: {} in the configuration; offerd does not start",
            mistakes.count()
        ))
    })?;
    telemetry::start(&config.log);
    block_on(serve(config))
}

async fn serve(config: Config) -> Outcome {
    // Listened for from the start, so that none is lost.
    let listen = |kind| signal(kind).map_err(|error| Failed::new(&error));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let starting = Service::start(config, compile::this_program());
    let mut service = tokio::select! {
        started = starting => started.map_err(|error| Failed::new(&error))?,
        _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
        _ = interrupt.recv() => return Ok(ExitCode::SUCCESS),
    };
    loop {
        tokio::select! {
            ended = service.ended() => {
                ended.map_err(|error| Failed::new(&error))?;
                return Ok(ExitCode::SUCCESS);
            }
            _ = terminate.recv() => {
                tracing::info!("SIGTERM: ending; tasks go on");
                break;
            }
            _ = interrupt.recv() => {
                tracing::info!("interrupted: ending; tasks go on");
                break;
            }
            _ = hangup.recv() => {
                tracing::info!("SIGHUP: reading the configuration and the policies' files again");
                service.reload().await;
            }
        }
    }
    service.stop().await.map_err(|error| Failed::new(&error))?;
    Ok(ExitCode::SUCCESS)
}
