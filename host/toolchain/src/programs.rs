//! Commands that run the programs of the tools that are set up, wherever those
//! lie, with their caches in the user's folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;
use crate::setup::Toolchains;
use crate::versions::Tool;

/// A program of a pinned tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Go,
    Gofmt,
    Zig,
    ComponentizePy,
    /// Python's type checker.
    Mypy,
    ComponentizeQjs,
    Esbuild,
    /// TypeScript's checker.
    Tsc,
}

impl Program {
    /// The tool that it comes with.
    pub const fn tool(self) -> Tool {
        match self {
            Self::Go | Self::Gofmt => Tool::Go,
            Self::Zig => Tool::Zig,
            Self::ComponentizePy | Self::Mypy => Tool::ComponentizePy,
            Self::ComponentizeQjs | Self::Esbuild | Self::Tsc => Tool::QuickJs,
        }
    }
}

impl Toolchains {
    /// A command that runs a program, if its tool is set up.
    pub fn command(&self, program: Program) -> Option<Command> {
        let folder = self.folder(program.tool());
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
                    .env("GOWORK", "off")
                    .env("GOCACHE", self.cache("go"))
                    .env_remove("GOROOT");
                command
            }
            Program::Zig => {
                let mut command = Command::new(zig(&folder)?);
                command.env("ZIG_GLOBAL_CACHE_DIR", self.cache("zig"));
                command
            }
            Program::ComponentizePy => python(
                &folder,
                "import sys; from componentize_py import script; sys.exit(script())",
            )?,
            Program::Mypy => python(
                &folder,
                "from mypy.__main__ import console_entry as run; run()",
            )?,
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

/// Runs a package of a Python environment. Its own script would not do: that knows the
/// folder that it was installed in, not the one that it is in afterwards.
fn python(folder: &Path, code: &str) -> Option<Command> {
    let mut command = Command::new(file(folder.join("bin/python"))?);
    command
        // -P: no module of the folder that it runs in.
        .args(["-P", "-c", code])
        // The user's own environment is not the policy's.
        .env_remove("VIRTUAL_ENV")
        .env_remove("PYTHONPATH")
        .env_remove("PYTHONHOME")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Some(command)
}

/// A package in a Python environment.
fn python_package(folder: &Path, name: &str) -> Option<PathBuf> {
    fs::read_dir(folder.join("lib"))
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("site-packages").join(name))
        .find(|package| package.is_dir())
}

/// Whether the Python of an environment finds what was installed: that Python is the
/// system's own, and after an upgrade may be another one.
fn finds_packages(folder: &Path) -> bool {
    let code = "import sys; from importlib.util import find_spec as find; \
                sys.exit(not (find('componentize_py') and find('mypy')))";
    python(folder, code)
        .and_then(|mut python| process::run(&mut python).ok())
        .is_some_and(|ran| ran.status.success())
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
            finds_packages(folder),
            "a package, for the Python that runs here",
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
