//! Best fit decides the same in every language.

use std::sync::Arc;
use std::time::Duration;

use offerd_core::Instant;
use offerd_core::ids::{AgentHandle, JobHandle, OfferHandle, RoleHandle, SetHandle};
use offerd_core::job::{JobKind, JobSpec, JobView, waiting_traits};
use offerd_core::offer::{Agent, AgentInfo, Attribute, AttributeValue};
use offerd_core::policy::{Round, Waiting};
use offerd_core::resource::Amounts;
use offerd_policy::{Policy, PolicyCode as _};

use crate::support::{agent_info, guest, job_spec, offer, options, round, waiting};

const LANGUAGES: [&str; 7] = ["python", "js", "ts", "go", "c", "cpp", "zig"];

/// Small, fast and the same everywhere (Knuth's generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(bound)).unwrap()
    }
}

/// A round as it might be, with odd amounts and several roles.
fn generated(number: u32, numbers: &mut Numbers) -> Round {
    let mut made = round(number);
    let largest = if number.is_multiple_of(50) { 120 } else { 12 };
    let amounts = |numbers: &mut Numbers, most: u32| Amounts {
        cpus: offerd_core::Milli(i64::from(numbers.below(most * 1000))),
        mem: offerd_core::Milli(i64::from(numbers.below(most * 999_983))),
        disk: offerd_core::Milli(i64::from(numbers.below(3) * numbers.below(5000))),
        gpus: offerd_core::Milli(i64::from(numbers.below(5) / 4 * 1000)),
        ports: numbers.below(4) / 3 * numbers.below(3),
    };
    for at in 0..numbers.below(largest) {
        let mut one = Arc::unwrap_or_clone(offer(at, 1, 1));
        one.handle = OfferHandle(number * 1000 + at);
        one.agent = AgentHandle(at / 2);
        one.role = RoleHandle(numbers.below(2));
        one.usable = amounts(numbers, 16);
        one.since = Instant::from_millis(u64::from(number));
        made.offers.push(Arc::new(one));
    }
    for at in 0..numbers.below(largest) {
        let mut one = waiting(at, 1 + numbers.below(9), 1, 1);
        one.set = SetHandle(number * 1000 + at);
        one.job = JobHandle(number * 1000 + at);
        one.role = RoleHandle(numbers.below(2));
        one.needs = amounts(numbers, 4);
        one.priority = i32::try_from(numbers.below(7)).unwrap() - 3;
        let constraint = numbers.below(2 * CONSTRAINTS.len() as u32) as usize;
        if let Some(constraint) = CONSTRAINTS.get(constraint) {
            one.traits = waiting_traits::CONSTRAINED;
            made.delta.jobs.push(constrained(&one, constraint));
        }
        made.waiting.push(one);
    }
    made.delta.agents = (0..largest.div_ceil(2)).map(agent).collect();
    made
}

/// What half of the sets ask for.
const CONSTRAINTS: [&str; 4] = [
    "max 1 per @hostname",
    "max 2 per rack",
    "rack in rack-0, rack-1",
    "rack != rack-2",
];

fn agent(number: u32) -> Arc<Agent> {
    let rack = Attribute {
        name: "rack".to_owned(),
        value: AttributeValue::Text(format!("rack-{}", number % 4)),
    };
    Arc::new(Agent {
        handle: AgentHandle(number),
        info: AgentInfo {
            attributes: vec![rack],
            ..agent_info(number)
        },
    })
}

fn constrained(set: &Waiting, constraint: &str) -> Arc<JobView> {
    Arc::new(JobView {
        handle: set.job,
        set: set.set,
        role: set.role,
        spec: Arc::new(JobSpec {
            constraints: vec![constraint.parse().unwrap()],
            ..job_spec("job", JobKind::Batch)
        }),
    })
}

const ROUNDS: u32 = 1000;

#[test]
fn best_fit_decides_the_same_in_every_language() {
    let configs = [
        "{}",
        r#"{"weights": {"cpus": 2.5, "mem": 0.1, "ports": 3}}"#,
    ];
    let mut numbers = Numbers(7);
    let mut next = 1;
    let (mut placed, mut constrained) = (0, 0);
    for config in configs {
        let start = |name: &str| {
            let program = guest(name);
            let (mut options, _) = options(&program, config);
            // Interpreters on a busy machine.
            options.limits.deadline = Duration::from_mins(1);
            Policy::start(&program, options).unwrap()
        };
        let mut rust = start("bin-pack");
        let mut others: Vec<(String, Policy)> = LANGUAGES
            .iter()
            .map(|language| format!("bin-pack-{language}"))
            .map(|name| (name.clone(), start(&name)))
            .collect();
        for _ in 0..ROUNDS / 2 {
            let round = generated(next, &mut numbers);
            let expected = rust.decide(round.clone().into()).result.unwrap();
            let is_constrained = |set| round.delta.jobs.iter().any(|job| job.set == set);
            placed += expected.placements.len();
            constrained += expected
                .placements
                .iter()
                .filter(|placement| is_constrained(placement.set))
                .count();
            for (name, policy) in &mut others {
                let answer = policy.decide(round.clone().into()).result.unwrap();
                assert_eq!(answer, expected, "{name}, round {next}");
            }
            next += 1;
        }
    }
    assert!(placed > 2000, "{placed}");
    assert!(constrained > 500, "{constrained}");
}
