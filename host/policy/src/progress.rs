//! Tells people that something goes on, where they would wait without a word.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Takes a line about what is being done, now and then.
pub type Progress = fn(&str);

/// What takes less is not worth a line.
const FIRST: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_secs(3);

/// Does `work`. If that takes long, `progress` hears of it every few seconds and
/// once at the end; `doing` and `done` begin its lines.
pub(crate) fn told<T>(progress: Progress, doing: &str, done: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let (ended, end) = channel::<()>();
    let tell = move || {
        let mut pause = FIRST;
        while end.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            let seconds = started.elapsed().as_secs();
            progress(&format!("{doing}, {seconds} s so far"));
            pause = EVERY;
        }
    };
    let result = thread::scope(|scope| {
        // Without a thread to tell it, the work goes on in silence.
        let _ = thread::Builder::new()
            .name("progress".to_owned())
            .spawn_scoped(scope, tell);
        let result = work();
        drop(ended);
        result
    });
    let took = started.elapsed();
    if took >= FIRST {
        progress(&format!("{done} in {:.1} s", took.as_secs_f64()));
    }
    result
}
