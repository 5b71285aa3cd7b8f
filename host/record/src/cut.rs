//! A piece of a recording, to be sent away.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use offerd_core::machine::{Machine, Request};

use crate::entry::{Entry, Recorded, Start};
use crate::file::{ReadError, Reader};
use crate::folder::Folder;
use crate::writer::{Limits, Recorder};

/// What to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cut {
    /// So much from the beginning; `None`: all.
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
    #[error("the recording is of another version of offerd ({version}): {why}")]
    Machine { version: String, why: String },
    #[error("the component {} cannot be copied", path.display())]
    Component {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Copies the beginning of a recording into another folder, with the components
/// that decided in it. Gives the path of the copy.
///
/// # Errors
/// The recording can't be read or the copy not written.
pub fn cut(recording: &Path, to: &Folder, wish: &Cut) -> Result<PathBuf, CutError> {
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
    let mut end = None;
    let mut written = to.path().to_owned();
    while let Some(entry) = reader.next_entry()? {
        match entry {
            Entry::Start(mut start) => {
                if wish.redact {
                    start.machine = redacted(&start)?;
                }
                end = wish.first.map(|first| start.now + first);
                for policy in &start.policies {
                    copy(&from, to, &policy.code.digest)?;
                }
                written = to.file(start.now.0 / 1_000_000);
                recorder.start(*start);
            }
            Entry::Inputs { now, mut inputs } => {
                if end.is_some_and(|end| now > end) {
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
