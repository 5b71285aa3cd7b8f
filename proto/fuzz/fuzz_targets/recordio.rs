//! Any bytes, in any chunks, as a RecordIO stream.

#![no_main]

#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::recordio(data));
