//! One number for how much room an offer has.

use serde::Deserialize;

use super::Order;
use crate::amounts::Amounts;

/// How much each resource counts for the room of an offer. A resource counts by
/// its share of all that is offered to the role, times its weight; one that no
/// waiting task needs counts nothing, except GPUs: tasks that need none had
/// better leave them free.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default)]
pub struct Weights {
    pub cpus: f64,
    pub mem: f64,
    pub disk: f64,
    pub gpus: f64,
    pub ports: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            cpus: 1.0,
            mem: 1.0,
            disk: 1.0,
            gpus: 4.0,
            ports: 0.0,
        }
    }
}

impl Weights {
    /// Checks weights that come from a config.
    ///
    /// # Errors
    /// Names the weight that is negative or no number.
    pub fn check(&self) -> Result<(), String> {
        for (name, weight) in [
            ("cpus", self.cpus),
            ("mem", self.mem),
            ("disk", self.disk),
            ("gpus", self.gpus),
            ("ports", self.ports),
        ] {
            if !(0.0..=1e6).contains(&weight) {
                return Err(format!(
                    "config.weights.{name}: {weight} is no weight; it must be from 0 to 1000000"
                ));
            }
        }
        Ok(())
    }
}

/// Weights for thousandths. Larger amounts never give a smaller score: each
/// step is monotone, also where it rounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Score {
    cpus: f64,
    mem: f64,
    disk: f64,
    gpus: f64,
    ports: f64,
}

impl Score {
    /// `most` is the most that any waiting task needs, `total` all that is
    /// offered.
    pub(super) fn new(order: Order, most: &Amounts, total: &Amounts) -> Self {
        let weights = match order {
            Order::Arrival => Weights {
                cpus: 0.0,
                mem: 0.0,
                disk: 0.0,
                gpus: 0.0,
                ports: 0.0,
            },
            Order::Tightest(weights) | Order::Roomiest(weights) => weights,
        };
        let share = |weight: f64, wanted: bool, total: f64| {
            if wanted && total > 0.0 {
                weight.max(0.0) / total
            } else {
                0.0
            }
        };
        Self {
            cpus: share(weights.cpus, most.cpus > 0.0, total.cpus),
            mem: share(weights.mem, most.mem > 0.0, total.mem),
            disk: share(weights.disk, most.disk > 0.0, total.disk),
            gpus: share(weights.gpus, true, total.gpus),
            ports: share(weights.ports, most.ports > 0, f64::from(total.ports)),
        }
    }

    pub(super) fn of(&self, amounts: &Amounts) -> f64 {
        amounts.cpus * self.cpus
            + amounts.mem * self.mem
            + amounts.disk * self.disk
            + amounts.gpus * self.gpus
            + f64::from(amounts.ports) * self.ports
    }
}
