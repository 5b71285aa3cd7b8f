//! What is recorded decides the same way again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use offerd::replay::{Compared, Report, Wish, replay};
use offerd_mesos::ProtobufCodec;
use offerd_record::{Cut, Entry, Folder, ReadError, Reader, Recorded};

use crate::command_line::directory;
use crate::support::{Cluster, Host, Running, guest, output, policy, setup, sim_settings, until};

fn batch(name: &str, count: u32, command: &str) -> String {
    format!(
        "[[job]]\nname = \"{name}\"\nrole = \"web\"\nkind = \"batch\"\ncount = {count}\n\
         cpus = 0.1\nmem = 32\ncommand = \"{command}\"\nenv = {{ SECRET = \"s3cret\" }}\n"
    )
}

/// A host that did some work, was swapped and rolled back; and its directory.
async fn recorded(cluster: &Cluster, name: &str, more: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let text = setup(
        &cluster.address(),
        dir.path(),
        &["web"],
        &format!("{more}\n{}", policy(name, "web", "{}")),
    );
    let host = Host::start_text(text, dir).await;
    host.submit(&batch("first", 20, "true")).await;
    host.job_until("first", |job| job.state == "finished").await;
    host.admin.swap("web", guest("bin-pack")).await.unwrap();
    host.submit(&batch("second", 20, "true")).await;
    host.job_until("second", |job| job.state == "finished")
        .await;
    host.admin.roll_back("web").await.unwrap();
    let third = batch("third", 20, "false").replace(
        "command = \"false\"",
        "args = [\"false\", \"argue\"]\nuris = [\"http://hidden.host/file\"]",
    );
    host.submit(&third).await;
    host.job_until("third", |job| job.state == "failed").await;
    host.stop().await
}

fn recordings(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("state/recordings")
}

fn gone_through(dir: &tempfile::TempDir) -> Report {
    replay(&recordings(dir), &Wish::default()).unwrap()
}

/// All was gone through, and all that was decided is decided again.
fn all_alike(report: &Report) {
    assert!(!report.cut_off && report.unread.is_empty(), "{report:?}");
    assert!(!report.policies.is_empty(), "{report:?}");
    for policy in &report.policies {
        assert_eq!(
            (policy.different(), policy.not_comparable),
            (0, 0),
            "{policy:?}"
        );
    }
}

fn placed(report: &Report) -> (u64, u64) {
    let of = |count: fn(&Compared) -> u64| report.policies.iter().map(count).sum();
    (of(|p| p.placed_then), of(|p| p.placed_now))
}

async fn decide_alike(cluster: &Cluster) {
    let dir = recorded(cluster, "first-fit", "").await;
    let report = gone_through(&dir);
    all_alike(&report);
    assert!(report.events > 60, "{report:?}");
    assert_eq!(placed(&report), (60, 60));
    // Each version for itself.
    assert_eq!(report.policies.len(), 2, "{report:?}");
    assert_ne!(report.policies[0].then, report.policies[1].then);
    println!("{:.0} times as fast", report.recorded / report.took);

    let other = Wish {
        policy: Some(guest("minimal")),
        role: Some("web".to_owned()),
    };
    let report = replay(&recordings(&dir), &other).unwrap();
    assert!(
        report
            .policies
            .iter()
            .all(|policy| policy.then != policy.now)
    );
    let (then, now) = placed(&report);
    assert!(then == 60 && now > 0, "{report:?}");
}

#[tokio::test]
async fn sim_the_same_policies_decide_alike_and_another_is_compared() {
    decide_alike(&Cluster::simulated().await).await;
}

#[tokio::test]
async fn mesos_the_same_policies_decide_alike_and_another_is_compared() {
    if let Some(cluster) = Cluster::real() {
        decide_alike(&cluster).await;
    }
}

