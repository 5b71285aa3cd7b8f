//! What is done with each input: the same for the fuzz targets and for
//! `tests/fuzz.rs`, which needs no fuzzer. A body panics on a finding.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each target uses one body, and a panic is how it reports"
)]

use bytes::{Bytes, BytesMut};
use mesos_v1::recordio::{Decoder, Error, encode};
use mesos_v1::scheduler::Event;
use prost::Message;

/// Small, so that records that are too long are found as well.
const LIMIT: usize = 4096;

fn decode<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<Bytes>, Result<(), Error>) {
    let mut decoder = Decoder::new(LIMIT);
    let mut records = Vec::new();
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        loop {
            match decoder.next_record() {
                Ok(Some(record)) => records.push(record),
                Ok(None) => break,
                Err(error) => return (records, Err(error)),
            }
        }
    }
    (records, decoder.finish())
}

/// The first byte is the length of the chunks.
pub(crate) fn recordio(data: &[u8]) {
    let Some((size, stream)) = data.split_first() else {
        return;
    };
    let whole = decode([stream].into_iter());
    let cut = decode(stream.chunks(usize::from(*size).max(1)));
    assert_eq!(whole, cut, "the chunks make a difference");
    let (records, _) = whole;
    let taken: usize = records.iter().map(Bytes::len).sum();
    assert!(taken + 2 * records.len() <= stream.len());
    assert!(records.iter().all(|record| record.len() <= LIMIT));

    let mut again = BytesMut::new();
    for record in &records {
        encode(record, &mut again);
    }
    let (same, end) = decode([&again[..]].into_iter());
    assert_eq!((same, end), (records, Ok(())));
}

pub(crate) fn event(data: &[u8]) {
    let Ok(event) = Event::decode(data) else {
        return;
    };
    let bytes = event.encode_to_vec();
    let again = Event::decode(bytes.as_slice()).expect("what was encoded decodes");
    assert_eq!(again.encode_to_vec(), bytes);

    let value = mesos_v1::json::to_value(&event).expect("what was decoded has a JSON form");
    let text = value.to_string();
    // The bits of a NaN are not in the JSON form.
    if text.contains("\"NaN\"") {
        return;
    }
    let read: Event = mesos_v1::json::from_str(&text).expect("the JSON form is readable");
    assert_eq!(read.encode_to_vec(), bytes, "{text}");
}
