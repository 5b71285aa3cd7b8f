//! C and C++: Zig's compiler with its own libc, over the C bindings.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{BuildError, Compiled, Job, STACK};
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
        let own = source.starts_with(&job.project.folder) && !source.starts_with(&job.project.sdk);
        // Files in different folders can have one name.
        let name = format!("{:02}.o", objects.len());
        objects.push(object(job, &sdk, source, &name, own)?);
    }
    let output = job.work.join("core.wasm");
    let mut link = command(job, if cpp { "c++" } else { "cc" })?;
    link.args(TARGET)
        .arg(format!("-Wl,-z,stack-size={STACK}"))
        .args(&objects)
        .arg(&sdk.contract)
        .arg("-o")
        .arg(&output);
    if !job.debug {
        link.arg("-s");
    }
    job.run(&mut link, "the linker")?;
    Ok(Compiled::Core(output))
}

/// Compiles one file. Warnings are for the policy's own.
fn object(
    job: &Job<'_>,
    sdk: &Sdk,
    source: &Path,
    name: &str,
    own: bool,
) -> Result<PathBuf, BuildError> {
    let cpp = source.extension().is_some_and(|ending| ending == "cpp");
    let object = job.work.join(name);
    let mut command = command(job, if cpp { "c++" } else { "cc" })?;
    command.args(TARGET).args(["-O3", "-c"]);
    if cpp {
        command.args(["-std=c++23", "-fno-exceptions", "-fno-rtti"]);
    } else {
        command.arg("-std=c17");
    }
    if own {
        command.args(["-Wall", "-Wextra"]);
    } else {
        command.arg("-w");
    }
    if job.debug {
        command.arg("-g");
    }
    if job.color {
        command.arg("-fcolor-diagnostics");
    }
    for folder in &sdk.include {
        command.arg("-I").arg(folder);
    }
    // Relative, so that messages are short.
    let shown = source.strip_prefix(&job.project.folder).unwrap_or(source);
    command.arg(shown).arg("-o").arg(&object);
    job.run(
        &mut command,
        if cpp {
            "the C++ compiler"
        } else {
            "the C compiler"
        },
    )?;
    Ok(object)
}

/// A command of Zig.
pub(super) fn command(job: &Job<'_>, what: &str) -> Result<Command, BuildError> {
    let mut command = job.program(Program::Zig)?;
    command
        .arg(what)
        .env("ZIG_LOCAL_CACHE_DIR", job.work.join("zig-cache"));
    Ok(command)
}

/// What of the C SDK goes into a policy.
pub(super) struct Sdk {
    pub(super) include: Vec<PathBuf>,
    pub(super) sources: Vec<PathBuf>,
    /// The object file that carries the world.
    pub(super) contract: PathBuf,
}

impl Sdk {
    pub(super) fn of(job: &Job<'_>) -> Result<Self, BuildError> {
        let world = job.world_snake();
        let bindings = job.sdk(&format!("gen/{world}"))?;
        let mut sources = job.sources(&job.sdk("src")?, "c")?;
        sources.push(job.sdk(&format!("glue/{world}.c"))?);
        sources.extend(job.sources(&bindings, "c")?);
        Ok(Self {
            include: vec![job.sdk("include")?, bindings],
            sources,
            contract: job.sdk(&format!("gen/{world}/{world}_component_type.o"))?,
        })
    }
}
