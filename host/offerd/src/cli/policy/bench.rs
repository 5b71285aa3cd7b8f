//! `offerd policy bench`: what a policy costs, beside a reference.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use offerd_core::ids::{AgentHandle, JobHandle, OfferHandle, RoleHandle, SetHandle};
use offerd_core::job::JobView;
use offerd_core::offer::{Agent, AgentInfo, Attribute, AttributeValue, Offer, OfferInfo};
use offerd_core::policy::{Delta, Round, Waiting};
use offerd_core::resource::{Amounts, Name, Resource};
use offerd_core::{Instant as Moment, Milli};
use offerd_policy::{Options, Policy, PolicyCode, Program, Runtime};
use serde::Serialize;

use super::{Failed, Outcome, test};
use crate::fallback::Fallback;
use crate::jobs;
use crate::policies::Silence;
use crate::reading::show_bytes;

const SIZES: [u32; 4] = [1, 10, 100, 1000];

/// Measure what a policy costs.
///
/// Shows rounds of 1, 10, 100 and 1,000 offers with as many waiting sets to the policy and
/// to a reference, turn by turn, and tells the median and the shortest time of a call, what
/// it is for each offer, and how much more than the reference. Also: memory, how long the
/// code compiles, and how long an instance takes to start from compiled code. The reference
/// is the host's own first fit, which is less work than any policy in WebAssembly does;
/// --reference names a policy to compare with, such as the one at work now, or bin-pack.
/// Compare runs on one quiet machine only; ratios are steadier than times.
#[derive(Debug, Args)]
#[command(after_help = "Example: offerd policy bench night-batch.wasm --reference bin-pack.wasm")]
pub(crate) struct Arguments {
    /// Folder with policy.toml, or a component.
    #[arg(value_name = "DIR|POLICY.wasm", default_value = ".")]
    subject: PathBuf,
    /// The policy's settings, as in offerd.toml.
    #[arg(long, value_name = "TABLE", default_value = "{}")]
    config: String,
    /// A component to compare with.
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// The reference's settings.
    #[arg(
        long,
        value_name = "TABLE",
        default_value = "{}",
        requires = "reference"
    )]
    reference_config: String,
    /// Seconds for each size.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    seconds: f64,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    policy: String,
    reference: String,
    /// Bytes of the component, and of linear memory after the largest rounds.
    size: usize,
    memory: usize,
    /// Milliseconds.
    compile: f64,
    start: f64,
    sizes: Vec<Size>,
}

/// Microseconds of a call.
#[derive(Debug, Serialize)]
struct Size {
    offers: u32,
    median: f64,
    shortest: f64,
    reference_median: f64,
    reference_shortest: f64,
    calls: usize,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let config = test::config(&arguments.config)?;
    let component = test::component(&arguments.subject, false)?;
    let runtime = Runtime::new(None).map_err(|error| Failed::new(&error))?;
    let begin = Instant::now();
    let program = load(&runtime, &component)?;
    let compile = milliseconds(begin.elapsed());
    let mut policy = start(&program, &config)?;
    let begin = Instant::now();
    drop(start(&program, &config)?);
    let start_up = milliseconds(begin.elapsed());
    let (mut reference, name): (Box<dyn PolicyCode>, String) = match &arguments.reference {
        None => (Box::new(Fallback::FirstFit), "native first fit".to_owned()),
        Some(file) => {
            let program = load(&runtime, file)?;
            let policy = start(&program, &test::config(&arguments.reference_config)?)?;
            let name = policy.description().name.clone();
            (Box::new(policy), name)
        }
    };
    let time = Duration::try_from_secs_f64(arguments.seconds)
        .map_err(|error| Failed(format!("error: --seconds {}: {error}", arguments.seconds)))?;
    let mut memory = 0;
    let mut sizes = Vec::new();
    for offers in SIZES {
        sizes.push(measure(
            &mut policy,
            reference.as_mut(),
            offers,
            time,
            &mut memory,
        )?);
    }
    let report = Report {
        policy: policy.description().name.clone(),
        reference: name,
        size: program.size(),
        memory,
        compile,
        start: start_up,
        sizes,
    };
    if arguments.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&report).map_err(|error| Failed::new(&error))?
        );
    } else {
        show(&report);
    }
    Ok(ExitCode::SUCCESS)
}

fn load(runtime: &Runtime, file: &Path) -> Result<Program, Failed> {
    runtime.load(file).map_err(|error| Failed::new(&error))
}

fn start(program: &Program, config: &str) -> Result<Policy, Failed> {
    let options = Options {
        config: config.to_owned(),
        roles: vec!["batch".into()],
        log: Arc::new(Silence::default()),
        ..Options::new("bench", program)
    };
    Policy::start(program, options).map_err(|error| Failed::new(&error))
}

fn measure(
    policy: &mut Policy,
    reference: &mut dyn PolicyCode,
    offers: u32,
    time: Duration,
    memory: &mut usize,
) -> Result<Size, Failed> {
    let mut times = (Vec::new(), Vec::new());
    let begin = Instant::now();
    let mut number = 0;
    // The first rounds bring the tables and warm up.
    while number < 3 || (begin.elapsed() < time && number < 100_000) {
        number += 1;
        let round = Arc::new(round(offers, number));
        let (one, used) = call(policy, Arc::clone(&round))?;
        let (other, _) = call(reference, round)?;
        *memory = (*memory).max(used);
        if number > 2 || begin.elapsed() >= time {
            times.0.push(one);
            times.1.push(other);
        }
    }
    let (median, shortest) = summary(times.0);
    let calls = times.1.len();
    let (reference_median, reference_shortest) = summary(times.1);
    Ok(Size {
        offers,
        median,
        shortest,
        reference_median,
        reference_shortest,
        calls,
    })
}

