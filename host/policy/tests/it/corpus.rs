//! Policies that were compiled with an earlier version of the contract: they load
//! and decide as they did, for ever. See tests/corpus/README.md.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use offerd_core::ids::{AgentHandle, JobHandle, OfferHandle, RoleHandle, SetHandle, TaskHandle};
use offerd_core::job::{JobKind, JobSpec, JobView};
use offerd_core::offer::Agent;
use offerd_core::policy::{DecisionKind, Delta, PolicyEvent, Refusal, Round, Update};
use offerd_core::task::{TaskDetails, TaskState, TaskView};
use offerd_policy::{Limits, Policy, PolicyCode as _};

use crate::support::{agent_info, amounts, offer, options, round, runtime, waiting};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus")
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// What they were shown when their texts were made, so it never changes.
fn shown() -> Round {
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
                kind: DecisionKind::Kill,
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
                set: SetHandle(7),
                role: RoleHandle(0),
                spec: Arc::new(spec),
            })],
            tasks: vec![task],
            ..Delta::default()
        },
        ..round(1)
    }
}

/// What a component says of itself and decides in two rounds, as text.
fn told(name: &str, component: &[u8]) -> String {
    let program = runtime()
        .load_bytes(name, component)
        .unwrap_or_else(|error| panic!("{error}"));
    let (mut options, _) = options(&program, "{}");
    // Policies may tell them.
    options.limits = Limits::default();
    let mut policy = Policy::start(&program, options).unwrap();
    let about = policy.description();
    let mut text = format!("{} {}: {}\n", about.name, about.version, about.summary);
    for number in 1..=2 {
        let mut round = shown();
        round.number = number;
        round.delta.reset = number == 1;
        let answer = policy.decide(round.into()).result.unwrap();
        text.push_str(&format!(
            "round {number}: {} placements, {} declines, {} kills, {} actions, rest {}\n",
            answer.placements.len(),
            answer.declines.len(),
            answer.kills.len(),
            answer.actions.len(),
            answer.rest.is_some(),
        ));
        for reason in &answer.reasons {
            text.push_str(&format!("  {reason}\n"));
        }
    }
    if program.has_state() {
        let state = policy.save().unwrap().unwrap();
        text.push_str(&format!("state {}: {:?}\n", state.version, state.data));
    }
    text
}

#[test]
fn every_policy_of_every_version_loads_and_decides_as_it_did() {
    let mut seen = 0;
    for version in sorted(&corpus()).into_iter().filter(|path| path.is_dir()) {
        for component in sorted(&version) {
            if component.extension().is_none_or(|ending| ending != "wasm") {
                continue;
            }
            seen += 1;
            let name = component.display().to_string();
            let told = told(&name, &std::fs::read(&component).unwrap());
            let expected = component.with_extension("txt");
            // Only what is new: what is there stays as it is.
            if std::env::var_os("OFFERD_BLESS").is_some() && !expected.exists() {
                std::fs::write(&expected, &told).unwrap();
            }
            let expected = std::fs::read_to_string(&expected).unwrap();
            assert_eq!(told, expected, "{}", component.display());
        }
    }
    assert!(seen >= 4, "the corpus is not where it was");
}

/// Interfaces of 0.1.x may get functions; who does not use them does not mind.
#[test]
fn a_policy_made_for_a_later_compatible_version_works() {
    for name in ["bin-pack", "conformance"] {
        let path = corpus().join("0.1.0").join(name);
        let mut component = std::fs::read(path.with_extension("wasm")).unwrap();
        let (now, later) = (b"@0.1.0", b"@0.1.9");
        let mut renamed = 0;
        for at in 0..component.len() - now.len() {
            if component[at..].starts_with(now) {
                component[at..at + later.len()].copy_from_slice(later);
                renamed += 1;
            }
        }
        assert!(renamed > 1);
        let expected = std::fs::read_to_string(path.with_extension("txt")).unwrap();
        assert_eq!(told(name, &component), expected, "{name}");
    }
}
