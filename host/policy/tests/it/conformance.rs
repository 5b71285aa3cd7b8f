//! Everything in the contract, once: the guest shows what it is given and what
//! it can ask for, and answers with every kind of decision.

use std::sync::Arc;

use offerd_core::ids::{AgentHandle, JobHandle, OfferHandle, RoleHandle, TaskHandle};
use offerd_core::job::{JobKind, JobSpec, JobView};
use offerd_core::offer::Agent;
use offerd_core::policy::{Action, Delta, PolicyEvent, Refusal, Round, Update, WantedOperation};
use offerd_core::task::{TaskDetails, TaskState, TaskView};
use offerd_policy::{Framework, LogLevel, Metric, Options, Policy, PolicyCode};

use crate::support::{agent_info, amounts, guest, offer, options, round, waiting};

pub(crate) fn rich() -> Round {
    let task = TaskView {
        handle: TaskHandle(20),
        job: JobHandle(7),
        agent: AgentHandle(1),
        role: RoleHandle(0),
        state: TaskState::RUNNING,
        priority: -3,
        traits: 2,
        needs: amounts(1, 64),
        since: offerd_core::Instant::from_millis(77),
        details: Arc::new(TaskDetails {
            message: Some("ünïcode ☃".to_owned()),
            ..TaskDetails::of("job.1".into(), "job".into())
        }),
    };
    let spec = JobSpec {
        name: "job".into(),
        role: "web".into(),
        kind: JobKind::Service,
        count: 3,
        needs: amounts(1, 64),
        command: "true".to_owned(),
        shell: true,
        arguments: Vec::new(),
        env: Vec::new(),
        uris: Vec::new(),
        user: None,
        priority: -3,
        constraints: Vec::new(),
        retries: 0,
        kill_grace: None,
        labels: Vec::new(),
    };
    Round {
        offers: vec![offer(1, 2, 1024)],
        waiting: vec![waiting(7, 2, 1, 64)],
        updates: vec![Update {
            task: TaskHandle(20),
            job: JobHandle(7),
            agent: AgentHandle(1),
            state: TaskState::RUNNING,
            reason: None,
            source: Some(2),
            traits: 0,
            at: offerd_core::Instant::from_millis(88),
        }],
        rescinded: vec![OfferHandle(0)],
        events: vec![
            PolicyEvent::Subscribed {
                framework_id: "F".to_owned(),
                fresh: true,
                master: "m:5050".to_owned(),
            },
            PolicyEvent::Disconnected("gone".to_owned()),
            PolicyEvent::Message {
                agent: AgentHandle(1),
                executor: "e".to_owned(),
                data: vec![1, 2].into(),
            },
            PolicyEvent::Error("bad".to_owned()),
            PolicyEvent::Timer(9),
            PolicyEvent::Refused(Refusal {
                round: 1,
                kind: offerd_core::policy::DecisionKind::Kill,
                position: 4,
                why: "because".to_owned(),
            }),
            PolicyEvent::Other {
                kind: "k".to_owned(),
                details: "d".to_owned(),
            },
        ],
        delta: Delta {
            reset: true,
            framework_id: Some("F".to_owned()),
            agents: vec![Arc::new(Agent {
                handle: AgentHandle(1),
                info: agent_info(1),
            })],
            jobs: vec![Arc::new(JobView {
                handle: JobHandle(7),
                set: offerd_core::ids::SetHandle(7),
                role: RoleHandle(0),
                spec: Arc::new(spec),
            })],
            tasks: vec![task],
            ..Delta::default()
        },
        ..round(1)
    }
}

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
    let answer = policy.decide(rich().into()).result.unwrap();
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
        r#"["on_agent",1,[20]]"#,
        r#"["allowed",7,[4294967295]]"#,
        r#"["column","cpus",[2000.0]]"#,
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
            ("offers".to_owned(), Metric::Gauge(1.0)),
            ("rounds".to_owned(), Metric::Counter(1.0)),
        ]
    );
    // The same seed, the same answer, in another instance.
    let mut again = Policy::start(&program, options).unwrap();
    assert_eq!(again.decide(rich().into()).result.unwrap(), answer);
}

#[test]
fn every_decision_reaches_the_host() {
    let program = guest("conformance");
    let (options, _) = options(&program, "{}");
    let mut policy = Policy::start(&program, options).unwrap();
    let answer = policy.decide(rich().into()).result.unwrap();
    let kinds: Vec<String> = answer
        .actions
        .iter()
        .map(|(action, _)| {
            let text = format!("{action:?}");
            text.split([' ', '(']).next().unwrap_or_default().to_owned()
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "Accept",
            "Revive",
            "Suppress",
            "Shutdown",
            "Message",
            "Request",
            "Reconcile",
            "ReconcileOperations",
            "AcceptInverseOffers",
            "DeclineInverseOffers",
            "UpdateFramework",
            "Timer",
        ]
    );
    let Some((Action::Accept { operations, .. }, 1)) = answer.actions.first() else {
        panic!("{:?}", answer.actions.first());
    };
    assert_eq!(operations.len(), 11, "each operation of the contract");
    assert!(
        operations
            .iter()
            .any(|o| matches!(o, WantedOperation::CreateDisk { .. }))
    );
    assert_eq!(answer.placements[0].reason, 4);
    assert_eq!(answer.declines[0].refuse.seconds(), Some(6.0));
    assert_eq!(answer.kills[0].grace.seconds(), Some(9.0));
    assert_eq!(answer.leftover.seconds(), Some(13.0));
    assert_eq!(answer.rest.unwrap().reason, 12);
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
