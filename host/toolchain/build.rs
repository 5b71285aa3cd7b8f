//! Puts the SDKs, the contract and the templates of new projects into the crate
//! (`src/embedded.rs` takes them out again), and a digest of the crate's own
//! sources, so that what an older build recipe made is never taken for fresh.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, TableLike};

type Outcome<T> = Result<T, Box<dyn Error>>;

const SDKS: [&str; 5] = ["c", "go", "js", "python", "rust"];

/// What lies in an SDK's folder and does not go into a project: what tools
/// write, and the SDK's own tests.
const LEFT_OUT: [&str; 14] = [
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    ".zig-cache",
    "__pycache__",
    "build",
    "conformance*",
    "node_modules",
    "package-lock.json",
    "target",
    "test",
    "tests",
    "zig-out",
];

fn main() -> Outcome<()> {
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let root = here.join("../..").canonicalize()?;

    let mut own = DefaultHasher::new();
    for (name, path) in files(&here.join("src"), &[])?
        .iter()
        .chain(&files(&here.join("npm"), &["node_modules"])?)
    {
        own.write(name.as_bytes());
        own.write(&fs::read(path)?);
    }
    println!(
        "cargo:rustc-env=OFFERD_TOOLCHAIN_SOURCES={:016x}",
        own.finish()
    );

    let mut list = Vec::new();
    for sdk in SDKS {
        let folder = root.join("sdk").join(sdk);
        if folder.is_dir() {
            for (name, path) in files(&folder, &LEFT_OUT)? {
                list.push((format!("sdk/{sdk}/{name}"), path));
            }
        }
    }
    // The tests of a template are part of it.
    let tools: Vec<&str> = LEFT_OUT
        .into_iter()
        .filter(|name| !["test", "tests"].contains(name))
        .collect();
    for (name, path) in files(&root.join("sdk/templates"), &tools)? {
        list.push((format!("templates/{name}"), path));
    }
    // Not the older versions: a policy is built against one.
    for (name, path) in files(&root.join("wit"), &["released"])? {
        list.push((format!("wit/{name}"), path));
    }
    for (name, path) in &mut list {
        let rewritten = match name.as_str() {
            "sdk/rust/Cargo.toml" => alone(&root, path)?,
            "sdk/rust/src/bindings.rs" => with_own_wit(path)?,
            _ => continue,
        };
        *path = out.join(name.replace('/', "-"));
        fs::write(path, rewritten)?;
    }

    let mut code = String::from("pub(crate) static FILES: &[(&str, &[u8])] = &[\n");
    for (name, path) in &list {
        writeln!(code, "    ({name:?}, include_bytes!({path:?})),")?;
    }
    code.push_str("];\n");
    fs::write(out.join("files.rs"), code)?;
    Ok(())
}

/// All files below a folder by their names, sorted. Cargo is told to look at
/// them, and at folders that only have what is taken.
fn files(folder: &Path, left_out: &[&str]) -> Outcome<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    walk(folder, "", left_out, &mut found)?;
    found.sort();
    Ok(found)
}

/// Whether nothing was left out.
fn walk(
    folder: &Path,
    prefix: &str,
    left_out: &[&str],
    found: &mut Vec<(String, PathBuf)>,
) -> Outcome<bool> {
    let mut whole = true;
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let leave = left_out.contains(&name.as_str())
            || left_out
                .iter()
                .any(|n| n.ends_with('*') && name.starts_with(n.trim_end_matches('*')))
            || [".pyc", ".wasm", ".swp", "~"]
                .iter()
                .any(|end| name.ends_with(end));
        if leave {
            whole = false;
        } else if entry.path().is_dir() {
            whole &= walk(&entry.path(), &format!("{prefix}{name}/"), left_out, found)?;
        } else {
            println!("cargo:rerun-if-changed={}", entry.path().display());
            found.push((format!("{prefix}{name}"), entry.path()));
        }
    }
    if whole {
        println!("cargo:rerun-if-changed={}", folder.display());
    }
    Ok(whole)
}

/// The manifest of the Rust SDK for use outside this workspace: what it inherits
/// is written out, and what only its development needs is left away.
fn alone(root: &Path, path: &Path) -> Outcome<String> {
    println!(
        "cargo:rerun-if-changed={}",
        root.join("Cargo.toml").display()
    );
    let whole: DocumentMut = fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    let mut own: DocumentMut = fs::read_to_string(path)?.parse()?;
    own.remove("dev-dependencies");
    own.remove("lints");
    let workspace = whole.get("workspace").ok_or("no [workspace]")?;
    for section in ["package", "dependencies"] {
        let inherited = workspace
            .get(section)
            .and_then(Item::as_table_like)
            .ok_or_else(|| format!("no [workspace.{section}]"))?;
        if let Some(table) = own.get_mut(section).and_then(Item::as_table_mut) {
            write_out(table, inherited)?;
        }
    }
    if let Some(dependencies) = own.get("dependencies").and_then(Item::as_table_like) {
        for (name, value) in dependencies.iter() {
            if value.get("path").is_some() {
                return Err(format!(
                    "sdk/rust depends on {name} by its path, which new projects do not have"
                )
                .into());
            }
        }
    }
    Ok(own.to_string())
}

fn write_out(table: &mut Table, inherited: &dyn TableLike) -> Outcome<()> {
    let names: Vec<String> = table
        .iter()
        .filter(|(_, value)| value.get("workspace").and_then(Item::as_bool) == Some(true))
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in names {
        let value = inherited
            .get(&name)
            .ok_or_else(|| format!("the workspace has no {name}"))?;
        let mut value = value.clone();
        if let Some(value) = value.as_value_mut() {
            value.decor_mut().clear();
        }
        table.remove(&name);
        table.insert(&name, value);
    }
    Ok(())
}

/// The bindings' source with the contract in the SDK's own folder.
fn with_own_wit(path: &Path) -> Outcome<String> {
    let text = fs::read_to_string(path)?;
    let changed = text.replace("path: \"../../wit\"", "path: \"wit\"");
    if changed == text || changed.contains("../wit") {
        return Err(format!(
            "{}: the paths to the contract are not as expected",
            path.display()
        )
        .into());
    }
    Ok(changed)
}
