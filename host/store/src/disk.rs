//! The store on disk: one redb file in a locked directory.
//!
//! Two tables. `meta` says which format the rest has; `ledger` has one entry
//! for each key with the record's JSON as its value.

use std::fs::{DirBuilder, File};
use std::path::{Path, PathBuf};

use offerd_core::machine::{JobRecord, Ledger, Record, TaskRecord};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use serde::de::DeserializeOwned;

use crate::error::{CommitError, LoadError, OpenError};
use crate::key;
use crate::lock::Lock;

/// Version of the keys and values. Raised when an older offerd could no longer
/// read them.
const FORMAT: u32 = 1;
const FORMAT_KEY: &str = "format";

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const LEDGER: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("ledger");

#[derive(Debug)]
pub(crate) struct Disk {
    path: PathBuf,
    database: Database,
    // After the database, so that it is dropped after it.
    _lock: Lock,
}

impl Disk {
    pub(crate) fn open(dir: &Path) -> Result<Self, OpenError> {
        make_directory(dir).map_err(|source| OpenError::Directory {
            dir: dir.to_owned(),
            source,
        })?;
        let lock = Lock::take(dir)?;
        let path = dir.join("ledger.redb");
        let database = Database::create(&path).map_err(|error| match error.into() {
            redb::Error::Io(source) => OpenError::File {
                path: path.clone(),
                source,
            },
            source => OpenError::Damaged {
                path: path.clone(),
                source: Box::new(source),
            },
        })?;
        check_format(&database, &path)?;
        // The file's entry in the directory must be as durable as its content.
        File::open(dir)
            .and_then(|directory| directory.sync_all())
            .map_err(|source| OpenError::File {
                path: path.clone(),
                source,
            })?;
        Ok(Self {
            path,
            database,
            _lock: lock,
        })
    }

    pub(crate) fn commit(&mut self, records: &[Record]) -> Result<(), CommitError> {
        let mut entries = Vec::with_capacity(records.len());
        for record in records {
            let key = key::of(record);
            match encode(record) {
                Ok(value) => entries.push((key, value)),
                Err(source) => return Err(CommitError::Encode { key, source }),
            }
        }
        self.write(&entries).map_err(|source| CommitError::Write {
            path: self.path.clone(),
            source: Box::new(source),
        })
    }

    /// One transaction; dropped without a commit, it leaves no trace.
    fn write(&self, entries: &[(String, Option<Vec<u8>>)]) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(LEDGER)?;
            for (key, value) in entries {
                match value {
                    Some(value) => table.insert(key.as_str(), value.as_slice())?,
                    None => table.remove(key.as_str())?,
                };
            }
        }
        transaction.commit()?;
        Ok(())
    }

    pub(crate) fn load(&self) -> Result<Ledger, LoadError> {
        let entries = self.read().map_err(|source| LoadError::Read {
            path: self.path.clone(),
            source: Box::new(source),
        })?;
        let mut ledger = Ledger::default();
        for (key, value) in entries {
            self.add(&mut ledger, &key, &value)
                .map_err(|why| LoadError::Damaged {
                    path: self.path.clone(),
                    key,
                    why,
                })?;
        }
        Ok(ledger)
    }

    fn read(&self) -> Result<Vec<(String, Vec<u8>)>, redb::Error> {
        let transaction = self.database.begin_read()?;
        let table = transaction.open_table(LEDGER)?;
        let mut entries = Vec::new();
        for entry in table.iter()? {
            let (key, value) = entry?;
            entries.push((key.value().to_owned(), value.value().to_owned()));
        }
        Ok(entries)
    }

    /// Puts one entry into the ledger, and refuses one that stands under the
    /// wrong key: two entries for one task would make two tasks.
    fn add(&self, ledger: &mut Ledger, key: &str, value: &[u8]) -> Result<(), String> {
        if key == key::FRAMEWORK_ID {
            ledger.framework_id = Some(decode(value)?);
            return Ok(());
        }
        if let Some(name) = key.strip_prefix(key::JOB) {
            let job: JobRecord = decode(value)?;
            if job.spec.name.as_str() != name {
                return Err(format!("it is about the job '{}'", job.spec.name));
            }
            ledger.jobs.push(job);
            return Ok(());
        }
        if let Some(id) = key.strip_prefix(key::TASK) {
            let task: TaskRecord = decode(value)?;
            if task.id.as_str() != id {
                return Err(format!("it is about the task '{}'", task.id));
            }
            ledger.tasks.push(task);
            return Ok(());
        }
        Err("no offerd of this format writes such a key".to_owned())
    }

    #[cfg(test)]
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }
}

/// The value to keep; `None` removes the entry.
fn encode(record: &Record) -> Result<Option<Vec<u8>>, serde_json::Error> {
    match record {
        Record::FrameworkId(id) => serde_json::to_vec(id).map(Some),
        Record::Job(job) => serde_json::to_vec(job).map(Some),
        Record::Task(task) => serde_json::to_vec(task).map(Some),
        Record::JobGone(_) | Record::TaskGone(_) => Ok(None),
    }
}

fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T, String> {
    serde_json::from_slice(value).map_err(|error| error.to_string())
}

/// Only the service's user may look in: environments of jobs are in there.
fn make_directory(dir: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Writes the format into a new store, and refuses one that is too new. Both
/// tables exist afterwards.
fn check_format(database: &Database, path: &Path) -> Result<(), OpenError> {
    let found = read_or_set_format(database).map_err(|source| OpenError::Damaged {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    match std::str::from_utf8(&found).map(|text| (text, text.parse::<u32>())) {
        Ok((_, Ok(format))) if format <= FORMAT => Ok(()),
        Ok((text, _)) => Err(newer(path, text.to_owned())),
        Err(_) => Err(newer(path, format!("{found:?}"))),
    }
}

fn newer(path: &Path, found: String) -> OpenError {
    OpenError::Newer {
        path: path.to_owned(),
        found,
        known: FORMAT,
    }
}

fn read_or_set_format(database: &Database) -> Result<Vec<u8>, redb::Error> {
    let transaction = database.begin_write()?;
    let found = {
        let mut meta = transaction.open_table(META)?;
        let stored = meta.get(FORMAT_KEY)?.map(|value| value.value().to_owned());
        match stored {
            Some(stored) => stored,
            None => {
                let ours = FORMAT.to_string().into_bytes();
                meta.insert(FORMAT_KEY, ours.as_slice())?;
                transaction.open_table(LEDGER)?;
                ours
            }
        }
    };
    transaction.commit()?;
    Ok(found)
}

#[cfg(test)]
pub(crate) mod raw {
    //! Direct access for tests that damage a store.

    use super::{Disk, FORMAT_KEY, LEDGER, META};

    pub(crate) fn put(disk: &Disk, key: &str, value: &[u8]) {
        let transaction = disk.database().begin_write().unwrap();
        transaction
            .open_table(LEDGER)
            .unwrap()
            .insert(key, value)
            .unwrap();
        transaction.commit().unwrap();
    }

    pub(crate) fn set_format(disk: &Disk, format: &str) {
        let transaction = disk.database().begin_write().unwrap();
        transaction
            .open_table(META)
            .unwrap()
            .insert(FORMAT_KEY, format.as_bytes())
            .unwrap();
        transaction.commit().unwrap();
    }
}
