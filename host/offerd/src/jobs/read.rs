//! From the tree of a job file to [`JobSpec`]s.

use std::collections::HashSet;

use offerd_core::Milli;
use offerd_core::job::{Constraint, JobKind, JobSpec, Uri};
use offerd_core::resource::{Amounts, Label};

use crate::reading::{Found, Section, Span, Value, did_you_mean};

/// Task ids are made of the job's name and some 30 more characters, and Mesos
/// allows 255 (R32).
const LONGEST_NAME: usize = 128;

/// More tasks than any cluster has, in one job or in all of a file, are a slip of
/// the finger.
const MOST_TASKS: u32 = 1_000_000;

const MOST_PORTS: u32 = 65_535;

pub(super) fn jobs(mut root: Section<'_>, roles: Option<&[String]>) -> Vec<JobSpec> {
    let sections = root.sections("job");
    if sections.is_none() {
        root.missing("job", "write at least one [[job]]");
    } else if sections.as_ref().is_some_and(Vec::is_empty)
        && let Some((spot, node)) = root.any("job")
        && matches!(&node.value, Value::List(items) if items.is_empty())
    {
        spot.wrong("no job stands here; write at least one [[job]]");
    }
    let mut jobs: Vec<JobSpec> = Vec::new();
    let mut already = Already::default();
    for section in sections.unwrap_or_default() {
        jobs.extend(job(section, roles, &mut already));
    }
    root.finish();
    jobs
}

/// What the jobs before have.
#[derive(Default)]
struct Already {
    names: HashSet<String>,
    tasks: u32,
}

fn job(
    mut section: Section<'_>,
    roles: Option<&[String]>,
    already: &mut Already,
) -> Option<JobSpec> {
    let name = section
        .need::<String>("name", "write a name of its own for each job")
        .and_then(|found| found.check(|name| check_name(name, &already.names)));
    already.names.extend(name.clone());
    let role = section
        .need::<String>("role", "write the role whose policy places the tasks")
        .and_then(|found| found.check(|role| check_role(role, roles)));
    let kind = section
        .need::<String>(
            "kind",
            "write \"batch\" for tasks that end, or \"service\" for tasks that stay",
        )
        .and_then(|found| found.check(check_kind));
    let count = section.get::<u32>("count").map_or(Some(1), |found| {
        found.check(|count| check_total(check_count(count)?, already.tasks))
    });
    already.tasks = already.tasks.saturating_add(count.unwrap_or_default());
    let needs = needs(&mut section);
    let command = command(&mut section);
    let retries = retries(&mut section, kind);
    let spec = JobSpec {
        name: name.clone().unwrap_or_default().into(),
        role: role.clone().unwrap_or_default().into(),
        kind: kind.unwrap_or(JobKind::Batch),
        count: count.unwrap_or_default(),
        needs,
        env: env(&mut section),
        uris: uris(&mut section),
        user: section
            .get::<String>("user")
            .and_then(|found| found.check(|user| not_empty(user, "a Unix user's name"))),
        priority: section
            .get::<i32>("priority")
            .map_or(0, |found| found.value),
        constraints: constraints(&mut section),
        retries,
        kill_grace: section
            .get::<Span>("kill_grace")
            .and_then(|found| found.check(nanoseconds)),
        labels: labels(&mut section),
        shell: command.as_ref().is_some_and(|command| command.shell),
        arguments: command
            .as_ref()
            .map(|command| command.arguments.clone())
            .unwrap_or_default(),
        command: command.map(|command| command.value).unwrap_or_default(),
    };
    section.finish();
    // What is missing here was noted, and the whole list is thrown away.
    name.and(role).and(kind).and(count).map(|_| spec)
}

fn check_name(name: String, names: &HashSet<String>) -> Result<String, String> {
    let usable = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !name.chars().all(usable) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Err(format!(
            "'{name}' cannot be a job's name; it begins with a letter or digit and has only A-Z, \
             a-z, 0-9, '.', '_' and '-', since task ids are made of it"
        ))
    } else if name.len() > LONGEST_NAME {
        Err(format!(
            "the name has {} characters; at most {LONGEST_NAME} are possible",
            name.len()
        ))
    } else if names.contains(&name) {
        Err(format!("another job here has the name '{name}' already"))
    } else {
        Ok(name)
    }
}

