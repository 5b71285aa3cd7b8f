//! The v1 API of Apache Mesos for Rust: all messages, the RecordIO framing of
//! its event streams, and the JSON form that Mesos uses.
//!
//! The messages of package `mesos.v1` are at the root, those of the other
//! packages in modules named after them. This crate does no IO and knows no
//! scheduler; it is useful on its own.

pub mod json;
pub mod recordio;

#[expect(unreachable_pub, clippy::all, reason = "generated code")]
mod generated {
    include!("gen/mod.rs");
}

pub use generated::mesos::v1::*;

/// The compiled descriptors of all files, as a `FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!("gen/descriptors.bin");
