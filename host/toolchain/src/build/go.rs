//! Go: the ordinary compiler for wasip1. What it wants of WASI is answered in
//! the component.

use super::{BuildError, Compiled, Job};
use crate::programs::Program;

pub(super) fn compile(job: &Job<'_>) -> Result<Compiled, BuildError> {
    job.entry("go.mod")?;
    let output = job.work.join("core.wasm");
    let mut command = job.program(Program::Go)?;
    command.args(["build", "-buildmode=c-shared", "-trimpath"]);
    if !job.debug {
        command.arg("-ldflags=-s -w");
    }
    command
        .arg("-o")
        .arg(&output)
        .arg(".")
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm");
    job.run(&mut command, "go build")?;
    Ok(Compiled::Bare(output))
}
