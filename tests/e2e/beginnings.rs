//! The service begins while the code of large policies is still being compiled.

use std::fs::File;
use std::path::{Path, PathBuf};

use offerd::admin::api::PolicyStatus;
use offerd::replay::{Wish, replay};
use offerd_policy::{Compiler, Runtime};

use crate::support::{Cluster, Host, guest, policy, setup};

/// As long as it is closed, nothing is compiled.
struct Gate(File);

impl Gate {
    /// An open one.
    fn in_folder(dir: &Path) -> Self {
        Self(File::create(dir.join("gate")).unwrap())
    }

    fn close(&self) {
        self.0.lock().unwrap();
    }

    fn open(&self) {
        self.0.unlock().unwrap();
    }

    /// Waits for the gate, then compiles.
    fn compiler(dir: &Path) -> Compiler {
        let arguments = [
            "--shared".into(),
            "--no-fork".into(),
            dir.join("gate").into(),
            env!("CARGO_BIN_EXE_offerd").into(),
            "compile-policy".into(),
        ];
        Compiler::new("flock", arguments.to_vec())
    }
}

/// Small policies, which the start of the service waits for, are compiled.
fn compile_small(dir: &Path) {
    let compiled = dir.join("state/compiled");
    let runtime = Runtime::new(Some(&compiled)).unwrap();
    for small in ["first-fit", "bin-pack"] {
        runtime.load(&guest(small)).unwrap();
    }
}

/// Two roles: `web` with a small policy, `batch` with a large one.
async fn host(master: &str, dir: tempfile::TempDir, config: &str) -> Host {
    let policies = policy("first-fit", "web", "{}") + &policy("bin-pack-js", "batch", config);
    with_policies(master, dir, &policies).await
}

async fn with_policies(master: &str, dir: tempfile::TempDir, policies: &str) -> Host {
    let text = setup(master, dir.path(), &["web", "batch"], policies);
    // Not what other tests have compiled. It is no link if this is a second start.
    let _ = std::fs::remove_file(dir.path().join("state/compiled"));
    compile_small(dir.path());
    let compiler = Gate::compiler(dir.path());
    Host::start_compiling(text, dir, Some(compiler)).await
}

/// A small policy of role `batch` in a file that can be exchanged, and the entries of both
/// roles.
fn own_file(dir: &Path, more: &str) -> (PathBuf, String) {
    let file = dir.join("policy.wasm");
    std::fs::copy(guest("bin-pack"), &file).unwrap();
    let entry = format!("[[policy]]\nroles = [\"batch\"]\nfile = \"policy.wasm\"\n{more}\n");
    (file, policy("first-fit", "web", "{}") + &entry)
}

/// Waits until one of the policies is as it should be.
async fn until(host: &Host, what: &str, good: impl Fn(&PolicyStatus) -> bool) -> PolicyStatus {
    let status = host
        .status_until(what, |status| status.policies.iter().any(&good))
        .await;
    status.policies.into_iter().find(good).unwrap()
}

/// A further role with a policy.
fn with_late(text: &str) -> String {
    let late =
        policy("first-fit", "late", "{}").replace("[[policy]]", "[[policy]]\nname = \"late\"");
    text.replace("\"web\", \"batch\"]", "\"web\", \"batch\", \"late\"]") + &late
}

fn is_late(policy: &PolicyStatus) -> bool {
    policy.roles == ["late"]
}

fn job(role: &str) -> String {
    format!(
        "[[job]]\nname = \"{role}\"\nrole = \"{role}\"\nkind = \"batch\"\ncount = 4\ncpus = 0.1\n\
         mem = 32\ncommand = \"true\"\n"
    )
}

async fn batch(host: &Host) -> PolicyStatus {
    let status = host.status().await;
    let mut policies = status.policies.into_iter();
    policies.find(|policy| policy.roles == ["batch"]).unwrap()
}

