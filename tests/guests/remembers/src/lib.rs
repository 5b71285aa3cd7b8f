//! A policy with state and settings as the SDK's own macro exports one: it counts,
//! and says how far it has come.

use offerd_sdk::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Settings {
    step: u32,
}

struct Remembers {
    step: u32,
    count: u32,
}

impl Policy for Remembers {
    type Config = Settings;

    fn describe() -> Description {
        Description::new("remembers", "0.1.0", "Counts rounds")
    }

    fn configure(Settings { step }: Settings) -> Result<Self, String> {
        Ok(Self { step, count: 0 })
    }

    fn decide(&mut self, _: &Round, out: &mut Answer) -> Result<(), String> {
        self.count += self.step;
        out.decline_rest().because(format!("count {}", self.count));
        Ok(())
    }
}

impl StatefulPolicy for Remembers {
    fn save(&mut self) -> Result<Snapshot, String> {
        Ok(Snapshot {
            version: 1,
            data: self.count.to_le_bytes().to_vec(),
        })
    }

    fn restore(&mut self, snapshot: Snapshot) -> Result<(), String> {
        if snapshot.version != 1 {
            return Err(format!("layout {} is not 1", snapshot.version));
        }
        let bytes = snapshot.data.try_into();
        self.count = u32::from_le_bytes(bytes.map_err(|_| "the count must be four bytes")?);
        Ok(())
    }
}

offerd_sdk::export_stateful_policy!(Remembers);
