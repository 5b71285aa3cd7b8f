//! The program as users run it.

use std::process::Stdio;

use offerd_sim::Sim;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::support::{Running, ends_well, guest, offerd, output, signal, sim_settings, within};

const CONFIG: &str = r#"# offerd.toml: relative paths are relative to this file
[mesos]
masters = ["MASTER"]

[framework]
name = "offerd"
user = "root"
roles = ["batch", "web"]

[store]
dir = "state"

[[policy]]
roles = ["batch"]
file = "bin-pack.wasm"

[[policy]]
roles = ["web"]
file = "spread.wasm"
config = { attribute = "rack" }
"#;

const JOBS: &str = r#"# jobs.toml
[[job]]
name = "sleepers"
role = "batch"
kind = "batch"            # or "service"
count = 40
cpus = 0.1
mem = 32                  # MiB
command = "sleep 0.1"
retries = 1

[[job]]
name = "front"
role = "web"
kind = "service"
count = 4
cpus = 0.1
mem = 32
command = "exec sleep 100000"
priority = 10
"#;

/// A directory with the files of the README.
pub(crate) fn directory(master: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["bin-pack", "spread"] {
        std::fs::copy(guest(name), dir.path().join(format!("{name}.wasm"))).unwrap();
    }
    std::fs::write(
        dir.path().join("offerd.toml"),
        CONFIG.replace("MASTER", master),
    )
    .unwrap();
    std::fs::write(dir.path().join("jobs.toml"), JOBS).unwrap();
    dir
}

#[tokio::test]
async fn the_files_of_the_readme_work_as_they_stand() {
    let sim = Sim::start(sim_settings()).await.unwrap();
    let dir = directory(&sim.address().to_string());
    let dir = dir.path();
    let running = Running::start(dir).await;
    let admin = running.admin.clone();
    let ask =
        async |arguments: &[&str]| output(dir, &[arguments, &["--admin", &admin]].concat()).await;

    let (code, out, err) = ask(&["job", "submit", "jobs.toml", "--wait"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("job sleepers submitted: 40 tasks"), "{out}");
    assert!(
        out.contains("job sleepers finished: 40 of 40 tasks finished, 0 failed"),
        "{out}"
    );
    assert!(out.contains("job front: 4 of 4 tasks run"), "{out}");

    let json = async |arguments: &[&str]| -> serde_json::Value {
        let (code, out, err) = ask(&[arguments, &["--json"]].concat()).await;
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    };
    let jobs = json(&["job", "list"]).await;
    assert_eq!(jobs[0]["name"], "sleepers");
    assert_eq!(jobs[1]["running"], 4);
    let tasks = json(&["task", "list"]).await;
    assert_eq!(tasks.as_array().unwrap().len(), 44);
    let front = json(&["task", "list", "--job", "front"]).await;
    for key in ["id", "job", "role", "state", "agent", "reason"] {
        assert!(front[0][key].is_string(), "{key}: {front}");
    }
    assert_eq!(front[0]["state"], "TASK_RUNNING");
    let status = json(&["status"]).await;
    assert_eq!(status["subscribed"], true);
    assert!(
        status["framework_id"].is_string() && status["master"].is_string(),
        "{status}"
    );
    assert!(status["offers_held"].is_u64(), "{status}");
    assert_eq!(status["policies"][1]["digest"].as_str().unwrap().len(), 64);

    let id = front[0]["id"].as_str().unwrap();
    let (code, out, _) = ask(&["task", "kill", id]).await;
    assert_eq!((code, out.contains("is killed")), (0, true), "{out}");
    let (code, out, _) = ask(&["job", "scale", "front", "2"]).await;
    assert_eq!((code, out.contains("from 4 to 2")), (0, true), "{out}");
    let (code, out, _) = ask(&["job", "kill", "front"]).await;
    assert_eq!((code, out.contains("is killed")), (0, true), "{out}");
    for list in [&["job", "list"][..], &["task", "list"], &["status"]] {
        let (code, out, _) = ask(list).await;
        assert!(code == 0 && out.lines().count() > 2, "{out}");
    }

    let (code, _, err) = ask(&["job", "kill", "nobody", "noone"]).await;
    assert_eq!(code, 1);
    assert!(
        err.contains("no job nobody") && err.contains("no job noone"),
        "{err}"
    );
    let (code, _, err) = ask(&["task", "kill", "nobody"]).await;
    assert_eq!(
        (code, err.contains("no live task nobody")),
        (1, true),
        "{err}"
    );

    // Ends in order when it is asked to.
    running.stop().await;
    let (code, _, err) = ask(&["status"]).await;
    assert_eq!(code, 1);
    assert!(
        err.contains("no offerd answers at") && err.contains("OFFERD_ADMIN"),
        "{err}"
    );
}

/// The policy takes seconds to compile. Had anybody waited for that, its code would
/// be in the cache, as that of the small one is which the start waits for.
#[tokio::test]
async fn who_ends_it_does_not_wait_for_what_is_compiled() {
    let dir = directory("127.0.0.1:1");
    std::fs::copy(guest("bin-pack-python"), dir.path().join("bin-pack.wasm")).unwrap();
    let mut child = offerd(dir.path(), &["run"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let compiling = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            // On a busy machine there may be one about the small policy, too.
            if line.contains("compiling policy bin-pack.wasm (17.") {
                return;
            }
        }
        panic!("it compiled nothing");
    };
    within("a line about compiling", compiling).await;
    signal(&child, "TERM").await;
    ends_well(&mut child).await;
    let cache = std::fs::read_dir(dir.path().join("state/compiled")).unwrap();
    let compiled: Vec<u64> = cache
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().extension().is_some_and(|it| it == "cwasm"))
        .map(|entry| entry.metadata().unwrap().len())
        .collect();
    let [small] = compiled[..] else {
        panic!("{compiled:?}");
    };
    assert!(small < 10 << 20, "{small} bytes");
}

