use offerd_sdk::testing::{Cluster, Job};

use super::*;

/// Two racks of two hosts each and one host that names no rack.
fn cluster() -> Cluster {
    let mut cluster = Cluster::new(["web"]);
    for (host, rack) in [("a1", "a"), ("a2", "a"), ("b1", "b"), ("b2", "b")] {
        let agent = cluster.agent_in(host, &[("rack", rack)], Some(&format!("zone-{rack}")));
        cluster.offer(agent, "web", Amounts::of(4.0, 4096.0));
    }
    let agent = cluster.agent("nowhere", &[]);
    cluster.offer(agent, "web", Amounts::of(4.0, 4096.0));
    cluster
}

/// Number of tasks on each agent, in order of the agents.
fn counts(cluster: &Cluster) -> Vec<usize> {
    (0..5)
        .map(|agent| {
            cluster
                .tasks()
                .iter()
                .filter(|task| task.agent == agent)
                .count()
        })
        .collect()
}

fn front(count: u32) -> Job {
    Job::new("front", "web", Amounts::of(1.0, 64.0))
        .count(count)
        .service()
}

#[test]
fn over_an_attribute() {
    let mut cluster = cluster();
    let mut policy: Spread = cluster.configure(r#"{"attribute": "rack"}"#).unwrap();
    cluster.wait(front(4));
    cluster.decide(&mut policy).unwrap();
    let [a1, a2, b1, b2, nowhere] = counts(&cluster)[..] else {
        panic!()
    };
    assert_eq!((a1 + a2, b1 + b2, nowhere), (2, 2, 0));
}

#[test]
fn over_hosts_and_the_emptiest_rack_after_that() {
    let mut cluster = cluster();
    let mut policy: Spread = cluster.configure("{}").unwrap();
    cluster.wait(front(5));
    cluster.decide(&mut policy).unwrap();
    assert_eq!(counts(&cluster), [1, 1, 1, 1, 1]);
}

#[test]
fn what_runs_already_counts() {
    let mut cluster = cluster();
    let mut policy: Spread = cluster.configure(r#"{"over": "zone"}"#).unwrap();
    let agent = offerd_sdk::handles::AgentHandle(0);
    cluster.run(front(3), agent);
    cluster.wait(front(3));
    cluster.decide(&mut policy).unwrap();
    let [a1, a2, b1, b2, _] = counts(&cluster)[..] else {
        panic!()
    };
    assert_eq!((a1 + a2, b1 + b2), (3, 3));
}

#[test]
fn a_full_group_does_not_stop_the_others_and_agents_without_a_rack_are_last() {
    let mut cluster = cluster();
    let mut policy: Spread = cluster.configure(r#"{"attribute": "rack"}"#).unwrap();
    cluster.wait(front(30));
    cluster.decide(&mut policy).unwrap();
    assert_eq!(counts(&cluster), [4, 4, 4, 4, 4]);
    assert_eq!(cluster.waiting()[0].count, 10);
}

#[test]
fn wrong_settings() {
    for (config, part) in [
        (r#"{"attribute": "rack", "over": "zone"}"#, "exclude"),
        (r#"{"attribute": ""}"#, "attribute"),
        (r#"{"over": "rack"}"#, "host"),
        (r#"{"atribute": "rack"}"#, "attribute"),
    ] {
        let error = cluster().configure::<Spread>(config).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}
