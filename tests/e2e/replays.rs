//! What is recorded decides the same way again.

use std::path::{Path, PathBuf};

use offerd::replay::{Report, Wish, replay};

use crate::support::{Cluster, Host, guest, policy, setup};

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
    host.submit(&batch("third", 20, "false")).await;
    host.job_until("third", |job| job.state == "failed").await;
    host.stop().await
}

fn recordings(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("state/recordings")
}

fn all_alike(report: &Report) {
    assert!(!report.cut_off);
    assert!(report.events > 60, "{report:?}");
    for policy in &report.policies {
        assert_eq!(policy.different(), 0, "{policy:?}");
        assert!(policy.identical > 0, "{policy:?}");
    }
}

async fn decide_alike(cluster: &Cluster) {
    let dir = recorded(cluster, "first-fit", "").await;
    let report = replay(&recordings(&dir), &Wish::default()).unwrap();
    all_alike(&report);
    let [policy] = report.policies.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!(policy.placed_then, 60);
    assert_eq!(policy.placed_now, 60);
    println!("{:.0} times as fast", report.recorded / report.took);

    let other = Wish {
        policy: Some(guest("minimal")),
        role: Some("web".to_owned()),
    };
    let report = replay(&recordings(&dir), &other).unwrap();
    let [policy] = report.policies.as_slice() else {
        panic!("{report:?}");
    };
    assert_ne!(policy.then, policy.now);
    assert_eq!(policy.placed_then, 60);
    assert!(policy.placed_now > 0, "{policy:?}");
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

#[tokio::test]
async fn sim_a_piece_without_secrets_decides_alike() {
    let cluster = Cluster::simulated().await;
    let dir = recorded(&cluster, "first-fit", "").await;
    let folder = offerd_record::Folder::new(recordings(&dir));
    let file = folder.list().unwrap().remove(0).path;
    let there = tempfile::tempdir().unwrap();
    let to = offerd_record::Folder::new(there.path().join("piece"));
    let wish = offerd_record::Cut {
        redact: true,
        ..offerd_record::Cut::default()
    };
    let piece = offerd_record::cut(&file, &to, &wish).unwrap().remove(0);
    all_alike(&replay(&piece, &Wish::default()).unwrap());
    assert!(mentions(&file, "s3cret"), "or the test tests nothing");
    assert!(!mentions(&piece, "s3cret"));

    let less = offerd_record::Folder::new(there.path().join("less"));
    let wish = offerd_record::Cut {
        first: Some(std::time::Duration::from_millis(400)),
        ..offerd_record::Cut::default()
    };
    let piece = offerd_record::cut(&file, &less, &wish).unwrap().remove(0);
    let report = replay(&piece, &Wish::default()).unwrap();
    assert!(report.recorded <= 0.4, "{report:?}");
}

/// Whether a text stands in any entry of a recording.
fn mentions(file: &Path, text: &str) -> bool {
    let mut reader = offerd_record::Reader::open(file).unwrap();
    while let Some(entry) = reader.next_entry().unwrap() {
        let bytes = postcard::to_allocvec(&entry).unwrap();
        if bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
        {
            return true;
        }
    }
    false
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
