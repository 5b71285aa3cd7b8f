//! How long the service takes from its start until it is subscribed and its policy can
//! decide, with compiled code in the cache and without, by the language of its policy.
//! See docs/performance.md.
//!
//!     cargo xtask bench --bench start

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark ends when something is wrong"
)]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use offerd_sim::{AgentSettings, Settings, Sim};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

const STARTS: usize = 20;

/// The first one is the baseline.
const POLICIES: [&str; 5] = [
    "minimal",
    "bin-pack",
    "bin-pack-js",
    "bin-pack-go",
    "bin-pack-python",
];

fn guest(name: &str) -> PathBuf {
    let folder = match std::env::var_os("OFFERD_GUESTS") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/guests"),
    };
    folder.join(format!("{name}.wasm"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("start until subscribed and until the policy can decide, {STARTS} starts each");
    println!(
        "| policy | first: subscribed | can decide | from the cache, median of both | longest | median, ratio |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    let mut baseline = None;
    for policy in POLICIES {
        let agents = vec![AgentSettings::new("agent".to_owned(), 4.0, 4096.0)];
        let sim = Sim::start(Settings::new(agents)).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let config = configure(dir.path(), &sim, policy);
        let first = start(&config).await;
        let mut times = Vec::new();
        for _ in 0..STARTS {
            times.push(start(&config).await.both());
        }
        times.sort_by(f64::total_cmp);
        let median = times[STARTS / 2];
        let baseline = *baseline.get_or_insert(median);
        println!(
            "| {policy} | {:.2} s | {:.2} s | {:.0} ms | {:.0} ms | {:.2} |",
            first.subscribed,
            first.policy,
            median * 1e3,
            times[STARTS - 1] * 1e3,
            median / baseline
        );
    }
}

fn configure(dir: &Path, sim: &Sim, policy: &str) -> PathBuf {
    let file = dir.join("offerd.toml");
    let text = format!(
        "framework = {{ name = \"bench\", user = \"root\", roles = [\"bench\"] }}\n\
         admin.listen = \"127.0.0.1:0\"\nstore.dir = \"state\"\nrecord.enabled = false\n\
         mesos.masters = [\"{}\"]\n[[policy]]\nroles = [\"bench\"]\nfile = {:?}\n",
        sim.address(),
        guest(policy),
    );
    std::fs::write(&file, text).unwrap();
    file
}

/// Seconds until the program says so.
struct Began {
    subscribed: f64,
    policy: f64,
}

impl Began {
    fn both(&self) -> f64 {
        self.subscribed.max(self.policy)
    }
}

async fn start(config: &Path) -> Began {
    let begin = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_offerd"))
        .args(["run", "--config"])
        .arg(config)
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (mut subscribed, mut policy) = (None, None);
    let began = loop {
        if let (Some(subscribed), Some(policy)) = (subscribed, policy) {
            break Began { subscribed, policy };
        }
        let line = lines.next_line().await.unwrap().expect("offerd ended");
        let now = begin.elapsed().as_secs_f64();
        if line.contains("subscribed to") {
            subscribed = Some(now);
        } else if line.contains(", for bench") {
            policy = Some(now);
        }
    };
    child.kill().await.unwrap();
    began
}
