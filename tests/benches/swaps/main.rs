//! A thousand swaps with ten thousand tasks and a stream of others: how long nobody decides,
//! and what is left in memory; then roll-backs, and questions why. See docs/performance.md.
//!
//!     cargo xtask bench --bench swaps

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark ends when something is wrong"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use offerd::admin::client::Admin;
use offerd::config::Config;
use offerd::service::Service;
use offerd_core::machine::view::{JobStatus, TaskFilter};
use offerd_sim::{AgentSettings, Settings, Sim};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TASKS: u32 = 10_000;
const SWAPS: usize = 1_000;

/// Before them: they fill caches and pools, and what ten thousand launches took goes back.
const WARM: usize = 1_000;

/// Roll-backs, and questions about each of three tasks.
const ASKED: usize = 200;

/// Between two looks at whether something is as it should be.
const LOOK: Duration = Duration::from_millis(20);

fn guest(name: &str) -> PathBuf {
    let folder = match std::env::var_os("OFFERD_GUESTS") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/guests"),
    };
    folder.join(format!("{name}.wasm"))
}

async fn until(admin: &Admin, job: &str, good: impl Fn(&JobStatus) -> bool) {
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        let jobs = admin.jobs().await.unwrap();
        if jobs.iter().any(|status| status.name == job && good(status)) {
            return;
        }
    }
}

fn job(count: u32) -> String {
    format!(
        "[[job]]\nname = \"many\"\nrole = \"web\"\nkind = \"service\"\ncount = {count}\n\
         cpus = 0.01\nmem = 1\ncommand = \"exec sleep 100000\"\n"
    )
}

/// Fits nowhere, so that the role is always offered what is free.
const WAITS: &str = "[[job]]\nname = \"waits\"\nrole = \"web\"\nkind = \"batch\"\n\
                     count = 1\ncpus = 1000\nmem = 1\ncommand = \"true\"\n";

fn stream(number: u32) -> String {
    format!(
        "[[job]]\nname = \"stream-{number}\"\nrole = \"web\"\nkind = \"batch\"\ncount = 5\n\
         cpus = 0.01\nmem = 1\ncommand = \"true\"\n"
    )
}

/// Bytes of this process in memory.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = status.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096.0
}

/// Each offer had its answer or is held, and each update its acknowledgement.
async fn nothing_is_lost(admin: &Admin) -> String {
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        let status = admin.status().await.unwrap();
        let counters = status.counters;
        let answered = counters.offers_accepted + counters.offers_declined;
        let gone = answered + counters.offers_rescinded;
        assert_eq!(counters.sessions, 1);
        assert_eq!(
            counters.offers_received,
            gone + status.offers_held as u64,
            "{counters:?}"
        );
        if counters.updates_received == counters.updates_acknowledged {
            return format!(
                "{} offers received and answered, {} updates received and acknowledged",
                counters.offers_received, counters.updates_received
            );
        }
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let agents = (0..50)
        .map(|number| AgentSettings::new(format!("agent-{number}.sim"), 64.0, 65_536.0))
        .collect();
    let mut settings = Settings::new(agents);
    settings.allocation_interval = Duration::from_millis(20);
    let sim = Sim::start(settings).await.unwrap();
    // Compiled code comes from the cache, and all is recorded.
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "framework = {{ name = \"bench\", user = \"root\", roles = [\"web\"] }}\n\
         admin.listen = \"127.0.0.1:0\"\nstore.dir = {:?}\nmesos.masters = [\"{}\"]\n\
         offers.refuse_waiting = \"1ms\"\n\
         [[policy]]\nroles = [\"web\"]\nfile = {:?}\nname = \"p\"\ntrial = \"0s\"\n",
        dir.path(),
        sim.address(),
        guest("first-fit"),
    );
    let config = Config::parse("bench", &text, std::path::Path::new("")).unwrap();
    let service = Service::start(config, None).await.unwrap();
    let admin = service.admin().clone();
    admin.submit(job(TASKS)).await.unwrap();
    until(&admin, "many", |job| job.running == TASKS).await;
    admin.submit(WAITS.to_owned()).await.unwrap();
    let guests = ["bin-pack", "first-fit"];
    let mut undecided = Vec::new();
    let mut memory = Vec::new();
    for number in 0..WARM + SWAPS {
        if number % 50 == 0 {
            let text = stream(u32::try_from(number).unwrap());
            admin.submit(text).await.unwrap();
        }
        admin.swap("web", guest(guests[number % 2])).await.unwrap();
        let switches = &admin.status().await.unwrap().policies[0].switches;
        // The latest one may not have been asked yet.
        undecided.extend(switches.iter().rev().nth(1).map(|switch| switch.undecided));
        if number + 1 >= WARM {
            memory.push(resident());
        }
    }
    for number in (0..WARM + SWAPS).step_by(50) {
        let name = format!("stream-{number}");
        until(&admin, &name, |job| {
            job.state == "finished" && job.finished == 5
        })
        .await;
    }
    until(&admin, "many", |job| job.running == TASKS).await;
    let counted = nothing_is_lost(&admin).await;
    println!("{} swaps with {TASKS} tasks; {counted}", WARM + SWAPS);
    println!(
        "from the last moment the old one could be asked to the first answer of the new one: {}",
        spread(undecided)
    );
    let start = memory[0];
    let beside = |bytes: f64| (bytes / start - 1.0) * 100.0;
    println!(
        "memory of the process, with the simulated master: {:.0} MB, after {SWAPS} swaps {:+.1} %, \
         never more than {:+.1} %",
        start / 1e6,
        beside(memory[SWAPS]),
        beside(memory.iter().copied().fold(0.0, f64::max)),
    );
    let mut answered = Vec::new();
    for _ in 0..ASKED {
        let asked = Instant::now();
        admin.roll_back("web").await.unwrap();
        answered.push(asked.elapsed().as_secs_f64());
    }
    println!("a roll-back, until it is done: {}", spread(answered));
    for (what, job) in [
        ("waits", "waits"),
        ("runs", "many"),
        ("ended first", "stream-0"),
    ] {
        let task = a_task(&admin, job).await;
        let mut answered = Vec::new();
        for _ in 0..ASKED {
            let asked = Instant::now();
            admin.why(&task).await.unwrap();
            answered.push(asked.elapsed().as_secs_f64());
        }
        println!("why, for one that {what}: {}", spread(answered));
    }
    service.stop().await.unwrap();
}

fn spread(mut seconds: Vec<f64>) -> String {
    seconds.sort_by(f64::total_cmp);
    format!(
        "median {:.2} ms, 99th of 100 {:.2} ms, longest {:.2} ms",
        seconds[seconds.len() / 2] * 1e3,
        seconds[seconds.len() * 99 / 100] * 1e3,
        seconds[seconds.len() - 1] * 1e3,
    )
}

/// Its id.
async fn a_task(admin: &Admin, job: &str) -> String {
    let filter = TaskFilter {
        job: Some(job.to_owned()),
        ..TaskFilter::default()
    };
    admin.tasks(filter).await.unwrap()[0].id.clone()
}
