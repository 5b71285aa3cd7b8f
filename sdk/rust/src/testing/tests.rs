use super::{Cluster, Job};
use crate::prelude::*;
use crate::types::{AttributeValue, OperationUpdate, Subscribed};
use crate::{cluster, types};

/// Asks what a test wants to know, and counts its rounds.
struct Asks {
    rounds: u32,
    ask: fn(&Round) -> String,
    told: String,
}

impl Policy for Asks {
    type Config = NoConfig;

    fn describe() -> Description {
        Description::new("asks", "1", "")
    }

    fn configure(_: NoConfig) -> Result<Self, String> {
        Ok(Self {
            rounds: 0,
            ask: |_| String::new(),
            told: String::new(),
        })
    }

    fn decide(&mut self, round: &Round, _: &mut Answer) -> Result<(), String> {
        self.rounds += 1;
        self.told = (self.ask)(round);
        Ok(())
    }
}

impl StatefulPolicy for Asks {
    fn save(&mut self) -> Result<Snapshot, String> {
        Ok(Snapshot {
            version: 1,
            data: self.rounds.to_le_bytes().to_vec(),
        })
    }

    fn restore(&mut self, snapshot: Snapshot) -> Result<(), String> {
        if snapshot.version != 1 {
            return Err(format!("layout {} is not 1", snapshot.version));
        }
        let data = snapshot.data.try_into().map_err(|_| "not four bytes")?;
        self.rounds = u32::from_le_bytes(data);
        Ok(())
    }
}

fn told(made: &mut Cluster, policy: &mut Asks) -> String {
    made.decide(policy).unwrap();
    std::mem::take(&mut policy.told)
}

#[test]
fn state_goes_from_one_instance_to_the_next() {
    let mut made = Cluster::new(["r"]);
    let mut policy: Asks = made.configure("{}").unwrap();
    told(&mut made, &mut policy);
    told(&mut made, &mut policy);
    let fresh = made.restart(&mut policy, "{}").unwrap();
    assert_eq!(fresh.rounds, 2);
}

#[test]
fn agents_are_kept_for_ten_minutes_once_they_are_known() {
    let mut made = Cluster::new(["r"]);
    let agent = made.agent("", &[]);
    let mut policy: Asks = made.configure("{}").unwrap();
    policy.ask = |_| cluster::agent(0).map_or_else(String::new, |agent| agent.hostname.clone());
    let mut named = |made: &mut Cluster, hostname: &str| {
        made.rename(agent, hostname);
        told(made, &mut policy)
    };
    assert_eq!(named(&mut made, ""), "");
    assert_eq!(named(&mut made, "one"), "one");
    assert_eq!(named(&mut made, "two"), "one");
    made.advance(600_000.0);
    assert_eq!(named(&mut made, "three"), "three");
    made.tell(types::Event::Subscribed(Subscribed {
        framework_id: "f".to_owned(),
        fresh: false,
        master: "m".to_owned(),
    }));
    assert_eq!(named(&mut made, "four"), "four");
}

#[test]
fn the_stand_in_tells_what_was_set() {
    let mut made = Cluster::new(["r"]);
    let agent = made.agent("h", &[("rack", "a"), ("disk", "ssd")]);
    let offer = made.offer(agent, "r", Amounts::of(2.0, 512.0));
    made.attribute(agent, "disk", AttributeValue::Scalar(2500.0));
    made.offer_traits(offer, 64);
    made.operation(OperationUpdate {
        operation_id: Some("o".to_owned()),
        state: 2,
        message: None,
        agent: agent.0,
        provider: None,
        converted: Vec::new(),
    });
    let mut policy: Asks = made.configure("{}").unwrap();
    policy.ask = |round| {
        let agent = cluster::agent(0).unwrap();
        let values = ["rack", "disk"].map(|name| agent.attribute(name).unwrap().to_string());
        let operations = cluster::operations();
        let ids = operations.iter().map(|one| one.operation_id.clone());
        let ids: Vec<_> = ids.collect();
        format!("{values:?} {} {ids:?}", round.offers[0].traits)
    };
    assert_eq!(
        told(&mut made, &mut policy),
        r#"["a", "2.5"] 65 [Some("o")]"#
    );
}

#[test]
fn the_stand_in_answers_as_the_host_does() {
    let mut made = Cluster::new(["r"]);
    let agent = made.agent("h", &[]);
    let offer = made.offer(agent, "r", Amounts::of(2.0, 512.0));
    made.wait(Job::new("free", "r", Amounts::of(1.0, 0.0)));
    made.wait(Job::new("bound", "r", Amounts::of(1.0, 0.0)).constrained());
    made.offer_column(offer, "fpgas", 3000.0);
    let mut policy: Asks = made.configure("{}").unwrap();
    policy.ask = |_| {
        let allowed = [0, 1, 9].map(|set: u32| cluster::allowed(set, &[0, 9]));
        let columns = ["cpus", "fpgas", "other"].map(cluster::column);
        format!("{allowed:?} {columns:?}")
    };
    assert_eq!(
        told(&mut made, &mut policy),
        "[[4294967295, 0], [0, 0], []] [[2000.0], [3000.0], [0.0]]"
    );
}
