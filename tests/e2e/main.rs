//! The whole of offerd against a simulated master and a real Mesos: scenarios
//! are written once and run on both. `cargo xtask test` builds the policies and
//! sets up the real Mesos.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests are not in functions marked as tests"
)]

mod bad_input;
mod beginnings;
mod canaries;
mod command_line;
mod failures;
mod misbehaviour;
mod operators;
mod projects;
mod reasons;
mod recordings;
mod replays;
mod roles;
mod scenarios;
mod shadows;
mod support;
mod swaps;
