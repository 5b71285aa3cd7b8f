//! A policy that uses all of the contract: it shows everything it is given and
//! everything it can ask for, or makes every decision, or does what no policy
//! should, as its configuration says. The cases in sdk/conformance say what is to
//! be seen; the guests of all languages show the same. Not a policy to use.
//!
//! Each reason of an answer is one array in JSON, `["kind", value...]`; `json`
//! says how values look. Everything goes through the SDK but the text of the
//! configuration, which the SDK would read, and what was seen.

use std::cell::{Cell, RefCell};

use offerd_sdk::bindings::stateful::exports::offerd::policy::state;
use offerd_sdk::bindings::stateful::{self, Guest};
use offerd_sdk::export::Instance;
use offerd_sdk::log::{self, Level};
use offerd_sdk::types::{self, Round};
use offerd_sdk::{
    Answer, Description, NoConfig, Policy, Snapshot, StatefulPolicy, clock, cluster, metrics,
    random,
};
use serde_json::{Value, json};

use json::Json;

mod decisions;
mod json;
mod limits;
mod weigh;

struct Conformance {
    config: String,
    /// Shown in the first round.
    remembered: Vec<Value>,
    /// What is saved.
    kept: Vec<u8>,
}

impl Policy for Conformance {
    type Config = NoConfig;

    fn describe() -> Description {
        log::write(Level::Debug, format_args!("describe"));
        Description::new("conformance", "0.1.0", "Uses all of the contract")
    }

    fn configure(_: NoConfig) -> Result<Self, String> {
        let config = CONFIG.take();
        if config.contains("refuse") {
            return Err(format!(
                "config {config}: 'refuse' is not allowed; leave it out"
            ));
        }
        if config.contains("throw-configure") {
            panic!("conformance throws in configure");
        }
        let shown = if config.contains("weigh") {
            weigh::weighed(config.as_bytes())
        } else {
            json!(config)
        };
        let remembered = vec![
            json!(["config", shown]),
            json!(["roles", cluster::roles()]),
            json!(["framework", cluster::framework().json()]),
            json!(["limits", cluster::limits().json()]),
            json!(["now", clock::now()]),
        ];
        Ok(Self {
            config,
            remembered,
            kept: b"conformance".to_vec(),
        })
    }

    fn decide(&mut self, round: &Round, out: &mut Answer) -> Result<(), String> {
        if self.config.contains("throw-decide") {
            panic!("conformance throws in decide");
        }
        if self.config.contains("error-decide") {
            return Err(format!("no decision in round {}", round.number));
        }
        for (level, name) in [
            (Level::Trace, "trace"),
            (Level::Debug, "debug"),
            (Level::Info, "info"),
            (Level::Warn, "warn"),
            (Level::Error, "error"),
        ] {
            if log::enabled(level) {
                log::write(level, format_args!("round {} at {name}", round.number));
            }
        }
        metrics::count("rounds", 1.0);
        metrics::gauge("offers", round.offers.len() as f64);
        if self.config.contains("decide-all") {
            decisions::all(out);
            return Ok(());
        }
        limits::test(&self.config);
        let mut seen = std::mem::take(&mut self.remembered);
        if self.config.contains("large-answer") {
            seen = vec![Value::String("r".repeat(1 << 20)); 20];
        } else if self.config.contains("echo") {
            seen = vec![json!(["echo", self.config])];
        } else {
            show(round, &mut seen);
            ask(round, &mut seen);
        }
        SEEN.set(Some(seen.iter().map(Value::to_string).collect()));
        Ok(())
    }
}

impl StatefulPolicy for Conformance {
    fn save(&mut self) -> Result<Snapshot, String> {
        if self.config.contains("throw-save") {
            panic!("conformance throws in save");
        }
        if self.config.contains("save-fails") {
            return Err("nothing to save".to_owned());
        }
        Ok(Snapshot {
            version: 1,
            data: self.kept.clone(),
        })
    }

    fn restore(&mut self, snapshot: Snapshot) -> Result<(), String> {
        if self.config.contains("throw-restore") {
            panic!("conformance throws in restore");
        }
        let Snapshot { version, data } = snapshot;
        if version != 1 {
            return Err(format!("layout {version} is not 1"));
        }
        let shown = if self.config.contains("weigh") {
            self.kept = data;
            weigh::weighed(&self.kept)
        } else {
            json!(data)
        };
        self.remembered.push(json!(["restored", version, shown]));
        Ok(())
    }
}

