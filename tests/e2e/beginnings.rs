//! The service begins while the code of large policies is still being compiled.

use std::fs::File;
use std::path::Path;

use offerd::admin::api::PolicyStatus;
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
    let text = setup(master, dir.path(), &["web", "batch"], &policies);
    // Whatever other tests have compiled.
    std::fs::remove_file(dir.path().join("state/compiled")).unwrap();
    compile_small(dir.path());
    let compiler = Gate::compiler(dir.path());
    Host::start_compiling(text, dir, Some(compiler)).await
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
    host.change(|text| {
        let late =
            policy("first-fit", "late", "{}").replace("[[policy]]", "[[policy]]\nname = \"late\"");
        text.replace("\"web\", \"batch\"]", "\"web\", \"batch\", \"late\"]") + &late
    })
    .await;
    gate.open();
    host.job_until("batch", |job| job.state == "finished").await;
    host.status_until("the configuration was read", |status| {
        status
            .policies
            .iter()
            .any(|policy| policy.roles == ["late"])
    })
    .await;
    let begun = batch(&host).await;
    assert_eq!(begun.state, "active");
    assert!(begun.switches.is_empty(), "{begun:?}");

    // It is in the cache now.
    let host = host.restart().await;
    assert_eq!(batch(&host).await.state, "active");
}

#[tokio::test]
async fn sim_the_way_back_to_a_large_policy_comes_later() {
    let cluster = Cluster::simulated().await;
    let dir = tempfile::tempdir().unwrap();
    let gate = Gate::in_folder(dir.path());
    let host = host(&cluster.address(), dir, "{}").await;
    let ready = |policy: &PolicyStatus| policy.roles == ["batch"] && policy.state == "active";
    let status = host
        .status_until("it is ready", |status| status.policies.iter().any(ready))
        .await;
    let large = status.policies.into_iter().find(ready).unwrap().digest;
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
    host.status_until("there is a way back", |status| {
        status.policies.iter().any(back)
    })
    .await;
    host.admin.roll_back("batch").await.unwrap();
    assert_eq!(batch(&host).await.digest, large);
}

#[tokio::test]
async fn sim_a_large_policy_that_cannot_begin_ends_the_service() {
    let cluster = Cluster::simulated().await;
    let dir = tempfile::tempdir().unwrap();
    Gate::in_folder(dir.path());
    let host = host(&cluster.address(), dir, "{ colour = \"red\" }").await;
    let why = host.last_words().await;
    assert!(
        why.contains("not all policies can be put to work") && why.contains("colour"),
        "{why}"
    );
}
