//! What no policy should do; the host ends it, in whatever language.

use std::hint::black_box;

use offerd_sdk::clock;

/// Does what the configuration asks for, if it asks for any of it.
pub(crate) fn test(config: &str) {
    if config.contains("loop-decide") {
        // Asks the host, so that nobody takes the loop away.
        while clock::now() > 0.0 {}
    }
    if config.contains("bomb-decide") {
        let mut kept: Vec<Vec<u8>> = Vec::new();
        loop {
            kept.push(black_box(vec![1; 1 << 20]));
        }
    }
    if config.contains("recurse-decide") {
        black_box(dig(1));
    }
}

#[expect(unconditional_recursion, reason = "on purpose")]
fn dig(depth: u64) -> u64 {
    black_box(dig(black_box(depth + 1))) + 1
}
