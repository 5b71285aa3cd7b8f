//! Policies on threads of their own.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use offerd_core::policy::Failure;
use offerd_policy::{Decided, PolicyThread, Reply};

use crate::support::{misbehave, offer, round, waiting};

/// Long enough for any machine; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn rounds_go_to_the_thread_and_replies_come_back() {
    let (replies, received) = channel();
    let policy = misbehave(r#"{"decide": "count-rounds"}"#);
    let thread = PolicyThread::spawn("counting", Box::new(policy), move |reply| {
        let _ = replies.send((reply, std::thread::current().name().map(str::to_owned)));
    })
    .unwrap();
    for number in 1..=50 {
        let mut round = round(number);
        round.offers = vec![offer(number, 1, 1)];
        round.waiting = vec![waiting(1, 1, 1, 1)];
        thread.invoke(Arc::new(round)).unwrap();
        let (reply, name) = received.recv_timeout(PATIENCE).unwrap();
        assert_eq!(name.as_deref(), Some("policy-counting"));
        let Reply::Decided(decided) = reply else {
            panic!("{reply:?}");
        };
        let Decided { round, result, .. } = *decided;
        assert_eq!(round, number);
        assert_eq!(result.unwrap().reasons, [format!("rounds: {number}")]);
    }
    thread.save().unwrap();
    let (reply, _) = received.recv_timeout(PATIENCE).unwrap();
    let Reply::Saved(Ok(Some(saved))) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(saved.data, [50, 0, 0, 0]);
    thread.stop();
    assert!(received.recv().is_err());
}

#[test]
fn a_looping_policy_holds_up_only_itself() {
    let (replies, received) = channel();
    let spawn = |config, name: &'static str| {
        let replies = replies.clone();
        PolicyThread::spawn(name, Box::new(misbehave(config)), move |reply| {
            let _ = replies.send((name, reply));
        })
        .unwrap()
    };
    let bad = spawn(r#"{"decide": "loop"}"#, "bad");
    let good = spawn("{}", "good");
    bad.invoke(Arc::new(round(1))).unwrap();
    good.invoke(Arc::new(round(1))).unwrap();
    let mut order = Vec::new();
    for _ in 0..2 {
        let (name, reply) = received.recv_timeout(PATIENCE).unwrap();
        order.push(name);
        if let ("bad", Reply::Decided(decided)) = (name, reply) {
            assert!(matches!(decided.result, Err(Failure::Trap(_))));
        }
    }
    assert_eq!(order, ["good", "bad"]);
    bad.stop();
    good.stop();
}
