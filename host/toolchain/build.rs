//! Puts the SDKs and templates into the crate; see `src/embedded.rs`.
fn main() {}
