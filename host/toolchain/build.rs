//! Puts the SDKs, the contract and the templates of new projects into the crate
//! (`src/embedded.rs` takes them out again), and a digest of the crate's own
//! sources, so that what an older build recipe made is never taken for fresh.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, TableLike};

#[path = "src/sources.rs"]
#[expect(dead_code, unreachable_pub, reason = "the crate takes the rest of it")]
mod sources;

use sources::is_written;

type Outcome<T> = Result<T, Box<dyn Error>>;

const SDKS: [&str; 5] = ["c", "go", "js", "python", "rust"];

/// What lies in an SDK's folder and does not go into a project, beside what tools
/// write: the SDK's own tests.
const OWN_TESTS: [&str; 4] = ["conformance", "package-lock.json", "test", "tests"];

fn main() -> Outcome<()> {
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let root = here.join("../..").canonicalize()?;

    let mut own = DefaultHasher::new();
    let own_files = ["src", "npm", "pip"].map(|name| files(&here.join(name), &is_own));
    for (name, path) in own_files
        .into_iter()
        .collect::<Outcome<Vec<_>>>()?
        .iter()
        .flatten()
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
        for (name, path) in files(&folder, &is_of_sdk)? {
            list.push((format!("sdk/{sdk}/{name}"), path));
        }
    }
    for template in fs::read_dir(root.join("sdk/templates"))? {
        let template = template?;
        let language = template.file_name().to_string_lossy().into_owned();
        for (name, path) in files(&template.path(), &is_own)? {
            list.push((format!("templates/{language}/{name}"), path));
        }
    }
    // Not the older versions: a policy is built against one.
    for (name, path) in files(&root.join("wit"), &|path| !path.starts_with("released"))? {
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

/// Not written by tools. The path is that below the folder of an SDK or a template.
fn is_own(path: &Path) -> bool {
    !is_written(path)
}

fn is_of_sdk(path: &Path) -> bool {
    let top = path.iter().next().unwrap_or_default().to_string_lossy();
    // A language can have several conformance guests.
    is_own(path)
        && !OWN_TESTS
            .iter()
            .any(|name| top == *name || top.starts_with("conformance-"))
}

/// All wanted files below a folder by their names, sorted. Cargo is told to look at
/// them, and at folders that only have what is taken.
fn files(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Outcome<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    walk(folder, Path::new(""), wanted, &mut found)?;
    found.sort();
    Ok(found)
}

/// Whether nothing was left out.
fn walk(
    top: &Path,
    below: &Path,
    wanted: &dyn Fn(&Path) -> bool,
    found: &mut Vec<(String, PathBuf)>,
) -> Outcome<bool> {
    let folder = top.join(below);
    let mut whole = true;
    for entry in fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        let name = path.strip_prefix(top)?;
        if !wanted(name) {
            whole = false;
        } else if path.is_dir() {
            whole &= walk(top, name, wanted, found)?;
        } else {
            println!("cargo:rerun-if-changed={}", path.display());
            found.push((name.to_string_lossy().into_owned(), path));
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
