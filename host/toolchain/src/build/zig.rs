//! Zig: over the C SDK, whose root file exports what the contract wants.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{BuildError, Compiled, Job, STACK, c, unit};

pub(super) fn compile(job: &Job<'_>) -> Result<Compiled, BuildError> {
    let policy = job.entry("src/policy.zig")?;
    let root = job.sdk(&format!("zig/{}.zig", job.world_snake()))?;
    let face = job.sdk("zig/offerd.zig")?;
    let sdk = c::Sdk::of(job)?;
    let output = job.work.join("core.wasm");
    let mut command: Command = c::command(job, "build-exe")?;
    // Options stand before the module that they are for; the target and the mode
    // of the first hold for all.
    command
        .args(["-target", "wasm32-wasi", "-O", "ReleaseFast", "-lc"])
        .args(&sdk.sources)
        .arg(c::Sdk::contract(job)?);
    let each = |command: &mut Command| {
        if !job.debug {
            command.arg("-fstrip");
        }
        for folder in &sdk.include {
            command.arg("-I").arg(folder);
        }
    };
    each(&mut command);
    command
        .args(["--dep", "policy", "--dep", "offerd"])
        .arg(module("root", &root));
    each(&mut command);
    command
        .args(["--dep", "offerd"])
        .arg(module("policy", &policy));
    each(&mut command);
    command
        .arg(module("offerd", &face))
        .args(["-fno-entry", "-mexec-model=reactor"])
        .args(["--stack", &STACK.to_string()])
        .args(["--color", if job.color { "on" } else { "off" }]);
    let mut place = OsString::from("-femit-bin=");
    place.push(&output);
    command.arg(place);
    job.run(&mut command, "zig build-exe")?;
    Ok(Compiled::Core(output))
}

/// Makes the program that runs the tests in the policy's file, for this machine.
pub(super) fn native_tests(job: &Job<'_>) -> Result<PathBuf, BuildError> {
    let policy = job.entry("src/policy.zig")?;
    let face = job.sdk("zig/offerd.zig")?;
    let sdk = c::Sdk::native(job)?;
    let program = unit::place(job)?.join("tests");
    let mut command = c::command(job, "test")?;
    let include = |command: &mut Command| {
        for folder in &sdk.include {
            command.arg("-I").arg(folder);
        }
    };
    command.arg("-lc").args(&sdk.sources);
    include(&mut command);
    command
        .args(["--dep", "offerd"])
        .arg(module("policy", &policy));
    include(&mut command);
    command
        .arg(module("offerd", &face))
        .args(["--color", if job.color { "on" } else { "off" }])
        .arg("--test-no-exec");
    let mut place = OsString::from("-femit-bin=");
    place.push(&program);
    command.arg(place);
    job.run(&mut command, "zig test")?;
    Ok(program)
}

fn module(name: &str, source: &Path) -> OsString {
    let mut option = OsString::from(format!("-M{name}="));
    option.push(source);
    option
}
