//! The two masters: the simulated one, and a real one if there is one.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use offerd_sim::{AgentSettings, Settings};
use serde_json::{Value, json};

use crate::common::{JSON, Simulated, id, request};

/// Names of the agents' machines. Resources are what tests/mesos-local gives
/// its agents by default.
pub(crate) const HOSTS: [&str; 2] = ["one.example", "two.example"];

/// What the scenarios need of a master beside the scheduler API.
pub(crate) trait Master {
    fn address(&self) -> &str;

    /// Announces maintenance on the agent of this machine, beginning and
    /// lasting so many nanoseconds; `None` takes it back.
    fn schedule_maintenance(&self, host: &str, window: Option<(i64, i64)>);

    fn drain(&self, offer: &Value);

    /// `false`: it is not drained yet.
    fn reactivate(&self, offer: &Value) -> bool;
}

const INTERVAL: Duration = Duration::from_millis(100);

/// The simulated master with agents as the real one has them.
pub(crate) fn simulated() -> Simulated {
    let agents = HOSTS.map(|host| AgentSettings::new(host, 4.0, 4096.0));
    let mut settings = Settings::new(agents.to_vec());
    settings.allocation_interval = INTERVAL;
    Simulated::start(settings)
}

/// The agent that an offer is of, as the simulated master counts.
fn position(offer: &Value) -> usize {
    HOSTS
        .iter()
        .position(|host| offer["hostname"] == *host)
        .unwrap()
}

impl Master for Simulated {
    fn address(&self) -> &str {
        &self.address
    }

    fn schedule_maintenance(&self, host: &str, window: Option<(i64, i64)>) {
        let position = HOSTS.iter().position(|name| *name == host).unwrap();
        self.sim
            .with(|cluster| cluster.schedule_maintenance(position, window));
    }

    fn drain(&self, offer: &Value) {
        self.sim
            .with(|cluster| cluster.drain_agent(position(offer)));
    }

    fn reactivate(&self, offer: &Value) -> bool {
        self.sim
            .with(|cluster| cluster.reactivate_agent(position(offer)))
    }
}

/// A real Apache Mesos. Ends, with its tasks, when dropped.
#[derive(Debug)]
pub(crate) struct Real {
    child: Child,
    address: String,
}

impl Real {
    /// `program` is mesos-local, or one that takes the same options and says the
    /// same line when it is ready.
    pub(crate) fn start(program: &str) -> Self {
        let mut child = Command::new(program)
            .args(["--port", "0", "--agents", &HOSTS.len().to_string()])
            .args(["--until-stdin-closes", "--log", "/dev/null"])
            .env("MESOS_AGENT0_HOSTNAME", HOSTS[0])
            .env("MESOS_AGENT1_HOSTNAME", HOSTS[1])
            .env(
                "MESOS_ALLOCATION_INTERVAL",
                format!("{}ms", INTERVAL.as_millis()),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} can't be started: {error}"));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .split_once("http://")
            .and_then(|(_, rest)| rest.split_once(','))
            .map(|(address, _)| address.to_owned());
        let Some(address) = address else {
            drop(child.stdin.take());
            let _ = child.wait();
            panic!(
                "{program} did not start a cluster; it said '{}'",
                line.trim()
            );
        };
        Self { child, address }
    }

    /// A call of the operator API.
    fn operate(&self, call: &Value) {
        let body = call.to_string();
        let reply = request(&self.address, "POST", "/api/v1", &[JSON], body.as_bytes());
        assert!([200, 202].contains(&reply.status), "{call}: {reply:?}");
    }
}

impl Master for Real {
    fn address(&self) -> &str {
        &self.address
    }

    fn schedule_maintenance(&self, host: &str, window: Option<(i64, i64)>) {
        let windows: Vec<Value> = window
            .iter()
            .map(|(start, duration)| {
                json!({
                    "machine_ids": [{"hostname": host, "ip": "127.0.0.1"}],
                    "unavailability": {
                        "start": {"nanoseconds": start},
                        "duration": {"nanoseconds": duration},
                    },
                })
            })
            .collect();
        self.operate(&json!({
            "type": "UPDATE_MAINTENANCE_SCHEDULE",
            "update_maintenance_schedule": {"schedule": {"windows": windows}},
        }));
    }

    fn drain(&self, offer: &Value) {
        let agent = json!({"value": id(&offer["agent_id"])});
        self.operate(&json!({"type": "DRAIN_AGENT", "drain_agent": {"agent_id": agent}}));
    }

    fn reactivate(&self, offer: &Value) -> bool {
        let agent = json!({"value": id(&offer["agent_id"])});
        let call = json!({"type": "REACTIVATE_AGENT", "reactivate_agent": {"agent_id": agent}});
        let body = call.to_string();
        let reply = request(&self.address, "POST", "/api/v1", &[JSON], body.as_bytes());
        reply.status == 200
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
