//! Files that are no policies: each message says what is wrong and what to do.

use offerd_policy::LoadError;

use crate::support::{guest_path, runtime};

fn error(bytes: &[u8]) -> LoadError {
    runtime().load_bytes("p.wasm", bytes).unwrap_err()
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn a_file_that_is_not_there() {
    let error = runtime()
        .load(std::path::Path::new("/nowhere/p.wasm"))
        .unwrap_err();
    assert!(matches!(error, LoadError::Read { .. }));
    assert_eq!(error.to_string(), "cannot read the policy /nowhere/p.wasm");
}

#[test]
fn a_file_that_is_not_webassembly() {
    for bytes in [&b"#!/bin/sh\n"[..], b"", b"\0asm"] {
        let error = error(bytes);
        assert!(matches!(error, LoadError::NotWasm { .. }), "{error}");
        assert!(
            error
                .to_string()
                .contains("a policy is a WebAssembly component"),
            "{error}"
        );
    }
}

#[test]
fn a_core_module() {
    let error = error(&component("(module)"));
    assert!(matches!(error, LoadError::CoreModule { .. }));
    assert!(
        error
            .to_string()
            .contains("wasm-tools component new p.wasm"),
        "{error}"
    );
    assert!(error.to_string().contains("offerd policy build"), "{error}");
}

#[test]
fn a_damaged_component() {
    let mut bytes = std::fs::read(guest_path("minimal")).unwrap();
    bytes.truncate(bytes.len() / 2);
    let error = error(&bytes);
    assert!(matches!(error, LoadError::Damaged { .. }), "{error}");
    assert!(
        error.to_string().contains("build or copy it again"),
        "{error}"
    );
}

#[test]
fn everything_that_differs_from_the_contract_is_said_at_once() {
    let text = error(&component(
        r#"(component
            (import "wasi:cli/environment@0.2.0" (instance))
            (import "offerd:policy/teleport@0.1.0" (instance))
            (import "surprise" (func))
        )"#,
    ))
    .to_string();
    for part in [
        "offerd:policy@0.1.x",
        "it imports wasi:cli/environment@0.2.0, and policies get no WASI",
        "offerd:policy/teleport@0.1.0",
        "it imports the function surprise",
        "does not export `describe",
        "does not export `configure",
        "does not export `decide",
    ] {
        assert!(text.contains(part), "'{part}' is missing: {text}");
    }
}

/// A component that imports a function of `logging`.
fn logging(version: &str, function: &str) -> Vec<u8> {
    component(&format!(
        r#"(component (import "offerd:policy/logging@{version}"
            (instance (export "{function}" (func (param "text" string))))))"#
    ))
}

#[test]
fn another_version_of_the_contract_and_what_differs() {
    for version in ["7.0.0", "0.2.0", "0.0.9"] {
        let text = error(&logging(version, "shout")).to_string();
        for part in [
            format!("it is made for offerd:policy@{version}"),
            "this host has offerd:policy@0.1.x".to_owned(),
            format!(
                "it imports shout of offerd:policy/logging@{version}, which that interface does \
                 not have here"
            ),
            "it does not export `decide: func(round: round)".to_owned(),
        ] {
            assert!(text.contains(&part), "'{part}' is missing: {text}");
        }
    }
    // One that both have, with other types.
    let text = error(&logging("0.2.0", "log")).to_string();
    assert!(
        text.contains("a function has another type: it takes 1 parameters, not 2"),
        "{text}"
    );
}

#[test]
fn a_newer_version_that_is_compatible_lacks_a_function_here() {
    let text = error(&logging("0.1.7", "shout")).to_string();
    assert!(
        text.contains("it imports shout of offerd:policy/logging@0.1.7"),
        "{text}"
    );
    assert!(text.contains("is its SDK newer than this host?"), "{text}");
    assert!(!text.contains("it is made for"), "{text}");
}

#[test]
fn not_more_is_said_than_people_read() {
    let imports: String = (0..100)
        .map(|n| format!("(import \"surprise-{n}\" (func))"))
        .collect();
    let text = error(&component(&format!("(component {imports})"))).to_string();
    assert_eq!(text.lines().count(), 1 + 20 + 1, "{text}");
    assert!(text.ends_with("- and 83 more"), "{text}");
}

/// The limit on memory does not see these.
#[test]
fn a_module_that_is_heavy_in_the_hosts_memory() {
    let globals = "(global i32 (i32.const 0))".repeat(150_000);
    let text = error(&component(&format!("(component (core module {globals}))"))).to_string();
    assert!(
        text.contains("each instance would take 2.2 MiB of the host's memory; at most 2 MiB"),
        "{text}"
    );
}

#[test]
fn a_function_of_another_type_is_shown_with_both_types() {
    let text = error(&component(
        r#"(component
            (core module $m
                (func (export "configure") (param i32) (result i32) unreachable)
                (memory (export "memory") 1))
            (core instance $i (instantiate $m))
            (func (export "configure") (param "config" u32) (result u32)
                (canon lift (core func $i "configure"))))"#,
    ))
    .to_string();
    assert!(text.contains("a function has another type"), "{text}");
    assert!(text.contains("configure: func(config: string)"), "{text}");
    assert!(text.contains("configure: func(config: u32)"), "{text}");
}
