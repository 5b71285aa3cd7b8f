//! The scheduler as a machine without IO: what happened goes in, what to do
//! comes out.
//!
//! This crate knows offers, agents, tasks, jobs and what the rules of Mesos
//! demand. It does not know protobuf, HTTP, WebAssembly, files or clocks: the
//! crates around it translate ([`Input`], [`Effect`]) and the time is an
//! argument. That makes every run repeatable and lets tests feed it millions of
//! schedules.

pub mod amount;
pub mod call;
pub mod event;
pub mod ids;
pub mod job;
pub mod machine;
pub mod offer;
pub mod policy;
pub mod resource;
pub mod task;

pub use amount::Milli;
pub use machine::{Effect, Input, Machine, Settings};

/// A moment: nanoseconds since the Unix epoch. The machine only compares and
/// subtracts these; it never asks a clock.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct Instant(pub u64);

impl Instant {
    /// From whole milliseconds since the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Milliseconds since the epoch, with a fraction.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The time from `earlier` to `self`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl std::ops::Add<std::time::Duration> for Instant {
    type Output = Self;
    fn add(self, duration: std::time::Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}
