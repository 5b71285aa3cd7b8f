//! `cargo xtask costs`: measures the best-fit policy in every language and writes
//! docs/languages/costs.md.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::guests;

/// Title, best fit, and the guest that takes a round and decides nothing.
const LANGUAGES: [(&str, &str, &str); 7] = [
    ("Rust", "bin-pack", "conformance"),
    ("C", "bin-pack-c", "conformance-c"),
    ("C++", "bin-pack-cpp", "conformance-cpp"),
    ("Zig", "bin-pack-zig", "conformance-zig"),
    ("Go", "bin-pack-go", "conformance-go"),
    ("JavaScript", "bin-pack-js", "conformance-js"),
    ("Python", "bin-pack-python", "conformance-python"),
];

/// Title of an interpreted language, and best fit in plain loops.
const LOOPS: [(&str, &str); 2] = [
    ("JavaScript", "plain-loop-js"),
    ("Python", "plain-loop-python"),
];

const LOOPS_HEAD: &str = "
Interpreters also beside themselves, for 1,000 offers and 1,000 waiting sets, in two readings:

- *beside its own work*: the whole call beside the policy's own code in it, which is the call without
  the border: what the same code would take over numbers that are already there.
- *beside a plain loop*: the whole call beside best fit written as a loop over plain numbers
  (tests/guests/plain-loop-*), without the border. The loop compares each set with each offer, which the
  SDKs' fitters do not: that is why it takes longer.

";

const HEAD: &str = "# What a policy costs in each language

Written by `cargo xtask costs` with `offerd policy bench`: the same best-fit policy in each language
(plugins/bin-pack-*), shown rounds of 1 to 1,000 offers with as many waiting sets, of which about half
find a place. Medians in microseconds for a whole call, from the host's records to its answer, in a
release build on one thread. JavaScript stands for TypeScript too.

- *border*: what an offer and a waiting set cost on their way into the language's own records, in a
  call of 1,000 of each to a guest that decides nothing.
- *start*: an instance from compiled code, described and configured.

";

/// Measures with `offerd`, the program to be measured; it should be a release build.
pub(crate) fn write(root: &Path, offerd: &Path) -> Result<()> {
    guests::build(root)?;
    let mut table = String::from(
        "| language | 1 | 10 | 100 | 1,000 | an offer of 1,000 | border, an offer | times Rust \
         | component | memory | compiled in | start |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut rust = None;
    let mut beside = String::from(
        "| language | whole call | its own work | times its own work | plain loop | times the loop |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for (title, policy, idle) in LANGUAGES {
        eprintln!("Measuring {title} ...");
        let measured = bench(root, offerd, policy, "{}")?;
        let border = bench(root, offerd, idle, "{ echo = true }")?;
        let call = median(&measured, 3)?;
        let first = *rust.get_or_insert(call);
        write!(table, "| {title} ")?;
        for size in 0..4 {
            write!(table, "| {:.1} ", median(&measured, size)?)?;
        }
        let number = |name: &str| {
            let value = measured.get(name).and_then(Value::as_f64);
            value.with_context(|| format!("no {name} in what offerd measured"))
        };
        writeln!(
            table,
            "| {:.2} us | {:.2} us | {:.1} | {:.2} MiB | {:.1} MiB | {:.0} ms | {:.2} ms |",
            call / 1000.0,
            median(&border, 3)? / 1000.0,
            call / first,
            number("size")? / 1_048_576.0,
            number("memory")? / 1_048_576.0,
            number("compile")?,
            number("start")?,
        )?;
        if let Some((_, plain)) = LOOPS.iter().find(|(language, _)| *language == title) {
            let border = median(&border, 3)?;
            let own = call - border;
            let plain = median(&bench(root, offerd, plain, "{}")?, 3)? - border;
            writeln!(
                beside,
                "| {title} | {:.1} ms | {:.1} ms | {:.2} | {:.1} ms | {:.2} |",
                call / 1000.0,
                own / 1000.0,
                call / own,
                plain / 1000.0,
                call / plain
            )?;
        }
    }
    let path = root.join("docs/languages/costs.md");
    let machine = machine();
    let text = format!(
        "{HEAD}{table}{LOOPS_HEAD}{beside}\nMeasured on {machine}. Ratios are steadier than times.\n"
    );
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn bench(root: &Path, offerd: &Path, guest: &str, config: &str) -> Result<Value> {
    let file = guests::folder(root).join(format!("{guest}.wasm"));
    let output = Command::new(offerd)
        .args(["policy", "bench", "--json", "--config", config])
        .arg(&file)
        .output()
        .with_context(|| format!("{} can't be started", offerd.display()))?;
    ensure!(
        output.status.success(),
        "offerd policy bench {guest} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn median(report: &Value, size: usize) -> Result<f64> {
    let found = report
        .pointer(&format!("/sizes/{size}/median"))
        .and_then(Value::as_f64);
    found.context("no median in what offerd measured")
}

/// The processor, as Linux names it.
fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("an unnamed processor", |rest| {
            rest.trim_start_matches([' ', '\t', ':'])
        });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{name}, {cores} cores")
}
