//! Go: the ordinary compiler for wasip1. What it wants of WASI is answered in
//! the component.

use super::{BuildError, Compiled, Job};
use crate::programs::Program;

pub(super) fn compile(job: &Job<'_>) -> Result<Compiled, BuildError> {
    job.entry("go.mod")?;
    let output = job.work.join("core.wasm");
    // -checklinkname=0: the bindings' runtime reaches into Go's scheduler.
    let flags = if job.debug {
        "-ldflags=-checklinkname=0"
    } else {
        "-ldflags=-s -w -checklinkname=0"
    };
    let mut command = job.program(Program::Go)?;
    command
        .args(["build", "-buildmode=c-shared", "-trimpath", flags, "-o"])
        .arg(&output)
        .arg(".")
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm");
    job.run(&mut command, "go build")?;
    Ok(Compiled::Bare(output))
}
