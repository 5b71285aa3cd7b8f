//! What a policy that misbehaves costs those beside it: jobs of one role, from their
//! submission to their end, while the policy of another role does what it should not.
//! See docs/performance.md.
//!
//!     cargo xtask bench --bench misbehaviour

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
use offerd_sim::{AgentSettings, Settings, Sim};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const JOBS: usize = 60;

/// The first one is the baseline: a policy that decides.
const BEHAVIOURS: [(&str, &str); 12] = [
    (DECIDES, "decides (`first-fit`)"),
    ("loop", "loops for ever (until its deadline)"),
    ("calls", "calls the host for ever"),
    ("bomb", "takes memory without end"),
    ("leak", "takes 2 MiB more in each round"),
    ("recurse", "recurses without end"),
    ("panic", "panics"),
    ("giant-answer", "answers 1 GiB"),
    ("many-placements", "answers 200,000 placements"),
    ("flood", "floods the log"),
    ("grab", "decides about the other role's offers and tasks"),
    ("nothing", "leaves all offers undecided"),
];

const DECIDES: &str = "decides";

fn guest(name: &str) -> PathBuf {
    let folder = match std::env::var_os("OFFERD_GUESTS") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/guests"),
    };
    folder.join(format!("{name}.wasm"))
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!("{JOBS} jobs of one task, from submission to end, beside a policy that");
    println!("| | median | 95th of 100 | longest | the first | median, ratio |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let mut baseline = None;
    for (behaviour, words) in BEHAVIOURS {
        let mut times = beside(behaviour).await;
        // All that there is has been offered to the other role before it.
        let first = times.remove(0) * 1e3;
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times[(times.len() - 1) * percent / 100] * 1e3;
        let baseline = *baseline.get_or_insert(at(50));
        println!(
            "| {words} | {:.0} ms | {:.0} ms | {:.0} ms | {first:.0} ms | {:.2} |",
            at(50),
            at(95),
            at(100),
            at(50) / baseline
        );
    }
}

/// Seconds of each job.
async fn beside(behaviour: &str) -> Vec<f64> {
    let agents = (0..4).map(|number| AgentSettings::new(format!("agent-{number}"), 4.0, 4096.0));
    let mut settings = Settings::new(agents.collect());
    settings.allocation_interval = Duration::from_millis(50);
    let sim = Sim::start(settings).await.unwrap();
    let (bad, config) = if behaviour == DECIDES {
        ("first-fit", String::new())
    } else {
        (
            "misbehave",
            format!("config = {{ decide = \"{behaviour}\" }}\n"),
        )
    };
    let text = format!(
        "framework = {{ name = \"bench\", user = \"root\", roles = [\"bad\", \"good\"] }}\n\
         admin.listen = \"127.0.0.1:0\"\nstore.memory = true\nlog.level = \"off\"\n\
         offers.refuse_waiting = \"50ms\"\nmesos.masters = [\"{}\"]\n\
         [[policy]]\nname = \"bad\"\nroles = [\"bad\"]\nfile = {:?}\n{config}strikes = 1000000\n\
         [[policy]]\nname = \"good\"\nroles = [\"good\"]\nfile = {:?}\n",
        sim.address(),
        guest(bad),
        guest("first-fit"),
    );
    let config = Config::parse("bench", &text, std::path::Path::new("")).unwrap();
    let service = Service::start(config, None).await.unwrap();
    let admin = service.admin().clone();
    // They fit nowhere, so both policies are shown offers all the time and take none away:
    // a role that had nothing to do would wait for up to a second until it is revived.
    admin.submit(job("waiting", "bad", 500, 8)).await.unwrap();
    admin.submit(job("large", "good", 1, 8)).await.unwrap();
    let mut times = Vec::new();
    for number in 0..JOBS {
        let name = format!("job-{number}");
        let begin = Instant::now();
        admin.submit(job(&name, "good", 1, 1)).await.unwrap();
        ended(&admin, &name).await;
        times.push(begin.elapsed().as_secs_f64());
    }
    service.stop().await.unwrap();
    times
}

fn job(name: &str, role: &str, count: u32, cpus: u32) -> String {
    format!(
        "[[job]]\nname = \"{name}\"\nrole = \"{role}\"\nkind = \"batch\"\ncount = {count}\n\
         cpus = {cpus}\nmem = 32\ncommand = \"true\"\n"
    )
}

async fn ended(admin: &Admin, name: &str) {
    let mut looks = tokio::time::interval(Duration::from_millis(2));
    loop {
        looks.tick().await;
        let jobs = admin.jobs().await.unwrap();
        if jobs
            .iter()
            .any(|job| job.name == name && job.state == "finished")
        {
            return;
        }
    }
}
