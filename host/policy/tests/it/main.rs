//! Policies in WebAssembly against this crate's public face. The guests are in
//! tests/guests; `cargo xtask test` builds them first.

mod calls;
mod support;
