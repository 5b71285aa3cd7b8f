//! Go: the ordinary compiler for wasip1. What it wants of WASI is answered in
//! the component.

use std::process::Command;

use super::{BuildError, Compiled, Job};
use crate::setup::install;

pub(super) fn compile(job: &Job<'_>) -> Result<Compiled, BuildError> {
    job.entry("go.mod")?;
    let go = install::go(&job.tool).ok_or_else(|| BuildError::NoResult {
        project: job.project.name.clone(),
        why: format!("the program go is gone from {}", job.tool.display()),
    })?;
    let output = job.work.join("core.wasm");
    // -checklinkname=0: the bindings' runtime reaches into Go's scheduler.
    let flags = if job.debug {
        "-ldflags=-checklinkname=0"
    } else {
        "-ldflags=-s -w -checklinkname=0"
    };
    let mut command = Command::new(go);
    command
        .args(["build", "-buildmode=c-shared", "-trimpath", flags, "-o"])
        .arg(&output)
        .arg(".")
        .current_dir(&job.project.folder)
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm")
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-mod=mod")
        .env("GOCACHE", job.cache.join("go"))
        .env_remove("GOROOT");
    job.run(&mut command, "go build")?;
    Ok(Compiled::Bare(output))
}
