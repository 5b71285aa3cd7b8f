//! The folder of recordings: names of files, and which of them have to go.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const EXTENSION: &str = "orec";

/// A folder with recordings and the components that decided in them.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// A recording in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    pub bytes: u64,
    /// When it was last written.
    pub modified: SystemTime,
}

impl Folder {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes it, for this user alone: jobs with their environment are in there.
    pub(crate) fn make(&self) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.0)
    }

    /// Path of a recording that begins at a time in milliseconds since the epoch.
    /// Names sort by time.
    pub(crate) fn file(&self, millis: u64) -> PathBuf {
        self.0.join(format!("{millis:015}.{EXTENSION}"))
    }

    /// Path of a component.
    pub fn component(&self, digest: &str) -> PathBuf {
        self.0.join(format!("{digest}.wasm"))
    }

    /// Keeps a component beside the recordings.
    ///
    /// # Errors
    /// It can't be written.
    pub fn keep_component(&self, digest: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.component(digest);
        if path.is_file() {
            return Ok(());
        }
        self.make()?;
        let aside = path.with_extension("new");
        fs::write(&aside, bytes)?;
        fs::rename(aside, path)
    }

    /// All recordings, oldest first.
    ///
    /// # Errors
    /// The folder can't be read. One that is not there is empty.
    pub fn list(&self) -> io::Result<Vec<Found>> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == EXTENSION) {
                let metadata = fs::metadata(&path)?;
                found.push(Found {
                    bytes: metadata.len(),
                    modified: metadata.modified()?,
                    path,
                });
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Removes the oldest recordings until the rest is small and young enough.
    /// The newest stays: it is being written.
    pub(crate) fn clean(&self, bytes: u64, age: Duration) -> io::Result<()> {
        let mut found = self.list()?;
        found.pop();
        let mut total: u64 = found.iter().map(|f| f.bytes).sum();
        let now = SystemTime::now();
        for file in found {
            let old = now.duration_since(file.modified).is_ok_and(|a| a > age);
            if total > bytes || old {
                fs::remove_file(&file.path)?;
                total -= file.bytes;
            }
        }
        Ok(())
    }
}