async fn why(host: &Host) -> String {
    let tasks = host.tasks().await;
    let task = tasks.iter().find(|task| task.job == "batch").unwrap();
    host.admin.why(&task.id).await.unwrap().verdict
}

#[tokio::test]
async fn sim_other_roles_work_while_a_large_policy_is_compiled() {
    let cluster = Cluster::simulated().await;
    let dir = tempfile::tempdir().unwrap();
    let gate = Gate::in_folder(dir.path());
    gate.close();
    let mut host = host(&cluster.address(), dir, "{}").await;
    host.status_until("it is recorded", |status| status.recording == Some(true))
        .await;
    host.submit(&job("web")).await;
    host.submit(&job("batch")).await;
    host.job_until("web", |job| job.state == "finished").await;
    assert_eq!(batch(&host).await.state, "starting");
    let still = "the policy of role batch is still being made ready";
    assert_eq!(why(&host).await, still);
    let refused = [
        host.admin.swap("batch", guest("spread")).await,
        host.admin.roll_back("batch").await,
        host.admin.shadow("batch", guest("spread")).await,
        host.admin.reload().await,
    ];
    for refused in refused {
        let why = format!("{:?}", refused.unwrap_err());
        assert!(
            why.contains("is still being made ready; try again"),
            "{why}"
        );
    }
    // What nobody waits for, as SIGHUP, is done as soon as it can be.
    host.change(with_late).await;
    gate.open();
    host.job_until("batch", |job| job.state == "finished").await;
    until(&host, "the configuration was read", is_late).await;
    let begun = batch(&host).await;
    assert_eq!(begun.state, "active");
    assert!(begun.switches.is_empty(), "{begun:?}");

    // It is in the cache now.
    let host = host.restart().await;
    assert_eq!(batch(&host).await.state, "active");

    // What was decided before it began can be decided again, and what came then.
    let dir = host.stop().await;
    let report = replay(&dir.path().join("state/recordings"), &Wish::default()).unwrap();
    for name in ["first-fit", "bin-pack-js"] {
        let mut policies = report.policies.iter();
        let policy = policies.find(|it| it.policy == name && it.placed_now > 0);
        let policy = policy.unwrap_or_else(|| panic!("{name}: {report:?}"));
        assert_eq!(policy.different(), 0, "{policy:?}");
    }
}

#[tokio::test]
async fn sim_what_happens_to_tasks_of_a_policy_that_is_compiled_is_not_lost() {
    let cluster = Cluster::simulated().await;
    let dir = tempfile::tempdir().unwrap();
    let gate = Gate::in_folder(dir.path());
    let host = host(&cluster.address(), dir, "{}").await;
    let service = job("batch")
        .replace("\"batch\"\ncount = 4", "\"service\"\ncount = 4")
        .replace("true", "exec sleep 100000");
    host.submit(&service).await;
    host.job_until("batch", |job| job.running == 4).await;
    let task = host.ids("batch", "TASK_RUNNING").await.remove(0);
    std::fs::remove_dir_all(host.dir().join("state/compiled")).unwrap();
    compile_small(host.dir());

    gate.close();
    let host = host.restart().await;
    assert_eq!(batch(&host).await.state, "starting");
    host.job_until("batch", |job| job.running == 4).await;
    host.admin.kill_task(&task).await.unwrap();
    host.status_until("the update of its end is acknowledged", |status| {
        status.tasks_live == 3 && status.counters.updates_acknowledged > 0
    })
    .await;
    assert_eq!(batch(&host).await.rounds, 0);
    gate.open();
    host.job_until("batch", |job| job.running == 4).await;
}

