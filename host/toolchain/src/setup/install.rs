//! Installation, each kind of tool by its registry's ordinary client.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Progress, SetupError, Toolchains};
use crate::process::{self, Ran};
use crate::programs;
use crate::system::{System, rustc};
use crate::versions::{Pinned, RUST_TARGET, Source, Tool};

const NO_NETWORK: &str = "Its text above says why; without network, set OFFERD_TOOLCHAINS to a \
    folder that was set up elsewhere";

impl Toolchains {
    /// Under the tool's lock: makes its folder.
    pub(super) fn install(&self, tool: Tool, progress: Progress<'_>) -> Result<(), SetupError> {
        let pinned = tool.pinned();
        let size = match pinned.megabytes {
            0 => String::new(),
            megabytes => format!(" (about {megabytes} MB)"),
        };
        progress(&format!("Installing {}{size} ...", pinned.name));
        let target = self.folder(tool);
        match pinned.source {
            Source::Rustup { target } => rustup(target, tool.name()),
            Source::Pip { requirements } => self.complete(&pinned, &target, |folder| {
                pip(folder, requirements, pinned.name)
            }),
            Source::Npm { manifest, lock } => self.complete(&pinned, &target, |folder| {
                npm(folder, manifest, lock, pinned.name)
            }),
        }
    }

    /// Makes a folder beside `target`, checks it, and renames it.
    fn complete(
        &self,
        pinned: &Pinned,
        target: &Path,
        make: impl FnOnce(&Path) -> Result<(), SetupError>,
    ) -> Result<(), SetupError> {
        let part = self.root.join(format!(".{}.part", pinned.name));
        let file = |what, path: &Path| {
            let path = path.to_owned();
            move |source| SetupError::File { what, path, source }
        };
        // What an interrupted run left.
        if part.exists() {
            fs::remove_dir_all(&part).map_err(file("remove", &part))?;
        }
        fs::create_dir(&part).map_err(file("create", &part))?;
        let made = make(&part).and_then(|()| check(&part, pinned));
        if let Err(error) = made {
            // The first error is the one to tell.
            drop(fs::remove_dir_all(&part));
            return Err(error);
        }
        // One that is there lacks something, or this would not be called.
        if target.exists() {
            fs::remove_dir_all(target).map_err(file("remove", target))?;
        }
        fs::rename(&part, target).map_err(file("rename the finished folder to", target))
    }
}

/// Whether what the builds use is in a finished folder.
fn check(folder: &Path, pinned: &Pinned) -> Result<(), SetupError> {
    match programs::missing(folder, pinned.tool) {
        None => Ok(()),
        Some(what) => Err(SetupError::Incomplete {
            tool: pinned.name,
            what,
        }),
    }
}

/// Whether the Rust that is there has the target.
pub(super) fn has_rust_target() -> bool {
    process::first_line(rustc().args(["--print", "sysroot"])).is_some_and(|sysroot| {
        Path::new(&sysroot)
            .join("lib/rustlib")
            .join(RUST_TARGET)
            .is_dir()
    })
}

fn rustup(target: &str, tool: &'static str) -> Result<(), SetupError> {
    System::Rust.check(tool)?;
    let mut command = Command::new("rustup");
    command.args(["target", "add", target]);
    client(&mut command, "rustup", tool, System::Rust.advice())?;
    if has_rust_target() {
        return Ok(());
    }
    Err(SetupError::Incomplete {
        tool,
        what: "the target, for the rustc that runs here",
    })
}

fn pip(folder: &Path, requirements: &str, tool: &'static str) -> Result<(), SetupError> {
    System::Python.check(tool)?;
    let mut command = Command::new("python3");
    command.args(["-m", "venv"]).arg(folder);
    client(&mut command, "python3", tool, System::Python.advice())?;
    let list = folder.join("requirements.txt");
    write(&list, requirements)?;
    let mut command = Command::new(folder.join("bin/python"));
    command
        .args(["-m", "pip", "install", "--no-input", "--quiet"])
        .args(["--only-binary", ":all:", "--no-compile"])
        .args(["--no-deps", "--require-hashes", "-r"])
        .arg(&list)
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    client(&mut command, "python3", tool, NO_NETWORK)
}

fn npm(folder: &Path, manifest: &str, lock: &str, tool: &'static str) -> Result<(), SetupError> {
    System::Node.check(tool)?;
    System::check_npm(&mut Command::new("npm"), tool)?;
    for (name, text) in [
        ("package.json", manifest),
        ("package-lock.json", lock),
        // The lock file has no addresses: the packages come from whichever
        // registry is set.
        (".npmrc", "omit-lockfile-registry-resolved=true\n"),
    ] {
        write(&folder.join(name), text)?;
    }
    let mut command = Command::new("npm");
    command
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(folder);
    client(&mut command, "npm", tool, NO_NETWORK)
}

fn write(path: &Path, text: &str) -> Result<(), SetupError> {
    fs::write(path, text).map_err(|source| SetupError::File {
        what: "write",
        path: path.to_owned(),
        source,
    })
}

/// Runs a registry's client; what it says is kept for the error.
fn client(
    command: &mut Command,
    program: &'static str,
    tool: &'static str,
    advice: &'static str,
) -> Result<(), SetupError> {
    let Ran { status, output } = process::run(command).map_err(|source| SetupError::Missing {
        program,
        tool,
        advice,
        source,
    })?;
    if status.success() {
        return Ok(());
    }
    Err(SetupError::Client {
        tool,
        command: process::shown(command),
        status: status.to_string(),
        advice,
        output,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs::Program;

    #[test]
    fn a_client_that_fails_is_quoted_whole() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such package; exit 2"]);
        let error = client(&mut command, "sh", "zig-0.17.1", NO_NETWORK).unwrap_err();
        assert_eq!(error.output(), Some("no such package"));
        let text = error.to_string();
        assert!(text.contains("`sh -c 'echo no such"), "{text}");
        assert!(text.contains("OFFERD_TOOLCHAINS"), "{text}");
    }

    #[test]
    fn a_folder_appears_only_when_it_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let toolchains = Toolchains::at(dir.path());
        let pinned = Tool::Zig.pinned();
        let target = toolchains.folder(Tool::Zig);
        let result = toolchains.complete(&pinned, &target, |_| Ok(()));
        assert!(matches!(result, Err(SetupError::Incomplete { .. })));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        fs::create_dir(dir.path().join(".zig-0.17.1.part")).unwrap();
        toolchains
            .complete(&pinned, &target, |folder| {
                let package = folder.join("lib/python3.11/site-packages/ziglang");
                fs::create_dir_all(&package).unwrap();
                fs::write(package.join("zig"), "").unwrap();
                Ok(())
            })
            .unwrap();
        assert!(toolchains.command(Program::Zig).is_some());
        assert!(toolchains.command(Program::Go).is_none());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
