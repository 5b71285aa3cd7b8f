//! Policies are changed while tasks run: by hand, by file, by the supervisor; on
//! a simulated and on a real master.

use std::path::{Path, PathBuf};

use offerd::admin::api::{PolicyStatus, Status};
use offerd::admin::client::AskError;

use crate::support::{Cluster, Host, guest, setup, until};

const SERVICE: &str = r#"
[[job]]
name = "front"
role = "web"
kind = "service"
count = 20
cpus = 0.1
mem = 32
command = "exec sleep 100000"
"#;

fn batch(number: u32) -> String {
    format!(
        "[[job]]\nname = \"batch-{number}\"\nrole = \"web\"\nkind = \"batch\"\ncount = 4\n\
         cpus = 0.1\nmem = 32\ncommand = \"true\"\n"
    )
}

/// A host whose policy is a copy of a guest, `policy.wasm` in its directory.
async fn host(master: &str, name: &str, more: &str) -> (Host, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.wasm");
    std::fs::copy(guest(name), &file).unwrap();
    let policy = format!("[[policy]]\nroles = [\"web\"]\nfile = \"policy.wasm\"\n{more}");
    let text = setup(master, dir.path(), &["web"], &policy);
    (Host::start_text(text, dir).await, file)
}

fn only(status: &Status) -> &PolicyStatus {
    let [policy] = status.policies.as_slice() else {
        panic!("{status:?}");
    };
    policy
}

async fn digest(host: &Host) -> String {
    only(&host.status().await).digest.clone()
}

fn digest_of(name: &str) -> String {
    offerd_policy::digest(&std::fs::read(guest(name)).unwrap())
}

