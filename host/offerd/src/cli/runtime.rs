//! What runs policies in the commands for their authors: compiled code is kept in
//! the user's cache, and compiling that takes long is told.

use std::env;
use std::path::PathBuf;

use offerd_policy::{Runtime, RuntimeError};

use super::Failed;
use crate::report;

/// Without a cache that can be used, everything is compiled each time.
pub(crate) fn runtime() -> Result<Runtime, Failed> {
    let runtime = match Runtime::new(cache().as_deref()) {
        Err(error @ RuntimeError::Cache { .. }) => {
            let why = report::chain(&error);
            eprintln!("warning: compiled policies are not kept: {why}");
            Runtime::new(None)
        }
        other => other,
    };
    let runtime = runtime.map_err(|error| Failed::new(&error))?;
    Ok(runtime.with_progress(|line| eprintln!("{line}")))
}

/// The user's cache, if it can be used.
pub(crate) fn usable_cache() -> Option<PathBuf> {
    cache().filter(|path| Runtime::new(Some(path)).is_ok())
}

/// `$XDG_CACHE_HOME/offerd/compiled`, by default in `~/.cache`.
fn cache() -> Option<PathBuf> {
    // Relative paths are not valid there.
    let absolute = |name: &str| {
        let path = PathBuf::from(env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(caches.join("offerd/compiled"))
}
