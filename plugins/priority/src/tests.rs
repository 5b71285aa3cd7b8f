use offerd_sdk::testing::{Cluster, Job};

use super::*;

fn job(name: &str, cpus: f64, priority: i32) -> Job {
    Job::new(name, "batch", Amounts::of(cpus, 64.0)).priority(priority)
}

#[test]
fn higher_priority_first_and_nobody_dies_unless_told() {
    let mut cluster = Cluster::new(["batch"]);
    let agent = cluster.agent("one", &[]);
    cluster.run(job("low", 4.0, 0), agent);
    cluster.offer(agent, "batch", Amounts::of(1.0, 1024.0));
    cluster.wait(job("middle", 1.0, 5));
    let high = cluster.wait(job("high", 1.0, 10).count(2));
    let mut policy: Priority = cluster.configure("{}").unwrap();
    let answer = cluster.decide(&mut policy).unwrap();
    assert_eq!(answer.placements.len(), 1);
    assert_eq!(answer.placements[0].set, high.0);
    assert!(answer.kills.is_empty());
}

#[test]
fn the_least_is_killed_and_only_what_is_lower() {
    let mut cluster = Cluster::new(["batch"]);
    let one = cluster.agent("one", &[]);
    let two = cluster.agent("two", &[]);
    cluster.run(job("equal", 4.0, 10), one);
    cluster.run(job("middle", 4.0, 5), two);
    let low = cluster.run(job("low", 2.0, 1).count(2), two);
    cluster.wait(job("high", 2.0, 10));
    let mut policy: Priority = cluster.configure(r#"{"preempt": true}"#).unwrap();
    let answer = cluster.decide(&mut policy).unwrap();
    let killed: Vec<u32> = answer.kills.iter().map(|kill| kill.task).collect();
    assert_eq!(
        killed,
        [low[1].0],
        "the newest of the lowest, and one is enough"
    );
    assert!(
        answer
            .reasons
            .iter()
            .any(|reason| reason.contains("makes room"))
    );
}

#[test]
fn what_the_dead_leave_is_kept_for_whom_they_died() {
    let mut cluster = Cluster::new(["batch"]);
    let agent = cluster.agent("one", &[]);
    cluster.run(job("low", 1.0, 0).count(4), agent);
    let high = cluster.wait(job("high", 2.0, 10));
    let mut policy: Priority = cluster.configure(r#"{"preempt": true}"#).unwrap();
    assert_eq!(cluster.decide(&mut policy).unwrap().kills.len(), 2);
    // They are dead and wait again; nothing is offered yet: nobody else dies.
    cluster.wait(job("low", 1.0, 0).count(2));
    assert!(cluster.decide(&mut policy).unwrap().kills.is_empty());
    // Half of it comes first: too little for the one, and not for the others.
    cluster.offer(agent, "batch", Amounts::of(1.0, 1024.0));
    let answer = cluster.decide(&mut policy).unwrap();
    assert!(answer.kills.is_empty() && answer.placements.is_empty());
    cluster.offer(agent, "batch", Amounts::of(3.0, 1024.0));
    let answer = cluster.decide(&mut policy).unwrap();
    assert_eq!(answer.placements.len(), 2);
    assert_eq!(answer.placements[0].set, high.0);
    assert!(answer.kills.is_empty());
}

#[test]
fn a_claim_that_is_not_met_in_time_is_void() {
    let mut cluster = Cluster::new(["batch"]);
    let agent = cluster.agent("one", &[]);
    cluster.run(job("low", 1.0, 0).count(2), agent);
    cluster.wait(job("high", 1.0, 10));
    let mut policy: Priority = cluster.configure(r#"{"preempt": true}"#).unwrap();
    assert_eq!(cluster.decide(&mut policy).unwrap().kills.len(), 1);
    cluster.advance(9_000.0);
    assert!(cluster.decide(&mut policy).unwrap().kills.is_empty());
    // Mesos gave it to another framework, it seems.
    cluster.advance(2_000.0);
    assert_eq!(cluster.decide(&mut policy).unwrap().kills.len(), 1);
}

#[test]
fn what_is_free_counts_and_kills_are_bounded() {
    let mut cluster = Cluster::new(["batch"]);
    let agent = cluster.agent("one", &[]);
    cluster.run(job("low", 1.0, 0).count(8), agent);
    cluster.offer(agent, "batch", Amounts::of(1.0, 1024.0));
    cluster.wait(job("high", 2.0, 10).count(3));
    let config = r#"{"preempt": true, "at_once": 3}"#;
    let mut policy: Priority = cluster.configure(config).unwrap();
    let answer = cluster.decide(&mut policy).unwrap();
    // One for the first (1 CPU is free), two for the second, none left for the third.
    assert_eq!(answer.kills.len(), 3);
}

#[test]
fn a_gap_protects_those_that_are_near() {
    let mut cluster = Cluster::new(["batch"]);
    let agent = cluster.agent("one", &[]);
    cluster.run(job("low", 2.0, 5), agent);
    cluster.wait(job("high", 2.0, 10));
    let mut policy: Priority = cluster.configure(r#"{"preempt": true, "gap": 6}"#).unwrap();
    assert!(cluster.decide(&mut policy).unwrap().kills.is_empty());
    let mut policy: Priority = cluster.configure(r#"{"preempt": true, "gap": 5}"#).unwrap();
    assert_eq!(cluster.decide(&mut policy).unwrap().kills.len(), 1);
}

#[test]
fn constraints_of_the_waiting_task_hold() {
    let mut cluster = Cluster::new(["batch"]);
    let one = cluster.agent("one", &[]);
    let two = cluster.agent("two", &[]);
    cluster.run(job("low", 2.0, 0), one);
    let right = cluster.run(job("other", 2.0, 1), two);
    let set = cluster.wait(job("high", 2.0, 10).constrained());
    cluster.allow(set, two, 1);
    let mut policy: Priority = cluster.configure(r#"{"preempt": true}"#).unwrap();
    let answer = cluster.decide(&mut policy).unwrap();
    assert_eq!(answer.kills.len(), 1);
    assert_eq!(answer.kills[0].task, right[0].0);
}

#[test]
fn wrong_settings() {
    for (config, part) in [
        (r#"{"gap": 0}"#, "gap"),
        (r#"{"at_once": 0}"#, "at_once"),
        (r#"{"preempt": "yes"}"#, "preempt"),
    ] {
        let error = Cluster::new(["r"])
            .configure::<Priority>(config)
            .unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}
