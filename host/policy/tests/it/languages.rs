//! Policies in other languages: the conformance guests show what Rust's does, and best
//! fit decides the same everywhere.

use std::path::PathBuf;
use std::sync::Arc;

use offerd_core::Instant;
use offerd_core::ids::{AgentHandle, JobHandle, OfferHandle, RoleHandle, SetHandle};
use offerd_core::policy::{Answer, Failure, Round};
use offerd_core::resource::Amounts;
use offerd_policy::{LogLevel, Policy, PolicyCode as _, Program, Snapshot};
use serde_json::Value;

use crate::conformance::rich;
use crate::support::{guest_path, offer, options, round, runtime, waiting};

/// Languages whose SDK is in this checkout.
fn languages() -> Vec<&'static str> {
    let sdk = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../sdk");
    let mut found = vec!["python", "js", "go", "c"];
    found.retain(|language| sdk.join(language).join("conformance/policy.toml").is_file());
    assert!(found.len() >= 2, "the SDKs are not where they were");
    found
}

fn load(name: &str) -> Program {
    runtime().load(&guest_path(name)).unwrap()
}

/// What a policy does with a configuration, in a form that can be compared.
#[derive(Debug, PartialEq)]
struct Shown {
    /// The error's text if it did not start.
    started: Result<(), String>,
    rounds: Vec<Result<Decided, String>>,
    state: Option<Result<(u32, Vec<u8>), String>>,
}

#[derive(Debug, PartialEq)]
struct Decided {
    /// Everything but the reasons.
    answer: Answer,
    reasons: Vec<Value>,
}

fn shown(program: &Program, case: &Case) -> (Shown, Vec<(LogLevel, String)>) {
    let Case {
        config,
        state,
        rounds,
    } = case;
    let (mut options, log) = options(program, config);
    options.state = state.map(|version| Snapshot {
        version,
        data: vec![0, 255, 7],
    });
    let lines = || log.lines.lock().unwrap().clone();
    let mut policy = match Policy::start(program, options) {
        Ok(policy) => policy,
        Err(error) => {
            let text = error.to_string();
            // What WebAssembly's stack looks like is each toolchain's own.
            let text = text.lines().next().unwrap_or_default().to_owned();
            let shown = Shown {
                started: Err(text),
                rounds: Vec::new(),
                state: None,
            };
            return (shown, lines());
        }
    };
    let rounds = rounds
        .iter()
        .map(|round| match policy.decide(round.clone().into()).result {
            Ok(mut answer) => {
                // A very long one was cut by the host.
                let parsed =
                    |reason: String| serde_json::from_str(&reason).unwrap_or(Value::String(reason));
                let reasons = answer.reasons.drain(..).map(parsed).collect();
                Ok(Decided { answer, reasons })
            }
            Err(Failure::Guest(text)) => Err(format!("error: {text}")),
            Err(Failure::Trap(text)) => {
                Err(format!("trap: {}", text.lines().next().unwrap_or_default()))
            }
            Err(Failure::Host(text)) => panic!("{text}"),
        })
        .collect();
    let state = match policy.save() {
        Ok(Some(state)) => Some(Ok((state.version, state.data))),
        Ok(None) => None,
        Err(error) => {
            let text = error.to_string();
            Some(Err(text.lines().next().unwrap_or_default().to_owned()))
        }
    };
    let shown = Shown {
        started: Ok(()),
        rounds,
        state,
    };
    (shown, lines())
}

/// Numbers are numbers: 1 and 1.0 are written differently in different languages.
fn plain(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(whole) = number.as_f64() {
                *value = Value::from(whole);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Object(fields) => fields.values_mut().for_each(plain),
        _ => {}
    }
}

/// Both in the same form, without long lists that the host has cut: the place of the
/// cut depends on how numbers are written.
fn normal(a: &mut Shown, b: &mut Shown) {
    for (a, b) in a.rounds.iter_mut().zip(&mut b.rounds) {
        let (Ok(a), Ok(b)) = (a, b) else { continue };
        a.reasons.iter_mut().for_each(plain);
        b.reasons.iter_mut().for_each(plain);
        for (a, b) in a.reasons.iter_mut().zip(&mut b.reasons) {
            let is_cut_list =
                |value: &Value| value.as_str().is_some_and(|text| !text.contains("echo"));
            if is_cut_list(a) || is_cut_list(b) {
                (*a, *b) = (Value::Null, Value::Null);
            }
        }
    }
}

struct Case {
    config: String,
    /// Version of the layout of the state to begin with.
    state: Option<u32>,
    rounds: Vec<Round>,
}

