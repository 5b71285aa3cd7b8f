//! The client against a master whose every step is written down in the test.
//! What a real master does is in /tests; here stands what none does on demand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests are not in functions marked as tests"
)]

mod calls;
mod client;
mod events;
mod server;
mod session;
mod subscribe;
mod tls;
