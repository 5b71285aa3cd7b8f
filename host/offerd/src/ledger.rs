//! Writes the ledger beside the loop: commits run in order on a thread of their
//! own, since each waits for the disk.

use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use offerd_core::machine::Record;
use offerd_store::{CommitError, Store};
use tokio::sync::mpsc;

/// The way to the store.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// `None`: nothing has to be durable.
    writer: Option<Writer>,
}

#[derive(Debug)]
struct Writer {
    commits: Option<Sender<Vec<Record>>>,
    thread: Option<JoinHandle<()>>,
}

impl Ledger {
    /// `done` gets one message for each commit.
    pub(crate) fn start(
        mut store: Store,
        done: mpsc::UnboundedSender<Result<(), CommitError>>,
    ) -> std::io::Result<Self> {
        if !store.is_durable() {
            return Ok(Self { writer: None });
        }
        let (commits, waiting) = channel::<Vec<Record>>();
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || {
                for records in waiting {
                    if done.send(store.commit(records)).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Self {
            writer: Some(Writer {
                commits: Some(commits),
                thread: Some(thread),
            }),
        })
    }

    /// Begins a commit. False if there is no thread to do it.
    pub(crate) fn commit(&self, records: Vec<Record>) -> bool {
        self.writer
            .as_ref()
            .and_then(|writer| writer.commits.as_ref())
            .is_some_and(|commits| commits.send(records).is_ok())
    }
}

impl Drop for Writer {
    /// Waits until the last commit is on the disk and the store is closed.
    fn drop(&mut self) {
        self.commits = None;
        if let Some(thread) = self.thread.take() {
            // A panic was reported where it happened.
            let _ = thread.join();
        }
    }
}
