//! Rust: cargo, for a target without WASI.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{BuildError, CORRECT, Compiled, Job, STACK};
use crate::versions::RUST_TARGET;

pub(super) fn compile(job: &Job<'_>) -> Result<Compiled, BuildError> {
    let manifest = job.entry("Cargo.toml")?;
    let mut command = Command::new(cargo());
    command
        .current_dir(&job.project.folder)
        .args(["build", "--release", "--target", RUST_TARGET])
        .arg("--message-format=json-render-diagnostics")
        .arg("--config")
        .arg(format!(
            "target.{RUST_TARGET}.rustflags=[\"-Clink-arg=-zstack-size={STACK}\"]"
        ))
        // They would replace the flags above.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stdin(Stdio::null());
    if job.debug {
        command
            .args(["--config", "profile.release.debug=\"line-tables-only\""])
            .args(["--config", "profile.release.strip=\"none\""]);
    }
    if job.color {
        command.args(["--color", "always"]);
    }
    let output = command.output().map_err(|source| BuildError::Start {
        project: job.project.name.clone(),
        program: "cargo".to_owned(),
        source,
    })?;
    let said = String::from_utf8_lossy(&output.stderr)
        .trim_end()
        .to_owned();
    if !output.status.success() {
        return Err(BuildError::Compile {
            project: job.project.name.clone(),
            what: "cargo build",
            status: output.status.to_string(),
            advice: CORRECT,
            output: said,
        });
    }
    // Of a success, only warnings are of interest.
    if said.contains("warning") {
        job.says(&said);
    }
    let manifest = manifest.canonicalize().unwrap_or(manifest);
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| module(line, &manifest.to_string_lossy()))
        .next_back()
        .map(Compiled::Core)
        .ok_or_else(|| BuildError::NoResult {
            project: job.project.name.clone(),
            why: "the package makes no WebAssembly; write crate-type = [\"cdylib\", \"rlib\"] \
                  under [lib] in Cargo.toml"
                .to_owned(),
        })
}

/// The cargo that runs this, if one does: not another version.
pub(super) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The WebAssembly file of one of cargo's messages, if it is about the library
/// of this package.
fn module(message: &str, manifest: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let text = |key: &str| message.get(key).and_then(|value| value.as_str());
    if text("reason") != Some("compiler-artifact") || text("manifest_path") != Some(manifest) {
        return None;
    }
    message
        .get("filenames")?
        .as_array()?
        .iter()
        .filter_map(|file| file.as_str())
        .find(|file| file.ends_with(".wasm"))
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_of_this_package_is_found() {
        let message = r#"{"reason":"compiler-artifact","manifest_path":"/p/Cargo.toml",
            "filenames":["/t/libp.rlib","/t/p.wasm"]}"#;
        assert_eq!(module(message, "/p/Cargo.toml"), Some("/t/p.wasm".into()));
        assert_eq!(module(message, "/q/Cargo.toml"), None);
        assert_eq!(module("warning: text", "/p/Cargo.toml"), None);
    }
}
