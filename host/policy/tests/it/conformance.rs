//! Everything in the contract, once: the guest shows what it is given and what
//! it can ask for, and answers with every kind of decision.

use offerd_core::policy::{Action, WantedOperation};
use offerd_policy::{Framework, LogLevel, Metric, Options, Policy, PolicyCode};

use crate::everything::everything;
use crate::support::{guest, options};

#[test]
fn a_policy_sees_all_of_a_round_and_can_ask_for_the_rest() {
    let program = guest("conformance");
    let (options, lines) = options(&program, r#"{"a": 1}"#);
    let options = Options {
        framework: Framework {
            id: None,
            name: "fw".to_owned(),
            user: "nobody".to_owned(),
        },
        seed: 5,
        ..options
    };
    let mut policy = Policy::start(&program, options.clone()).unwrap();
    let answer = policy.decide(everything().into()).result.unwrap();
    let seen = answer.reasons.join("\n");
    for part in [
        r#"["config","{\"a\": 1}"]"#,
        r#"["roles",["web","batch"]]"#,
        r#"["round",1,1700000000001.0]"#,
        r#"["clock",1700000000001.0]"#,
        r#""cpus":2000.0"#,
        r#""priority":-3"#,
        r#"["rescinded",[0]]"#,
        r#"["event",{"disconnected":"gone"}]"#,
        r#"["event",{"timer":9}]"#,
        r#""position":4"#,
        r#""hostname":"node-1""#,
        "ünïcode ☃",
        r#"["find","job.1",20]"#,
        r#"["of_job",7,[20]]"#,
        r#"["on_agent",1,[20,21]]"#,
        r#"["find","nobody",null]"#,
        r#""hostname":"""#,
        r#"["allowed",7,[2,"#,
        r#"["allowed",8,[4294967295,"#,
        r#"["column","fpgas",[0.0,3000.0,"#,
        r#"["random01",true]"#,
    ] {
        assert!(seen.contains(part), "'{part}' is missing:\n{seen}");
    }
    let lines = lines.lines.lock().unwrap().clone();
    assert!(lines.contains(&(LogLevel::Warn, "round 1 at warn".to_owned())));
    assert!(!lines.iter().any(|(level, _)| *level == LogLevel::Trace));
    let metrics = policy.metrics().snapshot();
    assert_eq!(
        metrics.values,
        [
            (
                "offers".to_owned(),
                Metric::Gauge(everything().offers.len() as f64)
            ),
            ("rounds".to_owned(), Metric::Counter(1.0)),
        ]
    );
    // The same seed, the same answer, in another instance.
    let mut again = Policy::start(&program, options).unwrap();
    assert_eq!(again.decide(everything().into()).result.unwrap(), answer);
}

#[test]
fn every_decision_reaches_the_host() {
    let program = guest("conformance");
    let (options, _) = options(&program, "decide-all");
    let mut policy = Policy::start(&program, options).unwrap();
    let answer = policy.decide(everything().into()).result.unwrap();
    let kind = |text: String| text.split([' ', '(']).next().unwrap().to_owned();
    let kinds: Vec<String> = answer
        .actions
        .iter()
        .map(|(action, _)| kind(format!("{action:?}")))
        .collect();
    assert_eq!(
        kinds,
        [
            "Accept",
            "Accept",
            "Revive",
            "Suppress",
            "Shutdown",
            "Message",
            "Request",
            "Reconcile",
            "Reconcile",
            "ReconcileOperations",
            "AcceptInverseOffers",
            "DeclineInverseOffers",
            "UpdateFramework",
            "UpdateFramework",
            "Timer",
            "Timer",
            "Timer",
        ]
    );
    let Some((Action::Accept { operations, .. }, 4)) = answer.actions.first() else {
        panic!("{:?}", answer.actions.first());
    };
    let mut made: Vec<String> = operations.iter().map(|o| kind(format!("{o:?}"))).collect();
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 11, "each operation of the contract: {made:?}");
    assert!(
        operations
            .iter()
            .any(|o| matches!(o, WantedOperation::Reserve { id: Some(id), .. } if id == "op-1"))
    );
    assert_eq!(
        answer.reasons,
        [
            "a place ☃",
            "a decline",
            "the rest",
            "an accept",
            "a revival",
            "a message",
            "not in time"
        ]
    );
    let reasons: Vec<u32> = answer.placements.iter().map(|p| p.reason).collect();
    assert_eq!(reasons, [1, 0]);
    assert_eq!(answer.declines[0].refuse.seconds(), Some(6.0));
    assert_eq!(answer.declines[1].refuse.seconds(), None);
    assert_eq!(answer.kills[0].grace.seconds(), Some(9.0));
    assert_eq!(answer.leftover.seconds(), Some(13.0));
    assert_eq!(answer.rest.unwrap().reason, 3);
    assert!(matches!(
        answer.actions.iter().rev().nth(1),
        Some((
            Action::Timer {
                number: 3_000_000_000,
                ..
            },
            0
        ))
    ));
}

#[test]
fn a_refused_configuration_is_told_with_the_policys_words() {
    let program = guest("conformance");
    let (options, _) = options(&program, r#"{"refuse": true}"#);
    let error = Policy::start(&program, options).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"policy test refuses its configuration: config {"refuse": true}: 'refuse' is not allowed; leave it out"#
    );
}