/// Policies that do more than to fit: the guest, its configuration, other settings.
const OTHERS: [(&str, &str, &str); 7] = [
    // It shows all that a policy is told.
    ("conformance", "{}", ""),
    ("misbehave", "{ decide = \"random\" }", ""),
    // With a state that goes from file to file.
    (
        "misbehave",
        "{ decide = \"count-rounds\" }",
        "record.file_size = \"1B\"\n",
    ),
    // A state that can't be saved.
    (
        "misbehave",
        "{ decide = \"count-rounds\", save = \"error\" }",
        "record.file_size = \"1B\"\n",
    ),
    (
        "misbehave",
        "{ decide = \"count-rounds\", save = \"panic\" }",
        "record.file_size = \"1B\"\n",
    ),
    ("misbehave", "{ decide = \"error\" }", ""),
    ("misbehave", "{ decide = \"panic-once\" }", ""),
];

/// A policy was called several times, was restarted with the host, and other code
/// took over.
async fn called(guest_name: &str, config: &str, more: &str) -> tempfile::TempDir {
    let cluster = Cluster::simulated().await;
    let dir = tempfile::tempdir().unwrap();
    let web = policy(guest_name, "web", config);
    // Declined offers are to come soon again.
    let more = format!(
        "offers.refuse_waiting = \"100ms\"\n{more}{web}\
         strikes = 1000\n"
    );
    let text = setup(&cluster.address(), dir.path(), &["web"], &more);
    let mut host = Host::start_text(text, dir).await;
    for number in 0..6 {
        if number == 3 {
            host = host.restart().await;
        }
        let before = host.status().await.policies[0].rounds;
        host.submit(&batch(&format!("job-{number}"), 1, "true"))
            .await;
        host.status_until("it was called", |status| status.policies[0].rounds > before)
            .await;
    }
    host.admin.swap("web", guest("minimal")).await.unwrap();
    host.job_until("job-5", |job| job.state == "finished").await;
    host.stop().await
}

#[tokio::test]
async fn sim_policies_of_all_kinds_decide_alike() {
    let together = tokio::task::LocalSet::new();
    let all = OTHERS.map(|(guest, config, more)| {
        together.spawn_local(async move {
            let dir = called(guest, config, more).await;
            (config, more, gone_through(&dir))
        })
    });
    together.await;
    for result in all {
        let (config, more, report) = result.await.unwrap();
        println!("{config} {more}");
        all_alike(&report);
        let rounds: u64 = report.policies.iter().map(|policy| policy.rounds).sum();
        assert!(rounds >= 6, "{report:?}");
    }
}

#[tokio::test]
async fn sim_the_fallback_decides_alike_and_what_time_has_stopped_is_not_compared() {
    let cluster = Cluster::simulated().await;
    let dir = tempfile::tempdir().unwrap();
    let web = policy("misbehave", "web", "{ decide = \"loop\" }");
    let more =
        format!("limits.call_deadline = \"20ms\"\n{web}strikes = 2\nfallback = \"first-fit\"\n");
    let text = setup(&cluster.address(), dir.path(), &["web"], &more);
    let host = Host::start_text(text, dir).await;
    host.submit(&batch("first", 5, "true")).await;
    host.job_until("first", |job| job.state == "finished").await;
    let report = gone_through(&host.stop().await);
    assert_eq!(placed(&report), (5, 5));
    let [stopped, fallback] = report.policies.as_slice() else {
        panic!("{report:?}");
    };
    assert!(
        stopped.not_comparable > 0 && stopped.different() == 0,
        "{stopped:?}"
    );
    assert_eq!(
        (fallback.not_comparable, fallback.different()),
        (0, 0),
        "{fallback:?}"
    );
}

/// A copy of a folder without what may be secret.
fn redacted(from: &Path, to: &Path) -> Vec<PathBuf> {
    let wish = Cut {
        redact: Some(Arc::new(ProtobufCodec)),
        ..Cut::default()
    };
    offerd_record::cut(from, &Folder::new(to), &wish).unwrap()
}

