use offerd_policy::Runtime;

use super::*;

fn guest(name: &str) -> Program {
    let folder = std::env::var_os("OFFERD_GUESTS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests"),
        Into::into,
    );
    let path = folder.join(format!("{name}.wasm"));
    Runtime::new(None).unwrap().load(&path).unwrap()
}

fn broken(program: &Program, text: &str) -> Vec<String> {
    let scenario = read("test", text).unwrap();
    match run(program, &scenario, "{}") {
        Ok(_) => Vec::new(),
        Err(broken) => broken.mistakes,
    }
}

const AGENTS: &str = "
[[agent]]
name = 'small'
cpus = 2
mem = 1024
[[agent]]
name = 'large'
cpus = 8
mem = 8192
attributes = { rack = 'b' }
";

#[test]
fn expectations_hold_or_are_told() {
    let program = guest("bin-pack");
    let holds = format!(
        "{AGENTS}
        [[step]]
        job = [{{ name = 'a', count = 3, cpus = 1, mem = 64 }}]
        expect.running.a = 3
        expect.waiting.a = 0
        expect.on.a = ['small', 'large']
        expect.per_agent.a = 2
        expect.reasons = ['the tightest offer']
        expect.held = []
        [[step]]
        finish.a = 2
        expect.running.a = 1
        [[step]]
        job = [{{ name = 'b', count = 2, cpus = 9, mem = 1 }}]
        pass = 60
        expect.waiting.b = 2
        "
    );
    assert_eq!(broken(&program, &holds), [""; 0]);
    let wrong = format!(
        "{AGENTS}
        [[step]]
        job = [{{ name = 'a', count = 3, cpus = 1, mem = 64 }}]
        expect.running.a = 2
        expect.waiting.a = 1
        expect.on.a = ['large']
        expect.per_agent.a = 1
        expect.killed.a = 1
        expect.at_once = 2
        expect.held = ['large']
        expect.reasons = ['because']
        expect.error = 'odd'
        expect.log = ['a line']
        expect.refused = 1
        "
    );
    assert_eq!(
        broken(&program, &wrong),
        [
            "step 1: 3 tasks of a run, not 2",
            "step 1: 0 tasks of a wait, not 1",
            "step 1: a runs on large, small, not on large",
            "step 1: 2 tasks of a run on small, more than 1",
            "step 1: 0 tasks of a were killed, not 1",
            "step 1: 3 tasks were placed in one round, more than 2",
            "step 1: offers of none are held, not of large",
            "step 1: no decision gives the reason 'because'; given are: nothing that waits fits, \
             the tightest offer with room",
            "step 1: no line of the log says 'a line'",
            "step 1: no error says 'odd'",
            "step 1: the host refused 0 decisions, not 1",
        ]
    );
}

#[test]
fn a_policy_that_refuses_its_configuration() {
    let program = guest("bin-pack");
    let text = "config = { weights = { mem = -1 } }\nrefuses = 'weights.mem'";
    assert_eq!(broken(&program, text), [""; 0]);
    let text = "config = { weights = { mem = -1 } }\nrefuses = 'another'";
    assert!(broken(&program, text)[0].contains("does not say 'another'"));
    let text = "config = { weights = { mem = -1 } }";
    assert!(broken(&program, text)[0].contains("refuses its configuration"));
    let text = "refuses = 'weights.mem'";
    assert!(broken(&program, text)[0].starts_with("it was to refuse"));
}

#[test]
fn preemption_is_seen() {
    let program = guest("priority");
    let text = format!(
        "config = {{ preempt = true }}
        {AGENTS}
        [[step]]
        job = [{{ name = 'low', count = 10, cpus = 1, mem = 64 }}]
        expect.running.low = 10
        [[step]]
        job = [{{ name = 'high', count = 2, cpus = 1, mem = 64, priority = 9 }}]
        pass = 30
        expect.running = {{ low = 8, high = 2 }}
        expect.killed.low = 2
        "
    );
    assert_eq!(broken(&program, &text), [""; 0]);
}

