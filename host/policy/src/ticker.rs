//! The clock of deadlines: a thread that advances the engine's epoch while
//! calls of policies are under way. Guests compare the epoch with their
//! deadline at each loop and function entry, which costs them next to nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use wasmtime::Engine;

/// Deadlines are counted in these; an endless loop is stopped at most this long
/// after its deadline.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// Ticks without a call after which the thread goes to sleep. A busy host never
/// wakes it again and again; an idle one is not woken 200 times a second.
const IDLE_TICKS: u32 = 200;

#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Calls under way.
    calls: AtomicUsize,
    asleep: AtomicBool,
    stop: AtomicBool,
}

/// While it lives, the epoch advances.
#[derive(Debug)]
pub(crate) struct Ticking<'a>(&'a Shared);

impl Ticker {
    pub(crate) fn start(engine: Engine) -> std::io::Result<Self> {
        Self::start_with(engine, IDLE_TICKS)
    }

    fn start_with(engine: Engine, idle_ticks: u32) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = std::thread::Builder::new()
            .name("policy-ticker".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.run(idle_ticks, || engine.increment_epoch())
            })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// To be held during a call.
    pub(crate) fn tick(&self) -> Ticking<'_> {
        self.shared.calls.fetch_add(1, Ordering::SeqCst);
        // The other half of this handshake is in `run`: either the thread sees
        // the call or the caller sees the thread asleep.
        if self.shared.asleep.load(Ordering::SeqCst)
            && self.shared.asleep.swap(false, Ordering::SeqCst)
        {
            self.wake();
        }
        Ticking(&self.shared)
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            Thread::unpark(thread.thread());
        }
    }

    /// Ticks that cover a deadline, never fewer: the first may come at once.
    pub(crate) fn ticks(deadline: Duration) -> u64 {
        let ticks = deadline.as_nanos().div_ceil(TICK.as_nanos());
        u64::try_from(ticks)
            .unwrap_or(u64::MAX / 4)
            .saturating_add(1)
    }
}

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.asleep.store(false, Ordering::SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // Its only way to end early is a panic, which has been reported.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn run(&self, idle_ticks: u32, tick: impl Fn()) {
        let mut idle = 0;
        while self.wait(TICK) {
            tick();
            idle = if self.calls.load(Ordering::SeqCst) == 0 {
                idle + 1
            } else {
                0
            };
            if idle >= idle_ticks {
                self.sleep();
                idle = 0;
            }
        }
    }

    /// False: time to end.
    fn wait(&self, time: Duration) -> bool {
        let start = Instant::now();
        loop {
            if self.stop.load(Ordering::SeqCst) {
                return false;
            }
            // Wake-ups can come for no reason.
            match time.checked_sub(start.elapsed()) {
                Some(left) if !left.is_zero() => std::thread::park_timeout(left),
                _ => return true,
            }
        }
    }

    fn sleep(&self) {
        self.asleep.store(true, Ordering::SeqCst);
        if self.calls.load(Ordering::SeqCst) > 0 || self.stop.load(Ordering::SeqCst) {
            self.asleep.store(false, Ordering::SeqCst);
        }
        while self.asleep.load(Ordering::SeqCst) {
            std::thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_cover_the_deadline() {
        assert_eq!(Ticker::ticks(Duration::ZERO), 1);
        assert_eq!(Ticker::ticks(Duration::from_millis(5)), 2);
        assert_eq!(Ticker::ticks(Duration::from_millis(51)), 12);
        assert!(Ticker::ticks(Duration::MAX) > 1 << 60);
    }

    #[test]
    fn sleeps_when_idle_wakes_for_a_call_and_ends_when_dropped() {
        let ticker = Ticker::start_with(Engine::default(), 1).unwrap();
        for _ in 0..2 {
            while !ticker.shared.asleep.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            let ticking = ticker.tick();
            assert!(!ticker.shared.asleep.load(Ordering::SeqCst));
            drop(ticking);
        }
        drop(ticker);
    }
}
