//! Candidates beside a policy: they see what it sees and change nothing.

use offerd::admin::api::{PolicyStatus, ShadowStatus};
use offerd::admin::client::AskError;

use crate::support::{Cluster, Host, guest};

fn batch(name: &str, count: u32) -> String {
    format!(
        "[[job]]\nname = \"{name}\"\nrole = \"web\"\nkind = \"batch\"\ncount = {count}\n\
         cpus = 0.5\nmem = 32\ncommand = \"true\"\n"
    )
}

async fn policy(host: &Host) -> PolicyStatus {
    host.status().await.policies.remove(0)
}

/// The shadow's numbers when nothing is left for it of a job's rounds. It has been
/// shown the first of them at least.
async fn after(host: &Host, name: &str, count: u32) -> ShadowStatus {
    let begun = policy(host).await.rounds;
    host.submit(&batch(name, count)).await;
    host.job_until(name, |job| job.state == "finished").await;
    let status = host
        .status_until("the shadow has kept up", |status| {
            let policy = &status.policies[0];
            let shadow = &policy.shadows[0];
            shadow.rounds + shadow.skipped >= u64::from(policy.rounds - begun)
        })
        .await;
    let shadow = status.policies[0].shadows[0].clone();
    assert!(shadow.rounds > 0, "{shadow:?}");
    shadow
}

fn refused(result: Result<offerd::admin::api::Done, AskError>) -> String {
    match result {
        Err(AskError::Refused { failure, .. }) => failure.details.join("\n"),
        other => panic!("{other:?}"),
    }
}

async fn the_same_agrees(cluster: &Cluster) {
    let host = Host::start(&cluster.address(), "bin-pack", "web", "{}").await;
    host.admin.shadow("web", guest("bin-pack")).await.unwrap();
    let shadow = after(&host, "job", 30).await;
    assert_eq!(shadow.agreed, shadow.rounds, "{shadow:?}");
    assert_eq!(shadow.placed, shadow.active_placed);
    assert_eq!((shadow.failures, shadow.refused), (0, 0));
    assert_eq!(shadow.first_divergence, None);
    assert_eq!(policy(&host).await.numbers.placed, 30, "it had no effect");
}

#[tokio::test]
async fn sim_a_shadow_that_is_the_same_agrees() {
    the_same_agrees(&Cluster::simulated().await).await;
}

#[tokio::test]
async fn mesos_a_shadow_that_is_the_same_agrees() {
    if let Some(cluster) = Cluster::real() {
        the_same_agrees(&cluster).await;
    }
}

#[tokio::test]
async fn sim_a_shadow_that_differs_is_compared_promoted_and_another_aborted() {
    let cluster = Cluster::simulated().await;
    let host = Host::start(&cluster.address(), "first-fit", "web", "{}").await;
    // It places, but does not decline what is left.
    host.admin.shadow("web", guest("minimal")).await.unwrap();
    let shadow = after(&host, "one", 1).await;
    assert!(shadow.agreed < shadow.rounds, "{shadow:?}");
    let first = shadow.first_divergence.clone().unwrap();
    assert_ne!(first.active, first.shadow);
    assert_eq!(shadow.refused, 0, "{shadow:?}");

    let why = refused(host.admin.shadow("web", guest("minimal")).await);
    assert!(why.contains("has this shadow already"), "{why}");
    host.admin.shadow("web", guest("spread")).await.unwrap();
    let why = refused(host.admin.promote("web", "").await);
    assert!(why.contains("several shadows"), "{why}");
    host.admin
        .promote("web", &shadow.digest[..10])
        .await
        .unwrap();
    let now = policy(&host).await;
    assert_eq!(now.digest, shadow.digest);
    assert_eq!(now.shadows.len(), 1, "the promoted one is no shadow");
    host.admin.abort("web", "").await.unwrap();
    assert!(policy(&host).await.shadows.is_empty());
    let why = refused(host.admin.abort("web", "").await);
    assert!(why.contains("has no shadow"), "{why}");
    host.submit(&batch("two", 10)).await;
    host.job_until("two", |job| job.state == "finished").await;
}

#[tokio::test]
async fn sim_a_shadow_that_fails_harms_nobody() {
    let cluster = Cluster::simulated().await;
    // Only the shadow cares for the configuration.
    let config = "{ decide = \"panic\" }";
    let host = Host::start(&cluster.address(), "minimal", "web", config).await;
    host.admin.shadow("web", guest("misbehave")).await.unwrap();
    let shadow = after(&host, "job", 30).await;
    assert_eq!(shadow.failures, shadow.rounds, "{shadow:?}");
    assert!(shadow.last_failure.is_some());
    let policy = policy(&host).await;
    assert_eq!((policy.strikes, policy.state.as_str()), (0, "active"));
}