fn refused(result: Result<offerd::admin::api::Done, AskError>) -> String {
    match result {
        Err(AskError::Refused { failure, .. }) => failure.details.join("\n"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn sim_a_policy_is_swapped_and_rolled_back_by_hand() {
    let cluster = Cluster::simulated().await;
    let (host, _) = host(&cluster.address(), "first-fit", "").await;
    host.submit(SERVICE).await;
    host.job_until("front", |job| job.running == 20).await;
    let first = digest(&host).await;
    assert_eq!(first, digest_of("first-fit"));

    let done = host.admin.swap("web", guest("bin-pack")).await.unwrap();
    assert!(done.done[0].contains("took over"), "{done:?}");
    let status = host.status().await;
    let policy = only(&status);
    assert_eq!(policy.digest, digest_of("bin-pack"));
    assert_eq!(policy.previous.as_deref(), Some(first.as_str()));
    assert_eq!(policy.state, "trial");
    host.submit(&batch(1)).await;
    host.job_until("batch-1", |job| job.state == "finished")
        .await;

    host.admin.roll_back("policy").await.unwrap();
    assert_eq!(digest(&host).await, first);
    host.submit(&batch(2)).await;
    host.job_until("batch-2", |job| job.state == "finished")
        .await;
    let jobs = host.admin.jobs().await.unwrap();
    assert!(
        jobs.iter()
            .any(|job| job.name == "front" && job.running == 20)
    );
    let switches = only(&host.status().await).switches.clone();
    assert_eq!(switches.len(), 2);
    assert!(
        switches.iter().all(|switch| switch.pause > 0.0),
        "{switches:?}"
    );
}

#[tokio::test]
async fn sim_what_cannot_take_over_does_not_and_says_why() {
    let cluster = Cluster::simulated().await;
    let (host, file) = host(&cluster.address(), "first-fit", "watch = false").await;
    let before = digest(&host).await;
    let missing = file.with_file_name("nothing.wasm");
    let why = refused(host.admin.swap("web", missing).await);
    assert!(why.contains("nothing.wasm"), "{why}");
    let broken = file.with_file_name("broken.wasm");
    std::fs::write(&broken, b"\0asm\x0d\0\x01\0 and then nonsense").unwrap();
    let why = refused(host.admin.swap("web", broken.clone()).await);
    assert!(why.contains("damaged"), "{why}");
    let why = refused(host.admin.swap("nobody", broken).await);
    assert!(why.contains("policy (web)"), "{why}");
    let why = refused(host.admin.roll_back("web").await);
    assert!(why.contains("no version before"), "{why}");
    assert_eq!(digest(&host).await, before);
    host.submit(&batch(1)).await;
    host.job_until("batch-1", |job| job.state == "finished")
        .await;
}

#[tokio::test]
async fn sim_a_restarted_host_runs_what_was_active() {
    let cluster = Cluster::simulated().await;
    let (host, file) = host(&cluster.address(), "first-fit", "watch = false").await;
    host.submit(SERVICE).await;
    host.job_until("front", |job| job.running == 20).await;
    host.admin.swap("web", guest("bin-pack")).await.unwrap();
    let host = host.restart().await;
    assert_eq!(digest(&host).await, digest_of("bin-pack"));
    host.job_until("front", |job| job.running == 20).await;
    // Who puts another file there wants that.
    std::fs::copy(guest("spread"), &file).unwrap();
    let host = host.restart().await;
    assert_eq!(digest(&host).await, digest_of("spread"));
}

#[tokio::test]
async fn sim_a_changed_file_takes_over_and_a_broken_one_does_not() {
    let cluster = Cluster::simulated().await;
    let (host, file) = host(&cluster.address(), "first-fit", "").await;
    put(&file, &std::fs::read(guest("bin-pack")).unwrap());
    let wanted = digest_of("bin-pack");
    host.status_until("the new file", |s| only(s).digest == wanted)
        .await;
    put(&file, b"nonsense");
    let status = host
        .status_until("the broken file is refused", |s| only(s).refused.is_some())
        .await;
    let why = &only(&status).refused.as_ref().unwrap().why;
    assert!(why.contains("policy.wasm"), "{why}");
    assert_eq!(only(&status).digest, wanted, "the one at work goes on");
    put(&file, &std::fs::read(guest("spread")).unwrap());
    let wanted = digest_of("spread");
    host.status_until("the newest file", |s| only(s).digest == wanted)
        .await;
    assert_eq!(only(&host.status().await).switches.len(), 2);
}

#[tokio::test]
async fn sim_a_file_that_was_looked_at_already_undoes_no_swap() {
    let cluster = Cluster::simulated().await;
    let (host, file) = host(&cluster.address(), "first-fit", "").await;
    host.admin.swap("web", guest("bin-pack")).await.unwrap();
    // The same file once more, then another one: only that takes over.
    put(&file, &std::fs::read(guest("first-fit")).unwrap());
    host.admin.reload().await.unwrap();
    put(&file, &std::fs::read(guest("spread")).unwrap());
    let wanted = digest_of("spread");
    let status = host
        .status_until("the newest file", |s| only(s).digest == wanted)
        .await;
    let to: Vec<&str> = only(&status)
        .switches
        .iter()
        .map(|switch| switch.to.as_str())
        .collect();
    assert_eq!(to, [digest_of("bin-pack"), wanted]);
}

#[tokio::test]
async fn sim_a_broken_file_does_not_take_over_at_a_restart() {
    let cluster = Cluster::simulated().await;
    let (host, file) = host(&cluster.address(), "first-fit", "watch = false").await;
    host.submit(SERVICE).await;
    host.job_until("front", |job| job.running == 20).await;
    put(&file, b"nonsense");
    let host = host.restart().await;
    assert_eq!(digest(&host).await, digest_of("first-fit"));
    host.job_until("front", |job| job.running == 20).await;
    put(&file, &std::fs::read(guest("spread")).unwrap());
    let host = host.restart().await;
    assert_eq!(digest(&host).await, digest_of("spread"));
}

#[tokio::test]
async fn sim_a_roll_back_lasts_and_the_way_back_does_too() {
    let cluster = Cluster::simulated().await;
    let (host, file) = host(&cluster.address(), "first-fit", "").await;
    put(&file, &std::fs::read(guest("bin-pack")).unwrap());
    let wanted = digest_of("bin-pack");
    host.status_until("the new file", |s| only(s).digest == wanted)
        .await;
    host.admin.roll_back("web").await.unwrap();
    // The configured file was looked at, and was not wanted.
    let host = host.restart().await;
    assert_eq!(digest(&host).await, digest_of("first-fit"));
    // A roll-back goes both ways.
    let host = host.restart().await;
    host.admin.roll_back("web").await.unwrap();
    assert_eq!(digest(&host).await, wanted);
    let host = host.restart().await;
    let status = host.status().await;
    assert_eq!(only(&status).digest, wanted);
    assert_eq!(
        only(&status).previous.as_deref(),
        Some(digest_of("first-fit").as_str())
    );
}

fn put(file: &Path, bytes: &[u8]) {
    let aside = file.with_extension("aside");
    std::fs::write(&aside, bytes).unwrap();
    std::fs::rename(aside, file).unwrap();
}

/// A host with a service of 20 tasks, 25 rounds in which `minimal` placed a task, which
/// does not care for the configuration, unlike `worse`, and a job that fits nowhere.
async fn host_that_has_worked(cluster: &Cluster, does: &str) -> Host {
    let config = format!("watch = false\nconfig = {{ does = \"{does}\" }}\n");
    let (host, _) = host(&cluster.address(), "minimal", &config).await;
    host.submit(SERVICE).await;
    host.job_until("front", |job| job.running == 20).await;
    host.submit(&batch(0).replace("cpus = 0.1", "cpus = 1000"))
        .await;
    for number in 0..25 {
        host.submit(&single(number)).await;
        host.job_until(&format!("single-{number}"), |job| job.state == "finished")
            .await;
    }
    host
}

/// Submits jobs until what decided before decides again; how many.
async fn work_until_rolled_back(host: &Host, to: &str) -> u32 {
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
    for number in 0..1_000 {
        looks.tick().await;
        if digest(host).await == to {
            return number;
        }
        host.submit(&single(100 + number)).await;
    }
    panic!("it is not rolled back: {:?}", host.status().await);
}

fn single(number: u32) -> String {
    batch(number)
        .replace("batch-", "single-")
        .replace("count = 4", "count = 1")
}

#[tokio::test]
async fn sim_a_policy_that_does_worse_in_its_trial_is_rolled_back() {
    for (does, why) in [
        ("panic-at-work", "2 strikes in its trial"),
        ("sloppy", "% of its decisions were refused in its trial"),
        ("idle", "it placed 0.00 tasks a round in its trial"),
    ] {
        let cluster = Cluster::simulated().await;
        let host = host_that_has_worked(&cluster, does).await;
        let before = digest(&host).await;
        host.admin.swap("web", guest("worse")).await.unwrap();
        assert_eq!(only(&host.status().await).state, "trial", "{does}");
        let jobs = work_until_rolled_back(&host, &before).await;
        let status = host.status().await;
        let policy = only(&status);
        let switch = policy.switches.last().unwrap();
        assert!(switch.why.contains(why), "{does}: {switch:?}");
        assert_eq!(policy.previous, None, "bad code is no way back");
        for number in 100..100 + jobs {
            host.job_until(&format!("single-{number}"), |job| job.state == "finished")
                .await;
        }
        host.job_until("front", |job| job.running == 20).await;
        host.stop().await;
    }
}

#[tokio::test]
async fn sim_a_policy_that_lets_tasks_wait_in_its_trial_is_rolled_back() {
    let cluster = Cluster::simulated().await;
    let host = host_that_has_worked(&cluster, "late").await;
    let before = digest(&host).await;
    host.admin.swap("web", guest("worse")).await.unwrap();
    host.submit(&batch(1).replace("count = 4", "count = 25"))
        .await;
    let status = host
        .status_until("the one before decides", |s| only(s).digest == before)
        .await;
    let why = &only(&status).switches.last().unwrap().why;
    assert!(why.starts_with("tasks waited "), "{why}");
    assert!(why.contains("in its trial; with the one before"), "{why}");
    host.job_until("batch-1", |job| job.finished == 25).await;
}

#[tokio::test]
async fn sim_a_restart_does_not_end_a_trial() {
    let cluster = Cluster::simulated().await;
    let host = host_that_has_worked(&cluster, "idle").await;
    let before = digest(&host).await;
    host.admin.swap("web", guest("worse")).await.unwrap();
    let host = host.restart().await;
    let status = host.status().await;
    assert_eq!(only(&status).digest, digest_of("worse"));
    assert_eq!(only(&status).state, "trial");
    work_until_rolled_back(&host, &before).await;
    let status = host.status().await;
    let switch = only(&status).switches.last().unwrap();
    assert!(switch.why.contains("the one before placed"), "{switch:?}");
    // What came back needs no trial.
    let host = host.restart().await;
    let status = host.status().await;
    assert_eq!(only(&status).digest, before);
    assert_eq!(only(&status).state, "active");
}

#[tokio::test]
async fn sim_what_fails_in_its_rehearsal_never_takes_over() {
    for (does, why) in [
        (
            "panic",
            "it failed: the policy was stopped: round 1: decide aborted",
        ),
        ("astray", "1 of its 1 placements could not be carried out"),
    ] {
        let cluster = Cluster::simulated().await;
        let host = host_that_has_worked(&cluster, does).await;
        let before = digest(&host).await;
        let said = refused(host.admin.swap("web", guest("worse")).await);
        assert!(said.contains("in its rehearsal"), "{said}");
        assert!(said.contains(why), "{said}");
        let status = host.status().await;
        let policy = only(&status);
        assert_eq!(policy.digest, before);
        assert_eq!(policy.state, "active");
        assert_eq!((policy.switches.len(), policy.strikes), (0, 0));
        assert_eq!(policy.refused.as_ref().unwrap().why, said);
        host.submit(&batch(1)).await;
        host.job_until("batch-1", |job| job.state == "finished")
            .await;
        host.stop().await;
    }
}

#[tokio::test]
async fn sim_code_that_cannot_use_the_state_does_not_take_over() {
    let cluster = Cluster::simulated().await;
    let config = "watch = false\nconfig = { restore = \"error\" }\n";
    let (host, _) = host(&cluster.address(), "misbehave", config).await;
    let before = digest(&host).await;
    // What decides has a state; its own code, which begins anew, refuses that.
    let why = refused(host.admin.swap("web", guest("misbehave")).await);
    assert!(why.contains("cannot use the state"), "{why}");
    let status = host.status().await;
    assert_eq!(only(&status).digest, before);
    assert_eq!(only(&status).state, "active");
    assert!(only(&status).refused.is_some());
    // Code without state takes over; the way back begins without that state, too.
    host.admin.swap("web", guest("minimal")).await.unwrap();
    host.submit(&batch(1)).await;
    host.job_until("batch-1", |job| job.state == "finished")
        .await;
    host.admin.roll_back("web").await.unwrap();
    assert_eq!(digest(&host).await, before);
}

#[tokio::test]
async fn sim_a_roll_back_gives_up_what_is_only_being_loaded() {
    let cluster = Cluster::simulated().await;
    let (host, file) = host(&cluster.address(), "first-fit", "watch = false").await;
    host.admin.swap("web", guest("bin-pack")).await.unwrap();
    // Reading it takes until somebody writes into it.
    let never = file.with_file_name("never.wasm");
    let release = fifo(&never, std::fs::read(guest("spread")).unwrap());
    let admin = host.admin.clone();
    let wanted = never.clone();
    let loading = tokio::spawn(async move { admin.swap("web", wanted).await });
    host.status_until("a swap is under way", |s| only(s).state == "swapping")
        .await;
    host.admin.roll_back("web").await.unwrap();
    assert_eq!(digest(&host).await, digest_of("first-fit"));
    let why = refused(loading.await.unwrap());
    assert!(why.contains("goes back to the version before"), "{why}");
    // What is read at last comes too late.
    drop(release);
    host.admin.swap("web", guest("bin-pack")).await.unwrap();
    assert_eq!(digest(&host).await, digest_of("bin-pack"));
}

/// A pipe from which the bytes come when the result is dropped.
fn fifo(path: &Path, bytes: Vec<u8>) -> std::sync::mpsc::Sender<()> {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
    let (release, released) = std::sync::mpsc::channel();
    let path = path.to_owned();
    std::thread::spawn(move || {
        let _ = released.recv();
        std::fs::write(path, bytes)
    });
    release
}

#[tokio::test]
async fn sim_past_its_budget_the_fallback_decides() {
    let cluster = Cluster::simulated().await;
    let (host, _) = host(
        &cluster.address(),
        "misbehave",
        "strikes = 2\nfallback = \"first-fit\"\nconfig = { decide = \"panic\" }\n",
    )
    .await;
    host.submit(&batch(1)).await;
    host.job_until("batch-1", |job| job.state == "finished")
        .await;
    let status = host.status().await;
    let policy = only(&status);
    assert_eq!(policy.state, "fallback");
    assert!(policy.switches[0].why.contains("strikes"), "{policy:?}");
    assert!(policy.previous.is_some(), "an operator may go back");
    let page = host.admin.metrics().await.unwrap();
    assert!(
        page.contains("offerd_policy_fallback{policy=\"policy\"} 1"),
        "{page}"
    );
    // Better code ends it.
    host.admin.swap("web", guest("minimal")).await.unwrap();
    assert_eq!(digest(&host).await, digest_of("minimal"));
    host.submit(&batch(2)).await;
    host.job_until("batch-2", |job| job.state == "finished")
        .await;
}

/// A service and a stream of short tasks, while the policy is swapped 50 times,
/// with broken ones in between.
async fn many_swaps(cluster: &Cluster) {
    let (host, file) = host(
        &cluster.address(),
        "first-fit",
        "trial = \"0s\"\nwatch = false",
    )
    .await;
    host.submit(SERVICE).await;
    host.job_until("front", |job| job.running == 20).await;
    let mut services: Vec<String> = host.ids("front", "TASK_RUNNING").await;
    services.sort();
    let broken = file.with_file_name("broken.wasm");
    std::fs::write(&broken, "no component").unwrap();
    let mut pauses = Vec::new();
    for number in 0..50 {
        if number % 5 == 0 {
            host.submit(&batch(number)).await;
        }
        if number == 25 {
            let before = digest(&host).await;
            refused(host.admin.swap("web", broken.clone()).await);
            // It loads and begins, and panics in each round.
            let why = refused(host.admin.swap("web", guest("worse")).await);
            assert!(why.contains("in its rehearsal"), "{why}");
            let status = host.status().await;
            assert_eq!(only(&status).digest, before);
            assert_eq!(only(&status).numbers.failures, 0);
        }
        // Two versions and two languages.
        let next = ["bin-pack", "first-fit", "bin-pack-python"][number as usize % 3];
        host.admin.swap("web", guest(next)).await.unwrap();
        assert_eq!(digest(&host).await, digest_of(next));
        pauses.push(only(&host.status().await).switches.last().unwrap().pause);
    }
    for number in (0..50).step_by(5) {
        host.job_until(&format!("batch-{number}"), |job| {
            job.state == "finished" && job.finished == 4 && job.failed == 0
        })
        .await;
    }
    let mut after = host.ids("front", "TASK_RUNNING").await;
    after.sort();
    assert_eq!(after, services, "the service was not touched");
    pauses.sort_by(f64::total_cmp);
    println!(
        "pauses: median {:.6} s, longest {:.6} s",
        pauses[25], pauses[49]
    );
    host.status_until("idle", |s| s.offers_held == 0).await;
    // Each update once, whatever happened meanwhile.
    until("all updates are acknowledged", async || {
        match cluster.acknowledgements().await {
            (good, 0) if good >= 20 + 10 * 4 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

#[tokio::test]
async fn sim_fifty_swaps_disturb_nothing() {
    many_swaps(&Cluster::simulated().await).await;
}

#[tokio::test]
async fn mesos_fifty_swaps_disturb_nothing() {
    if let Some(cluster) = Cluster::real() {
        many_swaps(&cluster).await;
    }
}

/// The guest saves the number of rounds that it has seen.
fn rounds_saved(file: &Path) -> u32 {
    use base64::Engine as _;
    let state = file
        .with_file_name("state")
        .join("policies/policy.state.json");
    let state: serde_json::Value = serde_json::from_slice(&std::fs::read(state).unwrap()).unwrap();
    assert_eq!(state["version"], 3);
    let data = state["data"].as_str().unwrap();
    let data = base64::engine::general_purpose::STANDARD
        .decode(data)
        .unwrap();
    u32::from_le_bytes(data.try_into().unwrap())
}

#[tokio::test]
async fn sim_state_goes_over_and_survives_a_restart() {
    let cluster = Cluster::simulated().await;
    let (mut host, file) = host(&cluster.address(), "misbehave", "watch = false").await;
    let mut seen = 0;
    for number in 0..3 {
        // It places nothing; each job is a round.
        host.submit(&batch(number)).await;
        host.status_until("a round", |s| only(s).rounds > 0).await;
        host.admin.swap("web", guest("misbehave")).await.unwrap();
        host = host.restart().await;
        let now = rounds_saved(&file);
        assert!(now > seen, "{now} rounds after {seen}");
        seen = now;
    }
}
