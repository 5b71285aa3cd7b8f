//! Each waiting task goes to the first offer with room: the simplest policy
//! that is of use. See README.md.

use offerd_sdk::prelude::*;

/// The policy. No state, no settings.
#[derive(Debug)]
pub struct FirstFit;

impl Policy for FirstFit {
    type Config = NoConfig;

    fn describe() -> Description {
        Description::new(
            "first-fit",
            env!("CARGO_PKG_VERSION"),
            "Takes the first offer with room.",
        )
    }

    fn configure(_: NoConfig) -> Result<Self, String> {
        Ok(Self)
    }

    fn decide(&mut self, round: &Round, out: &mut Answer) -> Result<(), String> {
        let mut fitter = Fitter::new(round, Order::Arrival);
        for set in &round.waiting {
            for spot in fitter.fill(set) {
                out.place(spot, set, spot.count)
                    .because("the first offer with room");
            }
        }
        out.decline_rest().because("nothing that waits fits");
        Ok(())
    }
}

offerd_sdk::export_policy!(FirstFit);

#[cfg(test)]
mod tests {
    use offerd_sdk::testing::{Cluster, Job};

    use super::*;

    #[test]
    fn in_order_of_arrival() {
        let mut cluster = Cluster::new(["batch"]);
        let agent = cluster.agent("one", &[]);
        for cpus in [0.05, 1.0, 4.0] {
            cluster.offer(agent, "batch", Amounts::of(cpus, 1024.0));
        }
        let need = Amounts::of(0.5, 32.0);
        cluster.wait(Job::new("first", "batch", need).count(1));
        cluster.wait(Job::new("second", "batch", need).count(9));
        let mut policy: FirstFit = cluster.configure("{}").unwrap();
        let answer = cluster.decide(&mut policy).unwrap();
        let placed: Vec<_> = answer
            .placements
            .iter()
            .map(|p| (p.offer, p.set, p.count))
            .collect();
        assert_eq!(placed, [(1, 0, 1), (1, 1, 1), (2, 1, 8)]);
        assert!(answer.rest.is_some());
        assert!(cluster.waiting().is_empty());
    }

    #[test]
    fn higher_priority_first() {
        let mut cluster = Cluster::new(["batch"]);
        let agent = cluster.agent("one", &[]);
        cluster.offer(agent, "batch", Amounts::of(1.0, 32.0));
        let need = Amounts::of(1.0, 32.0);
        cluster.wait(Job::new("low", "batch", need));
        let high = cluster.wait(Job::new("high", "batch", need).priority(5));
        let mut policy: FirstFit = cluster.configure("{}").unwrap();
        let answer = cluster.decide(&mut policy).unwrap();
        assert_eq!(answer.placements.len(), 1);
        assert_eq!(answer.placements[0].set, high.0);
    }

    #[test]
    fn settings_are_refused() {
        let error = Cluster::new(["r"])
            .configure::<FirstFit>(r#"{"x": 1}"#)
            .unwrap_err();
        assert!(error.contains('x'), "{error}");
    }
}