#[tokio::test]
async fn sim_a_piece_without_secrets_decides_alike() {
    let cluster = Cluster::simulated().await;
    // Several files: jobs are in the machine when the second begins.
    let dir = recorded(&cluster, "first-fit", "record.file_size = \"1KiB\"").await;
    let there = tempfile::tempdir().unwrap();
    let pieces = there.path().join("pieces");
    let copies = redacted(&recordings(&dir), &pieces);
    assert!(copies.len() > 1, "{copies:?}");
    let secrets = ["s3cret", "argue", "hidden.host"];
    for secret in secrets {
        assert!(
            mentions(&recordings(&dir), secret),
            "{secret}: or nothing is tested"
        );
        assert!(!mentions(&pieces, secret), "{secret}");
    }
    assert!(mentions(&pieces, "first"), "names stay");
    let report = replay(&pieces, &Wish::default()).unwrap();
    all_alike(&report);
    assert_eq!(placed(&report), (60, 60));

    let less = Folder::new(there.path().join("less"));
    let wish = Cut {
        first: Some(Duration::from_millis(400)),
        ..Cut::default()
    };
    let piece = offerd_record::cut(&recordings(&dir), &less, &wish)
        .unwrap()
        .remove(0);
    let report = replay(&piece, &Wish::default()).unwrap();
    assert!(report.recorded <= 0.4, "{report:?}");
}

#[tokio::test]
async fn sim_a_piece_has_no_secrets_of_tasks_and_configurations_of_policies() {
    let cluster = Cluster::simulated().await;
    let dir = tempfile::tempdir().unwrap();
    let more = format!(
        "{}{}",
        policy("errands", "db", "{ errand = \"volume\" }"),
        policy(
            "misbehave",
            "web",
            "{ decide = \"panic\", PASSWORD = \"s3cret\" }"
        ),
    );
    let text = setup(&cluster.address(), dir.path(), &["db", "web"], &more);
    let host = Host::start_text(text, dir).await;
    host.submit(&batch("first", 1, "true")).await;
    until("both were at work", async || {
        let metrics = host.admin.metrics().await.map_err(|e| e.to_string())?;
        let done = metrics.contains("offerd_custom_phase{policy=\"errands\"} 4");
        let failures = host.status().await.policies[1].numbers.failures;
        if done && failures > 0 {
            Ok(())
        } else {
            Err(format!("{failures} failures; {metrics}"))
        }
    })
    .await;
    let dir = host.stop().await;
    let pieces = dir.path().join("pieces");
    redacted(&recordings(&dir), &pieces);
    // A command line, that of a task group, a line of a log, a configuration.
    for secret in ["echo kept", "sleep 0.1", "panic hook", "s3cret"] {
        assert!(
            mentions(&recordings(&dir), secret),
            "{secret}: or nothing is tested"
        );
        assert!(!mentions(&pieces, secret), "{secret}");
    }
    let report = replay(&pieces, &Wish::default()).unwrap();
    for policy in &report.policies {
        assert_eq!(policy.different(), 0, "{policy:?}");
        match policy.policy.as_str() {
            "errands" => assert_eq!(policy.identical, policy.rounds),
            // What it was told is not known any more.
            _ => assert_eq!(policy.not_comparable, policy.rounds),
        }
    }
}

/// Whether a text stands in any entry of the recordings in a folder.
fn mentions(folder: &Path, text: &str) -> bool {
    let files = Folder::new(folder).list().unwrap();
    files.iter().any(|file| {
        let entries = entries(&file.path).unwrap();
        entries.iter().any(|entry| {
            let bytes = postcard::to_allocvec(entry).unwrap();
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        })
    })
}

fn entries(file: &Path) -> Result<Vec<Entry<'static>>, ReadError> {
    let mut reader = Reader::open(file)?;
    std::iter::from_fn(|| reader.next_entry().transpose()).collect()
}

