//! Policies in other languages: the conformance guests show and do what Rust's does.

use std::sync::Arc;
use std::time::Duration;

use offerd_core::offer::Offer;
use offerd_core::policy::{Answer, Codec, Encoded, Failure, NoCodec, Round, WantedUpdate};
use offerd_core::{call, ids};
use offerd_policy::{
    Limits, LogLevel, Metric, Options, Policy, PolicyCode as _, Program, Snapshot,
};
use serde_json::{Value, json};

use crate::everything::everything;
use crate::support::{guest, offer, options, round, waiting};

/// The SDKs beside Rust's; TypeScript is JavaScript with types, and C++ and Zig have
/// faces of their own over the SDK of C.
const SDKS: [&str; 7] = ["python", "js", "ts", "go", "c", "cpp", "zig"];

/// For calls that are to end by themselves.
const LONG: Duration = Duration::from_mins(1);

/// What a policy does with a configuration, in a form that can be compared.
#[derive(Debug, PartialEq)]
struct Shown {
    /// The error's text if it did not start.
    started: Result<(), String>,
    rounds: Vec<Result<Decided, String>>,
    metrics: Vec<(String, Metric)>,
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
        is_cut,
    } = case;
    let (mut options, log) = options(program, config);
    options.codec = Some(Arc::new(OnlyJson));
    // Interpreters on a busy machine; what a deadline does is tested below.
    options.limits.deadline = LONG;
    options.limits.startup = LONG;
    options.state.clone_from(state);
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
                metrics: Vec::new(),
                state: None,
            };
            return (shown, lines());
        }
    };
    let rounds = rounds
        .iter()
        .map(|round| match policy.decide(round.clone().into()).result {
            Ok(mut answer) => {
                let parsed = |reason: String| match serde_json::from_str(&reason) {
                    Ok(value) => value,
                    // A sentence.
                    Err(_) if *is_cut || !reason.starts_with('[') => Value::String(reason),
                    Err(error) => panic!("{error}: {reason}"),
                };
                let reasons = answer.reasons.drain(..).map(parsed).collect();
                Ok(Decided { answer, reasons })
            }
            Err(Failure::Guest(text)) => Err(format!("error: {text}")),
            Err(Failure::Trap(text) | Failure::Deadline(text)) => {
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
        metrics: policy.metrics().snapshot().values,
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
    /// To begin with.
    state: Option<Snapshot>,
    rounds: Vec<Round>,
    /// Texts are longer than the host lets through.
    is_cut: bool,
}

/// Shows offers in a form that can be compared, and takes no message.
#[derive(Debug)]
struct OnlyJson;

impl Codec for OnlyJson {
    fn task(
        &self,
        task: &Encoded,
        agent: &ids::AgentId,
        role: &ids::Role,
    ) -> Result<call::WrittenTask, String> {
        NoCodec.task(task, agent, role)
    }

    fn executor(
        &self,
        executor: &Encoded,
        framework: &ids::FrameworkId,
        role: &ids::Role,
    ) -> Result<call::WrittenExecutor, String> {
        NoCodec.executor(executor, framework, role)
    }

    fn update(
        &self,
        framework: Option<&Encoded>,
        constraints: Option<&Encoded>,
    ) -> Result<WantedUpdate, String> {
        NoCodec.update(framework, constraints)
    }

    fn offer_json(&self, offer: &Offer) -> String {
        format!(r#"{{"id": "{} ☃"}}"#, offer.info.id)
    }
}

/// The table in sdk/conformance/guests.toml.
fn cases() -> Vec<Case> {
    let table: toml::Table = include_str!("../../../../sdk/conformance/guests.toml")
        .parse()
        .unwrap();
    let cases = table["case"].as_array().unwrap();
    let shown = |name: &str| match name {
        "everything" => everything(),
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
        let is = |name: &str| case.get(name).is_some_and(|value| value.as_bool().unwrap());
        let text = |name: &str| case.get(name).map_or("", |value| value.as_str().unwrap());
        let number = |name: &str| {
            let value = case.get(name)?.as_integer().unwrap();
            Some(u32::try_from(value).unwrap())
        };
        let more = text("repeated").repeat(number("times").map_or(0, size));
        let rounds = case["rounds"].as_array().unwrap();
        let rounds = rounds.iter().map(|name| shown(name.as_str().unwrap()));
        let state = number("state").map(|version| Snapshot {
            version,
            data: match number("state_bytes") {
                Some(bytes) => (0..=250).cycle().take(size(bytes)).collect(),
                None => vec![0, 255, 7],
            },
        });
        Case {
            config: text("config").to_owned() + &more,
            state,
            rounds: rounds.collect(),
            is_cut: is("cut"),
        }
    };
    let cases: Vec<_> = cases.iter().map(case).collect();
    assert_eq!(cases.len(), 17);
    cases
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap()
}

/// Many of everything, and texts of all kinds.
fn large() -> Round {
    let mut round = everything();
    round.offers = (0..400).map(|n| offer(n, 4, 4096)).collect();
    round.waiting = (0..200).map(|n| waiting(n, 3, 1, 64)).collect();
    round
}

#[test]
fn every_sdk_shows_the_same_of_the_contract() {
    for one in &cases() {
        for language in SDKS {
            compare(language, one);
        }
    }
}

/// What guests show of bytes that are too large to show: their number, and the number
/// that they are as digits of base 256, modulo a prime.
fn weighed(bytes: &[u8]) -> Value {
    let add = |sum: u32, byte: &u8| (sum * 256 + u32::from(*byte)) % 8_388_593;
    json!([bytes.len(), bytes.iter().fold(0, add)])
}

#[test]
fn what_is_large_arrives_whole() {
    let cases = cases();
    let large = cases.iter().filter(|one| one.config.starts_with("weigh"));
    // In MiB: of each configuration and each state.
    let mut sizes = Vec::new();
    // What the guests of the other languages show is compared with this one's.
    for one in large {
        let (shown, _) = shown(&guest("conformance"), one);
        let seen = &shown.rounds[0].as_ref().unwrap().reasons;
        assert_eq!(seen[0], json!(["config", weighed(one.config.as_bytes())]));
        sizes.push(one.config.len() >> 20);
        if let Some(state) = &one.state {
            assert!(seen.contains(&json!(["restored", 1, weighed(&state.data)])));
            let is_same = shown.state == Some(Ok((1, state.data.clone())));
            assert!(is_same, "what was restored is not what is saved");
            sizes.push(state.data.len() >> 20);
        }
    }
    assert_eq!(sizes, [4, 0, 12]);
}

/// One case with Rust's guest and another.
fn compare(language: &str, one: &Case) {
    let case: String = one.config.chars().take(30).collect();
    let (mut expected, said) = shown(&guest("conformance"), one);
    let (mut seen, lines) = shown(&guest(&format!("conformance-{language}")), one);
    normal(&mut expected, &mut seen);
    assert_eq!(seen.started, expected.started, "{language}, config {case}");
    // Too long to be told.
    let is_same = seen.state == expected.state;
    assert!(
        is_same || !one.config.starts_with("weigh"),
        "{language} saves another state"
    );
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
            // Zig has its description without a call.
            line.1.starts_with("round ") || (line.1 == "describe" && language != "zig")
        };
        lines.iter().filter(ordinary).cloned().collect()
    };
    assert_eq!(quiet(&lines), quiet(&said), "{language}, config {case}");
    if one.config.starts_with("throw") {
        let told = |line: &(LogLevel, String)| {
            line.0 == LogLevel::Error && line.1.contains("conformance throws in ")
        };
        assert!(
            lines.iter().any(told),
            "{language}, config {case}: {lines:?}"
        );
    }
}

#[test]
fn an_exception_in_describe_is_told_in_the_policys_words() {
    // What a policy in Zig says of itself is no code.
    for language in ["", "-js", "-python", "-go", "-c", "-cpp"] {
        let program = guest(&format!("nameless{language}"));
        let (options, log) = options(&program, "");
        let limits = Limits {
            startup: LONG,
            ..options.limits.clone()
        };
        let error = Policy::start(&program, Options { limits, ..options }).unwrap_err();
        let text = error.to_string();
        let beginning = "policy test was stopped while it started: describe ";
        assert!(text.starts_with(beginning), "nameless{language}: {text}");
        let lines = log.lines.lock().unwrap();
        let told = |line: &(LogLevel, String)| {
            line.0 == LogLevel::Error && line.1.contains("it has no name")
        };
        assert!(lines.iter().any(told), "nameless{language}: {lines:?}");
    }
}

/// Starts a conformance guest with a configuration and limits that fit all languages.
fn limited(language: &str, config: &str) -> Policy {
    let program = guest(&format!("conformance-{language}"));
    let (options, _) = options(&program, config);
    let limits = Limits {
        deadline: if config == "loop-decide" {
            Duration::from_millis(100)
        } else {
            LONG
        },
        startup: LONG,
        memory: 96 * 1024 * 1024,
        ..Limits::default()
    };
    Policy::start(&program, Options { limits, ..options }).unwrap()
}

#[test]
fn no_language_gets_past_the_limits() {
    let said = [
        ("loop-decide", "decide ran past its deadline of 100 ms"),
        ("bomb-decide", "decide reached the memory limit of 96 MiB"),
        ("recurse-decide", ""),
        (
            "large-answer",
            "decide passed more than 8 MiB to the host at once",
        ),
    ];
    for language in SDKS {
        for (config, why) in said {
            let mut policy = limited(language, config);
            // The second round is a new instance's.
            for _ in 0..2 {
                match policy.decide(round(1).into()).result {
                    Err(Failure::Trap(text) | Failure::Deadline(text)) => {
                        assert!(text.contains(why), "{language}, {config}: {text}");
                    }
                    other => panic!("{language}, {config}: {other:?}"),
                }
            }
        }
    }
}
