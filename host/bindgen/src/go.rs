//! The bindings for Go, as packages of the SDK's module.
//!
//! The generator makes a whole program of each world. A policy can be of either world and
//! be tested without one, so the SDK has the records and the host's functions once, the
//! exports of each world in a package of its own, and small packages of its own in place of
//! the generator's runtime, which has to be downloaded.

use std::path::Path;

use anyhow::{Context as _, Result};
use wit_bindgen_core::{Files, WorldGenerator};

/// Names of the generated program and of the SDK's module.
const NAMES: [(&str, &str); 6] = [
    ("go.bytecodealliance.org/pkg/wit/types", "offerd/wit"),
    (
        "go.bytecodealliance.org/pkg/wit/runtime",
        "offerd/internal/memory",
    ),
    (
        "\"wit_component/export_wit_world\"",
        "export_wit_world \"offerd/internal/export\"",
    ),
    (
        "\"wit_component/export_offerd_policy_state\"",
        "export_offerd_policy_state \"offerd/internal/export\"",
    ),
    ("\"wit_component/", "\"offerd/gen/"),
    (
        "\n// Unused, but present to make the compiler happy\nfunc main() {}\n",
        "",
    ),
];

/// All packages below `sdk/go/gen`.
pub(crate) fn packages(wit: &Path) -> Result<Files> {
    let mut packages = Files::default();
    for (world, package) in [("policy", "policy"), ("stateful-policy", "stateful_policy")] {
        let generator = || -> Box<dyn WorldGenerator> { wit_bindgen_go::Opts::default().build() };
        let files = super::generate(wit, world, generator())?;
        for (name, contents) in files.iter() {
            let text = std::str::from_utf8(contents).context("Go is text")?;
            let is_shared = name.starts_with("offerd_policy_");
            if name == "wit_exports.go" {
                let text = renamed(text).replace("package main", &format!("package {package}"));
                let text = format!("//go:build wasip1\n\n{text}");
                packages.push(&format!("{package}/{name}"), text.as_bytes());
                packages.push(&format!("{package}/doc.go"), doc(world, package).as_bytes());
            } else if is_shared && (package == "stateful_policy") {
                // This world has all that the other one has.
                packages.push(name, renamed(text).as_bytes());
            }
        }
    }
    Ok(packages)
}

/// The package where there is no WebAssembly: in tests.
fn doc(world: &str, package: &str) -> String {
    format!(
        "// Package {package} exports a policy as a component of the world `{world}`.\n\
         package {package}\n"
    )
}

fn renamed(text: &str) -> String {
    NAMES
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
