//! Random numbers that the host seeds and records: the same run gives the same
//! numbers. Not for secrets.

use crate::host::random;

/// Any number.
pub fn next_u32() -> u32 {
    random::next_u32()
}

/// At least 0, below 1.
pub fn next_f64() -> f64 {
    random::next_f64()
}

/// At least 0, below `bound`; 0 if `bound` is 0.
pub fn below(bound: u32) -> u32 {
    // The product is below 2^64, and its upper half below `bound`.
    let product = u64::from(random::next_u32()) * u64::from(bound);
    u32::try_from(product >> 32).unwrap_or(0)
}

/// Shuffles in place.
pub fn shuffle<T>(items: &mut [T]) {
    for last in (1..items.len()).rev() {
        let bound = u32::try_from(last + 1).unwrap_or(u32::MAX);
        items.swap(last, below(bound) as usize);
    }
}
