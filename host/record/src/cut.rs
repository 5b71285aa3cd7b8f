//! A piece of a recording, to be sent away.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use offerd_core::Instant;
use offerd_core::machine::{Machine, Request};

use crate::entry::{Entry, Recorded, Start};
use crate::file::{ReadError, Reader};
use crate::folder::Folder;
use crate::writer::{Limits, Recorder};

/// What to copy. A recording can be gone through only from its beginning, so the
/// copy begins with the recording in which `from` lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cut {
    /// What must be in it: from here on ...
    pub from: Option<Instant>,
    /// ... and up to here.
    pub to: Option<Instant>,
    /// So much from the beginning of the first recording.
    pub first: Option<Duration>,
    /// Without what may be secret in jobs.
    pub redact: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum CutError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("cannot write to {}", folder.display())]
    Write {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} has no recording of that time{}", path.display(), known(.span))]
    Nothing {
        path: PathBuf,
        /// Beginning of the first and of the last one.
        span: Option<(Instant, Instant)>,
    },
    #[error("the recording is of another version of offerd ({version}): {why}")]
    Machine { version: String, why: String },
    #[error("the component {} cannot be copied", path.display())]
    Component {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
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
/// A recording can't be read or a copy not written.
pub fn cut(path: &Path, to: &Folder, wish: &Cut) -> Result<Vec<PathBuf>, CutError> {
    let all = files(path)?;
    let span = all.first().zip(all.last()).map(|(a, b)| (a.0, b.0));
    let mut wish = *wish;
    let mut written = Vec::new();
    for (position, (start, file)) in all.iter().enumerate() {
        let next = all.get(position + 1).map(|(start, _)| *start);
        let over = wish
            .from
            .is_some_and(|from| next.is_some_and(|next| next <= from));
        if over || wish.to.is_some_and(|to| *start > to) {
            continue;
        }
        if let Some(first) = wish.first.take() {
            let end = *start + first;
            wish.to = Some(wish.to.map_or(end, |to| to.min(end)));
        }
        written.push(cut_one(file, to, &wish)?);
    }
    if written.is_empty() {
        let path = path.to_owned();
        return Err(CutError::Nothing { path, span });
    }
    Ok(written)
}

/// Recordings with the times at which they begin, in order.
fn files(path: &Path) -> Result<Vec<(Instant, PathBuf)>, CutError> {
    if !path.is_dir() {
        return Ok(vec![(start_of(path)?, path.to_owned())]);
    }
    let found = Folder::new(path).list().map_err(|source| ReadError::Io {
        path: path.to_owned(),
        source,
    })?;
    found
        .into_iter()
        .map(|found| Ok((start_of(&found.path)?, found.path)))
        .collect()
}

fn start_of(file: &Path) -> Result<Instant, CutError> {
    match Reader::open(file)?.next_entry()? {
        Some(Entry::Start(start)) => Ok(start.now),
        // One that its writer never began.
        _ => Ok(Instant::default()),
    }
}

fn cut_one(recording: &Path, to: &Folder, wish: &Cut) -> Result<PathBuf, CutError> {
    let from = Folder::new(recording.parent().unwrap_or(Path::new("")));
    let mut reader = Reader::open(recording)?;
    // One file, and nothing in the folder goes.
    let limits = Limits {
        file_bytes: u64::MAX,
        file_age: Duration::MAX,
        bytes: u64::MAX,
        age: Duration::MAX,
    };
    let write = |source| CutError::Write {
        folder: to.path().to_owned(),
        source,
    };
    let mut recorder = Recorder::new(to.clone(), limits).map_err(write)?;
    let mut written = to.path().to_owned();
    while let Some(entry) = reader.next_entry()? {
        match entry {
            Entry::Start(mut start) => {
                if wish.redact {
                    start.machine = redacted(&start)?;
                }
                for policy in &start.policies {
                    copy(&from, to, &policy.code.digest)?;
                }
                written = to.file(start.now.0 / 1_000_000);
                recorder.start(*start);
            }
            Entry::Inputs { now, mut inputs } => {
                if wish.to.is_some_and(|to| now > to) {
                    break;
                }
                if wish.redact {
                    inputs.iter_mut().for_each(redact);
                }
                recorder.put(&Entry::Inputs { now, inputs });
            }
            Entry::Code { policy, code } => {
                copy(&from, to, &code.digest)?;
                recorder.put(&Entry::Code { policy, code });
            }
            Entry::Policy { policy, setup } => {
                copy(&from, to, &setup.code.digest)?;
                recorder.put(&Entry::Policy { policy, setup });
            }
            Entry::Saved { .. } => recorder.put(&entry),
        }
    }
    recorder.finish().map_err(write)?;
    Ok(written)
}

fn redacted(start: &Start) -> Result<Vec<u8>, CutError> {
    let machine = |error: postcard::Error| CutError::Machine {
        version: start.version.clone(),
        why: error.to_string(),
    };
    let mut known: Machine = postcard::from_bytes(&start.machine).map_err(machine)?;
    known.redact();
    postcard::to_allocvec(&known).map_err(machine)
}

fn redact(input: &mut Recorded<'static>) {
    if let Recorded::Operator { request, .. } = input
        && let Request::Submit(jobs) = request.to_mut()
    {
        for job in jobs {
            *job = job.redacted();
        }
    }
}

fn copy(from: &Folder, to: &Folder, digest: &str) -> Result<(), CutError> {
    let path = from.component(digest);
    // The host's own code has none.
    if digest == "none" {
        return Ok(());
    }
    std::fs::read(&path)
        .and_then(|bytes| to.keep_component(digest, &bytes))
        .map_err(|source| CutError::Component { path, source })
}
