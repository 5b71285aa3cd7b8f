//! Compiled policies on disk, so that only the first start compiles.
//!
//! A compiled policy is machine code that this process will run, so the cache
//! takes no chances: its directory and files belong to this user and nobody else
//! can enter it, files appear whole (written aside, then renamed), and the digest
//! of the code is part of the file's name and checked before the code is mapped. A
//! file that is damaged, or that another user could have written, is compiled
//! again.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::hash::{Hash, Hasher};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::bindings::COMPONENT_TYPE;
use crate::runtime::RuntimeError;

/// Files kept; the longest unused are removed. A Python policy takes 35 MB.
const FILES: usize = 32;

/// Of compiled policies, and of files that are being written.
const EXTENSION: &str = "cwasm";
const ASIDE: &str = "new";

/// A file that is written for so long is one that its writer left behind: no
/// compiler gets as much time.
const STALE: Duration = Duration::from_secs(3600);

/// Bits of a mode that let others than the owner write.
const OTHERS_WRITE: u32 = 0o022;

#[derive(Debug)]
pub(crate) struct Cache {
    directory: PathBuf,
    /// Digest of all that the code depends on beside the policy: wasmtime's
    /// version, the engine's settings, the processor, the contract.
    host: [u8; 32],
    /// Makes names of files that are being written unique in this process.
    writes: AtomicU64,
}