/// The round itself.
fn show(round: &Round, seen: &mut Vec<Value>) {
    seen.push(json!(["round", round.number, round.now]));
    seen.extend(round.offers.iter().map(|o| json!(["offer", o.json()])));
    seen.extend(round.waiting.iter().map(|w| json!(["waiting", w.json()])));
    seen.extend(round.updates.iter().map(|u| json!(["update", u.json()])));
    seen.push(json!(["rescinded", round.rescinded]));
    seen.extend(round.events.iter().map(|e| json!(["event", e.json()])));
}

/// All that the host knows about what is in the round.
fn ask(round: &Round, seen: &mut Vec<Value>) {
    seen.push(json!(["clock", clock::now()]));
    seen.push(json!(["random", random::next_u32()]));
    let part = random::next_f64();
    seen.push(json!(["random01", (0.0..1.0).contains(&part)]));
    seen.push(json!(["framework", cluster::framework().json()]));
    for offer in &round.offers {
        let agent = cluster::agent(offer);
        seen.push(json!(["agent", agent.as_deref().map(Json::json)]));
        seen.push(json!(["details", cluster::offer(offer).json()]));
        seen.push(json!(["json", cluster::offer_json(offer)]));
        let on_agent = handles(&cluster::tasks_on_agent(offer));
        seen.push(json!(["on_agent", offer.agent, on_agent]));
    }
    for name in ["fpgas", "cpus"] {
        seen.push(json!(["column", name, cluster::column(name)]));
    }
    let agents: Vec<u32> = round.offers.iter().map(|o| o.agent).collect();
    for waiting in &round.waiting {
        let job = cluster::job(waiting.job);
        seen.push(json!(["job", job.as_deref().map(Json::json)]));
        let of_job = handles(&cluster::tasks_of_job(waiting.job));
        seen.push(json!(["of_job", waiting.job, of_job]));
        let allowed = cluster::allowed(waiting, &agents);
        seen.push(json!(["allowed", waiting.set, allowed]));
    }
    seen.extend(cluster::tasks().iter().map(|t| json!(["task", t.json()])));
    for update in &round.updates {
        let details = cluster::task_details(update);
        seen.push(json!(["get_task", cluster::task(update).json()]));
        seen.push(json!(["task_details", details.json()]));
        if let Some(details) = details {
            let found = cluster::find_task(&details.id).map(|task| task.0);
            seen.push(json!(["find", details.id, found]));
        }
    }
    let nobody = cluster::find_task("nobody").map(|task| task.0);
    seen.push(json!(["find", "nobody", nobody]));
    let operations = cluster::operations();
    seen.extend(operations.iter().map(|o| json!(["operation", o.json()])));
}

fn handles(tasks: &[types::Task]) -> Vec<u32> {
    tasks.iter().map(|task| task.task).collect()
}

thread_local! {
    static INSTANCE: Instance<Conformance> = const { Instance::new() };
    /// On its way to `Conformance::configure`.
    static CONFIG: RefCell<String> = const { RefCell::new(String::new()) };
    /// What `Conformance::decide` saw, on its way to the answer, which would keep the
    /// same sentence once.
    static SEEN: Cell<Option<Vec<String>>> = const { Cell::new(None) };
}

struct Component;

impl Guest for Component {
    fn describe() -> stateful::Description {
        let who = Instance::<Conformance>::describe();
        stateful::Description {
            name: who.name,
            version: who.version,
            summary: who.summary,
        }
    }

    fn configure(config: String) -> Result<(), String> {
        CONFIG.set(config);
        INSTANCE.with(|instance| instance.configure("{}"))
    }

    fn decide(round: Round) -> Result<types::Answer, String> {
        let mut answer = INSTANCE.with(|instance| instance.decide(&round))?;
        if let Some(seen) = SEEN.take() {
            answer.reasons = seen;
        }
        Ok(answer)
    }
}

impl state::Guest for Component {
    fn save() -> Result<state::Snapshot, String> {
        let Snapshot { version, data } = INSTANCE.with(Instance::save)?;
        Ok(state::Snapshot { version, data })
    }

    fn restore(snapshot: state::Snapshot) -> Result<(), String> {
        let state::Snapshot { version, data } = snapshot;
        INSTANCE.with(|instance| instance.restore(Snapshot { version, data }))
    }
}

stateful::export_stateful_world!(Component with_types_in stateful);
