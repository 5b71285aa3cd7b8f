//! A scheduling policy: each waiting task goes to the first offer with room.

use offerd_sdk::prelude::*;
use serde::Deserialize;

/// The `config` table of the policy's `[[policy]]` entry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// At most so many tasks are placed in one round; no bound if absent.
    pub most: Option<u32>,
}

#[derive(Debug)]
pub struct {{type}} {
    most: Option<u32>,
}

impl Policy for {{type}} {
    type Config = Settings;

    fn describe() -> Description {
        Description::new(
            "{{name}}",
            env!("CARGO_PKG_VERSION"),
            "Takes the first offer with room.",
        )
    }

    fn configure(settings: Settings) -> Result<Self, String> {
        if settings.most == Some(0) {
            return Err("most is 0; must be at least 1".to_owned());
        }
        Ok(Self {
            most: settings.most,
        })
    }

    fn decide(&mut self, round: &Round, out: &mut Answer) -> Result<(), String> {
        let mut left = self.most.unwrap_or(u32::MAX);
        let mut fitter = Fitter::new(round, Order::Arrival);
        for set in &round.waiting {
            for spot in fitter.fill(set) {
                let count = spot.count.min(left);
                if count > 0 {
                    out.place(spot, set, count)
                        .because("the first offer with room");
                    left -= count;
                }
            }
        }
        out.decline_rest().because("nothing that waits fits");
        Ok(())
    }
}

offerd_sdk::export_policy!({{type}});

#[cfg(test)]
mod tests {
    use offerd_sdk::testing::{Cluster, Job};

    use super::*;

    fn placed(config: &str) -> Vec<(u32, u32)> {
        let mut cluster = Cluster::new(["batch"]);
        for host in ["one", "two"] {
            let agent = cluster.agent(host, &[]);
            cluster.offer(agent, "batch", Amounts::of(2.0, 1024.0));
        }
        cluster.wait(Job::new("job", "batch", Amounts::of(1.0, 128.0)).count(3));
        let mut policy: {{type}} = cluster.configure(config).unwrap();
        let answer = cluster.decide(&mut policy).unwrap();
        let places = answer.placements.iter();
        places.map(|place| (place.offer, place.count)).collect()
    }

    #[test]
    fn the_first_offer_is_filled_first() {
        assert_eq!(placed("{}"), [(0, 2), (1, 1)]);
    }

    #[test]
    fn no_more_than_allowed() {
        assert_eq!(placed(r#"{"most": 1}"#), [(0, 1)]);
    }
}