#[tokio::test]
async fn a_batch_job_that_fails_gives_status_1() {
    let sim = Sim::start(sim_settings()).await.unwrap();
    let dir = directory(&sim.address().to_string());
    let running = Running::start(dir.path()).await;
    let text = JOBS.split("[[job]]\nname = \"front\"").next().unwrap();
    let text = text
        .replace("sleep 0.1", "exit 1")
        .replace("count = 40", "count = 2");
    std::fs::write(dir.path().join("jobs.toml"), text).unwrap();
    let submit = ["job", "submit", "jobs.toml", "--wait", "--admin"];
    let arguments = [&submit[..], &[&running.admin]].concat();
    let (code, out, _) = output(dir.path(), &arguments).await;
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("job sleepers failed: 0 of 2 tasks finished, 2 failed"),
        "{out}"
    );
}

#[tokio::test]
async fn all_mistakes_of_a_configuration_are_said_at_once() {
    let dir = directory("127.0.0.1:port");
    let path = dir.path().join("offerd.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        text.replace("user = ", "usr = ")
            .replace("spread.wasm", "sprad.wasm"),
    )
    .unwrap();
    let (code, _, err) = output(dir.path(), &["run"]).await;
    assert_eq!(code, 1);
    for part in [
        "offerd.toml:3:12",
        "the port is not a number",
        "offerd.toml:7:1",
        "usr",
        "sprad.wasm",
        "mistakes in the configuration; offerd does not start",
    ] {
        assert!(err.contains(part), "'{part}' is missing: {err}");
    }
}

#[tokio::test]
async fn files_that_cannot_be_read_are_named() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in [
        &["run", "--config", "nothing.toml"][..],
        &["check", "nothing.wasm"],
        &["job", "submit", "nothing.toml"],
        &["status", "--config", "nothing.toml"],
    ] {
        let (code, _, err) = output(dir.path(), arguments).await;
        assert_eq!(code, 1, "{err}");
        assert!(
            err.contains("nothing.") && err.contains("No such file"),
            "{err}"
        );
    }
}

#[tokio::test]
async fn mistakes_in_a_job_file_have_the_files_name() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("jobs.toml"), "[[job]]\nname = 7\n").unwrap();
    let (code, _, err) = output(dir.path(), &["job", "submit", "jobs.toml"]).await;
    assert_eq!(code, 1);
    assert!(
        err.contains("jobs.toml:2:8") && err.contains("nothing was submitted"),
        "{err}"
    );
}

#[tokio::test]
async fn check_tells_what_a_policy_is_or_why_not() {
    let dir = directory("127.0.0.1:1");
    let (code, out, err) = output(dir.path(), &["check", "spread.wasm"]).await;
    assert_eq!(code, 0, "{err}");
    for part in [
        "is a policy",
        "Spreads the tasks",
        "contract offerd:policy@0.1.0",
        "exports  configure, decide, describe",
        "offerd:policy/cluster@0.1.0",
        "digest",
    ] {
        assert!(out.contains(part), "'{part}' is missing: {out}");
    }
    std::fs::write(dir.path().join("module.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let (code, _, err) = output(dir.path(), &["check", "module.wasm"]).await;
    assert_eq!(code, 1);
    assert!(
        err.contains("core WebAssembly module, not a component"),
        "{err}"
    );
}

#[tokio::test]
async fn the_demo_runs_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let policy = guest("spread");
    let (code, out, err) =
        output(dir.path(), &["demo", "--policy", policy.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("12 finished") && out.contains("killed"),
        "{out}"
    );
    let (code, _, err) = output(dir.path(), &["demo", "--policy", "nobody"]).await;
    assert_eq!(code, 1);
    assert!(
        err.contains("no policy nobody") && err.contains("cargo xtask demo"),
        "{err}"
    );
}

#[tokio::test]
async fn a_reader_that_has_enough_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let policy = guest("bin-pack");
    let mut child = offerd(dir.path(), &["check", policy.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = within("its end", child.wait_with_output()).await.unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success() && !said.contains("pipe"), "{said}");
}
