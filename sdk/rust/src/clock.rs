//! The host's clock. It stands still during a call.

use std::time::Duration;

use crate::host::clock;

/// Milliseconds since the Unix epoch. Within a round the same as `round.now`.
pub fn now() -> f64 {
    clock::now()
}

/// Milliseconds, as the contract counts durations.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
