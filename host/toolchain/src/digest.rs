//! Digests of files and folders: what tells whether a build is still fresh.

use std::fs;
use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::sources::is_source;

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
    /// and times do not count. Links are followed.
    pub(crate) fn add_folder(&mut self, folder: &Path) -> io::Result<()> {
        self.add_below(folder, Path::new(""))
    }

    fn add_below(&mut self, top: &Path, below: &Path) -> io::Result<()> {
        let mut sources = Vec::new();
        for entry in fs::read_dir(top.join(below))? {
            let path = below.join(entry?.file_name());
            if is_source(&path) {
                sources.push(path);
            }
        }
        sources.sort();
        self.add(&sources.len().to_le_bytes());
        for source in sources {
            let path = top.join(&source);
            self.add(source.as_os_str().as_encoded_bytes());
            if path.is_dir() {
                self.add_below(top, &source)?;
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
        digest.add_folder(folder).unwrap();
        digest.finish()
    }

    #[test]
    fn sources_count_and_what_is_built_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let write = |name: &str, text: &str| {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            fs::write(at(name), text).unwrap();
        };
        write("src/a.c", "1");
        let first = of(dir.path());
        for other in ["build/x", "p.wasm", "scenarios/most.toml", "README.md"] {
            write(other, "x");
        }
        assert_eq!(of(dir.path()), first);
        write("src/a.c", "2");
        let second = of(dir.path());
        assert_ne!(second, first);
        fs::rename(at("src/a.c"), at("src/b.c")).unwrap();
        let third = of(dir.path());
        assert_ne!(third, second);
        write("src/target/c.c", "3");
        assert_ne!(of(dir.path()), third);
    }
}
