//! The job file of the documentation works, and every mistake is said.

use offerd_core::Milli;
use offerd_core::job::JobKind;

use super::*;

const GOOD: &str = r#"# jobs.toml
[[job]]
name = "sleepers"
role = "batch"
kind = "batch"            # or "service"
count = 40
cpus = 0.1
mem = 32                  # MiB
command = "sleep 1"
retries = 1

[[job]]
name = "front"
role = "web"
kind = "service"
count = 4
cpus = 0.1
mem = 32
command = "exec sleep 100000"
priority = 10
"#;

fn roles() -> Vec<String> {
    vec!["batch".to_owned(), "web".to_owned()]
}

fn mistakes(text: &str) -> String {
    parse("jobs.toml", text, Format::Toml, Some(&roles()))
        .unwrap_err()
        .to_string()
}

#[test]
fn the_example_works_as_it_stands() {
    let jobs = parse("jobs.toml", GOOD, Format::Toml, Some(&roles())).unwrap();
    assert_eq!(jobs.len(), 2);
    let sleepers = &jobs[0];
    assert_eq!(sleepers.name.as_str(), "sleepers");
    assert_eq!(sleepers.kind, JobKind::Batch);
    assert_eq!(sleepers.count, 40);
    assert_eq!(sleepers.needs.cpus, Milli(100));
    assert_eq!(sleepers.needs.mem, Milli(32_000));
    assert_eq!(sleepers.command, "sleep 1");
    assert!(sleepers.shell);
    assert_eq!(sleepers.retries, 1);
    assert_eq!(jobs[1].kind, JobKind::Service);
    assert_eq!(jobs[1].priority, 10);
}

#[test]
fn every_key_is_read() {
    let text = r#"
[[job]]
name = "Full-1.x_y"
role = "batch"
kind = "batch"
cpus = 1
mem = 64.5
disk = 10
gpus = 2
ports = 3
args = ["/bin/echo", "a b", ""]
env = { PATH = "/bin", EMPTY = "" }
uris = ["http://h/a.tgz", { value = "http://h/b", executable = true, extract = false, cache = true, output_file = "c" }]
priority = -5
constraints = ["rack == a", "max 1 per @hostname"]
retries = 3
user = "nobody"
kill_grace = "1500ms"
labels = { team = "x" }
"#;
    let jobs = parse("jobs.toml", text, Format::Toml, None).unwrap();
    let job = &jobs[0];
    assert_eq!(job.count, 1);
    assert_eq!(job.needs.gpus, Milli(2000));
    assert_eq!(job.needs.ports, 3);
    assert_eq!((job.command.as_str(), job.shell), ("/bin/echo", false));
    assert_eq!(job.arguments, ["/bin/echo", "a b", ""]);
    assert_eq!(job.env.len(), 2);
    assert!(job.uris[0].extract && !job.uris[0].executable);
    assert!(!job.uris[1].extract && job.uris[1].executable && job.uris[1].cache);
    assert_eq!(job.uris[1].output_file.as_deref(), Some("c"));
    assert_eq!(job.constraints[1].to_string(), "max 1 per @hostname");
    assert_eq!(job.kill_grace, Some(1_500_000_000));
    assert_eq!(job.user.as_deref(), Some("nobody"));
    assert_eq!(job.labels[0].key, "team");
}

#[test]
fn json_has_the_same_keys() {
    let text = r#"{"job": [{"name": "a", "role": "web", "kind": "service", "cpus": 0.5, "mem": 32,
        "command": "exec sleep 9", "uris": ["http://h/a"]}]}"#;
    let jobs = parse("the request", text, Format::Json, Some(&roles())).unwrap();
    assert_eq!(jobs[0].needs.cpus, Milli(500));
    let error = parse(
        "the request",
        r#"{"job": [{"nam": "a"}]}"#,
        Format::Json,
        Some(&roles()),
    )
    .unwrap_err()
    .to_string();
    assert!(
        error.contains("the request: job[0].name: missing"),
        "{error}"
    );
    assert!(
        error.contains("job[0].nam: there is no such setting"),
        "{error}"
    );
}

