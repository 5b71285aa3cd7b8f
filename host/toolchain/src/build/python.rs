//! Python: componentize-py puts the policy, its SDK and CPython into a
//! component.

use super::{BuildError, Compiled, Job};
use crate::programs::Program;

pub(super) fn compile(job: &Job<'_>) -> Result<Compiled, BuildError> {
    job.entry("policy.py")?;
    let app = format!("offerd_app_{}", job.world_snake());
    job.sdk(&format!("glue/{app}.py"))?;
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
        .arg(job.project.sdk.join("glue"))
        .arg(&app)
        .arg("-o")
        .arg(&output);
    job.run_quietly(&mut command, "componentize-py")?;
    Ok(Compiled::Component(output))
}
