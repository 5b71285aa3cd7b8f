//! The store keeps what it was told, over restarts, and says clearly when it
//! cannot.

use std::error::Error as _;
use std::sync::Arc;

use offerd_core::Instant;
use offerd_core::Milli;
use offerd_core::job::{JobKind, JobSpec};
use offerd_core::machine::view::Why;
use offerd_core::machine::{JobRecord, Ledger, Placed, Record, TaskRecord};
use offerd_core::resource::Amounts;
use offerd_core::task::TaskState;
use proptest::prelude::*;

use crate::disk::{Disk, raw};
use crate::{OpenError, Store};

fn job(name: &str, finished: u32) -> JobRecord {
    JobRecord {
        spec: Arc::new(JobSpec {
            name: name.into(),
            role: "batch".into(),
            kind: JobKind::Batch,
            count: 40,
            needs: Amounts {
                cpus: Milli(100),
                mem: Milli(32_000),
                ..Amounts::default()
            },
            command: "sleep 1".to_owned(),
            shell: true,
            arguments: Vec::new(),
            env: vec![("A".to_owned(), "ü".to_owned())],
            uris: Vec::new(),
            user: None,
            priority: -3,
            constraints: vec!["max 1 per @hostname".parse().unwrap()],
            retries: 1,
            kill_grace: Some(1_500_000_000),
            labels: Vec::new(),
        }),
        uid: "x1".to_owned(),
        submitted: Instant(7),
        killed: false,
        finished,
        failed: 0,
        instances: 3,
    }
}

fn task(id: &str, state: i32) -> TaskRecord {
    TaskRecord {
        id: id.into(),
        job: Some("sleepers".into()),
        role: "batch".into(),
        agent: "S0".into(),
        needs: Amounts::default(),
        state: TaskState(state),
        attempt: 0,
        launched: Instant(1_700_000_000_123_456_789),
        killing: None,
        killed: None,
        replaced: false,
        quarantined: false,
        reason: Some("because".into()),
        placed: Some(Placed {
            by: Arc::default(),
            round: 7,
            offer: "O1".into(),
            host: "agent".into(),
        }),
    }
}

/// What a ledger of before does not have is absent.
#[test]
fn a_task_record_of_an_older_offerd_is_read() {
    let mut older = serde_json::to_value(task("a.1", 1)).unwrap();
    for field in ["killed", "placed"] {
        older.as_object_mut().unwrap().remove(field).unwrap();
    }
    let read: TaskRecord = serde_json::from_value(older).unwrap();
    let expected = TaskRecord {
        placed: None,
        ..task("a.1", 1)
    };
    assert_eq!(read, expected);
}

fn story(task: &str) -> Why {
    Why {
        task: task.to_owned(),
        job: "sleepers".to_owned(),
        state: "TASK_FINISHED".to_owned(),
        verdict: "it ended".to_owned(),
        steps: Vec::new(),
        candidates: Vec::new(),
        nearest: None,
    }
}

#[test]
fn stories_of_ended_tasks_are_kept_for_a_day() {
    let dir = tempfile::tempdir().unwrap();
    let mut disk = Disk::open(dir.path()).unwrap();
    disk.commit(&[Record::History(Box::new(story("a.1")))])
        .unwrap();
    assert_eq!(disk.history().find("a.1").unwrap(), Some(story("a.1")));
    assert_eq!(disk.history().find("a.2").unwrap(), None);
    assert_eq!(disk.load().unwrap(), Ledger::default());
    drop(disk);

    let disk = Disk::open(dir.path()).unwrap();
    let history = disk.history();
    assert_eq!(history.find("a.1").unwrap(), Some(story("a.1")));
    raw::keep(&disk, "b.1", &story("b.1"), 24 * 3600 + 10);
    assert_eq!(history.find("a.1").unwrap(), None, "a day has passed");
    raw::keep(&disk, "c.1", &story("c.1"), 24 * 3600 + 20);
    for task in ["b.1", "c.1"] {
        assert_eq!(history.find(task).unwrap(), Some(story(task)));
    }
}

