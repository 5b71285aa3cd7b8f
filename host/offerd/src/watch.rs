//! Notices when the file of a policy changes.
//!
//! Watches directories, since many programs replace a file and do not write into
//! it. A change is told when the file has been left alone for a moment, so that
//! half a file is rarely read; half a component is refused anyway.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// A file is left alone when nothing has happened to it for so long.
const QUIET: Duration = Duration::from_millis(200);

/// What a link leads to can change when anything beside it does: mounted
/// configuration is exchanged that way.
fn is_touched(path: &Path, touched: &[PathBuf]) -> bool {
    touched
        .iter()
        .any(|touched| touched == path || (path.is_symlink() && touched.parent() == path.parent()))
}

/// Watches until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Tells which of the files changed. `None`: there is nothing to watch, or it
    /// can't be watched, which is logged.
    pub(crate) fn start(
        files: Vec<PathBuf>,
        changed: mpsc::UnboundedSender<PathBuf>,
    ) -> Option<Self> {
        let files: Vec<(PathBuf, PathBuf)> = files
            .into_iter()
            .filter_map(|file| Some((std::path::absolute(&file).ok()?, file)))
            .collect();
        if files.is_empty() {
            return None;
        }
        let (events, mut happened) = mpsc::unbounded_channel::<Vec<PathBuf>>();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if let Ok(event) = event
                && !event.kind.is_access()
            {
                // Nobody listens any more when the service ends.
                let _ = events.send(event.paths);
            }
        });
        let mut watcher = watcher
            .inspect_err(|error| tracing::warn!("policy files are not watched: {error}"))
            .ok()?;
        let mut directories: Vec<&Path> =
            files.iter().filter_map(|(path, _)| path.parent()).collect();
        directories.sort();
        directories.dedup();
        for directory in directories {
            if let Err(error) = watcher.watch(directory, RecursiveMode::NonRecursive) {
                tracing::warn!(
                    "changes in {} are not noticed: {error}",
                    directory.display()
                );
            }
        }
        tokio::spawn(async move {
            let mut touched: Vec<PathBuf> = Vec::new();
            loop {
                let wait = async {
                    if touched.is_empty() {
                        std::future::pending().await
                    } else {
                        tokio::time::sleep(QUIET).await
                    }
                };
                tokio::select! {
                    paths = happened.recv() => match paths {
                        Some(paths) => touched.extend(paths),
                        None => return,
                    },
                    () = wait => {
                        for (path, file) in &files {
                            if is_touched(path, &touched) && changed.send(file.clone()).is_err() {
                                return;
                            }
                        }
                        touched.clear();
                    }
                }
            }
        });
        Some(Self { _watcher: watcher })
    }
}
