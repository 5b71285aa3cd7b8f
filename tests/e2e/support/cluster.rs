//! A master with two agents of 4 CPUs: simulated or real.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use offerd_sim::{AgentSettings, Settings, Sim};

/// CPUs of the whole cluster.
pub(crate) const CPUS: f64 = 8.0;

pub(crate) enum Cluster {
    Sim(Sim),
    Real(Real),
}

impl Cluster {
    pub(crate) async fn simulated() -> Self {
        Self::Sim(Sim::start(sim_settings()).await.unwrap())
    }

    /// `None` where there is no real Mesos and none is demanded.
    pub(crate) fn real() -> Option<Self> {
        Real::start(&[]).map(Self::Real)
    }

    pub(crate) fn address(&self) -> String {
        match self {
            Self::Sim(sim) => sim.address().to_string(),
            Self::Real(real) => real.address.clone(),
        }
    }

    /// Acknowledgements that the master took, and those that it did not expect.
    pub(crate) async fn acknowledgements(&self) -> (u64, u64) {
        match self {
            Self::Sim(sim) => {
                let counts = sim.counts();
                let once = counts
                    .acknowledged
                    .values()
                    .filter(|times| **times == 1)
                    .count();
                let known = |uuid: &&Vec<u8>| counts.updates.contains(*uuid);
                let good = counts.acknowledged.keys().filter(known).count();
                (good as u64, (counts.acknowledged.len() - once) as u64)
            }
            Self::Real(real) => {
                let metrics = real.get("/metrics/snapshot").await;
                let count = |name: &str| metrics[name].as_f64().unwrap() as u64;
                (
                    count("master/valid_status_update_acknowledgements"),
                    count("master/invalid_status_update_acknowledgements"),
                )
            }
        }
    }
}

pub(crate) fn sim_settings() -> Settings {
    let agents = ["a", "b"]
        .iter()
        .map(|rack| {
            let mut agent = AgentSettings::new(format!("agent-{rack}.sim"), CPUS / 2.0, 4096.0);
            agent.attributes = vec![("rack".to_owned(), (*rack).to_owned())];
            agent
        })
        .collect();
    let mut settings = Settings::new(agents);
    settings.allocation_interval = Duration::from_millis(50);
    settings
}

/// Each takes a core; more than one at a time would only slow the others down.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A real Mesos of tests/mesos-local. It ends itself, with its tasks, when its
/// standard input closes: also when the test process dies.
pub(crate) struct Real {
    program: PathBuf,
    child: Child,
    pub(crate) address: String,
    turn: Option<MutexGuard<'static, ()>>,
}

impl Real {
    /// With settings in the environment of master and agents.
    pub(crate) fn start(env: &[(&str, &str)]) -> Option<Self> {
        Self::start_at(None, env)
    }

    /// With its state in a directory, for [`Self::restart`].
    pub(crate) fn start_in(dir: &Path, env: &[(&str, &str)]) -> Option<Self> {
        Self::start_at(Some(dir), env)
    }

    fn start_at(dir: Option<&Path>, env: &[(&str, &str)]) -> Option<Self> {
        let Some(program) = std::env::var_os("OFFERD_MESOS_LOCAL").map(PathBuf::from) else {
            assert!(
                std::env::var_os("OFFERD_CI").is_none(),
                "in CI nothing is skipped, and OFFERD_MESOS_LOCAL names no real Mesos"
            );
            eprintln!("SKIPPED: no real Mesos; run the tests with `cargo xtask test`");
            return None;
        };
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut real = Self::spawn(program, 0, dir, env);
        real.turn = Some(turn);
        Some(real)
    }

    fn spawn(program: PathBuf, port: u16, dir: Option<&Path>, env: &[(&str, &str)]) -> Self {
        let mut command = Command::new(&program);
        command
            .args(["--port", &port.to_string(), "--agents", "2"])
            .args(["--until-stdin-closes", "--log", "/dev/null"])
            .env("MESOS_ALLOCATION_INTERVAL", "100ms")
            .env("MESOS_AGENT0_ATTRIBUTES", "rack:a")
            .env("MESOS_AGENT1_ATTRIBUTES", "rack:b")
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(dir) = dir {
            command.arg("--work-dir").arg(dir);
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .split_once("http://")
            .and_then(|(_, rest)| rest.split_once(','))
            .map(|(address, _)| address.to_owned())
            .unwrap_or_else(|| panic!("the real Mesos did not start: '{line}'"));
        Self {
            program,
            child,
            address,
            turn: None,
        }
    }

    /// Ends the master and starts it again with its state, on the same port.
    pub(crate) fn restart(mut self, dir: &Path, env: &[(&str, &str)]) -> Self {
        let (program, port) = (self.program.clone(), self.port());
        // It stays its turn, so that no other one begins in between.
        let turn = self.turn.take();
        drop(self);
        let mut real = Self::spawn(program, port, Some(dir), env);
        real.turn = turn;
        real
    }

    fn port(&self) -> u16 {
        self.address.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// JSON of an endpoint of the master.
    pub(crate) async fn get(&self, path: &str) -> serde_json::Value {
        // HTTP/1.0: no chunks, and the end of the connection is the end.
        let answer = self.ask(&format!("GET {path} HTTP/1.0\r\n\r\n")).await;
        serde_json::from_str(&answer).unwrap()
    }

    /// As an operator does to end a framework.
    pub(crate) async fn teardown(&self, framework: &str) {
        let body = format!("frameworkId={framework}");
        let length = body.len();
        self.ask(&format!(
            "POST /master/teardown HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
        .await;
    }

    async fn ask(&self, request: &str) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = tokio::net::TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{text}");
        body.to_owned()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