fn any_record() -> impl Strategy<Value = Record> {
    let name = prop::sample::select(vec!["a", "a.b", "b-1", "c", "ü/1"]);
    prop_oneof![
        1 => "[a-z0-9-]{1,8}".prop_map(|id| Record::FrameworkId(id.as_str().into())),
        4 => (name.clone(), 0..9u32).prop_map(|(n, k)| Record::Job(job(n, k))),
        2 => name.clone().prop_map(|n| Record::JobGone(n.into())),
        6 => (name.clone(), 0..14i32).prop_map(|(n, s)| Record::Task(task(n, s))),
        3 => name.prop_map(|n| Record::TaskGone(n.into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is committed, in whatever portions, with a restart after each:
    /// the store gives back what the records in order amount to.
    #[test]
    fn replay_equals_the_model(commits in prop::collection::vec(prop::collection::vec(any_record(), 0..8), 0..8)) {
        let dir = tempfile::tempdir().unwrap();
        let mut model = Store::memory();
        for records in commits {
            let mut store = Store::open(dir.path()).unwrap();
            store.commit(records.clone()).unwrap();
            model.commit(records).unwrap();
            prop_assert_eq!(store.load().unwrap(), model.load().unwrap());
        }
        let store = Store::open(dir.path()).unwrap();
        prop_assert_eq!(store.load().unwrap(), model.load().unwrap());
    }
}

#[test]
fn the_latest_record_of_a_key_wins() {
    let mut store = Store::memory();
    store
        .commit(vec![
            Record::FrameworkId("F1".into()),
            Record::Job(job("a", 0)),
            Record::Job(job("b", 0)),
            Record::Task(task("a.1", 6)),
            Record::Job(job("a", 2)),
            Record::JobGone("b".into()),
            Record::TaskGone("a.1".into()),
            Record::Task(task("a.2", 1)),
        ])
        .unwrap();
    assert_eq!(
        store.load().unwrap(),
        Ledger {
            framework_id: Some("F1".into()),
            jobs: vec![job("a", 2)],
            tasks: vec![task("a.2", 1)],
        }
    );
}

#[test]
fn a_new_store_is_empty_and_private() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("made/on/the/way");
    let store = Store::open(&inner).unwrap();
    assert!(store.is_durable());
    assert_eq!(store.load().unwrap(), Ledger::default());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&inner).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}

#[test]
fn a_second_opener_is_told_who_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let error = Store::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains(&dir.path().display().to_string()), "{error}");
    assert!(
        error.contains(&format!("(process {})", std::process::id())),
        "{error}"
    );
    drop(store);
    Store::open(dir.path()).unwrap();
}

#[test]
fn a_newer_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    raw::set_format(&Disk::open(dir.path()).unwrap(), "2");
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { .. }));
    assert!(error.to_string().contains("has format 2"), "{error}");
    assert!(error.to_string().contains("up to 1"), "{error}");
}

#[test]
fn a_damaged_entry_is_named() {
    for (key, value, why) in [
        ("task/a.1", &b"{\"id\":"[..], "EOF"),
        ("job/a", &b"\xff"[..], "expected value"),
        ("wat", &b"1"[..], "such a key"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        raw::put(&disk, key, value);
        let error = disk.load().unwrap_err().to_string();
        assert!(error.contains(&format!("'{key}'")), "{error}");
        assert!(error.contains(why), "{error}");
        assert!(error.contains("restore the file from a copy"), "{error}");
    }
}

#[test]
fn an_entry_under_another_key_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::open(dir.path()).unwrap();
    let value = serde_json::to_vec(&task("a.1", 1)).unwrap();
    raw::put(&disk, "task/a.2", &value);
    let error = disk.load().unwrap_err().to_string();
    assert!(error.contains("about the task 'a.1'"), "{error}");
}

#[test]
fn a_file_that_is_no_store_says_so() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("ledger.redb"),
        "hello, I am a text".repeat(500),
    )
    .unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(error.to_string().contains("ledger.redb"), "{error}");
    assert!(error.source().is_some());
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Store::open(&file.join("state")).unwrap_err().to_string();
    assert!(error.contains("file/state"), "{error}");
}
