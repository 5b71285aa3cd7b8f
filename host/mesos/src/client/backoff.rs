//! How long to wait between attempts.

use std::time::Duration;

use rand::Rng;

/// Doubles from the first to the longest wait, with jitter. It is reset by a
/// session that lasted and not by a connection: a peer that accepts and dies at
/// once is waited for like one that does not answer.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    attempts: u32,
}

impl Backoff {
    pub(super) fn new((first, longest): (Duration, Duration)) -> Self {
        Self {
            first,
            longest,
            attempts: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }

    /// Between half of the wait and the whole of it.
    pub(super) fn next_wait(&mut self) -> Duration {
        let whole = self
            .first
            .saturating_mul(1 << self.attempts.min(20))
            .min(self.longest);
        self.attempts = self.attempts.saturating_add(1);
        whole.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_grow_to_the_longest_and_no_further(first in 1u64..1000, factor in 1u64..100) {
            let (first, longest) = (Duration::from_millis(first), Duration::from_millis(first * factor));
            let mut backoff = Backoff::new((first, longest));
            for attempt in 0..40u32 {
                let wait = backoff.next_wait();
                let whole = first.saturating_mul(1 << attempt.min(20)).min(longest);
                prop_assert!(wait <= whole && wait * 2 >= whole - Duration::from_nanos(2));
            }
            backoff.reset();
            prop_assert!(backoff.next_wait() <= first);
        }
    }
}
