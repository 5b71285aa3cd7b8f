//! Policies of this repository, built into components.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::{cargo, run};

const TARGET: &str = "wasm32-unknown-unknown";

/// Linear memory that a guest starts with is mostly stack; 128 KiB is enough
/// and makes instances small.
const STACK: &str = "-Clink-arg=-zstack-size=131072";

/// Where components are put.
pub(crate) fn folder(root: &Path) -> PathBuf {
    root.join("target/guests")
}

/// Adds the wasm target to the toolchain.
pub(crate) fn target() -> Result<()> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    if Path::new(&sysroot)
        .join("lib/rustlib")
        .join(TARGET)
        .is_dir()
    {
        return Ok(());
    }
    eprintln!("Adding the Rust target {TARGET} ...");
    run(Command::new("rustup").args(["target", "add", TARGET])).with_context(|| {
        format!("the Rust target {TARGET} is missing and rustup can't add it; install it by hand")
    })
}

fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("{program} can't be started"))?;
    if !output.status.success() {
        bail!(
            "{program} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Builds what is not fresh.
pub(crate) fn build(root: &Path) -> Result<()> {
    target()?;
    let out = folder(root);
    fs::create_dir_all(&out)?;
    let plugins = packages(&root.join("plugins"))?;
    build_set(root, root, &plugins, &out, "plugins")?;
    let tests = root.join("tests/guests");
    if tests.join("Cargo.toml").is_file() {
        build_set(root, &tests, &packages(&tests)?, &out, "tests/guests")?;
    }
    Ok(())
}

/// Names of the folders that hold a package; a package is named like its folder.
fn packages(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("{} can't be read", folder.display()))?
    {
        let path = entry?.path();
        if path.join("Cargo.toml").is_file()
            && let Some(name) = path.file_name().and_then(|name| name.to_str())
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn build_set(
    root: &Path,
    workspace: &Path,
    names: &[String],
    out: &Path,
    folder: &str,
) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let version = output(Command::new("rustc").arg("-vV"))?;
    let mut hash = Sha256::new();
    hash.update(&version);
    hash.update(STACK);
    for input in [
        "sdk/rust",
        "wit",
        folder,
        "Cargo.toml",
        "Cargo.lock",
        "host/xtask/src/guests.rs",
    ] {
        digest(&root.join(input), &mut hash)?;
    }
    let digest: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mark = out.join(format!("{}.digest", folder.replace('/', "-")));
    let all_there = names
        .iter()
        .all(|name| out.join(format!("{name}.wasm")).is_file());
    if all_there && fs::read_to_string(&mark).is_ok_and(|known| known == digest) {
        return Ok(());
    }
    eprintln!("Building {} ...", names.join(", "));
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc -vV names no host")?;
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let linker = Path::new(&sysroot)
        .join("lib/rustlib")
        .join(host)
        .join("bin/wasm-component-ld");
    if !linker.is_file() {
        bail!(
            "{} is missing; it comes with Rust 1.95 and later",
            linker.display()
        );
    }
    let target_dir = root.join("target/guest-build");
    let mut command = cargo(workspace);
    command
        .args(["build", "--target", TARGET, "--profile", "guest"])
        .env("CARGO_TARGET_DIR", &target_dir)
        // 0x1f divides flags, so that paths may have spaces.
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            format!("{STACK}\x1f-Clinker={}", linker.display()),
        );
    for name in names {
        command.args(["-p", name]);
    }
    run(&mut command)?;
    for name in names {
        let file = format!("{}.wasm", name.replace('-', "_"));
        let built = target_dir.join(TARGET).join("guest").join(file);
        fs::copy(&built, out.join(format!("{name}.wasm")))
            .with_context(|| format!("{} was not built", built.display()))?;
    }
    fs::write(mark, digest)?;
    Ok(())
}

/// Adds the names and contents of all files to a hash, in a fixed order.
fn digest(path: &Path, hash: &mut Sha256) -> Result<()> {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> = fs::read_dir(path)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        entries.sort();
        for entry in entries.iter().filter(|entry| !entry.ends_with("target")) {
            digest(entry, hash)?;
        }
    } else if path.is_file() {
        hash.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        hash.update(fs::read(path)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &Path) -> Vec<u8> {
        let mut hash = Sha256::new();
        digest(path, &mut hash).unwrap();
        hash.finalize().to_vec()
    }

    #[test]
    fn the_digest_sees_contents_and_names_but_not_build_output() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.rs"), "1").unwrap();
        let first = of(dir.path());
        fs::create_dir(dir.path().join("target")).unwrap();
        fs::write(dir.path().join("target/x"), "x").unwrap();
        assert_eq!(of(dir.path()), first);
        fs::write(dir.path().join("a.rs"), "2").unwrap();
        let second = of(dir.path());
        assert_ne!(second, first);
        fs::rename(dir.path().join("a.rs"), dir.path().join("b.rs")).unwrap();
        assert_ne!(of(dir.path()), second);
    }
}
