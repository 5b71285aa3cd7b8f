//! Code that decides for a part of a policy's demand.

use offerd::admin::api::{CanaryStatus, CanaryWish, Done, PolicyStatus};
use offerd::admin::client::AskError;
use offerd::replay::{Wish, replay};

use crate::support::{Cluster, Host, guest, policy, setup};

fn batch(name: &str, count: u32) -> String {
    format!(
        "[[job]]\nname = \"{name}\"\nrole = \"web\"\nkind = \"batch\"\ncount = {count}\n\
         cpus = 0.2\nmem = 32\ncommand = \"true\"\n"
    )
}

fn wish(name: &str, share: u32, jobs: &[&str]) -> CanaryWish {
    CanaryWish {
        file: guest(name),
        share,
        jobs: jobs.iter().map(|job| (*job).to_owned()).collect(),
    }
}

async fn finished(host: &Host, name: &str) {
    host.job_until(name, |job| job.state == "finished" && job.failed == 0)
        .await;
}

async fn web(host: &Host) -> (PolicyStatus, Option<CanaryStatus>) {
    let policies = host.status().await.policies;
    let [policy] = policies.as_slice() else {
        panic!("{policies:?}");
    };
    (policy.clone(), policy.canary.clone())
}

fn refused(result: Result<Done, AskError>) -> String {
    match result {
        Err(AskError::Refused { failure, .. }) => failure.details.join("\n"),
        other => panic!("{other:?}"),
    }
}

/// Shares, chosen jobs, promotion; and a recording of it all.
async fn decides_for_its_part(cluster: &Cluster) {
    let dir = tempfile::tempdir().unwrap();
    let entry = policy("first-fit", "web", "{}");
    let text = setup(&cluster.address(), dir.path(), &["web"], &entry);
    let host = Host::start_text(text, dir).await;
    host.submit(&batch("before", 10)).await;
    finished(&host, "before").await;

    host.admin
        .canary("web", &wish("bin-pack", 25, &[]))
        .await
        .unwrap();
    let why = refused(host.admin.canary("web", &wish("spread", 1, &[])).await);
    assert!(why.contains("promote or abort it first"), "{why}");
    host.submit(&batch("shared", 40)).await;
    finished(&host, "shared").await;
    let (policy, canary) = web(&host).await;
    let canary = canary.unwrap();
    assert_eq!(canary.numbers.placed, 10, "{canary:?}");
    assert_eq!(policy.numbers.placed, 10 + 30, "{policy:?}");
    assert_eq!((canary.numbers.refused, canary.strikes), (0, 0));

    host.admin.abort("web", "").await.unwrap();
    assert_eq!(web(&host).await.1, None);
    host.submit(&batch("alone", 20)).await;
    finished(&host, "alone").await;
    assert_eq!(web(&host).await.0.numbers.placed, 60);

    host.admin
        .canary("web", &wish("bin-pack", 0, &["chosen"]))
        .await
        .unwrap();
    host.submit(&batch("chosen", 10)).await;
    host.submit(&batch("other", 10)).await;
    finished(&host, "chosen").await;
    finished(&host, "other").await;
    let (policy, canary) = web(&host).await;
    let canary = canary.unwrap();
    assert_eq!((policy.numbers.placed, canary.numbers.placed), (70, 10));

    host.admin.promote("web", "").await.unwrap();
    let (policy, none) = web(&host).await;
    assert_eq!((policy.digest, none), (canary.digest, None));
    host.submit(&batch("after", 10)).await;
    finished(&host, "after").await;

    let dir = host.stop().await;
    let report = replay(&dir.path().join("state/recordings"), &Wish::default()).unwrap();
    let placed: u64 = report.policies.iter().map(|policy| policy.placed_now).sum();
    assert_eq!(placed, 100, "{report:?}");
    for policy in &report.policies {
        assert_eq!(policy.different(), 0, "{policy:?}");
    }
    assert!(
        report
            .policies
            .iter()
            .any(|policy| policy.policy == "first-fit~canary")
    );
}

#[tokio::test]
async fn sim_a_canary_decides_for_its_part() {
    decides_for_its_part(&Cluster::simulated().await).await;
}

#[tokio::test]
async fn mesos_a_canary_decides_for_its_part() {
    if let Some(cluster) = Cluster::real() {
        decides_for_its_part(&cluster).await;
    }
}

#[tokio::test]
async fn sim_a_canary_that_fails_ends_and_its_tasks_go_to_the_policy() {
    let cluster = Cluster::simulated().await;
    // Only the canary cares for the configuration.
    let config = "{ decide = \"panic\" }";
    let host = Host::start(&cluster.address(), "minimal", "web", config).await;
    host.admin
        .canary("web", &wish("misbehave", 50, &[]))
        .await
        .unwrap();
    host.submit(&batch("job", 20)).await;
    finished(&host, "job").await;
    let status = host
        .status_until("the canary has ended", |status| {
            status.policies[0].canary.is_none()
        })
        .await;
    assert_eq!(status.policies[0].state, "active");
    assert_eq!(status.policies[0].numbers.placed, 20);
}

#[tokio::test]
async fn sim_what_is_no_canary_is_told() {
    let cluster = Cluster::simulated().await;
    let host = Host::start(&cluster.address(), "first-fit", "web", "{}").await;
    let nowhere = CanaryWish {
        file: "/nowhere.wasm".into(),
        ..wish("bin-pack", 10, &[])
    };
    for (wish, why) in [
        (wish("bin-pack", 0, &[]), "a share of the tasks, or jobs"),
        (
            wish("bin-pack", 101, &[]),
            "a share of 101 % is more than all",
        ),
        (nowhere, "No such file"),
    ] {
        let said = refused(host.admin.canary("web", &wish).await);
        assert!(said.contains(why), "{said}");
    }
    let said = refused(host.admin.canary("wbe", &wish("bin-pack", 5, &[])).await);
    assert!(said.contains("there is no policy or role wbe"), "{said}");
    assert_eq!(web(&host).await.1, None);
}
