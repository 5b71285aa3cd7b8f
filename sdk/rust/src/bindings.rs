//! What wit-bindgen makes of the contract. Nothing here is written by hand and
//! nothing of it is part of the SDK's face; `types` and the export macros use it.

#![allow(
    unsafe_code,
    unreachable_pub,
    missing_debug_implementations,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

/// The world `policy`.
pub mod policy {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "policy",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_policy_world",
        default_bindings_module: "offerd_sdk::bindings::policy",
        additional_derives: [PartialEq],
    });
}

/// The world `stateful-policy`, with the types of the first.
pub mod stateful {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "stateful-policy",
        pub_export_macro: true,
        export_macro_name: "export_stateful_world",
        default_bindings_module: "offerd_sdk::bindings::stateful",
        additional_derives: [PartialEq],
        with: {
            "offerd:policy/types@0.1.0": crate::bindings::policy::offerd::policy::types,
            "offerd:policy/cluster@0.1.0": crate::bindings::policy::offerd::policy::cluster,
            "offerd:policy/logging@0.1.0": crate::bindings::policy::offerd::policy::logging,
            "offerd:policy/clock@0.1.0": crate::bindings::policy::offerd::policy::clock,
            "offerd:policy/random@0.1.0": crate::bindings::policy::offerd::policy::random,
            "offerd:policy/metrics@0.1.0": crate::bindings::policy::offerd::policy::metrics,
        },
    });
}
