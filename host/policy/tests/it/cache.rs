//! Compiled code is found again, and what cannot be trusted is not used.

use std::os::unix::fs::PermissionsExt as _;

use offerd_policy::{Compiler, Policy, PolicyCode, Runtime, RuntimeError};

use crate::support::{guest_path, options, round};

#[test]
fn the_second_start_finds_the_code_and_decides_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("compiled");
    let mut answers = Vec::new();
    for from_cache in [false, true] {
        // A runtime of its own, as in another process.
        let runtime = Runtime::new(Some(&path)).unwrap();
        let program = runtime.load(&guest_path("minimal")).unwrap();
        assert_eq!(program.from_cache(), from_cache);
        let (options, _) = options(&program, "{}");
        let mut policy = Policy::start(&program, options).unwrap();
        answers.push(policy.decide(round(1).into()).result.unwrap());
    }
    assert_eq!(answers[0], answers[1]);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "nobody else may write code there");
}

#[test]
fn damaged_code_is_compiled_anew() {
    let dir = tempfile::tempdir().unwrap();
    let load = || {
        let runtime = Runtime::new(Some(dir.path())).unwrap();
        runtime.load(&guest_path("minimal")).unwrap().from_cache()
    };
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    assert!(!load());
    assert!(load());
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let file = entry.unwrap().path();
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        std::fs::write(&file, bytes).unwrap();
    }
    assert!(!load(), "what was changed is not run");
    assert!(load(), "and it was written anew");
}

#[test]
fn a_cache_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Runtime::new(Some(&file)).unwrap_err();
    assert!(matches!(error, RuntimeError::Cache { .. }));
    assert!(
        error.to_string().contains(&file.display().to_string()),
        "{error}"
    );
}

fn compiled_by(script: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let compiler = Compiler {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into(), "compiler".into()],
    };
    let runtime = Runtime::with_compiler(Some(dir.path()), Some(compiler)).unwrap();
    let error = runtime.load(&guest_path("minimal")).unwrap_err();
    error.to_string()
}

#[test]
fn a_compiler_that_fails_is_heard() {
    let words = compiled_by("echo \"no room in $1\" >&2; exit 1");
    assert!(
        words.contains("cannot be compiled: no room in /"),
        "{words}"
    );
    let words = compiled_by("kill -9 $$");
    assert!(words.contains("signal: 9"), "{words}");
}

#[test]
fn what_a_compiler_leaves_undone_is_done_here() {
    let dir = tempfile::tempdir().unwrap();
    let compiler = Compiler {
        program: "/bin/true".into(),
        arguments: Vec::new(),
    };
    let runtime = Runtime::with_compiler(Some(dir.path()), Some(compiler)).unwrap();
    let program = runtime.load(&guest_path("minimal")).unwrap();
    assert!(!program.from_cache());
}
