//! Runs scheduling policies: WebAssembly components that implement the world in
//! wit/. The only crate that knows wasmtime.
//!
//! A [`Runtime`] loads a [`Program`] (checked, compiled, cached); a [`Policy`]
//! is a program at work, called for one round at a time under a deadline and
//! limits; a [`PolicyThread`] gives it a thread of its own. Policies see domain
//! types of `offerd-core` in their binary form and nothing else of the host:
//! there is no WASI, the clock and the random numbers are the host's.
//!
//! This crate decides nothing about offers. What a policy answers is turned into
//! domain types, bounded in size, and handed on; whether a decision is good is
//! the machine's business.

mod bindings;
mod cache;
mod compiler;
mod contract;
mod convert;
mod failure;
mod host;
mod instance;
mod limits;
mod log;
mod metrics;
mod options;
mod policy;
mod program;
mod progress;
mod random;
mod runtime;
mod tables;
#[cfg(test)]
mod testing;
mod text;
mod thread;
mod ticker;

pub use cache::digest;
pub use compiler::{Compiler, confine};
pub use contract::Problem;
pub use limits::Limits;
pub use log::{HostLog, LogLevel, LogSink};
pub use metrics::{Metric, Metrics, MetricsSnapshot};
pub use options::{Description, Framework, Options, RoundLimits, Snapshot, StartError};
pub use policy::{Began, CallStats, Decided, Policy, PolicyCode};
pub use program::{LoadError, Program};
pub use progress::Progress;
pub use runtime::{CompileError, Runtime, RuntimeError};
pub use thread::{InvokeError, PolicyThread, Replaced, Reply, spawn};
