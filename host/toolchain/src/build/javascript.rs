//! JavaScript and TypeScript: esbuild makes one module of the policy and its
//! SDK, componentize-qjs puts it into a component with QuickJS.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{BuildError, Compiled, Job};
use crate::language::Language;
use crate::programs::Program;

pub(super) fn compile(job: &Job<'_>) -> Result<Compiled, BuildError> {
    let typed = job.project.language == Language::TypeScript;
    let entry = job.entry(if typed {
        "src/policy.ts"
    } else {
        "src/policy.js"
    })?;
    let glue = job.sdk(&format!("glue/{}.js", job.project.world()))?;
    if typed && job.project.folder.join("tsconfig.json").is_file() {
        // esbuild only leaves types out.
        let mut check = job.program(Program::Tsc)?;
        check.args(["--noEmit", "-p"]).arg(&job.project.folder);
        if job.color {
            check.args(["--pretty", "true"]);
        }
        job.run(&mut check, "the type check")?;
    }
    let bundle = job.work.join("policy.js");
    let mut esbuild = self::bundle(job, &entry)?;
    esbuild
        .arg(&glue)
        .args(["--platform=neutral", "--main-fields=module,main"])
        .args(["--target=es2023", "--external:offerd:policy/*"])
        .arg(pair("--outfile=", &bundle));
    job.run(&mut esbuild, "esbuild")?;

    let output = job.work.join("policy.wasm");
    let mut componentize = job.program(Program::ComponentizeQjs)?;
    componentize
        .arg("--wit")
        .arg(&job.project.wit)
        .args(["--world", job.project.world(), "--js"])
        .arg(&bundle)
        // Without --sync the component wants what the host has off.
        .args(["--stub-wasi", "--sync", "-o"])
        .arg(&output);
    job.run_quietly(&mut componentize, "componentize-qjs")?;
    Ok(Compiled::Component(output))
}

/// A command that bundles what it is given, with the names of the SDK and of the
/// policy.
pub(super) fn bundle(job: &Job<'_>, entry: &Path) -> Result<Command, BuildError> {
    let mut esbuild = job.program(Program::Esbuild)?;
    esbuild
        .args(["--bundle", "--format=esm", "--log-level=warning"])
        .arg(pair("--alias:@offerd/sdk=", &job.project.sdk))
        .arg(pair("--alias:@offerd/entry=", entry))
        .arg(format!("--color={}", job.color));
    Ok(esbuild)
}

pub(super) fn pair(option: &str, path: &Path) -> PathBuf {
    let mut text = std::ffi::OsString::from(option);
    text.push(path);
    text.into()
}
