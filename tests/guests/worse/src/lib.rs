//! A version of a policy that is worse than others: it loads, starts and places tasks on the
//! first offer with room, but for what its settings say.

use std::time::Duration;

use offerd_sdk::prelude::*;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Settings {
    does: Does,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Does {
    /// Panics in each round.
    #[default]
    Panic,
    /// Panics when it could place something.
    PanicAtWork,
    /// Places nothing.
    Idle,
    /// For each placement declines an offer that there is not.
    Sloppy,
    /// Places what has waited for long enough.
    Late,
    /// Places tasks on offers that there are not.
    Astray,
}

struct Worse(Does);

/// How long tasks wait for one that is late.
const LATE: Duration = Duration::from_millis(1_200);

impl Policy for Worse {
    type Config = Settings;

    fn describe() -> Description {
        Description::new("worse", "0.1.0", "Decides worse than others")
    }

    fn configure(Settings { does }: Settings) -> Result<Self, String> {
        Ok(Self(does))
    }

    fn decide(&mut self, round: &Round, out: &mut Answer) -> Result<(), String> {
        let nobody = u32::MAX - 1;
        match self.0 {
            Does::Panic => panic!("it panics in each round"),
            Does::Idle => return Ok(()),
            _ => {}
        }
        let mut fitter = Fitter::new(round, Order::Arrival);
        for set in &round.waiting {
            match self.0 {
                Does::Late if round.now - set.since < LATE.as_secs_f64() * 1e3 => {
                    out.timer(set.set, LATE);
                    continue;
                }
                Does::Astray => {
                    out.place(nobody, set, 1);
                    continue;
                }
                _ => {}
            }
            for spot in fitter.fill(set) {
                out.place(spot, set, spot.count);
                match self.0 {
                    Does::PanicAtWork => panic!("it panics at work"),
                    Does::Sloppy => drop(out.decline(nobody)),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

offerd_sdk::export_policy!(Worse);
