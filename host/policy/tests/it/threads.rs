//! Policies on threads of their own.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use offerd_core::policy::{Answer, Round};
use offerd_policy::{CallStats, Decided, PolicyCode, PolicyThread, Reply};

use crate::support::{misbehave, offer, round, waiting};

/// Long enough for any machine; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(300);

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

/// Decides when it is told to.
struct Blocked(Receiver<()>);

impl PolicyCode for Blocked {
    fn decide(&mut self, round: Arc<Round>) -> Decided {
        self.0.recv_timeout(PATIENCE).unwrap();
        Decided {
            round: round.number,
            result: Ok(Answer::default()),
            stats: CallStats::default(),
        }
    }
}

#[test]
fn a_slow_policy_holds_up_only_itself() {
    let (replies, received) = channel();
    let spawn = |code, name: &'static str| {
        let replies = replies.clone();
        PolicyThread::spawn(name, code, move |reply| {
            let _ = replies.send((name, reply));
        })
        .unwrap()
    };
    let (go_on, blocked) = channel();
    let slow = spawn(Box::new(Blocked(blocked)), "slow");
    let quick = spawn(Box::new(misbehave("{}")), "quick");
    slow.invoke(Arc::new(round(1))).unwrap();
    quick.invoke(Arc::new(round(1))).unwrap();
    assert_eq!(received.recv_timeout(PATIENCE).unwrap().0, "quick");
    go_on.send(()).unwrap();
    assert_eq!(received.recv_timeout(PATIENCE).unwrap().0, "slow");
    slow.stop();
    quick.stop();
}
