//! Python: componentize-py puts the policy, its SDK and CPython into a
//! component.

use std::process::Command;

use super::{BuildError, Compiled, Job};

/// Runs the package itself: its script knows the folder that it was installed
/// in, not the one that it is in now.
const MAIN: &str = "import sys; from componentize_py import script; sys.exit(script())";

pub(super) fn compile(job: &Job<'_>) -> Result<Compiled, BuildError> {
    job.entry("policy.py")?;
    let app = format!("offerd_app_{}", job.world_snake());
    job.sdk(&format!("glue/{app}.py"))?;
    let output = job.work.join("policy.wasm");
    let mut command = Command::new(job.tool.join("bin/python"));
    command
        .args(["-c", MAIN, "-d"])
        .arg(&job.project.wit)
        .args(["-w", job.project.world(), "componentize", "--stub-wasi"])
        .arg("-p")
        .arg(&job.project.folder)
        .arg("-p")
        .arg(&job.project.sdk)
        .arg("-p")
        .arg(job.project.sdk.join("glue"))
        .arg(&app)
        .arg("-o")
        .arg(&output)
        .current_dir(&job.project.folder)
        // The user's own environment is not the policy's.
        .env_remove("VIRTUAL_ENV")
        .env_remove("PYTHONPATH")
        .env_remove("PYTHONHOME")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    job.run_quietly(&mut command, "componentize-py")?;
    Ok(Compiled::Component(output))
}
