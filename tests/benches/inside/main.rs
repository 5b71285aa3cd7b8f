//! Inside one process, without sockets: from the bytes of an OFFERS event to the
//! bytes of all calls, with the policy in WebAssembly and the same policy
//! compiled into the host; and the policy's call alone. See docs/performance.md.
//!
//!     cargo xtask bench --bench inside

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark ends when something is wrong"
)]

mod native;
#[path = "../offer.rs"]
mod offer;
mod scene;

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::Arc;

use divan::Bencher;
use native::Native;
use offerd_policy::PolicyCode;
use scene::{Scene, guest};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

/// `native` and `minimal` are the same algorithm.
const POLICIES: [&str; 4] = ["native", "minimal", "first-fit", "bin-pack"];

fn code(policy: &str) -> Box<dyn PolicyCode> {
    match policy {
        "native" => Box::new(Native),
        name => guest(name),
    }
}

/// Bytes of the event in, bytes of all calls out, 1,000 offers.
#[divan::bench(args = POLICIES, sample_count = 60)]
fn event_to_calls(bencher: Bencher<'_, '_>, policy: &str) {
    let code = RefCell::new(code(policy));
    bencher
        .counter(divan::counter::ItemsCount::new(1000_usize))
        .with_inputs(|| Scene::new(1000))
        .bench_local_values(|mut scene| {
            let bytes = scene.run(code.borrow_mut().as_mut());
            assert!(bytes > 0);
            (bytes, scene)
        });
}

/// The policy's call alone: a round of 1,000 offers and one waiting set that
/// none of them fits. What `minimal` takes longer than `native` is the border.
#[divan::bench(args = POLICIES)]
fn a_round_of_1000_offers(bencher: Bencher<'_, '_>, policy: &str) {
    decide(bencher, policy, 1000, true);
}

/// The policy's call alone, one offer and one placement.
#[divan::bench(args = POLICIES)]
fn a_round_of_1_offer(bencher: Bencher<'_, '_>, policy: &str) {
    decide(bencher, policy, 1, false);
}

fn decide(bencher: Bencher<'_, '_>, policy: &str, offers: usize, too_large: bool) {
    let code = RefCell::new(code(policy));
    let mut round = Scene::new(offers).round();
    if too_large {
        for set in &mut round.waiting {
            set.needs.cpus = offerd_core::Milli(1_000_000);
        }
    }
    // The tables of the first round, once.
    code.borrow_mut()
        .decide(round.clone().into())
        .result
        .unwrap();
    round.delta = Default::default();
    bencher
        .counter(divan::counter::ItemsCount::new(offers))
        .with_inputs(|| Arc::new(round.clone()))
        .bench_local_values(|round| black_box(code.borrow_mut().decide(round)));
}
