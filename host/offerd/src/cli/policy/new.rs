//! `offerd policy new`: a project to begin with.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use offerd_toolchain::{Language, new_project};

use super::{Failed, Outcome};

/// Make a project that builds, tests and runs.
///
/// It holds a small complete policy, a unit test, a README with all commands,
/// and the SDK of its language.
#[derive(Debug, Args)]
#[command(after_help = "Example: offerd policy new --lang python night-batch")]
pub(crate) struct Arguments {
    /// Language: rust, javascript, typescript, python, go, c, cpp or zig.
    #[arg(long, value_name = "LANG", value_parser = super::language)]
    lang: Language,
    /// Name of the policy: lower-case letters, digits and hyphens.
    name: String,
    /// Folder to make [default: NAME, here].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let Arguments { lang, name, .. } = arguments;
    let folder = arguments.dir.clone().unwrap_or_else(|| name.into());
    new_project(*lang, name, &folder).map_err(|error| Failed::new(&error))?;
    println!(
        "{name}, a policy in {}, is in {}",
        lang.title(),
        folder.display()
    );
    println!("  cd {}", folder.display());
    // Not an error here: `policy build` says more.
    if !super::toolchains().is_ok_and(|toolchains| toolchains.has(*lang)) {
        println!("  offerd policy setup {lang}");
    }
    for line in [
        format!("{}    # unit tests", lang.unit_tests()),
        "offerd policy build".to_owned(),
        format!("offerd policy check {name}.wasm"),
        "offerd policy test".to_owned(),
        "offerd policy run --sim".to_owned(),
    ] {
        println!("  {line}");
    }
    Ok(ExitCode::SUCCESS)
}
