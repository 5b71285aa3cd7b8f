//! Write scheduling policies for offerd in Rust.
//!
//! A policy is a type that implements [`Policy`]: the host shows it a round
//! (offers, waiting tasks, what happened) and it puts decisions into an
//! [`Answer`]. [`export_policy!`] makes a WebAssembly component of it.
//!
//! ```
//! use offerd_sdk::prelude::*;
//!
//! struct FirstFit;
//!
//! impl Policy for FirstFit {
//!     type Config = NoConfig;
//!
//!     fn describe() -> Description {
//!         Description::new("my-first-fit", "0.1.0", "Takes the first offer with room.")
//!     }
//!
//!     fn configure(_: NoConfig) -> Result<Self, String> {
//!         Ok(Self)
//!     }
//!
//!     fn decide(&mut self, round: &Round, out: &mut Answer) -> Result<(), String> {
//!         let mut fitter = Fitter::new(round, Order::Arrival);
//!         for set in &round.waiting {
//!             for spot in fitter.fill(set) {
//!                 out.place(spot, set, spot.count).because("the first offer with room");
//!             }
//!         }
//!         out.decline_rest().because("nothing that waits fits");
//!         Ok(())
//!     }
//! }
//!
//! offerd_sdk::export_policy!(FirstFit);
//! # fn main() {}
//! ```
//!
//! Outside of WebAssembly the calls to the host go to a stand-in, so that
//! policies are tested with `cargo test`: see [`testing`].

mod amounts;
mod answer;
#[doc(hidden)]
pub mod bindings;
pub mod clock;
pub mod cluster;
pub mod codes;
mod config;
#[doc(hidden)]
pub mod export;
pub mod fit;
pub mod handles;
mod host;
pub mod log;
pub mod map;
pub mod metrics;
mod policy;
pub mod random;
mod resource;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod types;

pub use amounts::{Amounts, milli};
pub use answer::{Accepted, Answer};
pub use policy::{Description, NoConfig, Policy, Snapshot, StatefulPolicy};

/// What most policies use.
pub mod prelude {
    pub use crate::fit::{Fitter, Order, Weights};
    pub use crate::types::{MesosResource, Offer, Round, Task, Update, Waiting};
    pub use crate::{
        Amounts, Answer, Description, NoConfig, Policy, Snapshot, StatefulPolicy, milli,
    };
}

/// The samples of the README compile and pass.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
