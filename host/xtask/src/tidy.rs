//! Checks of the tree that compilers do not make.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Libraries that only some crates may know (ARCHITECTURE.md).
const ARROWS: [(&str, &[&str]); 4] = [
    ("hyper", &["offerd-mesos", "offerd-sim", "offerd"]),
    ("prost", &["mesos-v1", "offerd-mesos", "offerd-sim"]),
    ("wasmtime", &["offerd-policy"]),
    ("redb", &["offerd-store"]),
];

/// What may stand in the root beside dot files.
const ROOT: [&str; 17] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "deny.toml",
    "docs",
    "host",
    "plugins",
    "proto",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "sdk",
    "tests",
];

/// Longest file of code.
const LINES: usize = 800;

pub(crate) fn check(root: &Path) -> Result<()> {
    let files = committed(root)?;
    let mut found = arrows(&metadata(root)?);
    found.extend(top_level(&files));
    found.extend(plugins(&files));
    found.extend(decisions(&files));
    for file in &files {
        // A file that was removed and not committed yet.
        let Ok(text) = fs::read_to_string(root.join(file)) else {
            continue;
        };
        found.extend(code(file, &text));
        found.extend(leftovers(file, &text));
        if file.ends_with(".md") {
            found.extend(links(root, file, &text));
        }
    }
    if found.is_empty() {
        eprintln!("tidy: {} files are in order", files.len());
        return Ok(());
    }
    for problem in &found {
        eprintln!("tidy: {problem}");
    }
    bail!("tidy found {} problems", found.len())
}

