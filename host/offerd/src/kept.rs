//! Files of policies beside the ledger: copies of those that took over while the
//! service ran, which of them decides, and what policies saved. So a restarted
//! service runs what ran before, and policies find their state again.
//!
//! A choice holds as long as the configured file is the one that it was made
//! against: who puts another file there, or names another one, wants that.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use offerd_policy::Snapshot;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What decides for a policy's roles in place of its configured file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Choice {
    /// Digest of the configured file when the choice was made.
    pub(crate) configured: String,
    /// Digest of what decides.
    pub(crate) active: String,
    /// Where that came from, for people.
    pub(crate) file: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    version: u32,
    /// In base64.
    data: String,
}

/// A directory of such files; without one nothing is kept. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Kept(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directory: Option<PathBuf>,
    /// Held while a choice is made, so that nothing is cleaned away under it.
    choosing: Mutex<()>,
}

impl Kept {
    pub(crate) fn new(directory: Option<PathBuf>) -> Self {
        Self(Arc::new(Inner {
            directory,
            choosing: Mutex::new(()),
        }))
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.0.directory.as_ref()?.join(name))
    }

    /// Where the copy of a component is.
    pub(crate) fn component(&self, digest: &str) -> Option<PathBuf> {
        self.path(&format!("{digest}.wasm"))
    }

    /// The choice made for a policy, if it still holds.
    pub(crate) fn choice(&self, policy: &str, configured: &str) -> Option<Choice> {
        let choice: Choice = self.read(&format!("{policy}.choice.json"))?;
        (choice.configured == configured).then_some(choice)
    }

    /// Makes a choice, with the component that it is about unless that is kept
    /// already. What no choice needs any more goes.
    pub(crate) fn choose(
        &self,
        policy: &str,
        choice: &Choice,
        component: Option<&[u8]>,
    ) -> io::Result<()> {
        let _choosing = self
            .0
            .choosing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let (Some(path), Some(bytes)) = (self.component(&choice.active), component)
            && !path.is_file()
        {
            write(&path, bytes)?;
        }
        self.write(&format!("{policy}.choice.json"), choice)?;
        self.clean();
        Ok(())
    }

    pub(crate) fn state(&self, policy: &str) -> Option<Snapshot> {
        let Saved { version, data } = self.read(&format!("{policy}.state.json"))?;
        match STANDARD.decode(data) {
            Ok(data) => Some(Snapshot { version, data }),
            Err(error) => {
                tracing::warn!("the saved state of policy {policy} is damaged: {error}");
                None
            }
        }
    }

    pub(crate) fn keep_state(&self, policy: &str, state: &Snapshot) -> io::Result<()> {
        let saved = Saved {
            version: state.version,
            data: STANDARD.encode(&state.data),
        };
        self.write(&format!("{policy}.state.json"), &saved)
    }

    fn read<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        let path = self.path(name)?;
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!("{} cannot be read: {error}", path.display());
                return None;
            }
        };
        serde_json::from_slice(&bytes)
            .inspect_err(|error| tracing::warn!("{} is damaged: {error}", path.display()))
            .ok()
    }

    fn write(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        match self.path(name) {
            Some(path) => write(&path, &serde_json::to_vec(value)?),
            None => Ok(()),
        }
    }

    /// Removes components that no choice names.
    fn clean(&self) {
        let Some(directory) = &self.0.directory else {
            return;
        };
        let files: Vec<PathBuf> = fs::read_dir(directory)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        let needed: Vec<String> = files
            .iter()
            .filter_map(|path| path.file_name()?.to_str()?.strip_suffix(".choice.json"))
            .filter_map(|policy| self.read::<Choice>(&format!("{policy}.choice.json")))
            .map(|choice| choice.active)
            .collect();
        for path in &files {
            let component = path.extension().is_some_and(|e| e == "wasm");
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let unused = stem.is_some_and(|stem| !needed.iter().any(|digest| digest == stem));
            if component && unused {
                // It is tried again after the next choice.
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// SHA-256 in hex, as policies are named by.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whole or not at all, and on the disk when it returns.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let aside = path.with_extension("new");
    let mut file = File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(configured: &str, active: &str) -> Choice {
        Choice {
            configured: configured.to_owned(),
            active: active.to_owned(),
            file: "x.wasm".to_owned(),
        }
    }

    #[test]
    fn a_choice_holds_until_the_configured_file_changes() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::new(Some(dir.path().join("policies")));
        assert_eq!(kept.choice("p", "a"), None);
        kept.choose("p", &choice("a", "b"), Some(b"code")).unwrap();
        assert_eq!(kept.choice("p", "a"), Some(choice("a", "b")));
        assert_eq!(kept.choice("p", "c"), None, "another file is there now");
        assert!(kept.component("b").unwrap().is_file());
        kept.choose("p", &choice("a", "c"), Some(b"other")).unwrap();
        assert!(!kept.component("b").unwrap().exists(), "nobody needs it");
    }

    #[test]
    fn state_comes_back_and_damage_is_no_state() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::new(Some(dir.path().to_owned()));
        let state = Snapshot {
            version: 3,
            data: vec![0, 255, 7],
        };
        kept.keep_state("p", &state).unwrap();
        assert_eq!(kept.state("p"), Some(state));
        fs::write(dir.path().join("p.state.json"), "{\"version\": 3").unwrap();
        assert_eq!(kept.state("p"), None);
    }

    #[test]
    fn without_a_directory_nothing_is_kept_and_nothing_fails() {
        let kept = Kept::new(None);
        kept.choose("p", &choice("a", "b"), Some(b"code")).unwrap();
        assert_eq!(kept.choice("p", "a"), None);
    }
}
