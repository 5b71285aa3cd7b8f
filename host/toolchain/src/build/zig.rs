//! Zig: over the C SDK, whose root file exports what the contract wants.

use std::process::Command;

use super::{BuildError, Compiled, Job, STACK, c};

pub(super) fn compile(job: &Job<'_>) -> Result<Compiled, BuildError> {
    let policy = job.entry("src/policy.zig")?;
    let root = job.sdk(&format!("zig/{}.zig", job.world_snake()))?;
    let face = job.sdk("zig/offerd.zig")?;
    let sdk = c::Sdk::of(job)?;
    let output = job.work.join("core.wasm");
    let mut command: Command = c::command(job, "build-exe")?;
    command
        .args(["--dep", "policy", "--dep", "offerd"])
        .arg(format!("-Mroot={}", root.display()))
        .args(["--dep", "offerd"])
        .arg(format!("-Mpolicy={}", policy.display()))
        .arg(format!("-Mofferd={}", face.display()));
    for folder in &sdk.include {
        command.arg("-I").arg(folder);
    }
    command
        .args(&sdk.sources)
        .arg(&sdk.contract)
        .args([
            "-target",
            "wasm32-wasi",
            "-lc",
            "-fno-entry",
            "-mexec-model=reactor",
        ])
        .args(["-O", "ReleaseFast", "--stack", &STACK.to_string()])
        .args(["--color", if job.color { "on" } else { "off" }]);
    if !job.debug {
        command.arg("-fstrip");
    }
    let mut place = std::ffi::OsString::from("-femit-bin=");
    place.push(&output);
    command.arg(place);
    job.run(&mut command, "zig build-exe")?;
    Ok(Compiled::Core(output))
}
