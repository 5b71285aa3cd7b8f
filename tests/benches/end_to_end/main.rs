//! Offers a second, CPU time and latency from end to end, over loopback, against
//! a master that answers at once: offerd with a policy in WebAssembly beside a
//! native client that does nothing else. Each scheduler is a process on a core
//! of its own; the master has another. With `@2` it may use both, for a shadow has a
//! thread of its own. See docs/performance.md.
//!
//! `1/1ms` are single offers with a pause before each: what an offer takes where others have
//! done what they had to do.
//!
//!     cargo xtask bench --bench end_to_end [-- BURST[/PAUSEms]...]

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
const SINGLE: usize = 10_000;

/// Bursts of a run with pauses.
const PAUSED: usize = 1_000;

/// After the name of a scheduler: it may use the master's core too.
const BOTH_CORES: &str = "@2";

/// A child that writes to more memory than a scheduler takes, and ends.
const TOUCH: &str = "touch";
const TOUCHED: usize = 1 << 30;

/// Turns, in each of which every scheduler runs once: what drifts on the machine meets
/// all of them.
const TURNS: usize = 7;

/// The schedulers, and the one beside which each is set.
const SCHEDULERS: [(&str, Option<usize>); 6] = [
    ("native", None),
    ("first-fit", Some(0)),
    ("bin-pack", Some(0)),
    ("bin-pack+record", Some(2)),
    ("bin-pack@2", Some(0)),
    ("bin-pack+shadow@2", Some(4)),
];

fn main() {
    if let Ok(role) = std::env::var(ROLE) {
        let master = std::env::var(MASTER).unwrap();
        match role.as_str() {
            TOUCH => drop(std::hint::black_box(vec![1_u8; TOUCHED])),
            "native" => native::run(&master),
            guest => host::run(&master, guest),
        }
        return;
    }
    let mut loads: Vec<Load> = std::env::args()
        .filter_map(|text| Load::parse(&text))
        .collect();
    if loads.is_empty() {
        let usual = ["1", "1/1ms", "100", "1000", "10000"];
        loads.extend(usual.iter().filter_map(|text| Load::parse(text)));
    }
    if taskset().is_none() {
        println!("taskset is missing: the schedulers are not bound to one core\n");
    }
    println!(
        "medians of {TURNS} turns; ratio: offers/s beside those of another scheduler in the same turn"
    );
    println!(
        "{:>6}  {:<17}  {:>10}  {:>14}  {:>12}  {:>5}  {:<10}  lowest to highest",
        "burst", "scheduler", "offers/s", "CPU s/100,000", "p50 us/burst", "ratio", "beside"
    );
    for load in loads {
        let name = load.name();
        let turns: Vec<Vec<Measured>> = (0..TURNS)
            .map(|_| {
                let measured = |(scheduler, _)| measure(scheduler, &load);
                SCHEDULERS.map(measured).into()
            })
            .collect();
        for (number, (scheduler, beside)) in SCHEDULERS.iter().enumerate() {
            let of = |what: fn(&Measured) -> f64| {
                sorted(turns.iter().map(|turn| what(&turn[number])))[TURNS / 2]
            };
            print!(
                "{name:>6}  {scheduler:<17}  {:>10.0}  {:>14.2}  {:>12.1}",
                of(|run| run.rate),
                of(|run| run.cpu),
                of(|run| run.median) * 1e6,
            );
            if let Some(beside) = *beside {
                let ratios = turns
                    .iter()
                    .map(|turn| turn[number].rate / turn[beside].rate);
                let ratios = sorted(ratios);
                print!(
                    "  {:>5.2}  {:<10}  {:.2} to {:.2}",
                    ratios[TURNS / 2],
                    SCHEDULERS[beside].0,
                    ratios[0],
                    ratios[TURNS - 1],
                );
            }
            println!();
        }
    }
}

fn sorted(figures: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures
}

/// What the master sends.
struct Load {
    burst: usize,
    pause: Duration,
}

impl Load {
    fn parse(text: &str) -> Option<Self> {
        let (burst, pause) = text.split_once('/').unwrap_or((text, "0ms"));
        Some(Self {
            burst: burst.parse().ok()?,
            pause: Duration::from_millis(pause.strip_suffix("ms")?.parse().ok()?),
        })
    }

    fn name(&self) -> String {
        match self.pause.as_millis() {
            0 => self.burst.to_string(),
            pause => format!("{}/{pause}ms", self.burst),
        }
    }

    /// Offers of a run.
    fn total(&self) -> usize {
        match (self.burst, self.pause.is_zero()) {
            (1, true) => SINGLE,
            (_, true) => OFFERS,
            (burst, false) => PAUSED * burst,
        }
    }
}

struct Measured {
    rate: f64,
    /// CPU seconds of the scheduler for 100,000 offers.
    cpu: f64,
    /// Seconds from a burst to the last of its answers.
    median: f64,
}

fn measure(scheduler: &str, load: &Load) -> Measured {
    let (burst, total) = (load.burst, load.total());
    touch_memory();
    let master = Master::bind(burst);
    let child = spawn(scheduler, &master.address);
    let mut session = master.accept();
    // Warm: buffers, caches, branch predictors.
    session.run(10_000.max(burst) / burst, Duration::ZERO);
    let before = cpu_seconds(child.0.id());
    let Run {
        elapsed,
        mut bursts,
    } = session.run(total / burst, load.pause);
    let cpu = cpu_seconds(child.0.id()) - before;
    bursts.sort_unstable();
    let offers = (total / burst * burst) as f64;
    Measured {
        rate: offers / elapsed.as_secs_f64(),
        cpu: cpu * 100_000.0 / offers,
        median: bursts[bursts.len() / 2].as_secs_f64(),
    }
}

/// A virtual machine may get memory from its host only when it is touched, which takes far
/// longer than to clear it. So that no scheduler pays for that, memory is taken that was
/// there a moment ago.
fn touch_memory() {
    let this = std::env::current_exe().unwrap();
    let mut command = Command::new(this);
    let touched = command.env(ROLE, TOUCH).env(MASTER, "").status().unwrap();
    assert!(touched.success());
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
