//! Higher priority first; kills tasks of lower priority to make room, if told
//! so. See README.md.

mod preempt;

use offerd_sdk::prelude::*;
use preempt::Preemption;
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

/// The policy. No state: what runs and what is being killed is asked of the
/// host.
#[derive(Debug)]
pub struct Priority {
    settings: Settings,
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
        Ok(Self { settings })
    }

    fn decide(&mut self, round: &Round, out: &mut Answer) -> Result<(), String> {
        let mut fitter = Fitter::new(round, Order::Tightest(Weights::default()));
        let mut unplaced = Vec::new();
        // The host shows larger priorities first.
        for set in &round.waiting {
            let mut left = set.count;
            for spot in fitter.fill(set) {
                out.place(spot, set, spot.count)
                    .because("its turn by priority");
                left -= spot.count;
            }
            if left > 0 {
                unplaced.push((set, left));
            }
        }
        if self.settings.preempt && !unplaced.is_empty() {
            let mut preemption = Preemption::new(&self.settings, round, &fitter);
            for (set, count) in unplaced {
                preemption.make_room(set, count, out);
            }
        }
        out.decline_rest().because("nothing that waits fits");
        Ok(())
    }
}

offerd_sdk::export_policy!(Priority);

#[cfg(test)]
mod tests;