/// The table in sdk/conformance/guests.toml.
fn cases() -> Vec<Case> {
    let table: toml::Table = include_str!("../../../../sdk/conformance/guests.toml")
        .parse()
        .unwrap();
    let cases = table["case"].as_array().unwrap();
    let shown = |name: &str| match name {
        "rich" => rich(),
        "one-offer" => {
            let mut second = round(2);
            second.offers = vec![offer(1, 2, 1024)];
            second
        }
        "empty" => round(1),
        "large" => large(),
        other => panic!("there are no rounds {other}"),
    };
    let case = |case: &toml::Value| {
        let text = |name: &str| case.get(name).map_or("", |value| value.as_str().unwrap());
        let times = case
            .get("times")
            .map_or(0, |times| times.as_integer().unwrap());
        let more = text("repeated").repeat(usize::try_from(times).unwrap());
        let rounds = case["rounds"].as_array().unwrap();
        let rounds = rounds.iter().map(|name| shown(name.as_str().unwrap()));
        let state = case.get("state").map(|state| state.as_integer().unwrap());
        Case {
            config: text("config").to_owned() + &more,
            state: state.map(|version| u32::try_from(version).unwrap()),
            rounds: rounds.collect(),
        }
    };
    let cases: Vec<_> = cases.iter().map(case).collect();
    assert_eq!(cases.len(), 14);
    cases
}

/// Many of everything, and texts of all kinds.
fn large() -> Round {
    let mut round = rich();
    round.offers = (0..400).map(|n| offer(n, 4, 4096)).collect();
    round.waiting = (0..200).map(|n| waiting(n, 3, 1, 64)).collect();
    round
}

#[test]
fn every_sdk_shows_the_same_of_the_contract() {
    let rust = load("conformance");
    let cases = cases();
    for language in languages() {
        let program = load(&format!("conformance-{language}"));
        for one in &cases {
            let config = &one.config;
            let (mut expected, said) = shown(&rust, one);
            let (mut seen, lines) = shown(&program, one);
            let case: String = config.chars().take(30).collect();
            normal(&mut expected, &mut seen);
            for (at, (expected, seen)) in expected.rounds.iter().zip(&seen.rounds).enumerate() {
                if let (Ok(expected), Ok(seen)) = (expected, seen) {
                    for (expected, seen) in expected.reasons.iter().zip(&seen.reasons) {
                        assert_eq!(seen, expected, "{language}, config {case}, round {at}");
                    }
                }
            }
            assert_eq!(seen, expected, "{language}, config {case}");
            let quiet = |lines: &[(LogLevel, String)]| -> Vec<_> {
                let ordinary = |line: &&(LogLevel, String)| {
                    line.1.starts_with("round ") || line.1 == "describe"
                };
                lines.iter().filter(ordinary).cloned().collect()
            };
            assert_eq!(quiet(&lines), quiet(&said), "{language}, config {case}");
            if config.starts_with("throw") {
                let told = |line: &(LogLevel, String)| {
                    line.0 == LogLevel::Error && line.1.contains("conformance throws in ")
                };
                assert!(
                    lines.iter().any(told),
                    "{language}, config {case}: {lines:?}"
                );
            }
        }
    }
}

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
        one.job = JobHandle(at);
        one.role = RoleHandle(numbers.below(2));
        one.needs = amounts(numbers, 4);
        one.priority = i32::try_from(numbers.below(7)).unwrap() - 3;
        made.waiting.push(one);
    }
    made
}

#[test]
fn best_fit_decides_the_same_in_every_language() {
    let configs = [
        "{}",
        r#"{"weights": {"cpus": 2.5, "mem": 0.1, "ports": 3}}"#,
    ];
    for config in configs {
        let start = |name: &str| {
            let program = load(name);
            Policy::start(&program, options(&program, config).0).unwrap()
        };
        let mut rust = start("bin-pack");
        let mut all = languages();
        // They share the SDK of C.
        all.extend(["cpp", "zig"]);
        let mut others: Vec<(String, Policy)> = all
            .into_iter()
            .map(|language| format!("bin-pack-{language}"))
            .map(|name| (name.clone(), start(&name)))
            .collect();
        let mut numbers = Numbers(7);
        let mut placed = 0;
        for number in 1..=500 {
            let round = generated(number, &mut numbers);
            let expected = rust.decide(round.clone().into()).result.unwrap();
            placed += expected.placements.len();
            for (name, policy) in &mut others {
                let answer = policy.decide(round.clone().into()).result.unwrap();
                assert_eq!(answer, expected, "{name}, round {number}");
            }
        }
        assert!(placed > 1000, "{placed}");
    }
}
