//! Policies for end-to-end tests, chosen by the `config` table: one that takes
//! nothing, one that kills on a rule, one that writes a task that Mesos does not
//! take, one that works with reservations, a persistent volume and a task group.
//! The last shows how far it is in the gauge `phase`.

mod volume;

use offerd_sdk::cluster;
use offerd_sdk::codes::TaskState;
use offerd_sdk::prelude::*;
use offerd_sdk::types::Encoded;
use serde::Deserialize;
use volume::Volume;

/// The `config` table.
#[derive(Deserialize)]
struct Settings {
    errand: Name,
    /// For `kill`: running tasks of this job.
    #[serde(default)]
    job: String,
    /// For `kill`: so many of them.
    #[serde(default)]
    count: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Name {
    DeclineAll,
    Kill,
    Invalid,
    Volume,
}

enum Errands {
    DeclineAll,
    Kill { job: String, left: u32 },
    Invalid { launched: bool },
    Volume(Volume),
}

impl Policy for Errands {
    type Config = Settings;

    fn describe() -> Description {
        Description::new("errands", "0.1.0", "What end-to-end tests need.")
    }

    fn configure(settings: Settings) -> Result<Self, String> {
        Ok(match settings.errand {
            Name::DeclineAll => Self::DeclineAll,
            Name::Kill => Self::Kill {
                job: settings.job,
                left: settings.count,
            },
            Name::Invalid => Self::Invalid { launched: false },
            Name::Volume => Self::Volume(Volume::default()),
        })
    }

    fn decide(&mut self, round: &Round, out: &mut Answer) -> Result<(), String> {
        match self {
            Self::DeclineAll => {
                out.decline_rest().because("this policy takes nothing");
            }
            Self::Kill { job, left } => {
                for task in cluster::tasks() {
                    let doomed = cluster::job(task.job).is_some_and(|found| found.name == *job);
                    let runs = task.state() == TaskState::RUNNING && !task.is_being_killed();
                    if doomed && runs && *left > 0 {
                        *left -= 1;
                        out.kill(&task).because("the rule of this policy");
                    }
                }
                let mut fitter = Fitter::new(round, Order::Arrival);
                for set in &round.waiting {
                    for spot in fitter.fill(set) {
                        out.place(spot, set, spot.count);
                    }
                }
                out.decline_rest();
            }
            Self::Invalid { launched } => {
                out.revive([0]);
                if let Some(offer) = round.offers.first().filter(|_| !*launched) {
                    *launched = true;
                    // Neither a command nor an executor.
                    let task = serde_json::json!({
                        "name": "nothing",
                        "task_id": { "value": "nothing" },
                        "resources": [volume::scalar("cpus", 0.1), volume::scalar("mem", 32.0)]
                    });
                    let task = Encoded::json(&task).map_err(|error| error.to_string())?;
                    out.accept(offer).launch([task]);
                }
                out.decline_rest();
            }
            Self::Volume(volume) => volume.decide(round, out)?,
        }
        Ok(())
    }
}

offerd_sdk::export_policy!(Errands);
