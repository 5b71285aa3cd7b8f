//! Python: mypy checks types, componentize-py puts the policy, its SDK and CPython
//! into a component.

use std::fs;

use super::{BuildError, Compiled, Job, file};
use crate::programs::Program;

pub(super) fn compile(job: &Job<'_>) -> Result<Compiled, BuildError> {
    job.entry("policy.py")?;
    let app = format!("offerd_app_{}", job.world_snake());
    // A copy, since CPython writes what it has compiled beside it.
    let glue = job.work.join("glue");
    fs::create_dir_all(&glue).map_err(file("create", &glue))?;
    let entry = job.sdk(&format!("glue/{app}.py"))?;
    fs::copy(&entry, glue.join(format!("{app}.py"))).map_err(file("copy", &entry))?;
    check_types(job)?;
    let output = job.work.join("policy.wasm");
    let mut command = job.program(Program::ComponentizePy)?;
    command
        .arg("-d")
        .arg(&job.project.wit)
        .args(["-w", job.project.world(), "componentize", "--stub-wasi"])
        .arg("-p")
        .arg(&job.project.folder)
        .arg("-p")
        .arg(&job.project.sdk)
        .arg("-p")
        .arg(&glue)
        .arg(&app)
        .arg("-o")
        .arg(&output);
    job.run_quietly(&mut command, "componentize-py")?;
    Ok(Compiled::Component(output))
}

/// What has no types is not checked. The project's own settings (`mypy.ini` and the like)
/// count.
fn check_types(job: &Job<'_>) -> Result<(), BuildError> {
    const NOT_THE_POLICY: &str =
        r"(^|/)((build|sdk|tests?|venv|\.venv)/|test_[^/]*\.py$|[^/]*_test\.py$)";
    let mut mypy = job.program(Program::Mypy)?;
    mypy.args(["--no-error-summary", "--follow-imports=silent", "--exclude"])
        .args([NOT_THE_POLICY, "--cache-dir"])
        .arg(job.work.join("mypy"))
        .arg(".")
        .env("MYPYPATH", &job.project.sdk);
    if job.color {
        mypy.env("MYPY_FORCE_COLOR", "1");
    }
    job.run(&mut mypy, "the type check")
}
