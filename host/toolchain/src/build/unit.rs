//! A project's own unit tests, run by the ordinary test tool of its language on
//! this machine, without WebAssembly. The tool writes to this process's streams.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use super::{BuildError, BuildOptions, Job, c, file, javascript, not_set_up, rust, zig};
use crate::language::Language;
use crate::programs::Program;
use crate::project::Project;
use crate::setup::Toolchains;
use crate::system::System;

/// Runs the unit tests of a project and gives the test tool's exit status:
/// success if all passed. Of the options, `work`, `color` and `progress` count.
pub fn unit_tests(
    project: &Project,
    toolchains: &Toolchains,
    options: &BuildOptions<'_>,
) -> Result<ExitStatus, BuildError> {
    let compiled = matches!(
        project.language,
        Language::TypeScript | Language::Go | Language::C | Language::Cpp | Language::Zig
    );
    // The others need nothing but what runs them.
    if compiled && !toolchains.has(project.language) {
        return Err(not_set_up(project.language).into());
    }
    if let Some(needed) = System::that_tests(project.language) {
        needed.check("`offerd policy unit`")?;
    }
    let (job, _held) = Job::begin(project, toolchains, options)?;
    let mut command = match project.language {
        Language::Rust => ordinary(rust::cargo(), &["test"]),
        Language::JavaScript => {
            // Node.js takes no tests for success.
            sources(&job, &["js", "mjs"])?;
            link_sdk(&job)?;
            ordinary("node".into(), &["--test"])
        }
        Language::TypeScript => typescript(&job)?,
        Language::Python => {
            let mut command = ordinary("python3".into(), &["-m", "unittest"]);
            command.env("PYTHONDONTWRITEBYTECODE", "1");
            command
        }
        Language::Go => {
            let mut command = job.program(Program::Go)?;
            command.args(["test", "./..."]);
            command
        }
        Language::C | Language::Cpp => Command::new(c::native_tests(&job)?),
        Language::Zig => Command::new(zig::native_tests(&job)?),
    };
    (options.progress)(&format!("Testing {} ...", project.name));
    command
        .current_dir(&project.folder)
        .status()
        .map_err(|source| BuildError::Start {
            project: project.name.clone(),
            program: command.get_program().to_string_lossy().into_owned(),
            source,
        })
}

fn ordinary(program: OsString, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// What `npm install` would do for the one dependency, if nobody did it.
fn link_sdk(job: &Job<'_>) -> Result<(), BuildError> {
    let scope = job.project.folder.join("node_modules/@offerd");
    let link = scope.join("sdk");
    if link.symlink_metadata().is_ok() {
        return Ok(());
    }
    fs::create_dir_all(&scope).map_err(file("create", &scope))?;
    let sdk = job.project.sdk.canonicalize();
    let sdk = sdk.map_err(file("find", &job.project.sdk))?;
    #[cfg(unix)]
    std::os::unix::fs::symlink(&sdk, &link).map_err(file("link", &link))?;
    Ok(())
}

/// Node.js runs JavaScript: esbuild makes it of each test.
fn typescript(job: &Job<'_>) -> Result<Command, BuildError> {
    let tests = sources(job, &["ts"])?;
    let folder = job.work.join("test");
    let mut esbuild = javascript::bundle(job, &job.entry("src/policy.ts")?)?;
    esbuild
        .args(&tests)
        .args([
            "--platform=node",
            "--sourcemap=inline",
            "--out-extension:.js=.mjs",
        ])
        .arg(javascript::pair("--outdir=", &folder));
    job.run(&mut esbuild, "esbuild")?;
    let mut node = ordinary("node".into(), &["--enable-source-maps", "--test"]);
    for test in tests {
        let name = Path::new(test.file_name().unwrap_or_default()).with_extension("mjs");
        node.arg(folder.join(name));
    }
    Ok(node)
}

/// The files in the project's folder `test` with one of these endings, sorted.
pub(super) fn sources(job: &Job<'_>, endings: &[&str]) -> Result<Vec<PathBuf>, BuildError> {
    let folder = job.project.folder.join("test");
    let mut found = Vec::new();
    if folder.is_dir() {
        for ending in endings {
            found.extend(job.sources(&folder, ending)?);
        }
    }
    if found.is_empty() {
        return Err(BuildError::NoTests {
            project: job.project.name.clone(),
            folder,
            endings: endings.join(" or ."),
        });
    }
    Ok(found)
}

/// A folder of its own below the work folder.
pub(super) fn place(job: &Job<'_>) -> Result<PathBuf, BuildError> {
    let folder = job.work.join("unit");
    fs::create_dir_all(&folder).map_err(file("create", &folder))?;
    Ok(folder)
}
