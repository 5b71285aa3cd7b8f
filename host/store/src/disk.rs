//! The store on disk: one redb file in a locked directory.
//!
//! `meta` says which format the rest has; `ledger` has one entry for each key with
//! the record's JSON as its value. `history` has the stories of tasks that ended
//! within the last day, `ended` says when.

use std::fs::{DirBuilder, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use offerd_core::machine::view::Why;
use offerd_core::machine::{JobRecord, Ledger, Record, TaskRecord};
use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, TableDefinition, WriteTransaction,
};
use serde::de::DeserializeOwned;

use crate::error::{CommitError, LoadError, OpenError};
use crate::key;
use crate::lock::Lock;

/// Version of the keys and values. Raised when an older offerd could no longer
/// read them.
const FORMAT: u32 = 1;
const FORMAT_KEY: &str = "format";

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// Stories in JSON by task.
const HISTORY: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("history");
/// Tasks by the time at which they ended, in seconds since the epoch.
const ENDED: TableDefinition<'_, (u64, &str), ()> = TableDefinition::new("ended");

/// How long stories are kept, in seconds.
const KEPT: u64 = 24 * 3600;
/// Old stories that one commit takes away at most, for each that it writes.
const SWEEP: usize = 4;

const LEDGER: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("ledger");

#[derive(Debug)]
pub(crate) struct Disk {
    path: PathBuf,
    database: Arc<Database>,
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
            database: Arc::new(database),
            _lock: lock,
        })
    }

    pub(crate) fn history(&self) -> History {
        History {
            path: self.path.clone(),
            database: Arc::downgrade(&self.database),
        }
    }

    pub(crate) fn commit(&mut self, records: &[Record]) -> Result<(), CommitError> {
        let mut entries = Vec::with_capacity(records.len());
        let mut stories = Vec::new();
        for record in records {
            let key = key::of(record);
            match (record, encode(record)) {
                (Record::History(_), Ok(Some(story))) => stories.push((key, story)),
                (_, Ok(value)) => entries.push((key, value)),
                (_, Err(source)) => return Err(CommitError::Encode { key, source }),
            }
        }
        self.write(&entries, &stories)
            .map_err(|source| CommitError::Write {
                path: self.path.clone(),
                source: Box::new(source),
            })
    }

    /// One transaction; dropped without a commit, it leaves no trace.
    fn write(
        &self,
        entries: &[(String, Option<Vec<u8>>)],
        stories: &[(String, Vec<u8>)],
    ) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        if !stories.is_empty() {
            keep(&transaction, stories, now())?;
        }
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

/// Reads the stories of ended tasks, beside the store's writer.
#[derive(Debug, Clone)]
pub struct History {
    path: PathBuf,
    /// Does not keep the store open.
    database: Weak<Database>,
}

impl History {
    /// What happened to a task that ended within the last day. Nothing is known when
    /// the store has been closed.
    pub fn find(&self, task: &str) -> Result<Option<Why>, LoadError> {
        let damaged = |why| LoadError::Damaged {
            path: self.path.clone(),
            key: task.to_owned(),
            why,
        };
        let story = self.read(task).map_err(|source| LoadError::Read {
            path: self.path.clone(),
            source: Box::new(source),
        })?;
        story
            .map(|story| decode(&story).map_err(damaged))
            .transpose()
    }

    fn read(&self, task: &str) -> Result<Option<Vec<u8>>, redb::Error> {
        let Some(database) = self.database.upgrade() else {
            return Ok(None);
        };
        let table = database.begin_read()?.open_table(HISTORY)?;
        Ok(table.get(task)?.map(|story| story.value().to_owned()))
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// Writes stories, and takes some away that are too old.
fn keep(
    transaction: &WriteTransaction,
    stories: &[(String, Vec<u8>)],
    now: u64,
) -> Result<(), redb::Error> {
    let mut history = transaction.open_table(HISTORY)?;
    let mut ended = transaction.open_table(ENDED)?;
    let old: Vec<(u64, String)> = ended
        .range(..(now.saturating_sub(KEPT), ""))?
        .take(stories.len() * SWEEP)
        .map(|entry| entry.map(|(key, _)| (key.value().0, key.value().1.to_owned())))
        .collect::<Result<_, _>>()?;
    for (at, task) in old {
        ended.remove((at, task.as_str()))?;
        history.remove(task.as_str())?;
    }
    for (task, story) in stories {
        history.insert(task.as_str(), story.as_slice())?;
        ended.insert((now, task.as_str()), ())?;
    }
    Ok(())
}

/// The value to keep; `None` removes the entry.
fn encode(record: &Record) -> Result<Option<Vec<u8>>, serde_json::Error> {
    match record {
        Record::FrameworkId(id) => serde_json::to_vec(id).map(Some),
        Record::Job(job) => serde_json::to_vec(job).map(Some),
        Record::Task(task) => serde_json::to_vec(task).map(Some),
        Record::JobGone(_) | Record::TaskGone(_) => Ok(None),
        Record::History(why) => serde_json::to_vec(why).map(Some),
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

/// Writes the format into a new store, and refuses one that is too new. All tables
/// exist afterwards.
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
        let found = match stored {
            Some(stored) => stored,
            None => {
                let ours = FORMAT.to_string().into_bytes();
                meta.insert(FORMAT_KEY, ours.as_slice())?;
                ours
            }
        };
        // Those that an older offerd did not make too.
        transaction.open_table(LEDGER)?;
        transaction.open_table(HISTORY)?;
        transaction.open_table(ENDED)?;
        found
    };
    transaction.commit()?;
    Ok(found)
}

#[cfg(test)]
pub(crate) mod raw {
    //! Direct access for tests that damage a store.

    use offerd_core::machine::view::Why;

    use super::{Disk, FORMAT_KEY, LEDGER, META};

    /// As a commit does some seconds from now.
    pub(crate) fn keep(disk: &Disk, task: &str, story: &Why, later: u64) {
        let stories = [(task.to_owned(), serde_json::to_vec(story).unwrap())];
        let transaction = disk.database().begin_write().unwrap();
        super::keep(&transaction, &stories, super::now() + later).unwrap();
        transaction.commit().unwrap();
    }

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