#[test]
fn several_mistakes_are_reported_at_once() {
    let text = r#"[[job]]
name = "a/b"
role = "bach"
kind = "cron"
count = 0
cpus = -1
mem = 0.0001
gpus = 0.5
ports = 70000
command = " "
env = { "A=B" = "x" }
uris = [3, { executable = true }]
constraints = ["rack", "max 0 per rack"]
kill_grace = 3
piority = 1

[[job]]
name = "b"
role = "web"
kind = "service"
command = "x"
args = ["x"]
retries = 2

[[job]]
name = "b"
role = "batch"
kind = "batch"
cpus = 0
mem = 0
"#;
    let expected = "\
jobs.toml:2:8: job[0].name: 'a/b' cannot be a job's name; it begins with a letter or digit and has only A-Z, a-z, 0-9, '.', '_' and '-', since task ids are made of it
jobs.toml:3:8: job[0].role: the framework does not have the role 'bach'; did you mean 'batch'?
jobs.toml:4:8: job[0].kind: 'cron' is no kind of job; write \"batch\" for tasks that end, or \"service\" for tasks that stay
jobs.toml:5:9: job[0].count: a job of 0 tasks would do nothing; write at least 1
jobs.toml:6:8: job[0].cpus: -1 is no amount; must be 0 or more
jobs.toml:7:7: job[0].mem: 0.0001 is less than Mesos can count; the smallest amount is 0.001
jobs.toml:8:8: job[0].gpus: 0.5 is no number of GPUs; must be 0, 1, 2, ...
jobs.toml:9:9: job[0].ports: 70000 is more than an agent can have; this is how many ports a task needs, not which
jobs.toml:10:11: job[0].command: must not be empty; write a shell command
jobs.toml:11:17: job[0].env.A=B: 'A=B' cannot be an environment variable
jobs.toml:12:9: job[0].uris[0]: 3 is a whole number; must be a text in quotes, or a table such as { value = \"http://host/file\", executable = true }
jobs.toml:12:12: job[0].uris[1].value: missing; write the address to fetch
jobs.toml:13:16: job[0].constraints[0]: 'rack' is not a constraint: no operator in it; write `NAME == VALUE`, `NAME != VALUE`, `NAME in VALUE, VALUE`, `NAME not in VALUE, VALUE`, `NAME exists`, `NAME absent` or `max NUMBER per NAME`, with an attribute or @hostname, @region, @zone, @agent as NAME
jobs.toml:13:24: job[0].constraints[1]: 'max 0 per rack' is not a constraint: max 0 would allow no task at all; write `NAME == VALUE`, `NAME != VALUE`, `NAME in VALUE, VALUE`, `NAME not in VALUE, VALUE`, `NAME exists`, `NAME absent` or `max NUMBER per NAME`, with an attribute or @hostname, @region, @zone, @agent as NAME
jobs.toml:14:14: job[0].kill_grace: 3 is a whole number; must be a time with its unit in quotes, such as \"30s\" or \"7days\"
jobs.toml:15:1: job[0].piority: there is no such setting; did you mean 'priority'?
jobs.toml:17:1: job[1].cpus: missing; a task needs some cpus or mem, or nothing can run it; write cpus = 0.1 and mem = 32 (MiB), for example
jobs.toml:22:8: job[1].args: the job has a command already; write command = \"...\" for a shell command, or args = [\"/bin/program\", \"argument\"] for a program without a shell
jobs.toml:23:11: job[1].retries: a service runs its tasks again without end; leave retries out, or write kind = \"batch\"
jobs.toml:25:1: job[2].cpus: missing; a task needs some cpus or mem, or nothing can run it; write cpus = 0.1 and mem = 32 (MiB), for example
jobs.toml:25:1: job[2].command: missing; write command = \"...\" for a shell command, or args = [\"/bin/program\", \"argument\"] for a program without a shell
jobs.toml:26:8: job[2].name: another job here has the name 'b' already";
    assert_eq!(mistakes(text), expected);
}

#[test]
fn a_file_without_jobs_says_so() {
    assert_eq!(
        mistakes("[jobs]\n"),
        "jobs.toml:1:1: job: missing; write at least one [[job]]\n\
         jobs.toml:1:2: jobs: there is no such setting; did you mean 'job'?"
    );
    assert_eq!(
        mistakes("job = []\n"),
        "jobs.toml:1:7: job: no job stands here; write at least one [[job]]"
    );
    assert!(mistakes("[job]\nname = \"a\"\n").contains("write [[job]] with two brackets"));
    let long = GOOD.replace("sleepers", &"x".repeat(129));
    assert!(mistakes(&long).contains("the name has 129 characters; at most 128"));
}

/// Many jobs of many tasks are as much of a slip as one of too many.
#[test]
fn all_jobs_together_have_a_largest_number_of_tasks() {
    let job = |name: &str, count: u32| {
        format!(
            "[[job]]\nname = \"{name}\"\nrole = \"web\"\nkind = \"batch\"\ncount = {count}\n\
             cpus = 1\ncommand = \"true\"\n"
        )
    };
    let parts = [job("a", 600_000), job("b", 400_000)];
    parse("jobs.toml", &parts.concat(), Format::Toml, None).unwrap();
    assert_eq!(
        mistakes(&[job("a", 600_000), job("b", 400_001)].concat()),
        "jobs.toml:12:9: job[1].count: 400001 tasks are too many after the 600000 of the jobs \
         before; at most 1000000 in all are possible"
    );
}
