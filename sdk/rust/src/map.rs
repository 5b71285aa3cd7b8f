//! Hash maps that behave the same in each run.
//!
//! The standard library seeds its maps from addresses where there is no source
//! of random numbers, and their order of iteration with it. A policy must
//! decide the same for the same rounds, so the SDK's maps have no seed.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A map whose hashing is fixed. Quick for handles; also right for strings that
/// no enemy picks.
pub type Map<K, V> = HashMap<K, V, BuildHasherDefault<FixedHasher>>;

/// A set whose hashing is fixed.
pub type Set<K> = HashSet<K, BuildHasherDefault<FixedHasher>>;

/// Multiplies and rotates word by word.
#[derive(Debug, Clone, Copy, Default)]
pub struct FixedHasher(u64);

impl FixedHasher {
    fn mix(&mut self, word: u64) {
        // An odd number with well-spread bits (2^64 divided by the golden
        // ratio): consecutive handles land far apart.
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for FixedHasher {
    fn finish(&self) -> u64 {
        // The map takes buckets from the low bits; the product mixes upward.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.mix(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.mix(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.mix(number as u64);
    }
}
