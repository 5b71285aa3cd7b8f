//! Policies that do what they should not. Each is stopped, named, and replaced;
//! the host goes on.

use std::time::{Duration, Instant};

use offerd_core::policy::{Action, Answer, Failure};
use offerd_policy::{Limits, LogLevel, Metric, Options, Policy, PolicyCode, Program, StartError};

use crate::support::{guest, guest_path, misbehave, options, patient, reasons, round, runtime};

/// Calls `decide` once and expects a trap.
fn trap(policy: &mut Policy) -> String {
    match policy.decide(round(1).into()).result {
        Err(Failure::Trap(text)) => text,
        other => panic!("expected a trap: {other:?}"),
    }
}

/// Calls `decide` once and expects that it takes too long.
fn late(policy: &mut Policy) -> String {
    match policy.decide(round(1).into()).result {
        Err(Failure::Deadline(text)) => text,
        other => panic!("expected a deadline: {other:?}"),
    }
}

fn limited(config: &str, limits: Limits) -> Policy {
    let program = guest("misbehave");
    let (options, _) = options(&program, config);
    Policy::start(&program, Options { limits, ..options }).unwrap()
}

#[test]
fn an_endless_loop_is_stopped_at_its_deadline() {
    for what in ["loop", "calls"] {
        let limits = Limits {
            deadline: Duration::from_millis(40),
            ..patient()
        };
        let mut policy = limited(&format!(r#"{{"decide": "{what}"}}"#), limits);
        let started = Instant::now();
        let text = late(&mut policy);
        assert!(started.elapsed() >= Duration::from_millis(40));
        assert!(
            text.starts_with("round 1: decide ran past its deadline of 40 ms"),
            "{text}"
        );
        assert!(text.contains("backtrace of the policy:"), "{text}");
    }
}

#[test]
fn with_patience_a_call_gets_more_time_than_it_is_told() {
    let limits = Limits {
        deadline: Duration::from_millis(10),
        patience: 4,
        ..Limits::default()
    };
    let mut policy = limited(r#"{"decide": "loop"}"#, limits);
    let started = Instant::now();
    late(&mut policy);
    assert!(started.elapsed() >= Duration::from_millis(40));
}

#[test]
fn the_next_round_gets_a_new_configured_instance() {
    let mut policy = misbehave(r#"{"decide": "panic"}"#);
    trap(&mut policy);
    let decided = policy.decide(round(2).into());
    // It panics again, so its configuration reached the new instance.
    assert!(matches!(decided.result, Err(Failure::Trap(_))));
    assert_eq!(decided.stats.instance, 1);
}

#[test]
fn an_allocation_bomb_meets_the_memory_limit() {
    let limits = Limits {
        memory: 8 * 1024 * 1024,
        ..patient()
    };
    let mut policy = limited(r#"{"decide": "bomb"}"#, limits);
    let text = trap(&mut policy);
    assert!(
        text.contains("decide reached the memory limit of 8 MiB: it had "),
        "{text}"
    );
}

#[test]
fn a_slow_leak_meets_the_memory_limit_and_a_new_instance_begins_small() {
    let limits = Limits {
        memory: 16 * 1024 * 1024,
        ..patient()
    };
    let mut policy = limited(r#"{"decide": "leak"}"#, limits.clone());
    let mut ended = 0;
    for number in 1..=40 {
        let decided = policy.decide(round(number).into());
        assert!(decided.stats.memory <= limits.memory);
        if let Err(failure) = decided.result {
            let text = failure.to_string();
            assert!(
                text.contains("reached the memory limit of 16 MiB"),
                "{text}"
            );
            ended += 1;
        }
    }
    assert!((2..=10).contains(&ended), "{ended}");
}

#[test]
fn memory_that_was_refused_is_not_blamed_for_what_comes_later() {
    let mut policy = misbehave(r#"{"decide": "refused-recurse"}"#);
    let text = trap(&mut policy);
    let line = text.lines().next().unwrap();
    assert!(!line.starts_with("round 1: decide reached"), "{line}");
    assert!(
        line.contains("before that, it reached the memory limit"),
        "{line}"
    );
}

#[test]
fn too_little_memory_to_start_is_the_policys_failure() {
    let program = guest("misbehave");
    let (options, _) = options(&program, "{}");
    let limits = Limits {
        memory: 64 * 1024,
        ..patient()
    };
    let error = Policy::start(&program, Options { limits, ..options }).unwrap_err();
    assert!(matches!(error, StartError::Stopped { .. }));
    let text = error.to_string();
    assert!(
        text.contains("reached the memory limit of 64 KiB"),
        "{text}"
    );
}

#[test]
fn deep_recursion_traps() {
    let mut policy = misbehave(r#"{"decide": "recurse"}"#);
    let text = trap(&mut policy);
    assert!(text.contains("dig"), "the backtrace names it: {text}");
}

#[test]
fn a_panic_shows_its_words_and_its_place() {
    let mut policy = misbehave(r#"{"decide": "panic"}"#);
    let text = trap(&mut policy);
    assert!(
        text.starts_with("round 1: decide aborted (a panic"),
        "{text}"
    );
    assert!(text.contains("its last log lines:"), "{text}");
    assert!(text.contains("panic hook: panicked at"), "{text}");
    assert!(text.contains("on demand"), "{text}");
    assert!(
        text.contains("misbehave/src/lib.rs:"),
        "source lines: {text}"
    );
    assert!(text.contains("act"), "names of functions: {text}");
}

#[test]
fn an_error_is_the_policys_and_its_instance_goes_on() {
    let mut policy = misbehave(r#"{"decide": "error"}"#);
    for number in 1..=2 {
        let decided = policy.decide(round(number).into());
        assert_eq!(
            decided.result,
            Err(Failure::Guest("this is the policy's own text".to_owned()))
        );
        assert_eq!(decided.stats.instance, 0);
    }
}

#[test]
fn texts_of_errors_are_cut() {
    let mut policy = misbehave(r#"{"decide": "large-error"}"#);
    let Err(Failure::Guest(text)) = policy.decide(round(1).into()).result else {
        panic!("expected an error");
    };
    assert!(text.len() < 10_000, "{}", text.len());
}

#[test]
fn an_answer_that_is_too_large_is_refused() {
    for what in ["large-answer", "giant-answer", "huge-error", "huge-line"] {
        let mut policy = misbehave(&format!(r#"{{"decide": "{what}"}}"#));
        let text = trap(&mut policy);
        assert!(
            text.contains("decide passed more than 8 MiB to the host at once"),
            "{what}: {text}"
        );
    }
    let text = trap(&mut misbehave(r#"{"decide": "false-length"}"#));
    assert!(text.contains("out of bounds"), "{text}");
    let mut policy = misbehave(r#"{"decide": "many-placements"}"#);
    assert_eq!(
        trap(&mut policy),
        "round 1: the answer has 200000 placements; at most 100000"
    );
}

#[test]
fn a_question_that_is_too_large_ends_the_call() {
    let mut policy = misbehave(r#"{"decide": "many-agents"}"#);
    let text = trap(&mut policy);
    assert!(
        text.contains("asked about 1000000 agents at once; at most 100000"),
        "{text}"
    );
}

#[test]
fn floods_of_log_lines_are_cut() {
    let program = guest("misbehave");
    let (flood, lines) = options(&program, r#"{"decide": "flood"}"#);
    let mut policy = Policy::start(&program, flood).unwrap();
    for number in 1..=2 {
        let stats = policy.decide(round(number).into()).stats;
        assert_eq!((stats.log_lines, stats.log_lines_dropped), (100, 900));
    }
    assert_eq!(lines.lines.lock().unwrap().len(), 200);
    assert_eq!(*lines.dropped.lock().unwrap(), 1800);

    let (long, lines) = options(&program, r#"{"decide": "long-line"}"#);
    Policy::start(&program, long)
        .unwrap()
        .decide(round(1).into());
    let lines = lines.lines.lock().unwrap();
    assert!(lines[0].1.len() < 5_000);
    assert!(lines[0].1.ends_with("ä…"));
}

#[test]
fn texts_cannot_pass_for_lines_of_the_host() {
    let program = guest("misbehave");
    let (deceiving, lines) = options(&program, r#"{"decide": "deceive"}"#);
    let mut policy = Policy::start(&program, deceiving).unwrap();
    let told = policy.decide(round(1).into()).result.unwrap_err();
    let shown = r"\u{1b}[2J".to_owned() + "\n  | 2026-11-01T00:00:00Z  INFO all is well";
    assert_eq!(told, Failure::Guest(shown.clone()));
    assert_eq!(*lines.lines.lock().unwrap(), [(LogLevel::Warn, shown)]);
}

/// Why a policy did not start.
fn stopped(program: &Program, limits: Limits) -> String {
    let (options, _) = options(program, "{}");
    match Policy::start(program, Options { limits, ..options }) {
        Err(error @ (StartError::Stopped { .. } | StartError::Late { .. })) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_trap_in_describe_is_the_policys_failure() {
    let text = stopped(&guest("nameless"), patient());
    assert!(text.contains("describe aborted (a panic"), "{text}");
}

/// A number below 2^14.
fn leb128(number: usize) -> [u8; 2] {
    [
        u8::try_from(number % 128).unwrap() | 0x80,
        u8::try_from(number / 128).unwrap(),
    ]
}

/// `minimal` with a further core module (the second), instantiated so many times.
fn with_module(text: &str, times: usize) -> Program {
    let section = |id: u8, content: &[u8]| {
        let length = leb128(content.len());
        [&[id], &length[..], content].concat()
    };
    // "Instantiate module 1 with 0 arguments."
    let instances = [0, 1, 0].repeat(times);
    let instances = [&leb128(times), &instances[..]].concat();
    let mut component = std::fs::read(guest_path("minimal")).unwrap();
    component.extend(section(1, &wat::parse_str(text).unwrap()));
    component.extend(section(2, &instances));
    runtime().load_bytes("minimal", &component).unwrap()
}

#[test]
fn a_start_function_that_never_ends_is_stopped() {
    let limits = Limits {
        startup: Duration::from_millis(100),
        ..patient()
    };
    let program = with_module("(module (func (loop br 0)) (start 0))", 1);
    let text = stopped(&program, limits);
    assert!(
        text.contains("instantiation ran past its deadline of 100 ms"),
        "{text}"
    );
}

/// Each is small, and the limit on memory does not see it.
#[test]
fn instances_without_end_are_refused() {
    let text = stopped(&with_module("(module)", 100), patient());
    assert!(
        text.contains("resource limit exceeded: instance count too high at 101"),
        "{text}"
    );
}

#[test]
fn nonsense_passes_unharmed() {
    let mut policy = misbehave(r#"{"decide": "nonsense"}"#);
    let answer = policy.decide(round(1).into()).result.unwrap();
    assert_eq!(answer.placements[0].count, u32::MAX);
    assert_eq!(answer.reason(answer.placements[0].reason), None);
    assert_eq!(answer.declines[0].refuse.seconds(), None);
    assert_eq!(answer.kills[0].grace.seconds(), None);
    assert_eq!(answer.leftover.seconds(), None);
}

#[test]
fn bad_values_keep_their_position_and_say_what_is_wrong() {
    let mut policy = misbehave(r#"{"decide": "bad-values"}"#);
    let answer = policy.decide(round(1).into()).result.unwrap();
    let found: Vec<(String, String)> = answer
        .actions
        .into_iter()
        .map(|(action, _)| match action {
            Action::Malformed { what, why } => (what.into_owned(), why),
            other => panic!("{other:?} is not malformed"),
        })
        .collect();
    for (position, (what, why)) in [
        ("accept", "operation 0: resource cpus: -1 is no amount"),
        ("accept", "operation 0: resource cpus: 0.5 is no amount"),
        ("accept", "operation 0: resource cpus: NaN is no amount"),
        (
            "accept",
            "operation 0: resource ports: the range 9-1 ends before",
        ),
        ("accept", "operation 0: subtract: inf is no amount"),
        ("accept", "operation 0: the target of create-disk must be"),
        ("request", "resource cpus: -3 is no amount"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(found[position].0, what);
        assert!(found[position].1.starts_with(why), "{:?}", found[position]);
    }
}

#[test]
fn unknown_handles_get_empty_answers() {
    let mut policy = misbehave(r#"{"decide": "unknown-handles"}"#);
    assert_eq!(reasons(&mut policy, 1), vec!["true"; 11]);
}

#[test]
fn the_clock_stands_and_random_numbers_follow_the_seed() {
    let program = guest("misbehave");
    let run = |seed, instance: u32| {
        let (options, _) = options(&program, r#"{"decide": "random"}"#);
        let mut policy = Policy::start(&program, Options { seed, ..options }).unwrap();
        (1..=instance)
            .map(|n| reasons(&mut policy, n))
            .collect::<Vec<_>>()
    };
    assert_eq!(run(1, 3), run(1, 3));
    assert_ne!(run(1, 1), run(2, 1));
    assert!(run(1, 1)[0][0].ends_with(" at 1700000000001"));
}

#[test]
fn metrics_outlive_the_instance() {
    let program = guest("misbehave");
    let (options, _) = options(&program, r#"{"configure": "metrics", "decide": "panic"}"#);
    let mut policy = Policy::start(&program, options).unwrap();
    let metrics = policy.metrics();
    trap(&mut policy);
    trap(&mut policy);
    let snapshot = metrics.snapshot();
    assert_eq!(
        snapshot.values,
        [
            ("depth".to_owned(), Metric::Gauge(2.5)),
            ("good".to_owned(), Metric::Counter(2.0)),
        ]
    );
    assert_eq!(snapshot.dropped, 4);
}

#[test]
fn configure_can_fail_in_each_way() {
    let program = guest("misbehave");
    let start = |what: &str| {
        let (options, _) = options(&program, &format!(r#"{{"configure": "{what}"}}"#));
        let mut limits = patient();
        if what == "loop" {
            limits.startup = Duration::from_millis(100);
        }
        Policy::start(&program, Options { limits, ..options }).unwrap_err()
    };
    let error = start("error");
    assert!(matches!(error, StartError::Configure { .. }));
    assert_eq!(
        error.to_string(),
        "policy test refuses its configuration: this is the policy's own text"
    );
    for (what, text) in [
        (
            "panic",
            "policy test was stopped while it started: configure aborted",
        ),
        (
            "loop",
            "policy test was stopped while it started: configure ran past its deadline of 100 ms",
        ),
        (
            "huge-error",
            "policy test was stopped while it started: configure passed more than",
        ),
    ] {
        let error = start(what);
        match error {
            StartError::Late { .. } => assert_eq!(what, "loop"),
            StartError::Stopped { .. } => assert_ne!(what, "loop"),
            _ => panic!("{error}"),
        }
        assert!(error.to_string().starts_with(text), "{error}");
    }
}

#[test]
fn one_policys_end_is_not_anothers() {
    let limits = Limits {
        deadline: Duration::from_millis(250),
        ..patient()
    };
    let mut bad = limited(r#"{"decide": "loop"}"#, limits);
    let mut good = misbehave("{}");
    let other = std::thread::spawn(move || late(&mut bad));
    for number in 1..=100 {
        assert_eq!(
            good.decide(round(number).into()).result,
            Ok(Answer::default())
        );
    }
    other.join().unwrap();
    assert_eq!(good.decide(round(101).into()).result, Ok(Answer::default()));
}
