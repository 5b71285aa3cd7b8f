//! Recordings on the disk: written, read, cut.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests are not in functions marked as tests"
)]

mod cuts;
mod files;
mod support;
