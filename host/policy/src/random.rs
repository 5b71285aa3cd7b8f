//! Random numbers for policies: repeatable, value-stable across versions of
//! the host (recordings depend on it), and not for secrets.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// The generator of one policy instance.
#[derive(Debug)]
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    /// Instances of one policy share the seed and differ by their number, so
    /// that a restart does not repeat the numbers of the instance before.
    pub(crate) fn new(seed: u64, instance: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(instance);
        Self(generator)
    }

    pub(crate) fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// At least 0, below 1: 53 random bits.
    pub(crate) fn next_f64(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.0.next_u64() >> 11) as f64 * STEP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_seed_never_change() {
        let mut random = Random::new(7, 0);
        let numbers = [random.next_u32(), random.next_u32(), random.next_u32()];
        assert_eq!(numbers, [601310139, 677729076, 781920570]);
        let value = random.next_f64();
        assert!((0.0..1.0).contains(&value), "{value}");
        assert_ne!(Random::new(7, 1).next_u32(), numbers[0]);
    }
}
