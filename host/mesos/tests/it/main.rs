//! The client against a server that each test plays itself, byte by byte.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests are not in functions marked as tests"
)]

mod calls;
mod connecting;
mod server;
mod stream;
