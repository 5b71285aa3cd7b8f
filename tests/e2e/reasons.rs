//! Why a task waits, and who decided what: the words that people get.

use offerd::admin::client::AskError;
use offerd_core::machine::view::Why;

use crate::support::{Cluster, Host, policy, setup, until};

fn job(name: &str, mem: u32, more: &str) -> String {
    format!(
        "[[job]]\nname = \"{name}\"\nrole = \"web\"\nkind = \"service\"\ncount = 1\ncpus = 0.1\n\
         mem = {mem}\ncommand = \"exec sleep 100000\"\n{more}\n"
    )
}

async fn host(cluster: &Cluster) -> Host {
    Host::start(&cluster.address(), "bin-pack", "web", "{}").await
}

/// Id of the only task of a job.
async fn task(host: &Host, job: &str) -> String {
    let tasks = host.tasks().await;
    let mut ids = tasks.into_iter().filter(|task| task.job == job);
    ids.next().unwrap().id
}

/// Waits until there is an offer to speak of.
async fn why(host: &Host, id: &str) -> Why {
    until("an offer was looked at", async || {
        let why = host
            .admin
            .why(id)
            .await
            .map_err(|error| error.to_string())?;
        if why.candidates.is_empty() {
            Err(why.verdict)
        } else {
            Ok(why)
        }
    })
    .await
}

async fn a_task_that_is_too_large(cluster: &Cluster, free: f64) {
    let host = host(cluster).await;
    host.submit(&job("large", 5000, "")).await;
    let id = task(&host, "large").await;
    let why = why(&host, &id).await;
    assert_eq!((why.state.as_str(), why.job.as_str()), ("WAITING", "large"));
    assert!(
        why.verdict
            .contains("no offer had room for it; nearest was")
            && why.verdict.contains("mem: needs 5000"),
        "{why:?}"
    );
    let missing = 1.0 - free / 5000.0;
    assert!(
        (why.candidates[0].missing.unwrap() - missing).abs() < 1e-9,
        "{why:?}"
    );
    let declined = why.candidates.iter().find(|candidate| !candidate.live);
    if let Some(declined) = declined {
        assert_eq!(declined.policy.as_deref(), Some("bin-pack"));
        assert_eq!(
            declined.policy_says.as_deref(),
            Some("nothing that waits fits")
        );
    }
    let what_if = host.admin.what_if(&id).await.unwrap();
    let expected = format!(
        "with {} MiB less mem ({free} in place of 5000)",
        5000.0 - free
    );
    assert_eq!(what_if.would_help, [expected], "{what_if:?}");
}

#[tokio::test]
async fn sim_a_task_that_is_too_large_is_told_by_how_much() {
    a_task_that_is_too_large(&Cluster::simulated().await, 4096.0).await;
}

#[tokio::test]
async fn mesos_a_task_that_is_too_large_is_told_by_how_much() {
    if let Some(cluster) = Cluster::real() {
        a_task_that_is_too_large(&cluster, 4096.0).await;
    }
}

#[tokio::test]
async fn sim_constraints_that_are_in_the_way_are_named() {
    let cluster = Cluster::simulated().await;
    let host = host(&cluster).await;
    // Both agents are known, so that the second one can be refused a place.
    let spread = "count = 3\nconstraints = [\"max 1 per rack\"]";
    let text = job("apart", 32, "").replace("count = 1", spread);
    host.submit(&text).await;
    host.job_until("apart", |job| job.running == 2).await;
    let tasks = host.tasks().await;
    let waiting = tasks.iter().find(|task| task.state == "WAITING").unwrap();
    let why = why(&host, &waiting.id).await;
    assert!(
        why.candidates
            .iter()
            .any(|c| c.says.contains("max 1 per rack")),
        "{why:?}"
    );
    let what_if = host.admin.what_if(&waiting.id).await.unwrap();
    assert_eq!(
        what_if.would_help,
        ["without its placement constraints"],
        "{what_if:?}"
    );
}

#[tokio::test]
async fn sim_offers_that_another_role_has_are_named() {
    let cluster = Cluster::simulated().await;
    let dir = tempfile::tempdir().unwrap();
    // Its policy leaves all undecided, and nobody takes that from it.
    let more = format!(
        "offers = {{ lease = \"1h\", lease_contended = \"1h\" }}\n{}{}",
        policy("misbehave", "hoard", "{ decide = \"nothing\" }"),
        policy("bin-pack", "web", "{}")
    );
    let text = setup(&cluster.address(), dir.path(), &["hoard", "web"], &more);
    let host = Host::start_text(text, dir).await;
    let waits = job("waits", 32, "").replace("web", "hoard");
    host.submit(&waits).await;
    host.status_until("it has both agents", |status| status.offers_held == 2)
        .await;
    host.submit(&job("front", 32, "")).await;
    let id = task(&host, "front").await;
    let why = host.admin.why(&id).await.unwrap();
    assert!(
        why.verdict
            .contains("the master has offered nothing to role web lately"),
        "{why:?}"
    );
    let what_if = host.admin.what_if(&id).await.unwrap();
    assert_eq!(
        what_if.would_help,
        ["if its role were offered what other roles have or had on other agents"],
        "{what_if:?}"
    );
}