impl Cache {
    pub(crate) fn open(directory: &Path, engine: &Engine) -> Result<Self, RuntimeError> {
        let error = |why: &str, source| RuntimeError::Cache {
            path: directory.to_owned(),
            why: why.to_owned(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|source| error("it cannot be made", source))?;
        // Where it really is, in case that a link on the way is changed.
        let directory =
            &fs::canonicalize(directory).map_err(|source| error("it cannot be found", source))?;
        let found = fs::symlink_metadata(directory)
            .map_err(|source| error("it cannot be looked at", source))?;
        if !found.is_dir() {
            return Err(error(
                "it is no directory",
                io::ErrorKind::NotADirectory.into(),
            ));
        }
        if !is_ours(&found) {
            let owner = io::Error::other(format!("its owner is user {}", found.uid()));
            return Err(error(
                "it belongs to another user; name one of this user",
                owner,
            ));
        }
        fs::set_permissions(directory, Permissions::from_mode(0o700))
            .map_err(|source| error("it cannot be kept from others", source))?;
        let mut hasher = Hash256(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        hasher.0.update(COMPONENT_TYPE);
        let cache = Self {
            directory: directory.to_owned(),
            host: hasher.0.finalize().into(),
            writes: AtomicU64::new(0),
        };
        if found.mode() & OTHERS_WRITE != 0 {
            tracing::warn!(
                "other users could write into {}: the compiled policies in it are made again",
                directory.display()
            );
            cache.remove(cache.files(EXTENSION));
        }
        let stale = |path: &PathBuf| {
            let written = path.metadata().and_then(|file| file.modified()).ok();
            written.is_some_and(|at| at.elapsed().is_ok_and(|age| age > STALE))
        };
        cache.remove(cache.files(ASIDE).filter(stale));
        Ok(cache)
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// First part of the file's name, for a policy's digest.
    fn key(&self, digest: &str) -> String {
        let mut hasher = Sha256::new();
        hasher.update(digest);
        hasher.update(self.host);
        hex(&hasher.finalize())
    }

    /// Whether there is a file of compiled code for it. It may turn out not to be
    /// usable.
    pub(crate) fn has(&self, digest: &str) -> bool {
        !self.files_of(&self.key(digest)).is_empty()
    }

    /// The compiled policy, if there is a whole one.
    pub(crate) fn find(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let key = self.key(digest);
        for path in self.files_of(&key) {
            match load(engine, &path) {
                Ok(component) => {
                    touch(&path);
                    return Some(component);
                }
                Err(why) => {
                    tracing::warn!(
                        path = %path.display(),
                        "a compiled policy in the cache is not usable and is made again: {why}"
                    );
                    let _ = fs::remove_file(&path);
                }
            }
        }
        None
    }

    /// Keeps compiled code.
    pub(crate) fn keep(&self, digest: &str, code: &[u8]) -> io::Result<()> {
        let name = format!("{}.{}.{EXTENSION}", self.key(digest), crate::digest(code));
        self.write(&self.directory.join(name), code)?;
        self.make_room();
        Ok(())
    }

    fn write(&self, path: &Path, code: &[u8]) -> io::Result<()> {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let aside = self
            .directory
            .join(format!("{}.{number}.{ASIDE}", std::process::id()));
        let write = || {
            // What an earlier process with this id may have left behind.
            let _ = fs::remove_file(&aside);
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&aside)?;
            file.write_all(code)?;
            file.sync_all()?;
            fs::rename(&aside, path)
        };
        let written = write();
        if written.is_err() {
            let _ = fs::remove_file(&aside);
        }
        written
    }

    fn files(&self, extension: &str) -> impl Iterator<Item = PathBuf> {
        fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(move |path| path.extension().is_some_and(|e| e == extension))
    }

    fn files_of(&self, key: &str) -> Vec<PathBuf> {
        self.files(EXTENSION)
            .filter(|path| name_parts(path).is_some_and(|(found, _)| found == key))
            .collect()
    }

    fn make_room(&self) {
        let mut files: Vec<(SystemTime, PathBuf)> = self
            .files(EXTENSION)
            .filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path)))
            .collect();
        files.sort();
        let excess = files.len().saturating_sub(FILES);
        self.remove(files.into_iter().take(excess).map(|(_, path)| path));
    }

    /// What cannot be removed is looked at again next time.
    fn remove(&self, files: impl Iterator<Item = PathBuf>) {
        for path in files {
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether a file or directory belongs to the user who runs this.
fn is_ours(found: &Metadata) -> bool {
    found.uid() == rustix::process::geteuid().as_raw()
}

/// Key and digest of a file of the cache.
fn name_parts(path: &Path) -> Option<(&str, &str)> {
    path.file_stem()?.to_str()?.split_once('.')
}

/// Last use, for `clean`.
fn touch(path: &Path) {
    let _ = File::options()
        .append(true)
        .open(path)
        .and_then(|file| file.set_modified(SystemTime::now()));
}

#[expect(
    unsafe_code,
    reason = "the one way to map compiled code; everything that makes it sound is in this file"
)]
fn load(engine: &Engine, path: &Path) -> Result<Component, String> {
    let found = crate::digest(&read(path)?);
    if name_parts(path).map(|(_, digest)| digest) != Some(found.as_str()) {
        return Err("its content does not match its digest".to_owned());
    }
    // SAFETY: the file must hold code that wasmtime compiled and must not change
    // while it is mapped. It was written by `Cache::write` from the output of
    // wasmtime's compiler: its digest, just checked, stands in its name, it is a
    // file of this user (`read`), and only this user can write in its directory
    // (`Cache::open`). Files of the
    // cache are never written again, only replaced by rename or removed, both of
    // which leave a mapping as it is. The key covers wasmtime's version and
    // settings, and wasmtime checks both itself.
    let component = unsafe { Component::deserialize_file(engine, path) };
    component.map_err(|e| format!("{e:#}"))
}

/// The content of a file that only this user can have written.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let text = |e: io::Error| e.to_string();
    let found = fs::symlink_metadata(path).map_err(text)?;
    if !found.is_file() {
        return Err("it is no file".to_owned());
    }
    if !is_ours(&found) {
        return Err(format!("it belongs to another user, {}", found.uid()));
    }
    if found.mode() & OTHERS_WRITE != 0 {
        return Err("other users can write to it".to_owned());
    }
    fs::read(path).map_err(text)
}

/// SHA-256 in hex, as policies are named by.
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Lets anything that can be hashed be hashed with SHA-256.
struct Hash256(Sha256);

impl Hasher for Hash256 {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        // Not asked for: the digest is taken from the field.
        0
    }
}
