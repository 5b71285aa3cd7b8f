//! Offers a second, CPU time and latency from end to end, over loopback, against
//! a master that answers at once: offerd with a policy in WebAssembly beside a
//! native client that does nothing else. Each scheduler is a process on a core
//! of its own; the master has another. With `@2` it may use both, for a shadow has a
//! thread of its own. See docs/performance.md.
//!
//!     cargo xtask bench --bench end_to_end [-- BURST...]

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark ends when something is wrong"
)]

mod host;
mod master;
mod native;
#[path = "../offer.rs"]
mod offer;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use master::{Master, Run};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Says to a child process what it is.
const ROLE: &str = "OFFERD_BENCH_ROLE";
const MASTER: &str = "OFFERD_BENCH_MASTER";

/// Offers of a run with bursts, and single offers of a run for latency.
const OFFERS: usize = 200_000;
const SINGLE: usize = 3_000;

/// After the name of a scheduler: it may use the master's core too.
const BOTH_CORES: &str = "@2";

/// So that one noisy moment does not decide; the median is shown.
const REPEAT: usize = 3;

fn main() {
    if let Ok(role) = std::env::var(ROLE) {
        let master = std::env::var(MASTER).unwrap();
        match role.as_str() {
            "native" => native::run(&master),
            guest => host::run(&master, guest),
        }
        return;
    }
    let mut bursts: Vec<usize> = std::env::args()
        .filter_map(|text| text.parse().ok())
        .collect();
    if bursts.is_empty() {
        bursts = vec![1, 100, 1000, 10_000];
    }
    if taskset().is_none() {
        println!("taskset is missing: the schedulers are not bound to one core\n");
    }
    println!(
        "{:>6}  {:<17}  {:>10}  {:>14}  {:>12}  {:>10}",
        "burst", "scheduler", "offers/s", "CPU s/100,000", "p50 us/burst", "ratio"
    );
    for burst in bursts {
        let mut baseline = None;
        for scheduler in [
            "native",
            "first-fit",
            "bin-pack",
            "bin-pack+record",
            "bin-pack@2",
            "bin-pack+shadow@2",
        ] {
            let total = if burst == 1 { SINGLE } else { OFFERS };
            let mut runs: Vec<Measured> = (0..REPEAT)
                .map(|_| measure(scheduler, burst, total))
                .collect();
            runs.sort_by(|a, b| a.rate.total_cmp(&b.rate));
            let run = &runs[REPEAT / 2];
            let base = *baseline.get_or_insert(run.rate);
            println!(
                "{burst:>6}  {scheduler:<17}  {:>10.0}  {:>14.2}  {:>12.1}  {:>10.2}",
                run.rate,
                run.cpu,
                run.median.as_secs_f64() * 1e6,
                run.rate / base,
            );
        }
    }
}

struct Measured {
    rate: f64,
    /// CPU seconds of the scheduler for 100,000 offers.
    cpu: f64,
    /// Time from a burst to the last of its answers.
    median: Duration,
}

fn measure(scheduler: &str, burst: usize, total: usize) -> Measured {
    let master = Master::bind(burst);
    let child = spawn(scheduler, &master.address);
    let mut session = master.accept();
    // Warm: buffers, caches, branch predictors.
    session.run(10_000.max(burst) / burst);
    let before = cpu_seconds(child.0.id());
    let Run {
        elapsed,
        mut bursts,
    } = session.run(total / burst);
    let cpu = cpu_seconds(child.0.id()) - before;
    bursts.sort_unstable();
    let offers = (total / burst * burst) as f64;
    Measured {
        rate: offers / elapsed.as_secs_f64(),
        cpu: cpu * 100_000.0 / offers,
        median: bursts[bursts.len() / 2],
    }
}

/// A scheduler; ended when dropped.
struct Scheduler(Child);

impl Drop for Scheduler {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spawn(scheduler: &str, master: &str) -> Scheduler {
    let this = std::env::current_exe().unwrap();
    let role = scheduler.trim_end_matches(BOTH_CORES);
    let mut command = match taskset().filter(|_| role == scheduler) {
        Some(mut command) => {
            command.args(["-c", "1"]).arg(this);
            command
        }
        None => Command::new(this),
    };
    let child = command
        .env(ROLE, role)
        .env(MASTER, master)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    Scheduler(child)
}

/// The program that binds others to a core, where there is one and a second
/// core.
fn taskset() -> Option<Command> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let works = Command::new("taskset")
        .args(["-c", "1", "true"])
        .status()
        .is_ok_and(|status| status.success());
    (cores > 1 && works).then(|| Command::new("taskset"))
}

/// User and system time of a process. Linux counts in hundredths of a second.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: f64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<f64>().unwrap())
        .sum();
    ticks / 100.0
}
