//! The durable ledger: what must survive a restart of the service.
//!
//! The machine (offerd-core) says what to write as [`Record`]s; this crate
//! keeps the latest record of each key on disk and gives them back at the
//! start. It decides nothing, and it does not know Mesos.
//!
//! One commit is one transaction and one fsync, however many records it has
//! (group commit). Values are JSON, so that a damaged or puzzling store can be
//! read by people.

mod disk;
mod error;
mod key;
mod lock;
mod memory;

#[cfg(test)]
mod tests;

use std::path::Path;

use offerd_core::machine::{Ledger, Record};

pub use disk::History;
pub use error::{CommitError, LoadError, OpenError};

/// The ledger of one service. Only one process at a time can have a store on
/// disk open.
#[derive(Debug)]
pub struct Store {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Disk(disk::Disk),
    Memory(memory::Memory),
}

impl Store {
    /// Opens the store in `dir`, which is made if it is not there. Waits for
    /// nothing: if another process has it, that is an error.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        disk::Disk::open(dir).map(|disk| Self {
            kind: Kind::Disk(disk),
        })
    }

    /// A store that forgets everything when it is dropped, for demos, tests and
    /// measurements.
    pub fn memory() -> Self {
        Self {
            kind: Kind::Memory(memory::Memory::default()),
        }
    }

    /// Whether a commit outlives the process. If not, nothing needs to wait for
    /// it.
    pub fn is_durable(&self) -> bool {
        matches!(self.kind, Kind::Disk(_))
    }

    /// The stories of ended tasks; `None` if none are kept.
    pub fn history(&self) -> Option<History> {
        match &self.kind {
            Kind::Disk(disk) => Some(disk.history()),
            Kind::Memory(_) => None,
        }
    }

    /// Makes the records durable, in order, all or none. When it returns
    /// without an error they are on the disk. Blocks for as long as that takes.
    pub fn commit(&mut self, records: Vec<Record>) -> Result<(), CommitError> {
        if records.is_empty() {
            return Ok(());
        }
        match &mut self.kind {
            Kind::Disk(disk) => disk.commit(&records),
            Kind::Memory(memory) => {
                memory.commit(records);
                Ok(())
            }
        }
    }

    /// Everything in the store; jobs and tasks in the order of their keys.
    pub fn load(&self) -> Result<Ledger, LoadError> {
        match &self.kind {
            Kind::Disk(disk) => disk.load(),
            Kind::Memory(memory) => Ok(memory.load()),
        }
    }
}