fn check_role(role: String, roles: Option<&[String]>) -> Result<String, String> {
    let role = not_empty(role, "a role of the framework")?;
    match roles {
        Some(roles) if !roles.contains(&role) => {
            let advice = did_you_mean(&role, roles.iter().map(String::as_str))
                .unwrap_or_else(|| format!("it has {}", roles.join(", ")));
            Err(format!(
                "the framework does not have the role '{role}'; {advice}"
            ))
        }
        _ => Ok(role),
    }
}

fn check_kind(kind: String) -> Result<JobKind, String> {
    match kind.as_str() {
        "batch" => Ok(JobKind::Batch),
        "service" => Ok(JobKind::Service),
        _ => Err(format!(
            "'{kind}' is no kind of job; write \"batch\" for tasks that end, or \"service\" for \
             tasks that stay"
        )),
    }
}

/// The new number of tasks of a job. 0 is possible: a service may rest.
pub(crate) fn check_scale(count: u32) -> Result<u32, String> {
    match count {
        0 => Ok(0),
        _ => check_count(count),
    }
}

fn check_count(count: u32) -> Result<u32, String> {
    match count {
        0 => Err("a job of 0 tasks would do nothing; write at least 1".to_owned()),
        1..=MOST_TASKS => Ok(count),
        _ => Err(format!(
            "{count} tasks are too many; at most {MOST_TASKS} are possible"
        )),
    }
}

fn check_total(count: u32, before: u32) -> Result<u32, String> {
    match before.checked_add(count) {
        Some(0..=MOST_TASKS) => Ok(count),
        _ => Err(format!(
            "{count} tasks are too many after the {before} of the jobs before; at most \
             {MOST_TASKS} in all are possible"
        )),
    }
}

fn needs(section: &mut Section<'_>) -> Amounts {
    let cpus = amount(section, "cpus");
    let mem = amount(section, "mem");
    let needs = Amounts {
        cpus: cpus.unwrap_or_default(),
        mem: mem.unwrap_or_default(),
        disk: amount(section, "disk").unwrap_or_default(),
        gpus: gpus(section),
        ports: section
            .get::<u32>("ports")
            .and_then(|found| found.check(check_ports))
            .unwrap_or_default(),
    };
    // A wrong value was noted already.
    let unsaid = |value: Option<Milli>, written: bool| value.is_none() && !written;
    let nothing = [
        (cpus, section.any("cpus").is_some()),
        (mem, section.any("mem").is_some()),
    ]
    .into_iter()
    .all(|(value, written)| unsaid(value, written) || value == Some(Milli::ZERO));
    if nothing {
        section.missing(
            "cpus",
            "a task needs some cpus or mem, or nothing can run it; write cpus = 0.1 and mem = 32 \
             (MiB), for example",
        );
    }
    needs
}

fn amount(section: &mut Section<'_>, key: &'static str) -> Option<Milli> {
    section
        .get::<f64>(key)?
        .check(|units| match Milli::from_units(units) {
            Some(Milli::ZERO) if units > 0.0 => Err(format!(
                "{units} is less than Mesos can count; the smallest amount is 0.001"
            )),
            Some(amount) => Ok(amount),
            None => Err(format!("{units} is no amount; must be 0 or more")),
        })
}

fn gpus(section: &mut Section<'_>) -> Milli {
    section
        .get::<f64>("gpus")
        .and_then(|found| {
            found.check(|units| match Milli::from_units(units) {
                Some(amount) if units.fract() == 0.0 => Ok(amount),
                _ => Err(format!(
                    "{units} is no number of GPUs; must be 0, 1, 2, ..."
                )),
            })
        })
        .unwrap_or_default()
}

fn check_ports(ports: u32) -> Result<u32, String> {
    if ports <= MOST_PORTS {
        Ok(ports)
    } else {
        Err(format!(
            "{ports} is more than an agent can have; this is how many ports a task needs, not which"
        ))
    }
}

struct Command {
    value: String,
    shell: bool,
    arguments: Vec<String>,
}

