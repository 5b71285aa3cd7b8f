//! What is shown of a text or of bytes that are too large to show.

use serde_json::{Value, json};

/// Below 2^23, so that no step of the sum needs more than 31 bits.
const PRIME: u32 = 8_388_593;

/// Their number, and the number that they are as digits of base 256, modulo a prime.
pub(crate) fn weighed(bytes: &[u8]) -> Value {
    let add = |sum: u32, byte: &u8| (sum * 256 + u32::from(*byte)) % PRIME;
    json!([bytes.len(), bytes.iter().fold(0, add)])
}
