//! A piece of a recording, to be sent away.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use offerd_core::Instant;
use offerd_core::policy::Codec;

use crate::component::ComponentError;
use crate::entry::Entry;
use crate::file::{ReadError, Reader};
use crate::folder::{Folder, Found};
use crate::output::Output;
use crate::redact::Redactor;
use crate::start::MachineError;
use crate::writer::BUFFER;

/// What to copy. A recording can be gone through only from its beginning, so the
/// copy begins with the recording in which `from` lies.
#[derive(Debug, Clone, Default)]
pub struct Cut {
    /// What must be in it: from here on ...
    pub from: Option<Instant>,
    /// ... and up to here.
    pub to: Option<Instant>,
    /// So much from the beginning of the first recording.
    pub first: Option<Duration>,
    /// Without what may be secret; the codec knows messages that policies wrote.
    pub redact: Option<Arc<dyn Codec>>,
}

#[derive(Debug, thiserror::Error)]
pub enum CutError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("cannot write to {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is there already; name another folder for the copy", path.display())]
    Exists { path: PathBuf },
    #[error("{} has no recording of that time{}", path.display(), known(.span))]
    Nothing {
        path: PathBuf,
        /// Beginning of the first and of the last one.
        span: Option<(Instant, Instant)>,
    },
    #[error(transparent)]
    Machine(#[from] MachineError),
    #[error(transparent)]
    Component(#[from] ComponentError),
}

fn known(span: &Option<(Instant, Instant)>) -> String {
    match span {
        Some((first, last)) => format!(
            "; they begin between {} and {} (milliseconds since 1970)",
            first.0 / 1_000_000,
            last.0 / 1_000_000
        ),
        None => String::new(),
    }
}

/// Copies a part of a recording, or of those in a folder, into another folder, with
/// the components that decided in it. Gives the paths of the copies.
///
/// # Errors
/// A recording of that time can't be read or a copy not written.
pub fn cut(path: &Path, to: &Folder, wish: &Cut) -> Result<Vec<PathBuf>, CutError> {
    let (from, files, span) = if path.is_dir() {
        let folder = Folder::new(path);
        let found = folder.list().map_err(|source| ReadError::Io {
            path: path.to_owned(),
            source,
        })?;
        let span = found.first().zip(found.last());
        let span = span.map(|(first, last)| (first.began, last.began));
        (folder, of_the_time(found, wish), span)
    } else {
        let folder = Folder::new(path.parent().unwrap_or(Path::new("")));
        (folder, vec![path.to_owned()], None)
    };
    let mut cutting = Cutting {
        from,
        to,
        redactor: wish.redact.as_deref().map(Redactor::new),
        first: wish.first,
        end: wish.to,
        copied: BTreeSet::new(),
    };
    let mut written = Vec::new();
    for file in files {
        written.extend(cutting.file(&file)?);
    }
    if written.is_empty() {
        let path = path.to_owned();
        return Err(CutError::Nothing { path, span });
    }
    Ok(written)
}

/// Those that have something of the wanted time. The others are not opened: they
/// may be of another version, or damaged.
fn of_the_time(mut found: Vec<Found>, wish: &Cut) -> Vec<PathBuf> {
    if let Some(to) = wish.to {
        found.retain(|file| file.began <= to);
    }
    if let Some(from) = wish.from {
        let begun = found.partition_point(|file| file.began <= from);
        // One that its writer could not begin does not hold that time.
        let begun = found.get(..begun).unwrap_or_default();
        let first = begun.iter().rposition(|file| !is_empty(&file.path));
        found.drain(..first.unwrap_or_default());
    }
    found.into_iter().map(|file| file.path).collect()
}

fn is_empty(file: &Path) -> bool {
    let first = Reader::open(file).and_then(|mut reader| reader.next_entry());
    matches!(first, Ok(None))
}

struct Cutting<'a> {
    from: Folder,
    to: &'a Folder,
    redactor: Option<Redactor<'a>>,
    /// Until the first recording was begun.
    first: Option<Duration>,
    end: Option<Instant>,
    /// Digests of components.
    copied: BTreeSet<String>,
}

impl Cutting<'_> {
    /// The copy, if there is anything in the file.
    fn file(&mut self, recording: &Path) -> Result<Option<PathBuf>, CutError> {
        let mut reader = Reader::open(recording)?;
        let Some(first) = reader.next_entry()? else {
            return Ok(None);
        };
        if let (Entry::Start(start), Some(first)) = (&first, self.first.take()) {
            let end = start.now + first;
            self.end = Some(self.end.map_or(end, |to| to.min(end)));
        }
        let copy = self.copy_of(recording, &first);
        self.to.make().map_err(|source| write(&copy, source))?;
        let output = Output::create(&copy).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => CutError::Exists { path: copy.clone() },
            _ => write(&copy, source),
        })?;
        match self.entries(first, &mut reader, output, &copy) {
            Ok(()) => Ok(Some(copy)),
            Err(error) => {
                // Half of a copy looks like a whole one. That it stays is the
                // smaller problem.
                let _ = fs::remove_file(&copy);
                Err(error)
            }
        }
    }

    /// Under the name that the host gives; the recording's may be another.
    fn copy_of(&self, recording: &Path, first: &Entry<'_>) -> PathBuf {
        match first {
            Entry::Start(start) => self.to.file(start.now.0 / 1_000_000),
            _ => self
                .to
                .path()
                .join(recording.file_name().unwrap_or_default()),
        }
    }

    fn entries(
        &mut self,
        first: Entry<'static>,
        reader: &mut Reader,
        mut output: Output,
        copy: &Path,
    ) -> Result<(), CutError> {
        let mut buffer = Vec::with_capacity(BUFFER * 2);
        let mut next = Some(first);
        while let Some(mut entry) = next {
            if let (Entry::Inputs { now, .. }, Some(end)) = (&entry, self.end)
                && *now > end
            {
                break;
            }
            if let Some(redactor) = &mut self.redactor {
                entry = redactor.entry(entry)?;
            }
            self.components(&entry)?;
            // Writing into a vector does not fail.
            buffer = postcard::to_extend(&entry, buffer).unwrap_or_default();
            if buffer.len() >= BUFFER {
                output
                    .block(&buffer)
                    .map_err(|source| write(copy, source))?;
                buffer.clear();
            }
            next = reader.next_entry()?;
        }
        if !buffer.is_empty() {
            output
                .block(&buffer)
                .map_err(|source| write(copy, source))?;
        }
        output.sync().map_err(|source| write(copy, source))
    }

    /// Copies components that an entry names.
    fn components(&mut self, entry: &Entry<'_>) -> Result<(), CutError> {
        for digest in entry.components() {
            if !self.copied.contains(digest) {
                let bytes = self.from.component(digest)?;
                self.to
                    .keep_component(digest, &bytes)
                    .map_err(|source| write(self.to.path(), source))?;
                self.copied.insert(digest.to_owned());
            }
        }
        Ok(())
    }
}

fn write(path: &Path, source: io::Error) -> CutError {
    CutError::Write {
        path: path.to_owned(),
        source,
    }
}
