//! Small recordings, written and read.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use offerd_core::Instant;
use offerd_core::event::Event;
use offerd_core::machine::{Input, Session};
use offerd_record::{Entry, Folder, Limits, ReadError, Reader, Recorder, Start};

pub(crate) fn start(millis: u64) -> Start {
    Start {
        version: "1".to_owned(),
        redacted: false,
        now: Instant::from_millis(millis),
        machine: vec![1, 2, 3],
        policies: Vec::new(),
    }
}

/// A recording with this many events of a kilobyte.
pub(crate) fn write(folder: &Path, from: u64, events: u32, limits: Limits) -> PathBuf {
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
        recorder.hand_over(Instant::from_millis(from));
    }
    drop(recorder);
    let found = Folder::new(folder).list().unwrap();
    found.last().unwrap().path.clone()
}

pub(crate) fn read(path: &Path) -> Result<(Vec<Entry<'static>>, bool), ReadError> {
    let mut reader = Reader::open(path)?;
    let mut entries = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        entries.push(entry);
    }
    Ok((entries, reader.is_cut_off()))
}
