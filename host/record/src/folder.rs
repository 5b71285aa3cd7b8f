//! The folder of recordings: names of files, and which of them have to go.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use offerd_core::Instant;

const EXTENSION: &str = "orec";

/// A folder with recordings and the components that decided in them.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// A recording in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    /// By its name, in milliseconds.
    pub began: Instant,
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

    /// All recordings, oldest first. Files that were given another name are not
    /// among them.
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
            let Some(began) = began(&path) else {
                continue;
            };
            match fs::metadata(&path) {
                Ok(metadata) => found.push(Found {
                    began,
                    bytes: metadata.len(),
                    modified: metadata.modified()?,
                    path,
                }),
                // Its time had come.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Removes the oldest recordings until the rest is small and young enough, and
    /// components that none of the rest names. The newest stays: it is being
    /// written.
    pub(crate) fn clean(&self, bytes: u64, age: Duration) -> io::Result<()> {
        let mut found = self.list()?;
        let Some(newest) = found.pop() else {
            return Ok(());
        };
        let mut total: u64 = found.iter().map(|f| f.bytes).sum();
        let mut oldest = newest.began;
        let now = SystemTime::now();
        for file in found {
            let old = now.duration_since(file.modified).is_ok_and(|a| a > age);
            if total > bytes || old {
                fs::remove_file(&file.path)?;
                total -= file.bytes;
            } else {
                oldest = oldest.min(file.began);
            }
        }
        self.clean_components(SystemTime::UNIX_EPOCH + Duration::from_nanos(oldest.0))
    }
}

/// When a recording began, by its name.
fn began(path: &Path) -> Option<Instant> {
    if path.extension()? != EXTENSION {
        return None;
    }
    let millis: u64 = path.file_stem()?.to_str()?.parse().ok()?;
    Some(Instant::from_millis(millis))
}
