//! Roles and policies that come, go and change while everything goes on.

use offerd::admin::api::Done;
use offerd::admin::client::AskError;
use offerd::replay::{Wish, replay};

use crate::support::{Cluster, Host, policy, setup, until};

fn job(name: &str, role: &str, kind: &str, count: u32, command: &str) -> String {
    format!(
        "[[job]]\nname = \"{name}\"\nrole = \"{role}\"\nkind = \"{kind}\"\ncount = {count}\n\
         cpus = 0.2\nmem = 32\ncommand = \"{command}\"\n"
    )
}

fn refused(result: Result<Done, AskError>) -> String {
    match result {
        Err(AskError::Refused { failure, .. }) => failure.details.join("\n"),
        other => panic!("{other:?}"),
    }
}

async fn finished(host: &Host, name: &str) {
    host.job_until(name, |job| job.state == "finished" && job.failed == 0)
        .await;
}

/// Configurations of one host.
struct Texts<'a> {
    cluster: &'a Cluster,
    host: Host,
}

impl Texts<'_> {
    async fn reload(&mut self, roles: &[&str], policies: &[String]) -> Result<Done, AskError> {
        let more = policies.concat();
        let text = setup(&self.cluster.address(), self.host.dir(), roles, &more);
        self.host.reload(text).await
    }
}

async fn come_go_and_move(cluster: &Cluster) {
    let batch = policy("first-fit", "batch", "{}");
    let web = policy("bin-pack", "web", "{}");
    let both = batch.replace("[\"batch\"]", "[\"batch\", \"web\"]");
    let dir = tempfile::tempdir().unwrap();
    let text = setup(&cluster.address(), dir.path(), &["batch"], &batch);
    let host = Host::start_text(text, dir).await;
    let mut texts = Texts { cluster, host };
    texts
        .host
        .submit(&job("one", "batch", "batch", 10, "true"))
        .await;
    finished(&texts.host, "one").await;

    // One comes.
    let done = texts
        .reload(&["batch", "web"], &[batch.clone(), web.clone()])
        .await;
    assert_eq!(done.unwrap().done, ["policy bin-pack decides for web"]);
    let front = job("front", "web", "service", 4, "exec sleep 100000");
    texts.host.submit(&front).await;
    texts.host.job_until("front", |job| job.running == 4).await;
    let status = texts.host.status().await;
    assert_eq!(status.policies.len(), 2);
    assert_eq!(status.policies[1].numbers.placed, 4);
    assert_eq!(status.counters.sessions, 1, "the subscription stayed");

    // It cannot go while it has work, but it can move.
    let why = refused(texts.reload(&["batch"], std::slice::from_ref(&batch)).await);
    assert_eq!(
        why,
        "role web cannot go: it has jobs (front); kill them first"
    );
    texts
        .reload(&["batch", "web"], std::slice::from_ref(&both))
        .await
        .unwrap();
    let status = texts.host.status().await;
    assert_eq!(status.policies.len(), 1);
    assert_eq!(status.policies[0].roles, ["batch", "web"]);
    texts
        .host
        .submit(&job("two", "web", "batch", 10, "true"))
        .await;
    finished(&texts.host, "two").await;
    let running = texts.host.ids("front", "TASK_RUNNING").await;
    assert_eq!(running.len(), 4, "tasks stay");

    // It goes.
    texts.host.admin.kill_job("front").await.unwrap();
    until("the role has no work", async || {
        match texts.host.status().await.tasks_live {
            0 => Ok(()),
            live => Err(format!("{live} tasks live")),
        }
    })
    .await;
    texts
        .reload(&["batch"], std::slice::from_ref(&batch))
        .await
        .unwrap();
    let gone = texts.host.admin.submit(front.clone()).await;
    assert!(format!("{gone:?}").contains("web"), "{gone:?}");

    // And it comes back, to a policy that was there before.
    texts
        .reload(&["batch", "web"], &[batch, web])
        .await
        .unwrap();
    texts
        .host
        .submit(&job("three", "web", "batch", 10, "true"))
        .await;
    finished(&texts.host, "three").await;
    let status = texts.host.status().await;
    assert_eq!(status.counters.sessions, 1, "the subscription stayed");
    assert_eq!(status.policies[1].roles, ["web"]);

    // After a restart it is the same.
    let host = texts.host.restart().await;
    host.submit(&job("four", "web", "batch", 5, "true")).await;
    finished(&host, "four").await;
    let dir = host.stop().await;
    let report = replay(&dir.path().join("state/recordings"), &Wish::default()).unwrap();
    let placed: u64 = report.policies.iter().map(|policy| policy.placed_now).sum();
    assert_eq!(placed, 10 + 4 + 10 + 10 + 5, "{report:?}");
    for policy in &report.policies {
        assert_eq!(policy.different(), 0, "{policy:?}");
    }
}

#[tokio::test]
async fn sim_roles_come_go_and_move_in_one_subscription() {
    come_go_and_move(&Cluster::simulated().await).await;
}

#[tokio::test]
async fn mesos_roles_come_go_and_move_in_one_subscription() {
    if let Some(cluster) = Cluster::real() {
        come_go_and_move(&cluster).await;
    }
}

#[tokio::test]
async fn sim_a_changed_entry_is_swapped_and_a_wrong_one_changes_nothing() {
    let cluster = Cluster::simulated().await;
    let dir = tempfile::tempdir().unwrap();
    let spread = |attribute: &str| {
        policy(
            "spread",
            "web",
            &format!("{{ attribute = \"{attribute}\" }}"),
        )
    };
    let text = |more: &str, dir: &std::path::Path| setup(&cluster.address(), dir, &["web"], more);
    let first = text(&spread("rack"), dir.path());
    let mut host = Host::start_text(first.clone(), dir).await;
    let done = host.reload(first).await.unwrap();
    assert_eq!(done.done, ["the configuration has not changed"]);

    let other = text(&spread("zone"), host.dir());
    let done = host.reload(other.clone()).await.unwrap();
    let [done] = done.done.as_slice() else {
        panic!("{done:?}");
    };
    assert!(
        done.contains("took over") && done.contains("its entry in the configuration changed"),
        "{done}"
    );
    let status = host.status().await;
    assert_eq!(status.policies[0].switches.len(), 1);
    assert_eq!(
        status.policies[0].switches[0].why,
        "its entry in the configuration changed"
    );

    let unusable = text(
        "[[policy]]\nroles = [\"web\"]\nname = \"spread\"\nfile = \"offerd.toml\"\n",
        host.dir(),
    );
    let why = refused(host.reload(unusable).await);
    assert!(why.contains("offerd.toml"), "{why}");
    assert_eq!(host.status().await.policies[0].switches.len(), 1);

    let wrong = other.replace("[[policy]]", "log.levle = \"info\"\n[[policy]]");
    let why = refused(host.reload(wrong).await);
    assert!(why.contains("did you mean 'level'?"), "{why}");
    let later = other.replace("[[policy]]", "log.level = \"debug\"\n[[policy]]");
    let done = host.reload(later).await.unwrap();
    assert_eq!(
        done.done,
        ["what changed in [log] counts when offerd is started again"]
    );
    host.submit(&job("one", "web", "batch", 5, "true")).await;
    finished(&host, "one").await;
}
