//! Pieces of recordings: what must be in them, and whose faults are told.

use std::path::{Path, PathBuf};

use offerd_core::Instant;
use offerd_core::ids::PolicyHandle;
use offerd_record::{
    Code, ComponentError, Cut, CutError, Entry, Folder, Limits, ReadError, Recorder, cut,
};

use crate::support::{read, start, write};

/// Recordings that begin after 1, 2 and 3 seconds.
fn three() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for millis in [1_000, 2_000, 3_000] {
        write(dir.path(), millis, 5, Limits::default());
    }
    dir
}

fn file(dir: &Path, millis: u64) -> PathBuf {
    dir.join(format!("{millis:015}.orec"))
}

fn span(from: u64, to: u64) -> Cut {
    Cut {
        from: Some(Instant::from_millis(from)),
        to: Some(Instant::from_millis(to)),
        ..Cut::default()
    }
}

/// Cuts into a folder of its own; gives the times at which the copies begin.
fn pieces(dir: &Path, wish: &Cut) -> Result<Vec<u64>, CutError> {
    let to = tempfile::tempdir().unwrap();
    let folder = Folder::new(to.path());
    cut(dir, &folder, wish)?;
    let found = folder.list().unwrap();
    for piece in &found {
        let (entries, cut_off) = read(&piece.path).unwrap();
        assert!(matches!(entries[0], Entry::Start(_)) && !cut_off);
    }
    Ok(found.into_iter().map(|f| f.began.0 / 1_000_000).collect())
}

#[test]
fn a_piece_begins_with_the_file_in_which_the_time_lies() {
    let dir = three();
    assert_eq!(
        pieces(dir.path(), &Cut::default()).unwrap(),
        [1_000, 2_000, 3_000]
    );
    assert_eq!(pieces(dir.path(), &span(2_500, 2_900)).unwrap(), [2_000]);
    assert_eq!(pieces(dir.path(), &span(0, 2_000)).unwrap(), [1_000, 2_000]);
    let error = pieces(dir.path(), &span(0, 500)).unwrap_err();
    assert!(
        error.to_string().contains("between 1000 and 3000"),
        "{error}"
    );
}

#[test]
fn a_file_that_was_never_begun_hides_nothing() {
    let dir = three();
    for content in ["", "offerd", "offerd rec 4"] {
        std::fs::write(file(dir.path(), 2_500), content).unwrap();
        assert_eq!(
            pieces(dir.path(), &span(2_600, 2_900)).unwrap(),
            [2_000],
            "{content:?}"
        );
    }
}

#[test]
fn what_is_wrong_with_a_file_counts_where_the_file_is_needed() {
    let dir = three();
    let bad = file(dir.path(), 2_000);
    std::fs::write(&bad, "offerd rec 1").unwrap();
    assert_eq!(pieces(dir.path(), &span(1_000, 1_900)).unwrap(), [1_000]);
    assert_eq!(pieces(dir.path(), &span(3_000, 4_000)).unwrap(), [3_000]);
    let error = pieces(dir.path(), &span(2_100, 2_200)).unwrap_err();
    assert!(matches!(&error, CutError::Read(ReadError::Format { path, .. }) if *path == bad));

    // Damage in the middle of it; no half of a copy stays.
    write(dir.path(), 4_000, 200, Limits::default());
    let bad = file(dir.path(), 4_000);
    let mut bytes = std::fs::read(&bad).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x20;
    std::fs::write(&bad, bytes).unwrap();
    let to = tempfile::tempdir().unwrap();
    let error = cut(dir.path(), &Folder::new(to.path()), &span(4_000, 5_000)).unwrap_err();
    assert!(
        matches!(error, CutError::Read(ReadError::Damaged { .. })),
        "{error}"
    );
    assert_eq!(std::fs::read_dir(to.path()).unwrap().count(), 0);
}

#[test]
fn a_copy_is_never_written_over_another() {
    let dir = three();
    let to = tempfile::tempdir().unwrap();
    let folder = Folder::new(to.path());
    cut(dir.path(), &folder, &Cut::default()).unwrap();
    let error = cut(dir.path(), &folder, &Cut::default()).unwrap_err();
    assert!(matches!(error, CutError::Exists { .. }));
    assert!(error.to_string().contains("name another folder"), "{error}");
    assert_eq!(folder.list().unwrap().len(), 3);
}

#[test]
fn components_come_from_beside_the_recording_and_from_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let from = dir.path().join("recordings");
    std::fs::create_dir(&from).unwrap();
    std::fs::write(dir.path().join("secret.wasm"), "secret").unwrap();
    let mut recorder = Recorder::new(Folder::new(&from), Limits::default()).unwrap();
    recorder.start(start(1_000));
    recorder.put(&Entry::Code {
        policy: PolicyHandle(0),
        code: Code {
            digest: "../secret".to_owned(),
            fallback: None,
            instance: 0,
            state: None,
        },
    });
    drop(recorder);
    let error = pieces(&from, &Cut::default()).unwrap_err();
    assert!(
        matches!(error, CutError::Component(ComponentError::Digest { .. })),
        "{error}"
    );
}
