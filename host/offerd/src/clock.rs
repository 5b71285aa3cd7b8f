//! The time that the machine is told.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use offerd_core::Instant;

/// The wall clock at the start plus the time since: never goes back, whatever
/// is done to the system's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    wall: Instant,
    started: tokio::time::Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Self {
            wall: Instant(nanos(since)),
            started: tokio::time::Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.wall + self.started.elapsed()
    }

    /// When a moment of the machine comes, for timers.
    pub(crate) fn moment(&self, at: Instant) -> tokio::time::Instant {
        self.started + at.since(self.wall)
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn started_at(&self) -> Instant {
        self.wall
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