#[tokio::test]
async fn sim_what_decided_last_decides_until_a_large_new_file_is_compiled() {
    let cluster = Cluster::simulated().await;
    let dir = tempfile::tempdir().unwrap();
    let gate = Gate::in_folder(dir.path());
    let (file, policies) = own_file(dir.path(), "watch = false");
    let host = with_policies(&cluster.address(), dir, &policies).await;
    let old = batch(&host).await.digest;
    let dir = host.stop().await;
    std::fs::copy(guest("bin-pack-js"), &file).unwrap();

    gate.close();
    let host = with_policies(&cluster.address(), dir, &policies).await;
    let now = batch(&host).await;
    assert_eq!(
        (now.digest.as_str(), now.state.as_str()),
        (old.as_str(), "swapping")
    );
    host.submit(&job("batch")).await;
    host.job_until("batch", |job| job.state == "finished").await;
    gate.open();
    let new = |policy: &PolicyStatus| policy.previous.as_ref() == Some(&old);
    let new = until(&host, "the new file decides", new).await;
    assert_eq!(new.roles, ["batch"]);
    assert_eq!(new.state, "trial");
}

#[tokio::test]
async fn sim_the_way_back_to_a_large_policy_comes_later() {
    let cluster = Cluster::simulated().await;
    let dir = tempfile::tempdir().unwrap();
    let gate = Gate::in_folder(dir.path());
    let host = host(&cluster.address(), dir, "{}").await;
    let ready = |policy: &PolicyStatus| policy.roles == ["batch"] && policy.state == "active";
    let large = until(&host, "it is ready", ready).await.digest;
    host.admin.swap("batch", guest("bin-pack")).await.unwrap();
    std::fs::remove_dir_all(host.dir().join("state/compiled")).unwrap();
    compile_small(host.dir());

    gate.close();
    let host = host.restart().await;
    assert_eq!(batch(&host).await.previous, None);
    let why = format!("{:?}", host.admin.roll_back("batch").await.unwrap_err());
    assert!(
        why.contains("the version before this one of policy") && why.contains("try again later"),
        "{why}"
    );
    gate.open();
    let back = |policy: &PolicyStatus| policy.previous.as_ref() == Some(&large);
    until(&host, "there is a way back", back).await;
    host.admin.roll_back("batch").await.unwrap();
    assert_eq!(batch(&host).await.digest, large);
}

#[tokio::test]
async fn sim_a_large_policy_that_cannot_begin_harms_no_other() {
    let cluster = Cluster::simulated().await;
    let dir = tempfile::tempdir().unwrap();
    Gate::in_folder(dir.path());
    let mut host = host(&cluster.address(), dir, "{ colour = \"red\" }").await;
    let fallen = |policy: &PolicyStatus| policy.roles == ["batch"] && policy.state == "fallback";
    let policy = until(&host, "the fallback decides", fallen).await;
    let why = policy.refused.unwrap().why;
    assert!(why.contains("colour"), "{why}");
    host.submit(&job("web")).await;
    host.job_until("web", |job| job.state == "finished").await;
    host.submit(&job("batch")).await;
    host.change(|text| text.replace("{ colour = \"red\" }", "{}"))
        .await;
    host.job_until("batch", |job| job.state == "finished").await;
    assert_ne!(batch(&host).await.state, "fallback");
}

#[tokio::test]
async fn sim_a_file_and_a_configuration_that_change_together_both_count() {
    let cluster = Cluster::simulated().await;
    let dir = tempfile::tempdir().unwrap();
    let gate = Gate::in_folder(dir.path());
    let (file, policies) = own_file(dir.path(), "trial = \"0s\"");
    let mut host = with_policies(&cluster.address(), dir, &policies).await;
    let old = batch(&host).await.digest;

    gate.close();
    std::fs::copy(guest("bin-pack-js"), &file).unwrap();
    let swapping = |policy: &PolicyStatus| policy.roles == ["batch"] && policy.state == "swapping";
    until(&host, "the file is being loaded", swapping).await;
    host.change(with_late).await;
    gate.open();
    until(&host, "the configuration was read", is_late).await;
    let now = batch(&host).await;
    assert_eq!((now.previous, now.took_over), (Some(old), 1));
}
