//! What is written is read again, whatever happened to the writer.

use std::time::Duration;

use offerd_core::Instant;
use offerd_record::{Entry, Folder, Limits, ReadError, Recorded, Recorder};

use crate::support::{read, start, write};

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
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let (entries, cut_off) = read(&path).unwrap();
        assert!(entries.len() >= most && entries.len() < 6);
        most = entries.len();
        // Not in the middle of a block: it looks like an end.
        assert!(cut_off || length == 12 || !entries.is_empty(), "{length}");
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
    std::fs::write(&path, b"offerd rec 1 and so on").unwrap();
    let error = read(&path).unwrap_err();
    assert!(
        error.to_string().contains("has format 1") && error.to_string().contains("reads format"),
        "{error}"
    );
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

/// Waits until the recorder has noticed that it can't write.
fn stops(recorder: &mut Recorder, now: Instant) {
    while recorder.is_recording() {
        recorder.hand_over(now);
        std::thread::yield_now();
    }
}

#[test]
fn what_cannot_be_written_ends_the_file_and_the_next_begins_after_a_pause() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("recordings");
    let seconds = |seconds| Instant::from_millis(seconds * 1_000);
    let mut recorder = Recorder::new(Folder::new(&path), Limits::default()).unwrap();
    // Something else is where the folder was.
    std::fs::remove_dir(&path).unwrap();
    std::fs::write(&path, b"in the way").unwrap();
    for (now, again) in [(100, 101), (200, 202), (300, 304)] {
        assert!(recorder.wants_start(seconds(now)));
        recorder.start(start(now * 1_000));
        stops(&mut recorder, seconds(now));
        assert!(!recorder.wants_start(seconds(again - 1)), "{now}");
        assert!(recorder.wants_start(seconds(again)), "{now}");
    }
    std::fs::remove_file(&path).unwrap();
    recorder.start(start(400_000));
    assert!(recorder.is_recording());
    drop(recorder);
    let found = Folder::new(&path).list().unwrap();
    let (entries, _) = read(&found[0].path).unwrap();
    assert_eq!(entries, [Entry::Start(Box::new(start(400_000)))]);
}

#[test]
fn a_file_that_cannot_be_removed_ends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // A folder with the name of a recording is none, and remove_file refuses it.
    std::fs::create_dir(dir.path().join("000000000000001.orec")).unwrap();
    let limits = Limits {
        bytes: 0,
        age: Duration::ZERO,
        ..Limits::default()
    };
    let path = write(dir.path(), 1_000, 5, limits);
    let (entries, cut_off) = read(&path).unwrap();
    assert_eq!((entries.len(), cut_off), (6, false));
}
