//! Values for this crate's unit tests.

use offerd_core::Instant;
use offerd_core::ids::OfferHandle;
use offerd_core::policy::{Delta, Round};

/// An empty round.
pub(crate) fn round(number: u32) -> Round {
    Round {
        number,
        now: Instant::from_millis(1_000),
        offers: Vec::new(),
        fresh_from: OfferHandle(0),
        waiting: Vec::new(),
        updates: Vec::new(),
        rescinded: Vec::new(),
        events: Vec::new(),
        delta: Delta::default(),
    }
}
