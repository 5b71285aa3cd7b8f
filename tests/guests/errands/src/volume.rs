//! Reserves a disk and makes a volume of it, runs a task that writes to it,
//! destroys it and gives the disk back, and runs a task group. Each step waits
//! for what Mesos says about the one before.

use std::time::Duration;

use offerd_sdk::codes::{OperationState, TaskState};
use offerd_sdk::prelude::*;
use offerd_sdk::types::{Encoded, Event};
use offerd_sdk::{cluster, metrics};
use serde_json::json;

const ROLE: &str = "db";

/// For filters: short, so that the next step finds an offer soon.
const SOON: Duration = Duration::from_millis(100);

/// What must be heard before the next step.
#[derive(Default)]
pub struct Volume {
    phase: u32,
    /// The decision of this phase was made.
    asked: bool,
    /// Good outcomes of this phase that were heard.
    heard: u32,
}

impl Volume {
    pub fn decide(&mut self, round: &Round, out: &mut Answer) -> Result<(), String> {
        let role = cluster::roles().iter().position(|role| role == ROLE);
        let role = role
            .and_then(|role| u32::try_from(role).ok())
            .ok_or("there is no role db")?;
        self.listen(round)?;
        let wanted = match self.phase {
            0 | 2 | 3 => 2,
            1 => 1,
            _ => u32::MAX,
        };
        if self.heard >= wanted {
            self.phase += 1;
            self.heard = 0;
            self.asked = false;
        }
        metrics::gauge("phase", f64::from(self.phase));
        if self.phase > 3 {
            out.suppress([role]);
            out.decline_rest();
            return Ok(());
        }
        if round
            .events
            .iter()
            .any(|event| matches!(event, Event::Subscribed(_)))
        {
            out.revive([role])
                .because("offers are needed though nothing waits");
        }
        if !self.asked {
            for offer in &round.offers {
                if self.act(offer, out)? {
                    self.asked = true;
                    break;
                }
            }
        }
        out.decline_rest()
            .refuse(std::time::Duration::from_millis(100));
        Ok(())
    }

    /// Counts good outcomes; a bad one ends the errand.
    fn listen(&mut self, round: &Round) -> Result<(), String> {
        for event in &round.events {
            match event {
                Event::Operation(operation) if operation.state() == OperationState::FINISHED => {
                    self.heard += 1;
                }
                Event::Operation(operation) => {
                    return Err(format!("operation failed: {operation:?}"));
                }
                Event::Refused(refusal) => return Err(format!("refused: {}", refusal.why)),
                _ => {}
            }
        }
        for update in round.updates.iter().filter(|update| update.is_terminal()) {
            if update.state() != TaskState::FINISHED {
                return Err(format!(
                    "task ended: {:?}",
                    cluster::task_details(update.task)
                ));
            }
            self.heard += 1;
        }
        Ok(())
    }

    /// Makes the decision of this phase on an offer, if it can.
    fn act(&self, offer: &Offer, out: &mut Answer) -> Result<bool, String> {
        let disk = MesosResource::scalar("disk", 64.0).reserved_for(ROLE, None);
        let volume = disk.clone().persistent("volume-1", "data");
        match self.phase {
            0 if offer.disk >= milli(64.0) => {
                out.accept(offer)
                    .reserve([disk])
                    .with_id("reserve")
                    .create([volume])
                    .with_id("create")
                    .refuse(SOON)
                    .because("a volume to write to");
            }
            1 if offer.has_volumes() => {
                out.accept(offer)
                    .launch([task(
                        "writer",
                        "echo kept > data/file && test -s data/file",
                        Some(json!({
                            "name": "disk", "type": "SCALAR", "scalar": { "value": 64 },
                            "reservations": [{ "type": "DYNAMIC", "role": ROLE }],
                            "disk": {
                                "persistence": { "id": "volume-1" },
                                "volume": { "container_path": "data", "mode": "RW" }
                            }
                        })),
                    )?])
                    .refuse(SOON);
            }
            2 if offer.has_volumes() => {
                out.accept(offer)
                    .destroy([volume])
                    .with_id("destroy")
                    .unreserve([disk])
                    .with_id("unreserve")
                    .refuse(SOON);
            }
            3 if offer.cpus >= milli(1.0) => {
                let executor = json!({
                    "type": "DEFAULT",
                    "executor_id": { "value": "pod" },
                    "resources": [scalar("cpus", 0.1), scalar("mem", 32.0), scalar("disk", 16.0)]
                });
                let executor = Encoded::json(&executor).map_err(|error| error.to_string())?;
                let tasks = [task("one", "true", None)?, task("two", "sleep 0.1", None)?];
                out.accept(offer).launch_group(executor, tasks);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

pub fn scalar(name: &str, value: f64) -> serde_json::Value {
    json!({ "name": name, "type": "SCALAR", "scalar": { "value": value } })
}

fn task(name: &str, command: &str, more: Option<serde_json::Value>) -> Result<Encoded, String> {
    let mut resources = vec![scalar("cpus", 0.1), scalar("mem", 32.0)];
    resources.extend(more);
    Encoded::json(&json!({
        "name": name,
        "task_id": { "value": format!("errand-{name}") },
        "resources": resources,
        "command": { "value": command }
    }))
    .map_err(|error| error.to_string())
}
