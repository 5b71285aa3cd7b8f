//! The committed bindings of the SDKs: written from wit/, or compared with what
//! wit/ gives.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use offerd_toolchain::Program;

use crate::{cargo, guests, run};

/// Writes all, or with `check` fails if any differs.
pub(crate) fn make(root: &Path, check: bool) -> Result<()> {
    c_and_go(root, check)?;
    python(root, check)
}

/// By offerd-bindgen, which wants gofmt in the path: the pinned one.
fn c_and_go(root: &Path, check: bool) -> Result<()> {
    let gofmt = guests::toolchains(root)
        .command(Program::Gofmt)
        .context("Go is not set up; run `cargo xtask setup`")?;
    let folder = Path::new(gofmt.get_program())
        .parent()
        .context("gofmt is in no folder")?;
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(
        [folder.to_owned()]
            .into_iter()
            .chain(env::split_paths(&path)),
    )?;
    let mut command = cargo(root);
    command
        .args(["run", "--quiet", "-p", "offerd-bindgen", "--"])
        .arg(root)
        .env("PATH", path);
    if check {
        command.arg("--check");
    }
    run(&mut command)
}

/// By the SDK's own script, with the pinned componentize-py.
fn python(root: &Path, check: bool) -> Result<()> {
    let componentize = guests::toolchains(root)
        .command(Program::ComponentizePy)
        .context("Python is not set up; run `cargo xtask setup`")?;
    let mut command = Command::new("python3");
    command
        .arg(root.join("sdk/python/tools/bindings.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    if check {
        command.arg("--check");
    }
    command
        .arg("--")
        .arg(componentize.get_program())
        .args(componentize.get_args());
    run(&mut command)
}
