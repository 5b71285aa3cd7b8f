//! What goes wrong around offerd: what it says, and that nothing is lost.

use std::time::Duration;

use hyper::StatusCode;
use mesos_v1::scheduler::call::Type;
use offerd_core::machine::Subscription;
use offerd_mesos::convert::FrameworkSettings;
use offerd_sim::Sim;
use tokio::sync::{mpsc, watch};

use crate::support::{Host, Real, policy, setup, sim_settings, until};

const JOB: &str = r#"
[[job]]
name = "front"
role = "web"
kind = "service"
count = 4
cpus = 0.1
mem = 32
command = "exec sleep 100000"
"#;

const BATCH: &str = r#"
[[job]]
name = "sleepers"
role = "web"
kind = "batch"
count = 4
cpus = 0.1
mem = 32
command = "true"
"#;

async fn host(master: &str, guest: &str) -> Host {
    Host::start(master, guest, "web", "{}").await
}

/// With credentials in the configuration.
async fn with_secret(master: &str, secret: &str) -> Host {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, format!("{secret}\n")).unwrap();
    let more = format!(
        "mesos.credentials = {{ principal = \"me\", secret_file = {file:?} }}\n{}",
        policy("first-fit", "web", "{}")
    );
    let text = setup(master, dir.path(), &["web"], &more);
    Host::start_text(text, dir).await
}

#[tokio::test]
async fn sim_wrong_credentials_end_it_with_a_clear_message_and_right_ones_work() {
    let mut settings = sim_settings();
    settings.credentials = Some(("me".to_owned(), "s3cret".to_owned()));
    let sim = Sim::start(settings).await.unwrap();
    let master = sim.address().to_string();
    let words = with_secret(&master, "wrong").await.last_words().await;
    assert!(
        words.contains("credentials") && words.contains("401"),
        "{words}"
    );
    with_secret(&master, "s3cret")
        .await
        .status_until("subscribed", |s| s.subscribed)
        .await;
}

#[tokio::test]
async fn mesos_wrong_credentials_end_it_with_a_clear_message_and_right_ones_work() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("credentials.json");
    std::fs::write(
        &file,
        r#"{"credentials": [{"principal": "me", "secret": "s3cret"}]}"#,
    )
    .unwrap();
    let Some(real) = Real::start(&[
        ("MESOS_AUTHENTICATE_HTTP_FRAMEWORKS", "true"),
        ("MESOS_HTTP_FRAMEWORK_AUTHENTICATORS", "basic"),
        ("MESOS_CREDENTIALS", file.to_str().unwrap()),
    ]) else {
        return;
    };
    let words = with_secret(&real.address, "wrong").await.last_words().await;
    assert!(
        words.contains("credentials") && words.contains("401"),
        "{words}"
    );
    let good = with_secret(&real.address, "s3cret").await;
    good.submit(BATCH).await;
    good.job_until("sleepers", |job| job.state == "finished")
        .await;
}

#[tokio::test]
async fn mesos_a_role_that_the_master_does_not_take_is_told() {
    let Some(real) = Real::start(&[("MESOS_ROLES", "other")]) else {
        return;
    };
    let words = host(&real.address, "first-fit").await.last_words().await;
    assert!(
        words.contains("refuses the subscription") && words.contains("web"),
        "{words}"
    );
}

/// A date or a serial number is a scalar to an agent, beyond what the host counts with.
#[tokio::test]
async fn mesos_numbers_of_agents_that_are_too_large_stop_nothing() {
    let resources = "cpus:4;mem:4096;disk:8192;ports:[31000-32000];serial:20240131123456";
    let Some(real) = Real::start(&[
        ("MESOS_AGENT0_ATTRIBUTES", "rack:a;build:20240131123456"),
        ("MESOS_AGENT1_ATTRIBUTES", "rack:b;build:20240131123457"),
        ("MESOS_RESOURCES", resources),
    ]) else {
        return;
    };
    let host = host(&real.address, "first-fit").await;
    host.submit(&format!(
        "{BATCH}constraints = [\"build == 20240131123457\"]\n"
    ))
    .await;
    host.job_until("sleepers", |job| job.state == "finished")
        .await;
    assert_eq!(host.status().await.counters.sessions, 1);
}

#[tokio::test]
async fn mesos_tasks_that_fail_are_tried_again_and_told_with_their_status() {
    let Some(real) = Real::start(&[]) else {
        return;
    };
    let host = host(&real.address, "first-fit").await;
    host.submit(&BATCH.replace("command = \"true\"", "command = \"exit 7\"\nretries = 1"))
        .await;
    let job = host
        .job_until("sleepers", |job| job.state == "failed")
        .await;
    assert_eq!((job.finished, job.failed), (0, 4));
    let tasks = host.tasks().await;
    // One retry each.
    assert_eq!(tasks.len(), 8);
    for task in tasks {
        assert_eq!(task.state, "TASK_FAILED");
        assert!(task.reason.contains('7'), "{task:?}");
    }
}

