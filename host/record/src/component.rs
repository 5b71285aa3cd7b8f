//! Components beside the recordings that they decided in, each under its digest.
//!
//! A component is marked with the time, as its file's, whenever a recording names
//! it. Recordings go oldest first: once the oldest one that is left began after the
//! mark, none names the component any more. So nobody has to read recordings to
//! know which components to keep.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use crate::folder::Folder;

const EXTENSION: &str = "wasm";

/// Kept for so much longer, since clocks are set, and a component is there before
/// it is named.
const MARGIN: Duration = Duration::from_secs(3600);

/// Why a component that a recording names can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    #[error("the recording names the component '{}'; that is no SHA-256 in hex", digest.escape_debug())]
    Digest { digest: String },
    #[error("the component {} cannot be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is another component than the one that decided: its digest is {found}", path.display())]
    Other { path: PathBuf, found: String },
}

impl Folder {
    /// Content of the component with this digest.
    ///
    /// # Errors
    /// It is not there, or it is not what it should be.
    pub fn component(&self, digest: &str) -> Result<Vec<u8>, ComponentError> {
        // It comes from a file that somebody may have sent.
        if !is_digest(digest) {
            let digest = digest.to_owned();
            return Err(ComponentError::Digest { digest });
        }
        let path = self.component_path(digest);
        match fs::read(&path) {
            Ok(bytes) => {
                let found = format!("{:x}", Sha256::digest(&bytes));
                if found == digest {
                    Ok(bytes)
                } else {
                    Err(ComponentError::Other { path, found })
                }
            }
            Err(source) => Err(ComponentError::Read { path, source }),
        }
    }

    /// Keeps a component beside the recordings.
    ///
    /// # Errors
    /// It can't be written.
    pub fn keep_component(&self, digest: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.component_path(digest);
        // What was there before a power failure may be less than it should be.
        if fs::metadata(&path).is_ok_and(|there| there.len() == bytes.len() as u64) {
            return self.mark_component(digest);
        }
        self.make()?;
        let aside = path.with_extension("new");
        fs::write(&aside, bytes)?;
        fs::rename(aside, path)
    }

    /// A recording names it now.
    pub(crate) fn mark_component(&self, digest: &str) -> io::Result<()> {
        let file = File::options()
            .append(true)
            .open(self.component_path(digest))?;
        file.set_modified(SystemTime::now())
    }

    /// Removes components that no recording names, if the oldest one began then.
    pub(crate) fn clean_components(&self, oldest: SystemTime) -> io::Result<()> {
        for entry in fs::read_dir(self.path())? {
            let path = entry?.path();
            if is_component(&path) {
                let marked = fs::metadata(&path)?.modified()?;
                if oldest.duration_since(marked).is_ok_and(|age| age > MARGIN) {
                    fs::remove_file(&path)?;
                }
            }
        }
        Ok(())
    }

    fn component_path(&self, digest: &str) -> PathBuf {
        self.path().join(format!("{digest}.{EXTENSION}"))
    }
}

fn is_component(path: &Path) -> bool {
    let name = path.file_stem().and_then(|stem| stem.to_str());
    name.is_some_and(is_digest) && path.extension().is_some_and(|e| e == EXTENSION)
}

fn is_digest(text: &str) -> bool {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 64 && text.bytes().all(is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_what_its_digest_says_or_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path());
        let digest = format!("{:x}", Sha256::digest(b"code"));
        folder.keep_component(&digest, b"code").unwrap();
        assert_eq!(folder.component(&digest).unwrap(), b"code");
        for wrong in [
            "../secret",
            "",
            "none",
            &digest[1..],
            &digest.to_uppercase(),
        ] {
            let error = folder.component(wrong).unwrap_err();
            assert!(matches!(error, ComponentError::Digest { .. }), "{error}");
        }
        let path = dir.path().join(format!("{digest}.wasm"));
        fs::write(&path, b"cod").unwrap();
        let error = folder.component(&digest).unwrap_err();
        assert!(error.to_string().contains("another component"), "{error}");
        // Less than it should be is written again.
        folder.keep_component(&digest, b"code").unwrap();
        assert_eq!(folder.component(&digest).unwrap(), b"code");
        fs::remove_file(path).unwrap();
        let error = folder.component(&digest).unwrap_err();
        assert!(matches!(error, ComponentError::Read { .. }), "{error}");
    }

    #[test]
    fn components_go_that_were_last_named_before_the_oldest_recording() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path());
        let digest = "a".repeat(64);
        folder.keep_component(&digest, b"code").unwrap();
        fs::write(dir.path().join("other.wasm"), b"of somebody else").unwrap();
        let marked = SystemTime::now();
        let left = || fs::read_dir(dir.path()).unwrap().count();
        folder.clean_components(marked + MARGIN / 2).unwrap();
        assert_eq!(left(), 2);
        folder.clean_components(marked + MARGIN * 2).unwrap();
        assert_eq!(left(), 1, "no file goes that is not a component");
    }
}
