//! What comes from outside and is wrong: each test reads the message.

use offerd::admin::api::Done;
use offerd::admin::client::AskError;
use offerd::config::Config;
use offerd::service::Service;
use offerd_sim::Sim;

use crate::support::{Host, guest, policy, setup, sim_settings};

const JOB: &str = r#"
[[job]]
name = "sleepers"
role = "web"
kind = "batch"
count = 4
cpus = 0.1
mem = 32
command = "true"
"#;

async fn host(sim: &Sim) -> Host {
    let host = Host::start(&sim.address().to_string(), "first-fit", "web", "{}").await;
    host.status_until("subscribed", |status| status.subscribed)
        .await;
    host
}

/// Work still gets done.
async fn works(host: &Host) {
    host.submit(JOB).await;
    host.job_until("sleepers", |job| job.state == "finished")
        .await;
}

#[tokio::test]
async fn an_unknown_event_is_counted_and_changes_nothing() {
    let sim = Sim::start(sim_settings()).await.unwrap();
    let host = host(&sim).await;
    // Event { type: 77 }
    sim.send_record(&[0x08, 77]);
    let status = host
        .status_until("it is counted", |s| s.counters.unknown_events == 1)
        .await;
    assert_eq!(status.counters.sessions, 1);
    works(&host).await;
}

#[tokio::test]
async fn a_stream_that_makes_no_sense_ends_the_session_and_a_new_one_begins() {
    let sim = Sim::start(sim_settings()).await.unwrap();
    let host = host(&sim).await;
    // A length that is no number; a message that is no protobuf; an UPDATE
    // without what it is about.
    sim.send_raw(b"x1\n");
    host.status_until("a second session", |s| {
        s.subscribed && s.counters.sessions == 2
    })
    .await;
    sim.send_record(&[0xff, 0xff, 0xff]);
    host.status_until("a third session", |s| {
        s.subscribed && s.counters.sessions == 3
    })
    .await;
    sim.send_record(&[0x08, 4]);
    host.status_until("a fourth session", |s| {
        s.subscribed && s.counters.sessions == 4
    })
    .await;
    works(&host).await;
}

async fn refused(more: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let text = setup("127.0.0.1:1", dir.path(), &["web"], more);
    let config = Config::parse("e2e", &text, dir.path()).unwrap();
    match Service::start(config, None).await {
        Ok(_) => panic!("it started"),
        Err(error) => offerd::report::chain(&error),
    }
}

#[tokio::test]
async fn policies_that_cannot_be_used_are_all_named() {
    let dir = tempfile::tempdir().unwrap();
    let module = dir.path().join("module.wasm");
    std::fs::write(&module, b"\0asm\x01\0\0\0").unwrap();
    let text = dir.path().join("text.wasm");
    std::fs::write(&text, "hello").unwrap();
    let entry = |role: &str, file: &std::path::Path| {
        format!("[[policy]]\nroles = [\"{role}\"]\nfile = {file:?}\n")
    };
    let roles = ["a", "b", "c"];
    let more = [
        entry("a", &module),
        entry("b", &text),
        policy("spread", "c", "{ over = \"planet\" }"),
    ]
    .concat();
    let text = setup("127.0.0.1:1", dir.path(), &roles, &more);
    let config = Config::parse("e2e", &text, dir.path()).unwrap();
    let error = Service::start(config, None).await.unwrap_err();
    let words = offerd::report::chain(&error);
    for part in [
        "[[policy]] module",
        "is a core WebAssembly module, not a component",
        "[[policy]] text",
        "is not WebAssembly",
        "[[policy]] spread",
        "config.over",
        "host",
    ] {
        assert!(words.contains(part), "'{part}' is missing: {words}");
    }
}

#[tokio::test]
async fn an_address_that_is_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let text = setup(
        "127.0.0.1:1",
        dir.path(),
        &["web"],
        &policy("first-fit", "web", "{}"),
    )
    .replace("127.0.0.1:0", &address.to_string());
    let config = Config::parse("e2e", &text, dir.path()).unwrap();
    let words = offerd::report::chain(&Service::start(config, None).await.unwrap_err());
    assert!(words.contains(&format!("{address} is in use")), "{words}");
    assert!(words.contains("[admin] listen"), "{words}");
}