/// What a master refuses is made up for: nothing is lost, nobody waits for ever for
/// what the other side thinks is done.
#[tokio::test]
async fn sim_calls_that_are_refused_are_made_up_for() {
    let sim = Sim::start(sim_settings()).await.unwrap();
    let host = host(&sim.address().to_string(), "first-fit").await;
    let refuse = |kind| sim.refuse(kind, StatusCode::INTERNAL_SERVER_ERROR, "not now");
    // Its tasks wait again, and the master gets its offers back.
    refuse(Type::Accept);
    host.submit(BATCH).await;
    host.job_until("sleepers", |job| job.state == "finished")
        .await;
    assert_eq!(host.status().await.counters.sessions, 1);
    // Who revives and is not heard would wait for offers for ever.
    refuse(Type::Suppress);
    refuse(Type::Revive);
    host.submit(JOB).await;
    host.job_until("front", |job| job.running == 4).await;
    // The kill is tried again.
    refuse(Type::Kill);
    host.admin.kill_job("front").await.unwrap();
    host.job_until("front", |job| job.state == "killed").await;
}

/// The policy holds its offers; the master takes them back; what is submitted
/// later gets others.
async fn rescinded(master: &str) {
    let host = host(master, "minimal").await;
    let large = BATCH
        .replace("cpus = 0.1", "cpus = 100")
        .replace("sleepers", "large");
    host.submit(&large).await;
    host.status_until("offers were taken back", |s| {
        s.counters.offers_rescinded >= 2
    })
    .await;
    host.submit(BATCH).await;
    host.job_until("sleepers", |job| job.state == "finished")
        .await;
    let job = host.job_until("large", |job| job.reason.is_some()).await;
    let reason = job.reason.unwrap();
    assert!(
        reason.contains("larger than any offer so far (cpus: needs 100, there is 4)"),
        "{reason}"
    );
}

#[tokio::test]
async fn sim_offers_are_taken_back() {
    let mut settings = sim_settings();
    settings.offer_timeout = Some(Duration::from_millis(300));
    let sim = Sim::start(settings).await.unwrap();
    rescinded(&sim.address().to_string()).await;
}

#[tokio::test]
async fn mesos_offers_are_taken_back() {
    if let Some(real) = Real::start(&[("MESOS_OFFER_TIMEOUT", "500ms")]) {
        rescinded(&real.address).await;
    }
}

#[tokio::test]
async fn sim_a_broken_connection_loses_nothing() {
    let sim = Sim::start(sim_settings()).await.unwrap();
    let host = host(&sim.address().to_string(), "first-fit").await;
    host.submit(JOB).await;
    host.job_until("front", |job| job.running == 4).await;
    let before = host.ids("front", "TASK_RUNNING").await;
    for session in 2..5 {
        sim.cut();
        host.status_until("subscribed again", |s| {
            s.subscribed && s.counters.sessions == session
        })
        .await;
    }
    host.submit(BATCH).await;
    host.job_until("sleepers", |job| job.state == "finished")
        .await;
    assert_eq!(host.ids("front", "TASK_RUNNING").await, before);
    assert_eq!(
        host.status().await.counters.tasks_launched,
        8,
        "nothing was repeated"
    );
}

#[tokio::test]
async fn mesos_a_master_that_restarts_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let env = [("MESOS_REGISTRY", "replicated_log")];
    let Some(real) = Real::start_in(dir.path(), &env) else {
        return;
    };
    let host = host(&real.address, "first-fit").await;
    host.submit(JOB).await;
    host.job_until("front", |job| job.running == 4).await;
    let framework = host.status().await.framework_id;
    let before = host.ids("front", "TASK_RUNNING").await;

    let _real = real.restart(dir.path(), &env);
    host.status_until("subscribed again", |s| {
        s.subscribed && s.counters.sessions == 2
    })
    .await;
    // The tasks died with the agents of this Mesos; all four are replaced.
    until("four others run", async || {
        let now = host.ids("front", "TASK_RUNNING").await;
        let new = now.iter().filter(|id| !before.contains(id)).count();
        if (now.len(), new) == (4, 4) {
            Ok(())
        } else {
            Err(format!("{now:?}"))
        }
    })
    .await;
    assert_eq!(host.status().await.framework_id, framework);
    assert_eq!(host.job_until("front", |_| true).await.count, 4);
}

#[tokio::test]
async fn mesos_a_framework_that_was_taken_over_or_removed_stops() {
    let Some(real) = Real::start(&[]) else {
        return;
    };
    // Another scheduler subscribes with the same id.
    let first = host(&real.address, "first-fit").await;
    let status = first
        .status_until("subscribed", |status| status.subscribed)
        .await;
    let framework = FrameworkSettings::new("e2e", "root", vec!["web".to_owned()]);
    let settings = offerd_mesos::Settings::new(vec![real.address.parse().unwrap()], framework);
    let (_keep, wanted) = watch::channel(Subscription {
        framework_id: status.framework_id.as_deref().map(Into::into),
        ..Subscription::default()
    });
    let (out, _events) = mpsc::unbounded_channel();
    let _other = offerd_mesos::start(settings, wanted, out).unwrap();
    let words = first.last_words().await;
    assert!(words.contains("another host has taken over"), "{words}");

    // An operator removes a framework.
    let second = host(&real.address, "first-fit").await;
    let status = second
        .status_until("subscribed", |status| status.subscribed)
        .await;
    real.teardown(&status.framework_id.unwrap()).await;
    let words = second.last_words().await;
    assert!(
        words.contains("gone for good") && words.contains("[store] dir"),
        "{words}"
    );
}