fn committed(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        bail!(
            "git ls-files failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let list = String::from_utf8(output.stdout)?;
    Ok(list
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}

fn metadata(root: &Path) -> Result<serde_json::Value> {
    let output = crate::cargo(root)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("cargo metadata can't be run")?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn arrows(metadata: &serde_json::Value) -> Vec<String> {
    let mut found = Vec::new();
    let list = |value: &serde_json::Value, key: &str| {
        value
            .get(key)
            .and_then(|list| list.as_array())
            .cloned()
            .unwrap_or_default()
    };
    let text = |value: &serde_json::Value, key: &str| {
        value
            .get(key)
            .and_then(|text| text.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    for package in list(metadata, "packages") {
        let name = text(&package, "name");
        for dependency in list(&package, "dependencies") {
            let library = text(&dependency, "name");
            let development = text(&dependency, "kind") == "dev";
            let rule = ARROWS.iter().find(|(restricted, _)| *restricted == library);
            if let Some((_, allowed)) = rule
                && !development
                && !allowed.contains(&name.as_str())
            {
                found.push(format!(
                    "{name} depends on {library}, which only {} may know",
                    allowed.join(", ")
                ));
            }
        }
    }
    found
}

fn top_level(files: &[String]) -> Vec<String> {
    let mut names: Vec<&str> = files
        .iter()
        .filter_map(|file| file.split('/').next())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter(|name| !name.starts_with('.') && *name != "wit" && !ROOT.contains(name))
        .map(|name| format!("{name} does not belong into the root"))
        .collect()
}

fn plugins(files: &[String]) -> Vec<String> {
    files
        .iter()
        .filter_map(|file| file.strip_prefix("plugins/")?.strip_suffix("/Cargo.toml"))
        .map(|name| format!("plugins/{name}/README.md"))
        .filter(|readme| !files.contains(readme))
        .map(|readme| format!("{readme} is missing"))
        .collect()
}

fn decisions(files: &[String]) -> Vec<String> {
    let mut numbers: Vec<(usize, &String)> = files
        .iter()
        .filter_map(|file| {
            let name = file.strip_prefix("docs/decisions/")?;
            Some((name.get(..4)?.parse().ok()?, file))
        })
        .collect();
    numbers.sort_unstable();
    numbers
        .iter()
        .enumerate()
        .filter(|(position, (number, _))| *number != position + 1)
        .map(|(position, (_, file))| format!("{file}: expected number {:04}", position + 1))
        .collect()
}

fn code(file: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let generated = file.starts_with("proto/src/gen/");
    if file.ends_with(".rs") && !generated {
        let lines = text.lines().count();
        if lines > LINES {
            found.push(format!(
                "{file} has {lines} lines; divide it (at most {LINES})"
            ));
        }
        let test = file.ends_with("tests.rs") || file.contains("/tests/");
        if file.contains("/src/") && !test && !text.starts_with("//!") {
            found.push(format!(
                "{file}:1: begin with //! and say why the module exists"
            ));
        }
    }
    if file.ends_with("Cargo.toml") && text.contains("[package]") {
        let own = file.starts_with("tests/guests/") || file.starts_with("proto/fuzz/");
        if !own && !text.contains("[lints]\nworkspace = true") {
            found.push(format!("{file}: [lints] workspace = true is missing"));
        }
    }
    found
}

/// Texts that show where something was written instead of what it is about.
/// Put together here, so that this file does not find itself.
fn leftovers(file: &str, text: &str) -> Vec<String> {
    if file.ends_with("Cargo.lock") {
        return Vec::new();
    }
    let patterns = [
        ["/wo", "rk/"].concat(),
        ["/ro", "ot/"].concat(),
        ["registry.", "npmjs"].concat(),
        ["files.", "pythonhosted"].concat(),
        ["index.", "crates.io"].concat(),
        ["static.", "rust-lang"].concat(),
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
    ];
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for pattern in patterns.iter().filter(|pattern| stands_in(line, pattern)) {
            found.push(format!(
                "{file}:{}: '{pattern}' must not stand here",
                number + 1
            ));
        }
    }
    found
}

/// A path must begin at its root to count: the folder `work` of something else
/// is not meant.
fn stands_in(line: &str, pattern: &str) -> bool {
    line.match_indices(pattern).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !pattern.starts_with('/')
            || before.is_none_or(|c| !c.is_alphanumeric() && !"*_-}]/.".contains(c))
    })
}

/// Links of a page to files that are not there. What looks like one in a sample of code
/// (a lambda of C++) is none.
fn links(root: &Path, file: &str, text: &str) -> Vec<String> {
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let mut found = Vec::new();
    let prose = text.split("```").step_by(2);
    for part in prose.flat_map(|prose| prose.split("](").skip(1)) {
        let Some((target, _)) = part.split_once(')') else {
            continue;
        };
        let target = target.split('#').next().unwrap_or_default();
        if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        if !root.join(folder).join(target).exists() {
            found.push(format!("{file}: the link to {target} leads nowhere"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_forbidden_dependency_is_found_and_a_dev_dependency_is_not() {
        let metadata = serde_json::json!({"packages": [
            {"name": "offerd-core", "dependencies": [
                {"name": "hyper", "kind": null}, {"name": "prost", "kind": "dev"}]},
            {"name": "offerd-mesos", "dependencies": [{"name": "hyper", "kind": null}]},
        ]});
        let found = arrows(&metadata);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("offerd-core depends on hyper"),
            "{found:?}"
        );
    }

    #[test]
    fn the_root_stays_as_it_is() {
        let files = names(&[
            "host/core/src/lib.rs",
            ".ci/run",
            "README.md",
            "scripts/x.sh",
        ]);
        assert_eq!(top_level(&files), ["scripts does not belong into the root"]);
    }

    #[test]
    fn plugins_need_a_readme_and_decisions_their_numbers() {
        let files = names(&[
            "plugins/a/Cargo.toml",
            "plugins/b/Cargo.toml",
            "plugins/b/README.md",
        ]);
        assert_eq!(plugins(&files), ["plugins/a/README.md is missing"]);
        let files = names(&["docs/decisions/0001-x.md", "docs/decisions/0003-y.md"]);
        assert_eq!(
            decisions(&files),
            ["docs/decisions/0003-y.md: expected number 0002"]
        );
    }

    #[test]
    fn headers_lengths_and_lints_are_checked() {
        assert_eq!(code("host/a/src/b.rs", "//! Why.\n"), Vec::<String>::new());
        assert_eq!(code("host/a/src/b.rs", "fn a() {}\n").len(), 1);
        assert_eq!(
            code("host/a/src/b/tests.rs", "fn a() {}\n"),
            Vec::<String>::new()
        );
        assert_eq!(
            code(
                "host/a/src/b.rs",
                &format!("//! Why.\n{}", "\n".repeat(800))
            )
            .len(),
            1
        );
        assert_eq!(code("host/a/Cargo.toml", "[package]\n").len(), 1);
    }

    #[test]
    fn leftovers_are_found_with_their_line() {
        let text = ["fine\nsee /wo", "rk/x\n"].concat();
        assert_eq!(leftovers("a.md", &text).len(), 1);
        assert!(leftovers("a.md", &text)[0].starts_with("a.md:2:"));
        let below = ["agents/0/wo", "rk/slaves"].concat();
        assert_eq!(leftovers("a.md", &below), Vec::<String>::new());
    }

    #[test]
    fn dead_links_are_found() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("docs")).unwrap();
        fs::write(dir.path().join("docs/a.md"), "").unwrap();
        let text = "[a](a.md#x) [b](b.md) [c](https://example.org) [d](../docs/a.md)\n\
                    ```cpp\n[&](int a) {}\n```\n[e](a.md)";
        let found = links(dir.path(), "docs/c.md", text);
        assert_eq!(found, ["docs/c.md: the link to b.md leads nowhere"]);
    }
}
