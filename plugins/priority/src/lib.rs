//! Higher priority first; kills tasks of lower priority to make room, if told
//! so. See README.md.

mod preempt;

use std::time::Duration;

use offerd_sdk::cluster;
use offerd_sdk::map::Set;
use offerd_sdk::prelude::*;
use preempt::{Claims, Preemption};
use serde::Deserialize;

/// The `config` table.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Kill tasks of lower priority where that makes room.
    pub preempt: bool,
    /// Only tasks whose priority is lower by at least this much.
    pub gap: i32,
    /// At most so many tasks are being killed at a time.
    pub at_once: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            preempt: false,
            gap: 1,
            at_once: 100,
        }
    }
}

/// The number of the timer that ends claims.
const VOID: u32 = 1;

/// The policy. What it remembers is who waits for whom to die; a new instance
/// without that only kills again.
#[derive(Debug)]
pub struct Priority {
    settings: Settings,
    claims: Claims,
}

impl Policy for Priority {
    type Config = Settings;

    fn describe() -> Description {
        Description::new(
            "priority",
            env!("CARGO_PKG_VERSION"),
            "Higher priority first; can kill tasks of lower priority to make room.",
        )
    }

    fn configure(settings: Settings) -> Result<Self, String> {
        if settings.gap < 1 {
            return Err(format!(
                "config.gap: {} would let tasks kill their equals; it must be at least 1",
                settings.gap
            ));
        }
        if settings.at_once < 1 {
            return Err(
                "config.at_once: 0 would kill nothing; write at least 1, or preempt = false"
                    .to_owned(),
            );
        }
        Ok(Self {
            settings,
            claims: Claims::default(),
        })
    }

    fn decide(&mut self, round: &Round, out: &mut Answer) -> Result<(), String> {
        let mut tasks = Vec::new();
        if self.settings.preempt && !(round.waiting.is_empty() && self.claims.is_empty()) {
            tasks = cluster::tasks();
            let alive: Set<u32> = tasks.iter().map(|task| task.task).collect();
            self.claims.refresh(round, &alive);
        }
        let mut fitter = Fitter::new(round, Order::Tightest(Weights::default()));
        let mut unplaced = Vec::new();
        // The host shows larger priorities first.
        for set in &round.waiting {
            let mut left = set.count;
            let mut placed = Vec::new();
            let free = |offer: &Offer| !self.claims.bar(set, offer);
            let fill: &mut dyn Iterator<Item = _> = if self.claims.is_empty() {
                &mut fitter.fill(set)
            } else {
                &mut fitter.fill_where(set, &free)
            };
            for spot in fill {
                out.place(spot, set, spot.count)
                    .because("its turn by priority");
                left -= spot.count;
                placed.push((spot.agent.0, spot.count));
            }
            for (agent, count) in placed {
                self.claims.met(set.set, agent, count);
            }
            if left > 0 {
                unplaced.push((set, left));
            }
        }
        if self.settings.preempt {
            let claims = &mut self.claims;
            let mut preemption = Preemption::new(&self.settings, claims, round, tasks, &fitter);
            for (set, count) in unplaced {
                preemption.make_room(set, count, out);
            }
            if let Some(millis) = self.claims.void_in(round.now) {
                out.timer(VOID, Duration::from_secs_f64(millis.max(1.0) / 1000.0));
            }
        }
        out.decline_rest().because("nothing that waits fits");
        Ok(())
    }
}

offerd_sdk::export_policy!(Priority);

#[cfg(test)]
mod tests;