fn command(section: &mut Section<'_>) -> Option<Command> {
    const HINT: &str = "write command = \"...\" for a shell command, or args = [\"/bin/program\", \
                        \"argument\"] for a program without a shell";
    let command = section.any("command").is_some();
    let args = section.any("args").is_some();
    match (command, args) {
        (false, false) => {
            section.missing("command", HINT);
            None
        }
        (true, true) => {
            let (spot, _) = section.any("args")?;
            spot.wrong(format!("the job has a command already; {HINT}"));
            None
        }
        (true, false) => {
            let value = section
                .get::<String>("command")?
                .check(|text| not_empty(text, "a shell command"))?;
            Some(Command {
                value,
                shell: true,
                arguments: Vec::new(),
            })
        }
        (false, true) => {
            let list = section.list::<String>("args")?;
            let Some(program) = list.found.first() else {
                list.spot
                    .wrong("the program is missing; write [\"/bin/program\", \"argument\"]");
                return None;
            };
            let program = Found {
                value: program.value.clone(),
                spot: program.spot.clone(),
            };
            let value = program.check(|text| not_empty(text, "a program"))?;
            Some(Command {
                value,
                shell: false,
                arguments: list.found.into_iter().map(|item| item.value).collect(),
            })
        }
    }
}

fn retries(section: &mut Section<'_>, kind: Option<JobKind>) -> u32 {
    let Some(found) = section.get::<u32>("retries") else {
        return 0;
    };
    found
        .check(|retries| match kind {
            Some(JobKind::Service) => Err(
                "a service runs its tasks again without end; leave retries out, or write kind = \
                 \"batch\""
                    .to_owned(),
            ),
            _ => Ok(retries),
        })
        .unwrap_or_default()
}

fn env(section: &mut Section<'_>) -> Vec<(String, String)> {
    section
        .map::<String>("env")
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(name, found)| {
            let value = found.check(|value| {
                if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                    Err(format!("'{name}' cannot be an environment variable"))
                } else {
                    Ok(value)
                }
            })?;
            Some((name, value))
        })
        .collect()
}

fn labels(section: &mut Section<'_>) -> Vec<Label> {
    section
        .map::<String>("labels")
        .unwrap_or_default()
        .into_iter()
        .map(|(key, found)| Label {
            key,
            value: Some(found.value),
        })
        .collect()
}

fn constraints(section: &mut Section<'_>) -> Vec<Constraint> {
    section
        .list::<String>("constraints")
        .map(|list| list.found)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|found| {
            found.check(|text| {
                text.parse::<Constraint>()
                    .map_err(|error| error.to_string())
            })
        })
        .collect()
}

/// Each is a text or a table.
fn uris(section: &mut Section<'_>) -> Vec<Uri> {
    let Some(items) = section.items("uris", "a text in quotes or a table with a value") else {
        return Vec::new();
    };
    items
        .into_iter()
        .filter_map(|(spot, node)| match &node.value {
            Value::Text(text) => Found {
                value: text.clone(),
                spot,
            }
            .check(|text| not_empty(text, "an address to fetch"))
            .map(plain_uri),
            Value::Table(_) => Section::at(spot, node).and_then(uri),
            other => {
                spot.wrong(format!(
                    "{} is {}; must be a text in quotes, or a table such as {{ value = \
                     \"http://host/file\", executable = true }}",
                    other.shown(),
                    other.kind()
                ));
                None
            }
        })
        .collect()
}

fn uri(mut section: Section<'_>) -> Option<Uri> {
    let value = section
        .need::<String>("value", "write the address to fetch")
        .and_then(|found| found.check(|text| not_empty(text, "an address to fetch")));
    let uri = Uri {
        executable: flag(&mut section, "executable", false),
        extract: flag(&mut section, "extract", true),
        cache: flag(&mut section, "cache", false),
        output_file: section
            .get::<String>("output_file")
            .and_then(|found| found.check(|text| not_empty(text, "a file name"))),
        ..plain_uri(value.clone().unwrap_or_default())
    };
    section.finish();
    value.map(|_| uri)
}

/// As Mesos takes a bare address: archives are unpacked.
fn plain_uri(value: String) -> Uri {
    Uri {
        value,
        executable: false,
        extract: true,
        cache: false,
        output_file: None,
    }
}

fn flag(section: &mut Section<'_>, key: &'static str, usual: bool) -> bool {
    section.get::<bool>(key).map_or(usual, |found| found.value)
}

fn nanoseconds(Span(time): Span) -> Result<u64, String> {
    match i64::try_from(time.as_nanos()) {
        Ok(nanoseconds) => Ok(nanoseconds.unsigned_abs()),
        Err(_) => Err("this is longer than Mesos can count (292 years)".to_owned()),
    }
}

fn not_empty(text: String, what: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err(format!("must not be empty; write {what}"))
    } else if text.contains('\0') {
        Err("must not contain the character NUL".to_owned())
    } else {
        Ok(text)
    }
}
