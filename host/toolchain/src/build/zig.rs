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
    let header = translate(job, &sdk, "offerd.h", &["-target", "wasm32-wasi"])?;
    let output = job.work.join("core.wasm");
    let mut command: Command = c::command(job, "build-exe")?;
    // Options stand before the module that they are for; the target and the mode
    // of the first hold for all. Safe: a policy that leaves an array ends with a
    // message.
    command
        .args(["-target", "wasm32-wasi", "-O", "ReleaseSafe", "-lc"])
        .args(["-fno-sanitize-c", "-cflags", "-std=gnu17", "-O3", "--"])
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
    command.args(["--dep", "c"]).arg(module("offerd", &face));
    each(&mut command);
    command
        .arg(module("c", &header))
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
    let header = translate(job, &sdk, "offerd_testing.h", &[])?;
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
        .args(["--dep", "c"])
        .arg(module("offerd", &face))
        .arg(module("c", &header))
        .args(["--color", if job.color { "on" } else { "off" }])
        .arg("--test-no-exec");
    let mut place = OsString::from("-femit-bin=");
    place.push(&program);
    command.arg(place);
    job.run(&mut command, "zig test")?;
    Ok(program)
}

/// A header of the C SDK as a module of Zig. The first time on a machine this takes
/// half a minute, since Zig compiles its translator.
fn translate(
    job: &Job<'_>,
    sdk: &c::Sdk,
    header: &str,
    target: &[&str],
) -> Result<PathBuf, BuildError> {
    let mut command = c::command(job, "translate-c")?;
    command.args(target).arg("-lc");
    for folder in &sdk.include {
        command.arg("-I").arg(folder);
    }
    command.arg(job.sdk(&format!("include/{header}"))?);
    let source = job.step(&mut command, "zig translate-c")?;
    let path = job.work.join(header).with_extension("zig");
    super::write(&path, source.as_bytes())?;
    Ok(path)
}

fn module(name: &str, source: &Path) -> OsString {
    let mut option = OsString::from(format!("-M{name}="));
    option.push(source);
    option
}
