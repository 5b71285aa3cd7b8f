//! `offerd reload`: another configuration for the running service.

use std::process::ExitCode;

use clap::Args;

use super::ask::failed;
use super::{Outcome, Target, block_on, job};

/// Let the service read its configuration again, while everything goes on.
///
/// Roles and [[policy]] entries that are new begin to work, those that are gone
/// end, and changed ones are swapped; the subscription stays, tasks are not
/// touched. A role with open jobs cannot go. If anything is wrong, nothing changes
/// and all reasons are shown. What changed in other sections counts when the
/// service is started again. SIGHUP does the same.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: Target,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    block_on(async {
        let admin = arguments.target.admin()?;
        let done = admin.reload().await.map_err(|error| failed(&error))?;
        job::print_done(&done.done);
        Ok(ExitCode::SUCCESS)
    })
}
