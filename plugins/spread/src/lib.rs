//! Spreads the tasks of a job over groups of agents: those of one rack, zone or
//! any attribute, or single hosts. See README.md.

mod groups;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use groups::Groups;
use offerd_sdk::prelude::*;
use serde::Deserialize;

/// The `config` table.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Agents with the same value of this attribute are one group.
    pub attribute: Option<String>,
    /// `host` (the default), `zone` or `region`.
    pub over: Option<Over>,
}

/// What is a group, if no attribute says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Over {
    Host,
    Zone,
    Region,
}

/// What makes agents a group.
#[derive(Debug)]
pub(crate) enum By {
    Attribute(String),
    Over(Over),
}

/// The policy. No state: what runs where is asked of the host.
#[derive(Debug)]
pub struct Spread {
    by: By,
    reason: String,
}

impl Policy for Spread {
    type Config = Settings;

    fn describe() -> Description {
        Description::new(
            "spread",
            env!("CARGO_PKG_VERSION"),
            "Spreads the tasks of a job over racks, zones, hosts or any attribute.",
        )
    }

    fn configure(settings: Settings) -> Result<Self, String> {
        let (by, what) = match (settings.attribute, settings.over) {
            (Some(_), Some(_)) => {
                return Err("config: attribute and over exclude each other; keep one".to_owned());
            }
            (Some(name), None) if name.is_empty() => {
                return Err(
                    "config.attribute: it is empty; name an attribute of the agents, such as rack"
                        .to_owned(),
                );
            }
            (Some(name), None) => (By::Attribute(name.clone()), name),
            (None, Some(Over::Zone)) => (By::Over(Over::Zone), "zone".to_owned()),
            (None, Some(Over::Region)) => (By::Over(Over::Region), "region".to_owned()),
            (None, Some(Over::Host) | None) => (By::Over(Over::Host), "host".to_owned()),
        };
        Ok(Self {
            by,
            reason: format!("the {what} with the fewest tasks of the job"),
        })
    }

    fn decide(&mut self, round: &Round, out: &mut Answer) -> Result<(), String> {
        if !round.waiting.is_empty() {
            self.place(round, out);
        }
        out.decline_rest().because("nothing that waits fits");
        Ok(())
    }
}

impl Spread {
    fn place(&self, round: &Round, out: &mut Answer) {
        let mut groups = Groups::new(&self.by);
        let mut fitter = Fitter::grouped(round, Order::Roomiest(Weights::default()), |_, offer| {
            Some(groups.of(offer.agent))
        });
        for set in &round.waiting {
            // Fewest tasks of the job first, then by name.
            let mut order: BinaryHeap<Reverse<(bool, u32, u32, u32)>> = groups
                .with_counts(set.job)
                .map(|group| Reverse((group.is_unknown, group.count, group.rank, group.number)))
                .collect();
            let mut wanted = set.count;
            while wanted > 0
                && let Some(Reverse((unknown, count, rank, number))) = order.pop()
            {
                // A group without room leaves the heap for this set.
                if let Some(spot) = fitter.next_in(number, set) {
                    fitter.take(&spot, set, 1);
                    out.place(spot, set, 1).because(&self.reason);
                    wanted -= 1;
                    order.push(Reverse((unknown, count + 1, rank, number)));
                }
            }
        }
    }
}

offerd_sdk::export_policy!(Spread);

#[cfg(test)]
mod tests;
