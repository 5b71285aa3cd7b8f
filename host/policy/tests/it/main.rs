//! Policies in WebAssembly against this crate's public face. The guests are in
//! tests/guests; `cargo xtask test` builds them first.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests are not in functions marked as tests"
)]

mod best_fit;
mod cache;
mod calls;
mod conformance;
mod corpus;
mod everything;
mod languages;
mod loading;
mod misbehaviour;
mod state;
mod support;
mod threads;