#[tokio::test]
async fn two_hosts_do_not_share_a_store() {
    let sim = Sim::start(sim_settings()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let master = sim.address().to_string();
    let text = setup(
        &master,
        dir.path(),
        &["web"],
        &policy("first-fit", "web", "{}"),
    );
    let config = Config::parse("e2e", &text, dir.path()).unwrap();
    let _first = Service::start(config.clone(), None).await.unwrap();
    let words = offerd::report::chain(&Service::start(config, None).await.unwrap_err());
    assert!(words.contains(&dir.path().display().to_string()), "{words}");
    assert!(words.contains("another"), "{words}");
}

#[tokio::test]
async fn a_certificate_file_that_is_none_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, "no certificate").unwrap();
    let words = refused(&format!(
        "mesos.tls = {{ ca = {ca:?} }}\n{}",
        policy("first-fit", "web", "{}")
    ))
    .await;
    assert!(words.contains("ca.pem"), "{words}");
}

#[tokio::test]
async fn jobs_that_can_not_be_are_refused_with_all_reasons() {
    let sim = Sim::start(sim_settings()).await.unwrap();
    let host = host(&sim).await;
    let job = |name: &str, change: (&str, &str)| {
        JOB.replace("sleepers", name).replace(change.0, change.1)
    };
    let refused = async |text: &str| {
        let error = host.admin.submit(text.to_owned()).await.unwrap_err();
        format!("{error:?}")
    };
    // Everything that is wrong with a text, with line and column.
    let words = refused(
        &[
            job("a", ("cpus = 0.1", "cpus = -1")),
            job("b", ("kind = \"batch\"", "kind = \"bach\"")),
        ]
        .concat(),
    )
    .await;
    for part in ["jobs:7:8", "cpus", "jobs:14:8", "batch"] {
        assert!(words.contains(part), "'{part}' is missing: {words}");
    }
    // A role that the framework does not have.
    let words = refused(&job("a", ("\"web\"", "\"wev\""))).await;
    assert!(words.contains("wev") && words.contains("web"), "{words}");
    // The same name again while the first lives.
    host.submit(
        &JOB.replace("true", "sleep 1000")
            .replace("sleepers", "twice"),
    )
    .await;
    let words = refused(&JOB.replace("sleepers", "twice")).await;
    assert!(words.contains("a job of this name lives"), "{words}");
    host.job_until("twice", |job| job.running == 4).await;
    // Now agents are known: a constraint that none of them meets, and needs
    // that none of them has.
    let words = refused(&format!("{}constraints = [\"rack == z\"]\n", JOB)).await;
    assert!(
        words.contains("rack") && words.contains("met by none of the"),
        "{words}"
    );
    let large = JOB
        .replace("cpus = 0.1", "cpus = 1000")
        .replace("sleepers", "large");
    let done = host.admin.submit(large).await.unwrap().done.join("\n");
    assert!(done.contains("it waits for a larger agent"), "{done}");
    assert!(done.contains("cpus: needs 1000, there is 4"), "{done}");
}

/// A program must tell what is not there from what can't be done now.
#[tokio::test]
async fn what_is_not_there_is_404_and_what_can_not_be_is_409() {
    let sim = Sim::start(sim_settings()).await.unwrap();
    let host = host(&sim).await;
    let status = |done: Result<Done, AskError>| match done.unwrap_err() {
        AskError::Refused { status, .. } => status.as_u16(),
        other => panic!("{other:?}"),
    };
    assert_eq!(status(host.admin.kill_job("none").await), 404);
    assert_eq!(status(host.admin.scale("none", 2).await), 404);
    assert_eq!(status(host.admin.kill_task("none").await), 404);
    assert_eq!(status(host.admin.roll_back("none").await), 404);
    assert_eq!(status(host.admin.abort("none", "").await), 404);
    assert_eq!(status(host.admin.abort("web", "").await), 409);
    host.submit(JOB).await;
    host.job_until("sleepers", |job| job.state == "finished")
        .await;
    assert_eq!(status(host.admin.kill_job("sleepers").await), 409);
}

#[tokio::test]
async fn a_policy_that_traps_is_told_with_its_words_and_called_again() {
    let sim = Sim::start(sim_settings()).await.unwrap();
    let master = sim.address().to_string();
    let host = Host::start(&master, "misbehave", "web", "{ decide = \"panic\" }").await;
    host.submit(JOB).await;
    let status = host
        .status_until("it failed twice", |status| status.policies[0].strikes >= 2)
        .await;
    let failure = status.policies[0].last_failure.as_deref().unwrap();
    assert!(failure.contains("decide aborted"), "{failure}");
    assert!(status.policies[0].restarts >= 1);
    assert_eq!(status.tasks_waiting, 4, "nothing is lost");
    guest("misbehave");
}
