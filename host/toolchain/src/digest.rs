//! Digests of files and folders: what tells whether a build is still fresh.

use std::fs;
use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Folders that compilers, package managers and test tools write, and version
/// control: never sources.
const LEFT_OUT: [&str; 12] = [
    ".git",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    ".zig-cache",
    "__pycache__",
    "build",
    "node_modules",
    "target",
    "venv",
    "zig-out",
];

/// Whether an entry of a folder is no source.
fn left_out(name: &str) -> bool {
    LEFT_OUT.contains(&name) || name.ends_with(".wasm") || name.ends_with(".pyc")
}

/// SHA-256 of bytes, in hex.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of a file, in hex.
pub(crate) fn of_file(path: &Path) -> io::Result<String> {
    fs::read(path).map(|bytes| of_bytes(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A digest of many things. Each is added with its length, so that what is one
/// thing can never look like two.
#[derive(Debug, Default)]
pub(crate) struct Digest(Sha256);

impl Digest {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0
            .update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.0.update(bytes);
    }

    /// Names and contents of the sources in a folder, in a fixed order; modes
    /// and times do not count. Links are followed. Files named in `but` are left
    /// out.
    pub(crate) fn add_folder(&mut self, folder: &Path, but: &[&str]) -> io::Result<()> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            let text = name.to_string_lossy();
            if !left_out(&text) && !but.contains(&text.as_ref()) {
                names.push(name);
            }
        }
        names.sort();
        self.add(&names.len().to_le_bytes());
        for name in names {
            let path = folder.join(&name);
            self.add(name.as_encoded_bytes());
            if path.is_dir() {
                self.add_folder(&path, but)?;
            } else if path.is_file() {
                self.add(&fs::read(&path)?);
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(folder: &Path) -> String {
        let mut digest = Digest::default();
        digest.add_folder(folder, &["lock"]).unwrap();
        digest.finish()
    }

    #[test]
    fn sources_count_and_what_is_built_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a.c"), "1").unwrap();
        let first = of(dir.path());
        for folder in LEFT_OUT {
            fs::create_dir(at(folder)).unwrap();
            fs::write(at(folder).join("x"), "x").unwrap();
        }
        fs::write(at("p.wasm"), "x").unwrap();
        fs::write(at("lock"), "x").unwrap();
        assert_eq!(of(dir.path()), first);
        fs::write(at("a.c"), "2").unwrap();
        let second = of(dir.path());
        assert_ne!(second, first);
        fs::rename(at("a.c"), at("b.c")).unwrap();
        let third = of(dir.path());
        assert_ne!(third, second);
        fs::create_dir(at("empty")).unwrap();
        assert_ne!(of(dir.path()), third);
    }
}
