//! Commands that run the programs of the tools that are set up, wherever those
//! lie, with their caches beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::setup::{SetupError, Toolchains};
use crate::versions::Tool;

/// A program of a pinned tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Go,
    Gofmt,
    Zig,
    ComponentizePy,
    ComponentizeQjs,
    Esbuild,
    /// TypeScript's checker.
    Tsc,
}

/// Name of the file that [`write_launcher`] writes.
const LAUNCHER: &str = "componentize-py";

/// Runs the package itself, in the Python beside the launcher.
const LAUNCH: &str = "#!/bin/sh
exec \"$(dirname \"$0\")/bin/python\" -c \\
  'import sys; from componentize_py import script; sys.exit(script())' \"$@\"
";

/// Writes what runs componentize-py: its own script knows the folder that it was
/// installed in, not the one that it is in afterwards.
pub(crate) fn write_launcher(folder: &Path) -> Result<(), SetupError> {
    let path = folder.join(LAUNCHER);
    let failed = |source| SetupError::File {
        what: "write",
        path: path.clone(),
        source,
    };
    fs::write(&path, LAUNCH).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(failed)?;
    }
    Ok(())
}

impl Program {
    /// The tool that it comes with.
    pub const fn tool(self) -> Tool {
        match self {
            Self::Go | Self::Gofmt => Tool::Go,
            Self::Zig => Tool::Zig,
            Self::ComponentizePy => Tool::ComponentizePy,
            Self::ComponentizeQjs | Self::Esbuild | Self::Tsc => Tool::QuickJs,
        }
    }
}

impl Toolchains {
    /// A command that runs a program, if its tool is set up.
    pub fn command(&self, program: Program) -> Option<Command> {
        let folder = self.folder(program.tool());
        let cache = |name: &str| self.root().join("cache").join(name);
        let mut command = match program {
            Program::Go | Program::Gofmt => {
                let name = if program == Program::Go {
                    "go"
                } else {
                    "gofmt"
                };
                let mut command = Command::new(go(&folder, name)?);
                command
                    // No other Go than this one, and nothing of another's.
                    .env("GOTOOLCHAIN", "local")
                    .env("GOFLAGS", "-mod=mod")
                    .env("GOCACHE", cache("go"))
                    .env_remove("GOROOT");
                command
            }
            Program::Zig => {
                let mut command = Command::new(zig(&folder)?);
                command.env("ZIG_GLOBAL_CACHE_DIR", cache("zig"));
                command
            }
            Program::ComponentizePy => {
                let mut command = Command::new(file(folder.join(LAUNCHER))?);
                command
                    // The user's own environment is not the policy's.
                    .env_remove("VIRTUAL_ENV")
                    .env_remove("PYTHONPATH")
                    .env_remove("PYTHONHOME")
                    .env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
            Program::ComponentizeQjs => node(&folder, "componentize-qjs/bin/componentize-qjs")?,
            Program::Esbuild => match esbuild(&folder) {
                Some(program) => Command::new(program),
                None => node(&folder, "esbuild/bin/esbuild")?,
            },
            Program::Tsc => node(&folder, "typescript/bin/tsc")?,
        };
        // Set for Node.js by people who test in other ways.
        command.env_remove("NODE_OPTIONS");
        Some(command)
    }
}

fn file(path: PathBuf) -> Option<PathBuf> {
    path.is_file().then_some(path)
}

/// A package in a Python environment.
fn python_package(folder: &Path, name: &str) -> Option<PathBuf> {
    fs::read_dir(folder.join("lib"))
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("site-packages").join(name))
        .find(|package| package.is_dir())
}

fn go(folder: &Path, name: &str) -> Option<PathBuf> {
    file(python_package(folder, "go")?.join("bin").join(name))
}

fn zig(folder: &Path) -> Option<PathBuf> {
    file(python_package(folder, "ziglang")?.join("zig"))
}

/// esbuild for this machine. Its script in JavaScript does no more than start it, and
/// says much when it fails.
fn esbuild(folder: &Path) -> Option<PathBuf> {
    fs::read_dir(folder.join("node_modules/@esbuild"))
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("bin/esbuild"))
        .find(|program| program.is_file())
}

/// A program of an npm package.
fn node(folder: &Path, script: &str) -> Option<Command> {
    let script = file(folder.join("node_modules").join(script))?;
    let mut command = Command::new("node");
    command.arg(script);
    Some(command)
}

/// What of a tool is not in a folder where it should be.
pub(crate) fn missing(folder: &Path, tool: Tool) -> Option<&'static str> {
    let no = |there: bool, what: &'static str| (!there).then_some(what);
    match tool {
        Tool::Rust => None,
        Tool::Go => no(go(folder, "go").is_some(), "the program go"),
        Tool::Zig => no(zig(folder).is_some(), "the program zig"),
        Tool::ComponentizePy => no(
            python_package(folder, "componentize_py").is_some() && folder.join(LAUNCHER).is_file(),
            "the package componentize_py",
        ),
        Tool::QuickJs => [
            ("componentize-qjs/bin/componentize-qjs", "componentize-qjs"),
            ("esbuild/bin/esbuild", "esbuild"),
            ("typescript/bin/tsc", "tsc"),
        ]
        .into_iter()
        .find(|(script, _)| node(folder, script).is_none())
        .map(|(_, what)| what),
    }
}