#[test]
fn refused_decisions_are_counted_one_by_one() {
    let program = guest("misbehave");
    let text = format!(
        "config = {{ decide = 'nonsense' }}
        {AGENTS}
        [[step]]
        job = [{{ name = 'a', cpus = 1, mem = 64 }}]
        "
    );
    let told = broken(&program, &text);
    // Three in each of three rounds, of which one comes before there is work.
    assert_eq!(told[0], "step 1: the host refused 9 decisions, not 0");
    assert!(told[1].ends_with(" (and 2 more)"), "{told:?}");
    let text = format!("{text}expect.refused = 9");
    assert_eq!(broken(&program, &text), [""; 0]);
}

#[test]
fn what_is_not_simulated_is_told() {
    let program = guest("errands");
    let text = "config = { errand = 'volume' }
        roles = ['db']
        [[agent]]
        name = 'one'
        cpus = 2
        mem = 1024
        disk = 1024
        [[step]]";
    let told = broken(&program, text);
    assert!(
        told[0].contains("a reservation, which scenarios do not simulate"),
        "{told:?}"
    );
}

#[test]
fn mistakes_in_a_scenario_are_told_with_their_place() {
    let why = |text: &str| read("s.toml", text).unwrap_err().to_string();
    let unknown = why("about = 'x'\n[[step]]\nexpects = 3");
    assert!(
        unknown.contains("s.toml") && unknown.contains("line 3"),
        "{unknown}"
    );
    assert!(unknown.contains("unknown field `expects`"), "{unknown}");
    let job = why("[[step]]\njob = [{ name = 'a', cpus = -1 }]");
    assert!(job.contains("step 1") && job.contains("cpus"), "{job}");
    let names = "[[agent]]\nname = 'small'\n[[step]]\njob = [{ name = 'nightly', cpus = 1, mem = 1 }]\n\
                 lose = ['smal']\nexpect.killed.nighly = 0\npass = -1\n[[step]]\nfinish.x = 1";
    assert_eq!(
        why(names),
        "s.toml: step 1: there is no job 'nighly' in this step or before; did you mean 'nightly'?\n\
         s.toml: step 1: there is no agent 'smal' in this scenario; did you mean 'small'?\n\
         s.toml: step 1: pass = -1: must be a number of seconds, 0 or more\n\
         s.toml: step 2: there is no job 'x' in this step or before"
    );
    assert!(why("[[agent]]\nname = 'x'\ncpus = -1").contains("cpus = -1 is no amount"));
}

#[test]
fn all_policies_pass_the_shared_cases() {
    for (policy, config) in [
        ("first-fit", "{}"),
        ("bin-pack", "{}"),
        ("spread", r#"{"attribute": "rack"}"#),
        ("priority", r#"{"preempt": true}"#),
        ("bin-pack-python", "{}"),
        ("bin-pack-js", "{}"),
        ("bin-pack-ts", "{}"),
        ("bin-pack-go", "{}"),
        ("bin-pack-c", "{}"),
        ("bin-pack-cpp", "{}"),
        ("bin-pack-zig", "{}"),
        ("run-times", "{}"),
        ("rules", "{}"),
        ("fair-share", "{}"),
        ("align", "{}"),
    ] {
        let program = guest(policy);
        for (name, text) in SHARED {
            let scenario = read(name, text).unwrap();
            if let Err(broken) = run(&program, &scenario, config) {
                panic!("{policy}, {name}: {broken:?}");
            }
        }
    }
}

#[test]
fn policies_do_what_they_are_for() {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    for (policy, file) in [
        ("align", "shapes.toml"),
        ("fair-share", "weights.toml"),
        ("rules", "databases.toml"),
        ("run-times", "whole-agents.toml"),
    ] {
        let path = plugins.join(policy).join("scenarios").join(file);
        let result = run(&guest(policy), &open(&path).unwrap(), "{}");
        assert!(result.is_ok(), "{policy}: {result:?}");
    }
}
