//! JavaScript and TypeScript: esbuild makes one module of the policy and its
//! SDK, componentize-qjs puts it into a component with QuickJS.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::lines::{self, Lines};
use super::{BuildError, Compiled, Job, file, write};
use crate::language::Language;
use crate::programs::Program;
use crate::project::Project;

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
        .args(["--sourcemap=external", "--sources-content=false"])
        .arg(pair("--outfile=", &bundle));
    job.run(&mut esbuild, "esbuild")?;
    let lines = add_lines(job, &bundle)?;

    let output = job.work.join("policy.wasm");
    let mut componentize = job.program(Program::ComponentizeQjs)?;
    componentize
        .arg("--wit")
        .arg(&job.project.wit)
        .args(["--world", job.project.world(), "--js"])
        .arg(&bundle)
        // Makes its name `/policy.js` in stacks, wherever the work folder is.
        .arg("--module-root")
        .arg(&job.work)
        // Without --sync the component wants what the host has off.
        .args(["--stub-wasi", "--sync", "-o"])
        .arg(&output);
    // The policy's file is run here; what it throws then is told with a stack.
    job.run_quietly(&mut componentize, "componentize-qjs")
        .map_err(|error| error.with_output(|said| lines.in_sources(said)))?;
    Ok(Compiled::Component(output))
}

/// Puts the table of source lines, which stacks are shown with, at the bundle's end.
fn add_lines(job: &Job<'_>, bundle: &Path) -> Result<Lines, BuildError> {
    let read = |path: &Path| fs::read_to_string(path).map_err(file("read", path));
    let map = read(&bundle.with_extension("js.map"))?;
    let Project { folder, sdk, .. } = job.project;
    let lines = Lines::read(&map, |source| {
        shown(&job.work.join(lines::path(source)), folder, sdk)
    });
    let lines = lines.ok_or_else(|| BuildError::NoResult {
        project: job.project.name.clone(),
        why: "the source map of esbuild cannot be understood".to_owned(),
    })?;
    write(bundle, (read(bundle)? + &lines.table()).as_bytes())?;
    Ok(lines)
}

/// The name of a source in stacks: in the project or in the SDK. Of any other only the
/// file's name, for its path tells of the machine.
fn shown(source: &Path, project: &Path, sdk: &Path) -> String {
    // Of packages that bring source maps the sources need not be there.
    let path = source.canonicalize().unwrap_or_default();
    // One of the two may lie in the other.
    let places = [(project, ""), (sdk, "@offerd/sdk/")].into_iter();
    let inside = places
        .filter_map(|(folder, name)| Some((name, path.strip_prefix(folder).ok()?)))
        .min_by_key(|(_, rest)| rest.components().count());
    let file_name = || Path::new(source.file_name().unwrap_or_default());
    let (name, rest) = inside.unwrap_or_else(|| ("", file_name()));
    format!("{name}{}", rest.display())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_named_without_where_they_lie_on_this_machine() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let project = root.join("p");
        for folder in ["p/src", "p/sdk/src", "sdk/src", "sdk/q/src", "lib"] {
            fs::create_dir_all(root.join(folder)).unwrap();
            fs::write(root.join(folder).join("a.js"), "").unwrap();
        }
        let name = |source: &str, project: &Path, sdk: &str| {
            shown(&project.join("src").join(source), project, &root.join(sdk))
        };
        assert_eq!(name("../src/a.js", &project, "sdk"), "src/a.js");
        assert_eq!(name("../../lib/a.js", &project, "sdk"), "a.js");
        assert_eq!(name("../../lib/gone.js", &project, "sdk"), "gone.js");
        let own = "@offerd/sdk/src/a.js";
        assert_eq!(name("../../sdk/src/a.js", &project, "sdk"), own);
        assert_eq!(name("../sdk/src/a.js", &project, "p/sdk"), own);
        let project = root.join("sdk/q");
        assert_eq!(name("a.js", &project, "sdk"), "src/a.js");
        assert_eq!(name("../../src/a.js", &project, "sdk"), own);
    }
}
