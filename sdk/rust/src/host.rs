//! Where calls to the host go: to the imports of the component in a policy, to
//! the stand-in of [`crate::testing`] in native tests. Both have the same
//! functions.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::policy::offerd::policy::{
    clock, cluster, logging, metrics, random,
};

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::imports::{clock, cluster, logging, metrics, random};
