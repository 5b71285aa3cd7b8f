//! What is written is read again, whatever happened to the writer.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests are not in functions marked as tests"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use offerd_core::Instant;
use offerd_core::event::Event;
use offerd_core::machine::{Input, Session};
use offerd_record::{Entry, Folder, Limits, ReadError, Reader, Recorded, Recorder, Start};

fn start(millis: u64) -> Start {
    Start {
        version: "1".to_owned(),
        now: Instant::from_millis(millis),
        machine: vec![1, 2, 3],
        policies: Vec::new(),
    }
}

/// A recording with this many events of a kilobyte.
fn write(folder: &Path, from: u64, events: u32, limits: Limits) -> PathBuf {
    let mut recorder = Recorder::new(Folder::new(folder), limits).unwrap();
    assert!(recorder.wants_start(Instant::from_millis(from)));
    recorder.start(start(from));
    for number in 0..events {
        let input = Input::Master {
            session: Session(1),
            event: Event::Heartbeat,
        };
        let record = Bytes::from(number.to_le_bytes().repeat(256));
        recorder.inputs(Instant::from_millis(from), &[input, Input::Tick], &[record]);
        recorder.hand_over();
    }
    drop(recorder);
    let found = Folder::new(folder).list().unwrap();
    found.last().unwrap().path.clone()
}

fn read(path: &Path) -> Result<(Vec<Entry<'static>>, bool), ReadError> {
    let mut reader = Reader::open(path)?;
    let mut entries = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        entries.push(entry);
    }
    Ok((entries, reader.is_cut_off()))
}

#[test]
fn what_is_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), 1_000, 100, Limits::default());
    let (entries, cut_off) = read(&path).unwrap();
    assert!(!cut_off);
    assert_eq!(entries.len(), 101);
    assert_eq!(entries[0], Entry::Start(Box::new(start(1_000))));
    let Entry::Inputs { inputs, .. } = &entries[100] else {
        panic!("{:?}", entries[100]);
    };
    let [Recorded::Event { record, .. }, Recorded::Tick] = inputs.as_slice() else {
        panic!("{inputs:?}");
    };
    assert_eq!(record[..4], 99_u32.to_le_bytes());
    // Numbers that repeat are compressed.
    assert!(std::fs::metadata(&path).unwrap().len() < 20_000);
}

#[test]
fn of_a_file_that_is_cut_anywhere_all_before_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), 1_000, 5, Limits::default());
    let whole = std::fs::read(&path).unwrap();
    let mut most = 0;
    for length in 12..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let (entries, cut_off) = read(&path).unwrap();
        assert!(entries.len() >= most && entries.len() < 6);
        most = entries.len();
        // Not in the middle of a block: it looks like an end.
        assert!(cut_off || length == 12 || !entries.is_empty());
    }
    assert_eq!(most, 5);
}

#[test]
fn damage_is_found_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), 1_000, 5, Limits::default());
    let whole = std::fs::read(&path).unwrap();
    for position in 12..whole.len() {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x20;
        std::fs::write(&path, &bytes).unwrap();
        match read(&path) {
            Err(error @ ReadError::Damaged { .. }) => {
                assert!(error.to_string().contains("byte "), "{error}");
            }
            // A length that is too large looks like a file that was cut.
            Ok((_, cut_off)) => assert!(cut_off, "byte {position}"),
            Err(other) => panic!("byte {position}: {other}"),
        }
    }
    std::fs::write(&path, b"something else").unwrap();
    assert!(matches!(read(&path), Err(ReadError::Magic { .. })));
}

#[test]
fn old_and_too_many_files_go_but_never_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let first = write(dir.path(), 1_000, 5, Limits::default());
    let limits = Limits {
        bytes: std::fs::metadata(first).unwrap().len() * 2,
        ..Limits::default()
    };
    for number in 1..5 {
        write(dir.path(), 1_000 + number, 5, limits);
    }
    let found = Folder::new(dir.path()).list().unwrap();
    assert!(found.len() < 5 && found.len() > 1, "{found:?}");
    assert!(found.last().unwrap().path.ends_with("000000000001004.orec"));
    let limits = Limits {
        age: Duration::ZERO,
        ..Limits::default()
    };
    write(dir.path(), 9_000, 1, limits);
    assert_eq!(Folder::new(dir.path()).list().unwrap().len(), 1);
}

#[test]
fn a_new_file_is_wanted_when_one_is_large_or_old() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits {
        file_age: Duration::from_secs(10),
        ..Limits::default()
    };
    let mut recorder = Recorder::new(Folder::new(dir.path()), limits).unwrap();
    recorder.start(start(1_000));
    assert!(!recorder.wants_start(Instant::from_millis(10_999)));
    assert!(recorder.wants_start(Instant::from_millis(11_000)));
}
