//! What wasmtime generates from wit/: the types as they cross the border, and
//! a trait for each imported interface. Nothing outside this crate sees them;
//! `convert` turns them into the domain types.

#![allow(
    missing_debug_implementations,
    unreachable_pub,
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "generated"
)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "stateful-policy",
    // A host function that a policy may not use now ends the call with a text
    // that says so.
    imports: { default: trappable },
    // The contract in binary form; `contract` compares components with it.
    include_component_type: true,
});

pub(crate) use self::exports::offerd::policy::state::Snapshot as WitSnapshot;
pub(crate) use self::offerd::policy::{clock, cluster, logging, metrics, random, types};