#[tokio::test]
async fn sim_the_life_of_a_task_is_told() {
    let cluster = Cluster::simulated().await;
    let host = host(&cluster).await;
    host.submit(&job("front", 32, "")).await;
    host.job_until("front", |job| job.running == 1).await;
    let id = host.ids("front", "TASK_RUNNING").await.remove(0);
    let why = host.admin.why(&id).await.unwrap();
    assert!(why.verdict.contains("TASK_RUNNING on agent-"), "{why:?}");
    let first = &why.steps[0];
    assert!(
        first.text.contains("the tightest offer with room"),
        "{first:?}"
    );
    assert_eq!(first.policy.as_deref(), Some("bin-pack"));
    assert!(first.round.is_some());

    host.admin.kill_task(&id).await.unwrap();
    host.job_until("front", |job| job.running == 1 && job.waiting == 0)
        .await;
    let ended = until("the task has ended", async || {
        let why = host
            .admin
            .why(&id)
            .await
            .map_err(|error| error.to_string())?;
        if why.verdict.contains("ended as TASK_KILLED") {
            Ok(why)
        } else {
            Err(why.verdict)
        }
    })
    .await;
    let texts: Vec<&str> = ended.steps.iter().map(|step| step.text.as_str()).collect();
    assert!(
        texts
            .iter()
            .any(|text| text.contains("killed by an operator")),
        "{texts:?}"
    );
    assert!(texts.last().unwrap().contains("TASK_KILLED"), "{texts:?}");

    match host.admin.what_if(&id).await {
        Err(AskError::Refused { failure, .. }) => {
            assert!(failure.message.contains("does not wait"), "{failure:?}");
        }
        other => panic!("{other:?}"),
    }
    match host.admin.why("nobody").await {
        Err(AskError::Refused { failure, .. }) => {
            assert!(failure.message.contains("no task nobody"), "{failure:?}");
        }
        other => panic!("{other:?}"),
    }
}

/// What happened to a task is known after it ended, and after a restart.
#[tokio::test]
async fn sim_the_story_of_a_task_outlives_it_and_the_host() {
    let cluster = Cluster::simulated().await;
    let host = host(&cluster).await;
    let batch = "[[job]]\nname = \"short\"\nrole = \"web\"\nkind = \"batch\"\ncount = 1\n\
                 cpus = 0.1\nmem = 32\ncommand = \"true\"\n";
    host.submit(batch).await;
    host.submit(&job("long", 32, "")).await;
    host.job_until("long", |job| job.running == 1).await;
    host.job_until("short", |job| job.state == "finished").await;
    let (short, long) = (task(&host, "short").await, task(&host, "long").await);
    let digest = host.status().await.policies[0].digest.clone();
    let before = [
        host.admin.why(&short).await.unwrap(),
        host.admin.why(&long).await.unwrap(),
    ];
    for why in &before {
        let placed = &why.steps[0];
        assert!(placed.text.starts_with("placed on agent-"), "{placed:?}");
        assert_eq!(placed.policy.as_deref(), Some("bin-pack"));
        let version = placed.version.as_deref().unwrap();
        assert_eq!(version, format!("0.1.0 ({})", &digest[..12]));
    }
    let host = host.restart().await;
    host.status_until("subscribed", |status| status.subscribed)
        .await;
    assert_eq!(host.admin.why(&short).await.unwrap(), before[0]);
    let after = host.admin.why(&long).await.unwrap();
    assert_eq!(after.steps[0], before[1].steps[0]);
}

#[tokio::test]
async fn sim_a_kill_by_its_policy_is_told_with_its_words() {
    let cluster = Cluster::simulated().await;
    let config = "{ errand = \"kill\", job = \"front\", count = 1 }";
    let host = Host::start(&cluster.address(), "errands", "web", config).await;
    host.submit(&job("front", 32, "")).await;
    let id = until("the policy has killed one", async || {
        let killed = host.ids("front", "TASK_KILLED").await.pop();
        killed.ok_or_else(|| "none is killed".to_owned())
    })
    .await;
    let why = host.admin.why(&id).await.unwrap();
    let kill = why
        .steps
        .iter()
        .find(|step| step.text.starts_with("killed"));
    let kill = kill.unwrap();
    assert_eq!(kill.text, "killed by its policy: the rule of this policy");
    assert_eq!(kill.policy.as_deref(), Some("errands"));
    assert!(kill.version.as_deref().unwrap().starts_with("0.1.0 ("));
    assert!(kill.round > why.steps[0].round, "{why:?}");
}
