//! A project that is built and put to work when its sources change, while the cluster and
//! what is shown of it go on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use offerd_toolchain::{Built, Project, is_source};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::admin::client::Admin;
use crate::cli::Failed;
use crate::cli::ask::failed;
use crate::cli::policy::build::{self, Wanted};

/// Sources are left alone for so long before they are built: an editor writes several
/// files.
const QUIET: Duration = Duration::from_millis(300);

pub(super) struct Rebuild {
    pub(super) folder: PathBuf,
    pub(super) debug: bool,
    pub(super) admin: Admin,
    /// Lines for people.
    pub(super) news: UnboundedSender<String>,
}

impl Rebuild {
    /// Begins; ends when the watcher is dropped.
    pub(super) fn start(self) -> Result<notify::RecommendedWatcher, Failed> {
        let (changes, changed) = mpsc::unbounded_channel();
        let watcher = watch(&self.folder, changes)?;
        tokio::spawn(self.run(changed));
        Ok(watcher)
    }

    async fn run(self, mut changed: UnboundedReceiver<()>) {
        while changed.recv().await.is_some() {
            while let Ok(Some(())) = tokio::time::timeout(QUIET, changed.recv()).await {}
            if let Err(Failed(why)) = self.swap().await {
                self.say(format!("{why}\nThe code before goes on."));
            }
        }
    }

    /// Builds the project; if that works, the new code takes over.
    async fn swap(&self) -> Result<(), Failed> {
        let (folder, debug, news) = (self.folder.clone(), self.debug, self.news.clone());
        // Compilers take seconds.
        let built = tokio::task::spawn_blocking(move || make(&folder, debug, &news))
            .await
            .map_err(|error| Failed::new(&error))??;
        if built.fresh {
            return Ok(());
        }
        self.begun().await?;
        let done = self.admin.swap("dev", built.file).await;
        let done = done.map_err(|error| failed(&error))?;
        done.done.into_iter().for_each(|line| self.say(line));
        Ok(())
    }

    /// The first code may still be being compiled.
    async fn begun(&self) -> Result<(), Failed> {
        let mut looks = tokio::time::interval(QUIET);
        loop {
            looks.tick().await;
            let status = self.admin.status().await.map_err(|error| failed(&error))?;
            if status
                .policies
                .iter()
                .all(|policy| policy.state != "starting")
            {
                return Ok(());
            }
        }
    }

    fn say(&self, line: String) {
        say(&self.news, line);
    }
}

fn say(news: &UnboundedSender<String>, line: String) {
    // At the end nobody reads.
    drop(news.send(line));
}

/// policy.toml may be what has changed.
fn make(folder: &Path, debug: bool, news: &UnboundedSender<String>) -> Result<Built, Failed> {
    let project = Project::open(folder).map_err(|error| Failed::new(&error))?;
    let wanted = Wanted {
        debug,
        ..Wanted::default()
    };
    build::build(&project, &wanted, &|line| say(news, line.to_owned()))
}

/// Tells when a source may have changed.
fn watch(
    folder: &Path,
    changes: UnboundedSender<()>,
) -> Result<notify::RecommendedWatcher, Failed> {
    let top = folder.to_owned();
    let may_count = move |path: &PathBuf| path.strip_prefix(&top).is_ok_and(is_source);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if let Ok(event) = event
            && !event.kind.is_access()
            && event.paths.iter().any(&may_count)
        {
            // Nobody listens any more at the end.
            let _ = changes.send(());
        }
    })
    .map_err(|error| Failed::new(&error))?;
    watcher
        .watch(folder, RecursiveMode::Recursive)
        .map_err(|error| Failed::new(&error))?;
    Ok(watcher)
}