/// Microseconds of one call, and the memory of the policy.
fn call(policy: &mut dyn PolicyCode, round: Arc<Round>) -> Result<(f64, usize), Failed> {
    let begin = Instant::now();
    let decided = policy.decide(round);
    let took = milliseconds(begin.elapsed()) * 1000.0;
    match decided.result {
        Ok(_) => Ok((took, decided.stats.memory)),
        Err(failure) => Err(Failed(format!("error: {failure}"))),
    }
}

fn summary(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    let at = |position: usize| times.get(position).copied().unwrap_or_default();
    (at(times.len() / 2), at(0))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// So many offers of different sizes and as many waiting sets, of which about half fit.
fn round(size: u32, number: u32) -> Round {
    let amounts = |cpus: u32, mem: u32| Amounts {
        cpus: Milli(i64::from(cpus) * 500),
        mem: Milli(i64::from(mem) * 256_000),
        ..Amounts::default()
    };
    let offers = (0..size).map(|n| offer(n, amounts(1 + n * 7 % 16, 1 + n * 11 % 32)));
    let waiting = (0..size).map(|n| Waiting {
        set: SetHandle(n),
        job: JobHandle(n),
        role: RoleHandle(0),
        count: 1,
        needs: amounts(1 + n * 5 % 12, 1 + n * 3 % 16),
        priority: 0,
        traits: 0,
        since: Moment::from_millis(1000),
    });
    Round {
        number,
        now: Moment::from_millis(1_700_000_000_000 + u64::from(number)),
        offers: offers.collect(),
        fresh_from: OfferHandle(0),
        waiting: waiting.collect(),
        updates: Vec::new(),
        rescinded: Vec::new(),
        events: Vec::new(),
        delta: if number == 1 {
            tables(size)
        } else {
            Delta::default()
        },
    }
}

fn agent(number: u32) -> AgentInfo {
    AgentInfo {
        id: format!("agent-{number}").as_str().into(),
        hostname: format!("node-{number}.example.org").as_str().into(),
        region: None,
        zone: None,
        attributes: vec![Attribute {
            name: "rack".into(),
            value: AttributeValue::Text(format!("rack-{}", number % 40)),
        }],
    }
}

fn offer(number: u32, usable: Amounts) -> Arc<Offer> {
    Arc::new(Offer {
        handle: OfferHandle(number),
        agent: AgentHandle(number),
        role: RoleHandle(0),
        usable,
        traits: 0,
        since: Moment::from_millis(1000),
        info: OfferInfo {
            id: format!("offer-{number}").as_str().into(),
            framework_id: "framework-1".into(),
            agent: agent(number),
            url: None,
            role: "batch".into(),
            resources: vec![
                Resource::scalar(Name::Cpus, usable.cpus),
                Resource::scalar(Name::Mem, usable.mem),
            ],
            executor_ids: Vec::new(),
            unavailability: None,
        },
    })
}

fn tables(size: u32) -> Delta {
    let agents = (0..size).map(|n| {
        Arc::new(Agent {
            handle: AgentHandle(n),
            info: agent(n),
        })
    });
    let text: String = (0..size)
        .map(|n| {
            format!(
                "[[job]]\nname = \"job-{n}\"\nrole = \"batch\"\nkind = \"batch\"\n\
                 cpus = 1\nmem = 1\ncommand = \"true\"\n"
            )
        })
        .collect();
    let specs = jobs::parse("bench", &text, jobs::Format::Toml, None).unwrap_or_default();
    let jobs = specs.into_iter().zip(0..).map(|(spec, n)| {
        Arc::new(JobView {
            handle: JobHandle(n),
            set: SetHandle(n),
            role: RoleHandle(0),
            spec: Arc::new(spec),
        })
    });
    Delta {
        reset: true,
        roles: Some(vec!["batch".into()]),
        agents: agents.collect(),
        jobs: jobs.collect(),
        ..Delta::default()
    }
}

fn show(report: &Report) {
    println!("{} beside {}", report.policy, report.reference);
    println!(
        "  component {}, memory {}, compiled in {:.0} ms, an instance starts in {:.2} ms",
        show_bytes(u64::try_from(report.size).unwrap_or(u64::MAX)),
        show_bytes(u64::try_from(report.memory).unwrap_or(u64::MAX)),
        report.compile,
        report.start
    );
    println!();
    println!("  offers    call, median   shortest   for each offer   reference   times");
    for size in &report.sizes {
        println!(
            "  {:>6}  {:>11.1} us  {:>6.1} us  {:>11.3} us  {:>7.1} us  {:>6.1}",
            size.offers,
            size.median,
            size.shortest,
            size.median / f64::from(size.offers),
            size.reference_median,
            size.median / size.reference_median.max(f64::MIN_POSITIVE),
        );
    }
}
