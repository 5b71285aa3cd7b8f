//! A folder that holds generated files and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use wit_bindgen_core::Files;

/// What is not as it would be generated, a line each.
pub(crate) fn differences(folder: &Path, files: &Files) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (name, contents) in files.iter() {
        let path = folder.join(name);
        match fs::read(&path) {
            Ok(there) if there == contents => {}
            Ok(_) => found.push(format!("{} differs", path.display())),
            Err(_) => found.push(format!("{} is missing", path.display())),
        }
    }
    for path in others(folder, files)? {
        found.push(format!("{} is not generated", path.display()));
    }
    Ok(found)
}

/// Makes the folder hold these files and no others. Files that are right are not
/// touched.
pub(crate) fn write(folder: &Path, files: &Files) -> Result<()> {
    for (name, contents) in files.iter() {
        let path = folder.join(name);
        if fs::read(&path).is_ok_and(|there| there == contents) {
            continue;
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot create {}", parent.display()))?;
        }
        fs::write(&path, contents).with_context(|| format!("cannot write {}", path.display()))?;
    }
    for path in others(folder, files)? {
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

/// Files in the folder that are not generated.
fn others(folder: &Path, files: &Files) -> Result<Vec<PathBuf>> {
    let own: BTreeSet<PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
    let mut there = Vec::new();
    if folder.is_dir() {
        walk(folder, &mut there)?;
    }
    there.retain(|path| !own.contains(path));
    there.sort();
    Ok(there)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_found_and_written_away() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Files::default();
        files.push("a.c", b"1");
        files.push("b/c.h", b"2");
        fs::write(dir.path().join("a.c"), "0").unwrap();
        fs::write(dir.path().join("old.c"), "0").unwrap();
        let found = differences(dir.path(), &files).unwrap();
        assert_eq!(found.len(), 3, "{found:?}");
        write(dir.path(), &files).unwrap();
        assert_eq!(differences(dir.path(), &files).unwrap(), [""; 0]);
        assert!(!dir.path().join("old.c").exists());
    }
}
