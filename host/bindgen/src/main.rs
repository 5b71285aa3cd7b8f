//! Writes the committed bindings of the C and Go SDKs from the contract in wit/,
//! or with `--check` says which of them are not what it would write.
//!
//! `cargo xtask bindings` runs this. It is a program of its own because the
//! generators take a while to compile and nothing else needs them. The bindings
//! for Rust are made when the SDK is compiled; those for Python and JavaScript
//! come from their own tools.

mod folder;
mod go;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator};

#[derive(Debug, Parser)]
#[command(about = "Writes the committed bindings of the C and Go SDKs from wit/")]
struct Arguments {
    /// Root of the repository.
    root: PathBuf,
    /// Write nothing; fail if anything differs.
    #[arg(long)]
    check: bool,
}

/// A folder of the repository that holds nothing but what is made from the contract.
struct Target {
    folder: &'static str,
    make: fn(wit: &Path) -> Result<Files>,
}

const TARGETS: [Target; 3] = [
    Target {
        folder: "sdk/c/gen/policy",
        make: |wit| generate(wit, "policy", c()),
    },
    Target {
        folder: "sdk/c/gen/stateful_policy",
        make: |wit| generate(wit, "stateful-policy", c()),
    },
    Target {
        folder: "sdk/go/gen",
        make: go::packages,
    },
];

/// Both worlds with the same short names: `offerd_offer_t`, `contract_string_t`.
fn c() -> Box<dyn WorldGenerator> {
    let names = [
        ("types", "offerd"),
        ("cluster", "offerd_cluster"),
        ("clock", "offerd_clock"),
        ("logging", "offerd_logging"),
        ("metrics", "offerd_metrics"),
        ("random", "offerd_random"),
    ];
    let opts = wit_bindgen_c::Opts {
        rename: names
            .map(|(interface, name)| {
                let interface = format!("offerd:policy/{interface}@0.1.0");
                (interface, name.to_owned())
            })
            .to_vec(),
        rename_world: Some("contract".to_owned()),
        ..Default::default()
    };
    opts.build()
}

fn main() -> Result<ExitCode> {
    let Arguments { root, check } = Arguments::parse();
    // The generator for Go leaves its code as it is without.
    let gofmt = Command::new("gofmt").arg("-h").output();
    ensure!(
        gofmt.is_ok(),
        "gofmt is not in PATH; `cargo xtask bindings` puts the pinned one there"
    );
    let mut differ = Vec::new();
    for target in &TARGETS {
        let folder = root.join(target.folder);
        let files = (target.make)(&root.join("wit"))
            .with_context(|| format!("no bindings for {}", target.folder))?;
        if check {
            differ.extend(folder::differences(&folder, &files)?);
        } else {
            folder::write(&folder, &files)?;
        }
    }
    if differ.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    for difference in &differ {
        eprintln!("{difference}");
    }
    eprintln!("The bindings are not what wit/ gives; run `cargo xtask bindings` and commit.");
    Ok(ExitCode::FAILURE)
}

/// What a generator makes of one world.
fn generate(wit: &Path, world: &str, mut generator: Box<dyn WorldGenerator>) -> Result<Files> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve
        .push_path(wit)
        .with_context(|| format!("{} does not hold the contract", wit.display()))?;
    let world = resolve.select_world(&[package], Some(world))?;
    let mut files = Files::default();
    generator.generate(&mut resolve, world, &mut files)?;
    Ok(files)
}
