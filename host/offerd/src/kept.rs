//! Files of policies beside the ledger: copies of their code, which of it decides,
//! and what policies saved. So a restarted service runs what ran before, can still go
//! back, and policies find their state again.
//!
//! A choice holds as long as the configured file is the one that was looked at last:
//! who puts another file there wants that.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use offerd_core::machine::view::PolicyNumbers;
use offerd_policy::Snapshot;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// What decides for a policy's roles, and what it would go back to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Choice {
    /// Digest of the configured file when it was looked at last, whether it was
    /// used or refused.
    pub(crate) configured: String,
    pub(crate) active: Origin,
    pub(crate) previous: Option<Origin>,
    /// What decides is on trial: what the one before did in its time.
    #[serde(default)]
    pub(crate) trial: Option<PolicyNumbers>,
}

/// Code of which there is a copy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) digest: String,
    /// Where it came from, for people.
    pub(crate) file: PathBuf,
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
    /// What is written beside the loop, in order.
    writes: Mutex<Sender<Write>>,
    /// False: nothing is written any more. Held while something is.
    open: Arc<Mutex<bool>>,
}

type Write = Box<dyn FnOnce() + Send>;

impl Kept {
    /// Starts the thread that writes; it ends with the last clone.
    pub(crate) fn new(directory: Option<PathBuf>) -> io::Result<Self> {
        let (writes, wanted) = channel::<Write>();
        let open = Arc::new(Mutex::new(true));
        let is_open = Arc::clone(&open);
        std::thread::Builder::new()
            .name("policies-kept".to_owned())
            .spawn(move || {
                for write in wanted {
                    let open = is_open.lock().unwrap_or_else(PoisonError::into_inner);
                    if *open {
                        write();
                    }
                }
            })?;
        Ok(Self(Arc::new(Inner {
            directory,
            writes: Mutex::new(writes),
            open,
        })))
    }

    /// From here on nothing is written beside the loop: whoever ends in a hurry leaves
    /// the directory to others.
    pub(crate) fn close(&self) {
        let open = self.0.open.lock();
        *open.unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// Does something with these files beside the loop, after what was asked before.
    pub(crate) fn later(&self, write: impl FnOnce(&Self) + Send + 'static) {
        // Not `self`: the thread would keep itself alive.
        let inner = Arc::downgrade(&self.0);
        let writes = self.0.writes.lock();
        let writes = writes.unwrap_or_else(PoisonError::into_inner);
        // The thread ends later than this.
        let _ = writes.send(Box::new(move || {
            if let Some(inner) = inner.upgrade() {
                write(&Self(inner));
            }
        }));
    }

    /// Comes when all that was asked so far is done, or never will be.
    pub(crate) fn settled(&self) -> oneshot::Receiver<()> {
        let (done, settled) = oneshot::channel();
        self.later(move |_| {
            let _ = done.send(());
        });
        settled
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.0.directory.as_ref()?.join(name))
    }

    fn component_path(&self, digest: &str) -> Option<PathBuf> {
        self.path(&format!("{digest}.wasm"))
    }

    /// The copy of a component, if it is whole.
    pub(crate) fn component(&self, digest: &str) -> Result<Vec<u8>, String> {
        let path = self
            .component_path(digest)
            .ok_or("nothing is kept with the store in memory")?;
        let shown = path.display();
        let bytes = fs::read(&path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
        if offerd_policy::digest(&bytes) == digest {
            Ok(bytes)
        } else {
            Err(format!("{shown} is damaged"))
        }
    }

    /// The choice made for a policy.
    pub(crate) fn choice(&self, policy: &str) -> Option<Choice> {
        self.read(&format!("{policy}.choice.json"))
    }

    /// Makes a choice, with the code that decides unless that is kept already. What
    /// no choice needs any more goes.
    pub(crate) fn choose(
        &self,
        policy: &str,
        choice: &Choice,
        active: Option<&[u8]>,
    ) -> io::Result<()> {
        if let (Some(path), Some(bytes)) = (self.component_path(&choice.active.digest), active)
            && self.component(&choice.active.digest).is_err()
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
            .filter_map(|policy| self.choice(policy))
            .flat_map(|choice| [Some(choice.active), choice.previous])
            .flatten()
            .map(|origin| origin.digest)
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
    use offerd_policy::digest;

    use super::*;

    fn origin(bytes: &[u8]) -> Origin {
        Origin {
            digest: digest(bytes),
            file: "x.wasm".into(),
        }
    }

    fn choice(active: &[u8], previous: Option<&[u8]>) -> Choice {
        Choice {
            configured: "configured".to_owned(),
            active: origin(active),
            previous: previous.map(origin),
            trial: None,
        }
    }

    #[test]
    fn code_is_kept_as_long_as_a_choice_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::new(Some(dir.path().join("policies"))).unwrap();
        assert_eq!(kept.choice("p"), None);
        let (a, b, c) = (b"a".as_slice(), b"b".as_slice(), b"c".as_slice());
        kept.choose("p", &choice(a, None), Some(a)).unwrap();
        kept.choose("p", &choice(b, Some(a)), Some(b)).unwrap();
        assert_eq!(kept.choice("p"), Some(choice(b, Some(a))));
        assert_eq!(kept.component(&digest(a)).unwrap(), a, "the way back");
        // Back again, without its bytes.
        kept.choose("p", &choice(a, None), None).unwrap();
        assert!(kept.component(&digest(b)).is_err(), "nobody needs it");
        kept.choose("p", &choice(c, Some(a)), Some(c)).unwrap();
        let path = kept.component_path(&digest(a)).unwrap();
        fs::write(&path, "something else").unwrap();
        let why = kept.component(&digest(a)).unwrap_err();
        assert!(why.ends_with("is damaged"), "{why}");
        kept.choose("p", &choice(a, None), Some(a)).unwrap();
        assert_eq!(kept.component(&digest(a)).unwrap(), a, "written once more");
    }

    #[test]
    fn state_comes_back_and_damage_is_no_state() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::new(Some(dir.path().to_owned())).unwrap();
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
    fn what_is_asked_for_later_is_done_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::new(Some(dir.path().to_owned())).unwrap();
        for version in 0..100 {
            let data = vec![0; 1000];
            kept.later(move |kept| {
                let state = Snapshot { version, data };
                kept.keep_state("p", &state).unwrap();
            });
        }
        kept.settled().blocking_recv().unwrap();
        assert_eq!(kept.state("p").unwrap().version, 99);
    }

    #[test]
    fn what_comes_after_the_end_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::new(Some(dir.path().join("policies"))).unwrap();
        kept.close();
        kept.later(|kept| {
            kept.choose("p", &choice(b"a", None), Some(b"a")).unwrap();
        });
        assert!(kept.settled().blocking_recv().is_err());
        assert!(!dir.path().join("policies").exists());
    }

    #[test]
    fn without_a_directory_nothing_is_kept_and_nothing_fails() {
        let kept = Kept::new(None).unwrap();
        kept.choose("p", &choice(b"a", None), Some(b"a")).unwrap();
        assert_eq!(kept.choice("p"), None);
        let why = kept.component("a").unwrap_err();
        assert!(why.contains("in memory"), "{why}");
    }
}
