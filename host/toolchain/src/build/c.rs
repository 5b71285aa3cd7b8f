//! C and C++: Zig's compiler with its own libc, over the C bindings.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{BuildError, Compiled, Job, STACK, unit};
use crate::language::Language;
use crate::programs::Program;

const TARGET: [&str; 3] = ["-target", "wasm32-wasi", "-mexec-model=reactor"];

pub(super) fn compile(job: &Job<'_>) -> Result<Compiled, BuildError> {
    let cpp = job.project.language == Language::Cpp;
    let folder = job.project.folder.join("src");
    let mut sources = if folder.is_dir() {
        job.sources(&folder, "c")?
    } else {
        Vec::new()
    };
    if cpp {
        sources.extend(job.sources(&folder, "cpp")?);
    }
    if sources.is_empty() {
        return Err(BuildError::NoEntry {
            language: job.project.language,
            path: folder.join(if cpp { "policy.cpp" } else { "policy.c" }),
        });
    }
    let sdk = Sdk::of(job)?;
    let mut objects = Vec::new();
    for source in sources.iter().chain(&sdk.sources) {
        // Files in different folders can have one name.
        let name = format!("{:02}.o", objects.len());
        objects.push(object(job, &sdk, source, &name)?);
    }
    let output = job.work.join("core.wasm");
    let mut link = command(job, if cpp { "c++" } else { "cc" })?;
    link.args(TARGET)
        .arg(format!("-Wl,-z,stack-size={STACK}"))
        .args(&objects)
        .arg(Sdk::contract(job)?)
        .arg("-o")
        .arg(&output);
    if !job.debug {
        link.arg("-s");
    }
    job.run(&mut link, "the linker")?;
    Ok(Compiled::Core(output))
}

/// Makes the program that runs the tests in the folder `test`: the policy, the
/// SDK with its stand-in for the host, and the tests, for this machine.
pub(super) fn native_tests(job: &Job<'_>) -> Result<PathBuf, BuildError> {
    let cpp = job.project.language == Language::Cpp;
    let endings: &[&str] = if cpp { &["c", "cpp"] } else { &["c"] };
    let mut sources = unit::sources(job, endings)?;
    for ending in endings {
        sources.extend(job.sources(&job.project.folder.join("src"), ending)?);
    }
    let sdk = Sdk::native(job)?;
    let folder = unit::place(job)?;
    let mut objects = Vec::new();
    for source in sources.iter().chain(&sdk.sources) {
        let object = folder.join(format!("{:02}.o", objects.len()));
        let mut command = compiler(job, &sdk, source)?;
        command
            .args(["-O1", "-g", "-fsanitize=undefined", "-o"])
            .arg(&object);
        job.run(&mut command, "the compiler")?;
        objects.push(object);
    }
    let program = folder.join("tests");
    let mut link = command(job, if cpp { "c++" } else { "cc" })?;
    link.arg("-fsanitize=undefined")
        .args(&objects)
        .arg("-o")
        .arg(&program);
    job.run(&mut link, "the linker")?;
    Ok(program)
}

fn object(job: &Job<'_>, sdk: &Sdk, source: &Path, name: &str) -> Result<PathBuf, BuildError> {
    let object = job.work.join(name);
    let mut command = compiler(job, sdk, source)?;
    command.args(TARGET).arg("-O3").arg("-o").arg(&object);
    if job.debug {
        command.arg("-g");
    }
    job.run(&mut command, "the compiler")?;
    Ok(object)
}

/// A command that compiles one file, in the C or C++ that its name tells.
/// Warnings are for the project's own files.
fn compiler(job: &Job<'_>, sdk: &Sdk, source: &Path) -> Result<Command, BuildError> {
    let cpp = source.extension().is_some_and(|ending| ending == "cpp");
    let own = source.starts_with(&job.project.folder) && !source.starts_with(&job.project.sdk);
    let mut command = command(job, if cpp { "c++" } else { "cc" })?;
    if cpp {
        command.args(["-std=c++23", "-fno-exceptions", "-fno-rtti"]);
    } else {
        command.arg("-std=gnu17");
    }
    if own {
        command.args(["-Wall", "-Wextra"]);
    } else {
        command.arg("-w");
    }
    if job.color {
        command.arg("-fcolor-diagnostics");
    }
    for folder in &sdk.include {
        command.arg("-I").arg(folder);
    }
    // Relative, so that messages are short.
    let shown = source.strip_prefix(&job.project.folder).unwrap_or(source);
    command.arg("-c").arg(shown);
    Ok(command)
}

/// A command of Zig.
pub(super) fn command(job: &Job<'_>, what: &str) -> Result<Command, BuildError> {
    let mut command = job.program(Program::Zig)?;
    command
        .arg(what)
        .env("ZIG_LOCAL_CACHE_DIR", job.work.join("zig-cache"));
    Ok(command)
}

/// What of the C SDK is used.
pub(super) struct Sdk {
    pub(super) include: Vec<PathBuf>,
    pub(super) sources: Vec<PathBuf>,
}

impl Sdk {
    /// What goes into a policy.
    pub(super) fn of(job: &Job<'_>) -> Result<Self, BuildError> {
        let world = job.world_snake();
        let mut sdk = Self::common(job)?;
        sdk.sources.push(job.sdk(&format!("glue/{world}.c"))?);
        let bindings = job.sdk(&format!("gen/{world}"))?;
        sdk.sources.extend(job.sources(&bindings, "c")?);
        Ok(sdk)
    }

    /// What goes into a test: a stand-in for the host in place of the bindings.
    pub(super) fn native(job: &Job<'_>) -> Result<Self, BuildError> {
        let mut sdk = Self::common(job)?;
        sdk.sources.extend(job.sources(&job.sdk("native")?, "c")?);
        Ok(sdk)
    }

    fn common(job: &Job<'_>) -> Result<Self, BuildError> {
        let bindings = job.sdk(&format!("gen/{}", job.world_snake()))?;
        Ok(Self {
            include: vec![job.sdk("include")?, bindings],
            sources: job.sources(&job.sdk("src")?, "c")?,
        })
    }

    /// The object file that carries the world.
    pub(super) fn contract(job: &Job<'_>) -> Result<PathBuf, BuildError> {
        let world = job.world_snake();
        job.sdk(&format!("gen/{world}/contract_component_type.o"))
    }
}
