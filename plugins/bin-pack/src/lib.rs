//! Best fit: each waiting task goes to the offer with the least room that
//! still fits, so that agents fill up and large tasks find room elsewhere. See
//! README.md.

use offerd_sdk::prelude::*;
use serde::Deserialize;

/// The `config` table.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// How much each resource counts when offers are compared.
    pub weights: Weights,
}

/// The policy. No state.
#[derive(Debug)]
pub struct BinPack {
    weights: Weights,
}

impl Policy for BinPack {
    type Config = Settings;

    fn describe() -> Description {
        Description::new(
            "bin-pack",
            env!("CARGO_PKG_VERSION"),
            "Fills agents up: takes the tightest offer with room.",
        )
    }

    fn configure(settings: Settings) -> Result<Self, String> {
        settings.weights.check()?;
        Ok(Self {
            weights: settings.weights,
        })
    }

    fn decide(&mut self, round: &Round, out: &mut Answer) -> Result<(), String> {
        let mut fitter = Fitter::new(round, Order::Tightest(self.weights));
        for set in &round.waiting {
            for spot in fitter.fill(set) {
                out.place(spot, set, spot.count)
                    .because("the tightest offer with room");
            }
        }
        out.decline_rest().because("nothing that waits fits");
        Ok(())
    }
}

offerd_sdk::export_policy!(BinPack);

#[cfg(test)]
mod tests {
    use offerd_sdk::testing::{Cluster, Job};

    use super::*;

    fn placed(config: &str, offers: &[Amounts], need: Amounts, count: u32) -> Vec<(u32, u32)> {
        let mut cluster = Cluster::new(["batch"]);
        for (at, amounts) in offers.iter().enumerate() {
            let agent = cluster.agent(&format!("host-{at}"), &[]);
            cluster.offer(agent, "batch", *amounts);
        }
        cluster.wait(Job::new("job", "batch", need).count(count));
        let mut policy: BinPack = cluster.configure(config).unwrap();
        let answer = cluster.decide(&mut policy).unwrap();
        answer
            .placements
            .iter()
            .map(|p| (p.offer, p.count))
            .collect()
    }

    #[test]
    fn the_tightest_first_and_then_the_next() {
        let offers = [
            Amounts::of(8.0, 8192.0),
            Amounts::of(2.0, 2048.0),
            Amounts::of(4.0, 4096.0),
        ];
        assert_eq!(
            placed("{}", &offers, Amounts::of(1.0, 64.0), 7),
            [(1, 2), (2, 4), (0, 1)]
        );
    }

    #[test]
    fn weights_decide_which_resource_is_scarce() {
        let offers = [Amounts::of(8.0, 100.0), Amounts::of(2.0, 9000.0)];
        let need = Amounts::of(1.0, 10.0);
        let cpus = r#"{"weights": {"mem": 0}}"#;
        let mem = r#"{"weights": {"cpus": 0}}"#;
        assert_eq!(placed(cpus, &offers, need, 1), [(1, 1)]);
        assert_eq!(placed(mem, &offers, need, 1), [(0, 1)]);
    }

    #[test]
    fn tasks_without_gpus_leave_gpus_free() {
        let plain = Amounts::of(4.0, 4096.0);
        let gpus = Amounts {
            gpus: milli(1.0),
            ..Amounts::of(2.0, 2048.0)
        };
        assert_eq!(
            placed("{}", &[gpus, plain], Amounts::of(1.0, 64.0), 1),
            [(1, 1)]
        );
    }

    #[test]
    fn a_wrong_weight_is_named() {
        let mut cluster = Cluster::new(["batch"]);
        let error = cluster
            .configure::<BinPack>(r#"{"weights": {"mem": -1}}"#)
            .unwrap_err();
        assert!(error.contains("weights.mem"), "{error}");
        let error = cluster
            .configure::<BinPack>(r#"{"weights": {"ram": 1}}"#)
            .unwrap_err();
        assert!(error.contains("ram") && error.contains("mem"), "{error}");
    }
}
