//! Which files of a folder are sources: what a build depends on, and what is watched.
//! The build script takes this file too, for what it puts into the crate.

use std::path::Path;

/// What tools and version control write, wherever it lies.
const WRITTEN: [&str; 6] = [
    ".git",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".zig-cache",
    "__pycache__",
];

/// What tools write into a project's own folder. Further down, a folder of the same
/// name is the author's.
const WRITTEN_AT_TOP: [&str; 6] = [
    ".venv",
    "build",
    "node_modules",
    "target",
    "venv",
    "zig-out",
];

/// What no component is made from.
const TESTS: [&str; 3] = ["scenarios", "test", "tests"];

/// Whether tools have written a file or folder; its path is that below a project's.
pub(crate) fn is_written(path: &Path) -> bool {
    let below = |names: &[&str], mut parts: std::path::Iter<'_>| {
        parts.any(|part| names.iter().any(|name| part == *name))
    };
    let top = path.iter().next();
    below(&WRITTEN, path.iter())
        || WRITTEN_AT_TOP.iter().any(|name| top == Some(name.as_ref()))
        || ends(path, &["pyc", "wasm", "swp"])
        || path.to_string_lossy().ends_with('~')
}

/// Whether a component may be made from a file; its path is that below a project's
/// folder, or an SDK's. For a folder: whether there may be one in it.
pub fn is_source(path: &Path) -> bool {
    let top = path.iter().next();
    let is_test = TESTS.iter().any(|name| top == Some(name.as_ref()));
    let is_page = path.iter().count() == 1 && ends(path, &["md"]);
    !is_written(path) && !is_test && !is_page
}

fn ends(path: &Path, endings: &[&str]) -> bool {
    endings
        .iter()
        .any(|ending| path.extension().is_some_and(|found| found == *ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_tools_write_are_the_authors_further_down() {
        for source in [
            "src/lib.rs",
            "src/target/mod.rs",
            "sdk/build/x.c",
            "policy.toml",
        ] {
            assert!(is_source(Path::new(source)), "{source}");
        }
        for other in [
            "target",
            "target/x",
            "build/policy.js",
            "src/__pycache__/x",
            "p.wasm",
            "README.md",
            "scenarios/most.toml",
            "test/policy.c",
            ".git/HEAD",
            "src/policy.py~",
        ] {
            assert!(!is_source(Path::new(other)), "{other}");
        }
        assert!(!is_written(Path::new("test/policy.c")));
    }
}