#[tokio::test]
async fn sim_of_a_host_that_was_killed_all_but_the_last_second_is_there() {
    let sim = offerd_sim::Sim::start(sim_settings()).await.unwrap();
    let dir = directory(&sim.address().to_string());
    let host = Running::start(dir.path()).await;
    let submit = [
        "job",
        "submit",
        "jobs.toml",
        "--wait",
        "--admin",
        &host.admin,
    ];
    let (code, out, err) = output(dir.path(), &submit).await;
    assert_eq!(code, 0, "{out}{err}");
    // What is in the file is read, while its end is being written.
    until("the end of the batch is on the disk", async || {
        let mut answers = 0;
        for file in Folder::new(recordings(&dir)).list().unwrap() {
            for entry in entries(&file.path).map_err(|error| error.to_string())? {
                if let Entry::Inputs { inputs, .. } = entry {
                    answers += placements(&inputs);
                }
            }
        }
        if answers >= 44 {
            Ok(())
        } else {
            Err(format!("{answers} tasks were placed"))
        }
    })
    .await;
    // Something happens all the time.
    let mut behind = Vec::new();
    for number in 0..41 {
        let job = batch(&format!("job-{number}"), 1, "true");
        std::fs::write(dir.path().join("more.toml"), job).unwrap();
        let submit = ["job", "submit", "more.toml", "--admin", &host.admin];
        let (code, out, err) = output(dir.path(), &submit).await;
        assert_eq!(code, 0, "{out}{err}");
        behind.push(since_latest_entry(&dir));
    }
    // A busy machine may be late now and then.
    behind.sort();
    assert!(behind[20] <= Duration::from_secs(1), "{behind:?}");
    host.kill().await;
    let report = gone_through(&dir);
    for policy in &report.policies {
        assert_eq!(policy.different(), 0, "{policy:?}");
    }
    let (then, now) = placed(&report);
    assert!(then >= 44);
    assert_eq!(then, now);
}

/// How old the latest thing is that a killed host's recording would tell of.
fn since_latest_entry(dir: &tempfile::TempDir) -> Duration {
    let files = Folder::new(recordings(dir)).list().unwrap();
    let latest = files.iter().flat_map(|file| entries(&file.path).unwrap());
    let latest = latest.filter_map(|entry| match entry {
        Entry::Inputs { now, .. } => Some(now.0),
        _ => None,
    });
    let latest = UNIX_EPOCH + Duration::from_nanos(latest.max().unwrap());
    SystemTime::now().duration_since(latest).unwrap_or_default()
}

fn placements(inputs: &[Recorded<'_>]) -> u32 {
    let answered = inputs.iter().filter_map(|input| match input {
        Recorded::Answered { result, .. } => result.as_ref().as_ref().ok(),
        _ => None,
    });
    answered
        .flat_map(|answer| &answer.placements)
        .map(|placement| placement.count)
        .sum()
}

#[tokio::test]
async fn sim_a_file_that_cannot_be_read_is_told_and_the_others_are_gone_through() {
    let cluster = Cluster::simulated().await;
    let dir = recorded(&cluster, "first-fit", "").await;
    let old = recordings(&dir).join("000000000000001.orec");
    std::fs::write(old, "offerd rec 1 of long ago").unwrap();
    // Its writer died at once.
    std::fs::write(recordings(&dir).join("000000000000002.orec"), "").unwrap();
    let report = gone_through(&dir);
    assert_eq!(placed(&report), (60, 60));
    let [why] = report.unread.as_slice() else {
        panic!("{report:?}");
    };
    assert!(why.contains("has format 1"), "{why}");
}

#[tokio::test]
async fn sim_files_that_are_small_stand_for_themselves() {
    let cluster = Cluster::simulated().await;
    let dir = recorded(&cluster, "first-fit", "record.file_size = \"1KiB\"").await;
    let files: Vec<PathBuf> = std::fs::read_dir(recordings(&dir))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "orec"))
        .collect();
    assert!(files.len() > 1, "{files:?}");
    let mut rounds = 0;
    for file in &files {
        let report = replay(file, &Wish::default()).unwrap();
        for policy in &report.policies {
            assert_eq!(policy.different(), 0, "{file:?}: {policy:?}");
            rounds += policy.rounds;
        }
    }
    assert!(rounds > 3, "{rounds}");
}

#[tokio::test]
async fn sim_nothing_is_recorded_where_that_is_not_wanted() {
    let cluster = Cluster::simulated().await;
    let dir = recorded(&cluster, "first-fit", "record.enabled = false").await;
    assert!(!recordings(&dir).exists());
}
