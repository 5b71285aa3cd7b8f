//! Compiled code is found again, and what cannot be trusted is not used.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

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
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "nobody else may write code there");
}

#[test]
fn damaged_code_is_compiled_anew() {
    let dir = tempfile::tempdir().unwrap();
    let load = || from_cache(dir.path());
    assert!(!load());
    assert!(load());
    for file in files(dir.path()) {
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        fs::write(&file, bytes).unwrap();
    }
    assert!(!load(), "what was changed is not run");
    assert!(load(), "and it was written anew");
}

#[test]
fn a_cache_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Runtime::new(Some(&file)).unwrap_err();
    assert!(matches!(error, RuntimeError::Cache { .. }));
    assert!(
        error.to_string().contains(&file.display().to_string()),
        "{error}"
    );
}

fn from_cache(directory: &Path) -> bool {
    let runtime = Runtime::new(Some(directory)).unwrap();
    runtime.load(&guest_path("minimal")).unwrap().from_cache()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn code_that_others_could_have_written_is_compiled_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    assert!(!from_cache(path));
    assert!(from_cache(path));
    fs::set_permissions(&files(path)[0], Permissions::from_mode(0o622)).unwrap();
    assert!(!from_cache(path), "others could write to the file");
    assert!(from_cache(path));
    fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
    assert!(!from_cache(path), "others could write into the directory");
    let mode = fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(from_cache(path));
    let real = path.join("real");
    fs::rename(&files(path)[0], &real).unwrap();
    let link = real.with_file_name("x.cwasm");
    std::os::unix::fs::symlink(&real, link).unwrap();
    assert!(!from_cache(path));
}

/// Giving files away takes root's rights, which CI has.
#[test]
fn code_of_another_user_is_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("compiled");
    assert!(!from_cache(&path));
    let give_away = |path: &Path| std::os::unix::fs::chown(path, Some(65_534), None);
    if give_away(&files(&path)[0]).is_err() {
        assert!(std::env::var_os("OFFERD_CI").is_none(), "CI runs as root");
        eprintln!("SKIPPED: only root can give files to other users");
        return;
    }
    assert!(!from_cache(&path), "the file is not ours");
    assert!(from_cache(&path));
    give_away(&path).unwrap();
    let error = Runtime::new(Some(&path)).unwrap_err();
    assert!(
        error.to_string().contains("it belongs to another user"),
        "{error}"
    );
}

#[test]
fn what_crashed_writers_left_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let left = |name: &str, age: u64| {
        let path = dir.path().join(name);
        let written = SystemTime::now() - Duration::from_secs(age);
        fs::File::create(&path)
            .unwrap()
            .set_modified(written)
            .unwrap();
        path
    };
    let (stale, current) = (left("1.0.new", 7200), left("2.0.new", 0));
    Runtime::new(Some(dir.path())).unwrap();
    assert!(!stale.exists());
    assert!(current.exists(), "another process may be writing it");
}

fn with_compiler(directory: &Path, script: &str, wait: Duration) -> Runtime {
    let compiler = Compiler {
        wait,
        ..Compiler::new(
            "/bin/sh",
            vec!["-c".into(), script.into(), "compiler".into()],
        )
    };
    Runtime::with_compiler(Some(directory), Some(compiler)).unwrap()
}

/// What is said when this compiles a policy.
fn failure(script: &str, wait: Duration) -> String {
    let dir = tempfile::tempdir().unwrap();
    let runtime = with_compiler(dir.path(), script, wait);
    let error = runtime.load(&guest_path("minimal")).unwrap_err();
    error.to_string()
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_compiler_that_fails_is_heard() {
    let words = failure("echo \"no room in $1\" >&2; exit 1", LONG);
    assert!(
        words.contains("cannot be compiled: no room in /"),
        "{words}"
    );
    let words = failure("kill -9 $$", LONG);
    assert!(words.contains("signal: 9"), "{words}");
    let words = failure("echo memory allocation failed >&2; kill -6 $$", LONG);
    assert!(
        words.contains("which may use 4096 MiB, ended with signal: 6"),
        "{words}"
    );
    assert!(words.contains("memory allocation failed"), "{words}");
}

#[test]
fn a_compiler_gets_so_much_time() {
    let words = failure("kill -XCPU $$", LONG);
    assert!(
        words.contains("more than 120 s of processor time"),
        "{words}"
    );
    let words = failure("exec sleep 1000", Duration::from_millis(50));
    assert!(
        words.contains("the compiler was ended, since it took longer than 50 ms"),
        "{words}"
    );
}

/// Compiling it here would be what another process is for.
#[test]
fn what_a_compiler_leaves_undone_is_an_error() {
    let words = failure("exit 0", LONG);
    assert!(words.contains("left nothing usable in /"), "{words}");
}

#[test]
fn what_was_compiled_for_another_process_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let component = fs::read(guest_path("minimal")).unwrap();
    let compiling = Runtime::new(Some(dir.path())).unwrap();
    compiling.compile(&component).unwrap();
    assert!(from_cache(dir.path()));
    let error = compiling.compile(b"nonsense").unwrap_err();
    assert!(!error.to_string().is_empty());
}
