//! A policy that uses all of the contract: it shows everything it is given and
//! everything it can ask for (as reasons, one sentence each, in Rust's debug
//! form), and answers with every kind of decision. The host's tests compare.

wit_bindgen::generate!({ path: "../../../wit", world: "stateful-policy" });

use std::cell::RefCell;

use exports::offerd::policy::state::{Guest as State, Snapshot};
use offerd::policy::types::{Decline, DeclineRest, Kill, Placement};
use offerd::policy::{clock, cluster, logging, metrics, random};

mod actions;

struct Policy;

thread_local! {
    /// What `configure` saw; shown in the first round.
    static CONFIGURED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

impl Guest for Policy {
    fn describe() -> Description {
        logging::log(logging::Level::Debug, "describe");
        Description {
            name: "conformance".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Uses all of the contract".to_owned(),
        }
    }

    fn configure(config: String) -> Result<(), String> {
        if config.contains("refuse") {
            return Err(format!(
                "config {config}: 'refuse' is not allowed; leave it out"
            ));
        }
        let seen = vec![
            format!("config {config}"),
            format!("roles {:?}", cluster::roles()),
            format!("framework {:?}", cluster::get_framework()),
            format!("limits {:?}", cluster::get_limits()),
            format!("now {:?}", clock::now()),
        ];
        CONFIGURED.set(seen);
        Ok(())
    }

    fn decide(round: Round) -> Result<Answer, String> {
        for (level, name) in [
            (logging::Level::Trace, "trace"),
            (logging::Level::Debug, "debug"),
            (logging::Level::Info, "info"),
            (logging::Level::Warn, "warn"),
            (logging::Level::Error, "error"),
        ] {
            if logging::enabled(level) {
                logging::log(level, &format!("round {} at {name}", round.number));
            }
        }
        metrics::count("rounds", 1.0);
        metrics::gauge("offers", round.offers.len() as f64);

        let mut seen = CONFIGURED.take();
        show(&round, &mut seen);
        ask(&round, &mut seen);
        let mut answer = Answer {
            placements: vec![Placement {
                offer: 1,
                set: 2,
                count: 3,
                reason: 4,
            }],
            declines: vec![Decline {
                offer: 5,
                refuse: 6000.0,
                reason: 7,
            }],
            kills: vec![Kill {
                task: 8,
                grace: 9000.0,
                reason: 10,
            }],
            actions: Vec::new(),
            rest: Some(DeclineRest {
                refuse: 11000.0,
                reason: 12,
            }),
            leftover: 13000.0,
            reasons: seen,
        };
        if round.number == 1 {
            answer.actions = actions::all();
        }
        Ok(answer)
    }
}

/// The round itself.
fn show(round: &Round, seen: &mut Vec<String>) {
    seen.push(format!("round {} now {:?}", round.number, round.now));
    seen.extend(round.offers.iter().map(|o| format!("{o:?}")));
    seen.extend(round.waiting.iter().map(|w| format!("{w:?}")));
    seen.extend(round.updates.iter().map(|u| format!("{u:?}")));
    seen.push(format!("rescinded {:?}", round.rescinded));
    seen.extend(round.events.iter().map(|e| format!("{e:?}")));
}

/// All that the host knows about what is in the round.
fn ask(round: &Round, seen: &mut Vec<String>) {
    seen.push(format!("clock {:?}", clock::now()));
    seen.push(format!("random {:?}", random::next_u32()));
    let part = random::next_f64();
    seen.push(format!("random {:?}", (0.0..1.0).contains(&part)));
    seen.push(format!("framework {:?}", cluster::get_framework()));
    for offer in &round.offers {
        seen.push(format!("{:?}", cluster::get_agent(offer.agent)));
        seen.push(format!("{:?}", cluster::get_offer(offer.offer)));
        seen.push(format!("{:?}", cluster::get_offer_json(offer.offer)));
        let on_agent = cluster::tasks_on_agent(offer.agent);
        let tasks: Vec<u32> = on_agent.iter().map(|t| t.task).collect();
        seen.push(format!("on agent {}: {tasks:?}", offer.agent));
    }
    seen.push(format!("column fpgas {:?}", cluster::column("fpgas")));
    seen.push(format!("column cpus {:?}", cluster::column("cpus")));
    let agents: Vec<u32> = round.offers.iter().map(|o| o.agent).collect();
    for waiting in &round.waiting {
        seen.push(format!("{:?}", cluster::get_job(waiting.job)));
        let of_job = cluster::tasks_of_job(waiting.job);
        let tasks: Vec<u32> = of_job.iter().map(|t| t.task).collect();
        seen.push(format!("of job {}: {tasks:?}", waiting.job));
        let allowed = cluster::allowed(waiting.set, &agents);
        seen.push(format!("allowed {}: {allowed:?}", waiting.set));
    }
    seen.extend(cluster::tasks().iter().map(|t| format!("{t:?}")));
    for update in &round.updates {
        let details = cluster::get_task_details(update.task);
        seen.push(format!("{:?}", cluster::get_task(update.task)));
        seen.push(format!("{details:?}"));
        if let Some(details) = details {
            let found = cluster::find_task(&details.id);
            seen.push(format!("find {}: {found:?}", details.id));
        }
    }
    seen.extend(cluster::operations().iter().map(|o| format!("{o:?}")));
}

impl State for Policy {
    fn save() -> Result<Snapshot, String> {
        Ok(Snapshot {
            version: 1,
            data: b"conformance".to_vec(),
        })
    }

    fn restore(snapshot: Snapshot) -> Result<(), String> {
        if snapshot.version != 1 {
            return Err(format!("layout {} is not 1", snapshot.version));
        }
        let text = String::from_utf8_lossy(&snapshot.data).into_owned();
        CONFIGURED.with_borrow_mut(|seen| seen.push(format!("restored {text}")));
        Ok(())
    }
}

export!(Policy);
