//! Guests, a runtime, and rounds to call them with.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use offerd_core::Instant;
use offerd_core::Milli;
use offerd_core::ids::{AgentHandle, JobHandle, OfferHandle, RoleHandle, SetHandle};
use offerd_core::job::{JobKind, JobSpec};
use offerd_core::offer::{AgentInfo, Offer, OfferInfo};
use offerd_core::policy::{Delta, Round, Waiting};
use offerd_core::resource::{Amounts, Name, Resource};
use offerd_policy::{Limits, LogLevel, LogSink, Options, Policy, PolicyCode, Program, Runtime};

/// One runtime for all tests, as a process has one.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new(None).unwrap())
}

pub(crate) fn guest_path(name: &str) -> PathBuf {
    let directory = match std::env::var_os("OFFERD_GUESTS") {
        Some(directory) => PathBuf::from(directory),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/guests"),
    };
    let path = directory.join(format!("{name}.wasm"));
    assert!(
        path.exists(),
        "the guest {} is not built; run the tests with `cargo xtask test`, which builds the guests \
         first (or name their directory in OFFERD_GUESTS)",
        path.display()
    );
    path
}

/// A guest, compiled once for all tests.
pub(crate) fn guest(name: &str) -> Program {
    static PROGRAMS: Mutex<Vec<(String, Program)>> = Mutex::new(Vec::new());
    let mut programs = PROGRAMS.lock().unwrap();
    if let Some((_, program)) = programs.iter().find(|(n, _)| *n == name) {
        return program.clone();
    }
    let program = runtime().load(&guest_path(name)).unwrap();
    programs.push((name.to_owned(), program.clone()));
    program
}

/// Keeps lines in memory.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) lines: Mutex<Vec<(LogLevel, String)>>,
    pub(crate) dropped: Mutex<u32>,
}

impl LogSink for Lines {
    fn enabled(&self, level: LogLevel) -> bool {
        level >= LogLevel::Debug
    }

    fn line(&self, level: LogLevel, message: &str) {
        self.lines.lock().unwrap().push((level, message.to_owned()));
    }

    fn dropped(&self, lines: u32) {
        *self.dropped.lock().unwrap() += lines;
    }
}

/// The usual limits, and time enough on any machine.
pub(crate) fn patient() -> Limits {
    Limits {
        deadline: Duration::from_secs(60),
        startup: Duration::from_secs(60),
        ..Limits::default()
    }
}

pub(crate) fn options(program: &Program, config: &str) -> (Options, Arc<Lines>) {
    let lines = Arc::new(Lines::default());
    let options = Options {
        config: config.to_owned(),
        roles: vec!["web".into(), "batch".into()],
        log: Arc::clone(&lines) as Arc<dyn LogSink>,
        limits: patient(),
        ..Options::new("test", program)
    };
    (options, lines)
}

/// Starts `misbehave` with a config.
pub(crate) fn misbehave(config: &str) -> Policy {
    let program = guest("misbehave");
    let (options, _) = options(&program, config);
    Policy::start(&program, options).unwrap()
}

pub(crate) fn round(number: u32) -> Round {
    Round {
        number,
        now: Instant::from_millis(1_700_000_000_000 + u64::from(number)),
        offers: Vec::new(),
        fresh_from: OfferHandle(0),
        waiting: Vec::new(),
        updates: Vec::new(),
        rescinded: Vec::new(),
        events: Vec::new(),
        delta: Delta::default(),
    }
}

pub(crate) fn amounts(cpus: i64, mem: i64) -> Amounts {
    Amounts {
        cpus: Milli(cpus * 1000),
        mem: Milli(mem * 1000),
        ..Amounts::default()
    }
}

pub(crate) fn agent_info(number: u32) -> AgentInfo {
    AgentInfo {
        id: format!("S{number}").into(),
        hostname: format!("node-{number}").into(),
        region: None,
        zone: None,
        attributes: Vec::new(),
    }
}

/// An offer of agent `number` with this many CPUs and MiB.
pub(crate) fn offer(number: u32, cpus: i64, mem: i64) -> Arc<Offer> {
    let usable = amounts(cpus, mem);
    Arc::new(Offer {
        handle: OfferHandle(number),
        agent: AgentHandle(number),
        role: RoleHandle(0),
        usable,
        traits: 0,
        since: Instant::from_millis(1_000),
        info: OfferInfo {
            id: format!("O{number}").into(),
            framework_id: "F".into(),
            agent: agent_info(number),
            url: None,
            role: "web".into(),
            resources: vec![
                Resource::scalar(Name::Cpus, usable.cpus),
                Resource::scalar(Name::Mem, usable.mem),
            ],
            executor_ids: Vec::new(),
            unavailability: None,
        },
    })
}

pub(crate) fn waiting(set: u32, count: u32, cpus: i64, mem: i64) -> Waiting {
    Waiting {
        set: SetHandle(set),
        job: JobHandle(set),
        role: RoleHandle(0),
        count,
        needs: amounts(cpus, mem),
        priority: 0,
        traits: 0,
        since: Instant::from_millis(500),
    }
}

/// A job of this name, with nothing special about it.
pub(crate) fn job_spec(name: &str, kind: JobKind) -> JobSpec {
    JobSpec {
        name: name.into(),
        role: "web".into(),
        kind,
        count: 3,
        needs: amounts(1, 64),
        command: "true".to_owned(),
        shell: true,
        arguments: Vec::new(),
        env: Vec::new(),
        uris: Vec::new(),
        user: None,
        priority: 0,
        constraints: Vec::new(),
        retries: 0,
        kill_grace: None,
        labels: Vec::new(),
    }
}

/// Reasons of an answer to an empty round.
pub(crate) fn reasons(policy: &mut Policy, number: u32) -> Vec<String> {
    policy.decide(round(number).into()).result.unwrap().reasons
}
