//! State that outlives an instance.

use offerd_core::policy::Failure;
use offerd_policy::{Options, Policy, PolicyCode, Snapshot, StartError};

use crate::support::{guest, misbehave, options, reasons, round};

fn start(config: &str, state: Option<Snapshot>) -> Result<Policy, StartError> {
    let program = guest("misbehave");
    let (options, _) = options(&program, config);
    Policy::start(&program, Options { state, ..options })
}

const COUNT: &str = r#"{"decide": "count-rounds"}"#;

#[test]
fn what_is_saved_comes_back_in_another_policy() {
    let mut policy = misbehave(COUNT);
    assert_eq!(reasons(&mut policy, 1), ["rounds: 1"]);
    assert_eq!(reasons(&mut policy, 2), ["rounds: 2"]);
    let saved = policy.save().unwrap().unwrap();
    assert_eq!(
        (saved.version, saved.data.as_slice()),
        (3, [2, 0, 0, 0].as_slice())
    );
    // Saving changes nothing.
    assert_eq!(reasons(&mut policy, 3), ["rounds: 3"]);
    let mut policy = start(COUNT, Some(saved)).unwrap();
    assert_eq!(reasons(&mut policy, 1), ["rounds: 3"]);
}

#[test]
fn a_restarted_instance_gets_what_was_saved_last() {
    let mut policy = misbehave(r#"{"decide": "panic-once"}"#);
    policy.decide(round(1).into()).result.unwrap();
    let saved = policy.save().unwrap().unwrap();
    assert_eq!(saved.data, [1, 0, 0, 0]);
    assert!(matches!(
        policy.decide(round(2).into()).result,
        Err(Failure::Trap(_))
    ));
    // Without an instance the last state is what there is.
    assert_eq!(policy.save(), Ok(Some(saved)));
    // Restored to 1, it counts to 2 and panics again; from 0 it would not.
    let decided = policy.decide(round(1).into());
    assert!(matches!(decided.result, Err(Failure::Trap(_))));
    assert_eq!(decided.stats.instance, 1);
}

#[test]
fn state_that_cannot_be_used_keeps_the_policy_from_starting() {
    let snapshot = |data: &[u8]| {
        Some(Snapshot {
            version: 9,
            data: data.to_vec(),
        })
    };
    let error = start("{}", snapshot(b"12345")).unwrap_err();
    assert!(matches!(error, StartError::Restore { .. }));
    assert_eq!(
        error.to_string(),
        "policy test cannot use the state that was saved for it (layout 9, 5 bytes): 5 bytes are \
         not 4"
    );
    let error = start(r#"{"restore": "panic"}"#, snapshot(b"1234")).unwrap_err();
    assert!(matches!(error, StartError::Stopped { .. }));
    assert!(
        error.to_string().contains("state.restore aborted"),
        "{error}"
    );
}

#[test]
fn a_policy_without_state_ignores_what_was_saved() {
    let program = guest("minimal");
    let (options, _) = options(&program, "{}");
    let state = Some(Snapshot {
        version: 1,
        data: vec![1],
    });
    let mut policy = Policy::start(&program, Options { state, ..options }).unwrap();
    assert_eq!(
        policy.decide(round(1).into()).result.unwrap().reasons.len(),
        0
    );
}

#[test]
fn save_can_fail_in_each_way() {
    let mut policy = misbehave(r#"{"save": "error"}"#);
    assert_eq!(
        policy.save(),
        Err(Failure::Guest("this is the policy's own text".to_owned()))
    );
    let mut policy = misbehave(r#"{"save": "panic"}"#);
    let Err(Failure::Trap(text)) = policy.save() else {
        panic!("expected a trap");
    };
    assert!(text.starts_with("state.save aborted"), "{text}");
    assert_eq!(policy.decide(round(1).into()).stats.instance, 1);
    let mut policy = misbehave(r#"{"save": "full"}"#);
    assert_eq!(policy.save().unwrap().unwrap().data.len(), 16 << 20);
    let mut policy = misbehave(r#"{"save": "large"}"#);
    let Err(Failure::Trap(text)) = policy.save() else {
        panic!("expected a trap");
    };
    assert!(text.contains("passed more than 16 MiB"), "{text}");
}

#[test]
fn a_policy_that_the_rust_sdk_exports_keeps_its_state() {
    let program = guest("remembers");
    let start = |config: &str, state| {
        let (options, _) = options(&program, config);
        Policy::start(&program, Options { state, ..options })
    };
    let mut policy = start(r#"{"step": 3}"#, None).unwrap();
    assert_eq!(reasons(&mut policy, 1), ["count 3"]);
    let saved = policy.save().unwrap();
    let mut policy = start(r#"{"step": 4}"#, saved).unwrap();
    assert_eq!(reasons(&mut policy, 1), ["count 7"]);
    let odd = Snapshot {
        version: 1,
        data: vec![1],
    };
    let error = start(r#"{"step": 1}"#, Some(odd)).unwrap_err().to_string();
    assert!(error.contains("the count must be four bytes"), "{error}");
    let error = start(r#"{"steps": 1}"#, None).unwrap_err().to_string();
    assert!(error.contains("steps"), "{error}");
}
