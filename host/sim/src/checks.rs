//! What a real master finds wrong with frameworks, tasks and offers, in its own
//! words.

use std::collections::BTreeSet;

use mesos_v1 as wire;

/// Longest file name of Linux; ids become folders.
const LONGEST_ID: usize = 255;

/// The longest time in nanoseconds of 64 bits, in seconds.
const LONGEST_TIMEOUT: f64 = i64::MAX as f64 / 1e9;

/// The least that an executor of a group may have, in CPUs and MiB.
const LEAST_CPUS: f64 = 0.01;
const LEAST_MEM: f64 = 32.0;

/// Ids of tasks, executors and frameworks (R32).
pub(crate) fn id(id: &str) -> Result<(), String> {
    if id.is_empty() {
        Err("ID must not be empty".to_owned())
    } else if id.len() > LONGEST_ID {
        Err(format!(
            "ID must not be greater than {LONGEST_ID} characters"
        ))
    } else if id == "." || id == ".." {
        Err(format!("'{id}' is disallowed"))
    } else if id.contains(|c: char| c.is_ascii_control() || c == '/' || c == '\\') {
        Err(format!("'{id}' contains invalid characters"))
    } else {
        Ok(())
    }
}

fn role(role: &str) -> Result<(), String> {
    if role.is_empty() {
        return Err("Role names cannot be the empty string".to_owned());
    }
    if role == "*" {
        return Ok(());
    }
    if role.starts_with('/') {
        return Err(format!("Role '{role}' cannot start with a slash"));
    }
    if role.ends_with('/') {
        return Err(format!("Role '{role}' cannot end with a slash"));
    }
    for part in role.split('/') {
        if part.is_empty() {
            return Err(format!("Role '{role}' cannot contain two adjacent slashes"));
        }
        if [".", "..", "*"].contains(&part) {
            return Err(format!(
                "Role '{role}' cannot include '{part}' as a component"
            ));
        }
        if part.starts_with('-') {
            return Err(format!(
                "Role component '{part}' is invalid because it starts with a dash"
            ));
        }
        if part.contains(['\t', '\n', '\u{b}', '\u{c}', '\r', ' ', '\u{8}']) {
            return Err(format!(
                "Role component '{part}' is invalid because it contains backspace or whitespace"
            ));
        }
    }
    Ok(())
}

/// A FrameworkInfo of SUBSCRIBE or UPDATE_FRAMEWORK.
pub(crate) fn framework(info: &wire::FrameworkInfo, suppressed: &[String]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<&str> = info
        .roles
        .iter()
        .map(String::as_str)
        .filter(|role| !seen.insert(*role))
        .collect();
    if !twice.is_empty() {
        let twice: Vec<&str> = twice.into_iter().collect();
        let twice = twice.join(", ");
        return Err(format!(
            "'FrameworkInfo.roles' contains duplicate items: {{ {twice} }}"
        ));
    }
    for name in &info.roles {
        role(name).map_err(|why| format!("'FrameworkInfo.roles' contains invalid role: {why}"))?;
    }
    if let Some(framework) = info.id.as_ref().filter(|id| !id.value.is_empty()) {
        id(&framework.value)?;
    }
    let timeout = info.failover_timeout.unwrap_or_default();
    if timeout.is_nan() || timeout.abs() > LONGEST_TIMEOUT {
        let timeout = scientific(timeout);
        return Err(format!(
            "The framework failover_timeout ({timeout}) is invalid"
        ));
    }
    if let Some(role) = suppressed.iter().find(|role| !info.roles.contains(role)) {
        return Err(format!(
            "Suppressed role '{role}' is not contained in the list of roles"
        ));
    }
    Ok(())
}

/// What UPDATE_FRAMEWORK may not change (R19).
pub(crate) fn update(old: &wire::FrameworkInfo, new: &wire::FrameworkInfo) -> Result<(), String> {
    let fixed = |field: &str, old: &str, new: &str| {
        if old == new {
            return Ok(());
        }
        Err(format!(
            "Updating 'FrameworkInfo.{field}' is unsupported; attempted to update from '{old}' \
             to '{new}'"
        ))
    };
    principal(old, new)?;
    fixed("user", &old.user, &new.user)?;
    let checkpoint = |info: &wire::FrameworkInfo| info.checkpoint().to_string();
    fixed("checkpoint", &checkpoint(old), &checkpoint(new))
}

/// The principal of a framework stays (R19).
pub(crate) fn principal(
    old: &wire::FrameworkInfo,
    new: &wire::FrameworkInfo,
) -> Result<(), String> {
    if old.principal == new.principal {
        Ok(())
    } else {
        Err("Changing framework's principal is not allowed.".to_owned())
    }
}

/// A large number as C++ prints it: six digits, two of the exponent.
fn scientific(number: f64) -> String {
    let text = format!("{number:.5e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let digits = digits.trim_end_matches('0').trim_end_matches('.');
            format!("{digits}e+{exponent:0>2}")
        }
        None => text,
    }
}

/// Resources as a real master prints them.
pub(crate) fn shown(resources: &[wire::Resource]) -> String {
    let resources: Vec<String> = resources.iter().map(shown_one).collect();
    resources.join("; ")
}

fn shown_one(resource: &wire::Resource) -> String {
    let mut text = resource.name.clone();
    if let Some(allocation) = &resource.allocation_info {
        text.push_str(&format!("(allocated: {})", allocation.role()));
    }
    if !resource.reservations.is_empty() {
        let stack: Vec<String> = resource
            .reservations
            .iter()
            .map(|reservation| {
                let mut parts = vec![
                    reservation.r#type().as_str_name().to_owned(),
                    reservation.role().to_owned(),
                ];
                parts.extend(reservation.principal.clone());
                format!("({})", parts.join(","))
            })
            .collect();
        text.push_str(&format!("(reservations: [{}])", stack.join(",")));
    }
    if let Some(persistence) = resource.disk.as_ref().and_then(|d| d.persistence.as_ref()) {
        let volume = resource.disk.as_ref().and_then(|d| d.volume.as_ref());
        let path = volume.map_or("", |volume| volume.container_path.as_str());
        text.push_str(&format!("[{}:{path}]", persistence.id));
    }
    if resource.revocable.is_some() {
        text.push_str("{REV}");
    }
    if resource.shared.is_some() {
        text.push_str("<SHARED>");
    }
    text.push(':');
    if let Some(scalar) = &resource.scalar {
        text.push_str(&scalar.value.to_string());
    }
    if let Some(ranges) = &resource.ranges {
        let ranges: Vec<String> = ranges
            .range
            .iter()
            .map(|range| format!("{}-{}", range.begin, range.end))
            .collect();
        text.push_str(&format!("[{}]", ranges.join(", ")));
    }
    if let Some(set) = &resource.set {
        text.push_str(&format!("{{{}}}", set.item.join(", ")));
    }
    text
}

fn resource(resource: &wire::Resource) -> Result<(), String> {
    let wrong = |why: &str| {
        Err(format!(
            "Resource '{}' is invalid: {why}",
            shown_one(resource)
        ))
    };
    if resource.name.is_empty() {
        return wrong("Empty resource name");
    }
    let (scalar, ranges, set) = (&resource.scalar, &resource.ranges, &resource.set);
    match (resource.r#type(), scalar, ranges, set) {
        (wire::value::Type::Scalar, Some(scalar), None, None) if scalar.value > 0.0 => Ok(()),
        (wire::value::Type::Scalar, Some(_), None, None) => {
            wrong("Invalid scalar resource: value <= 0")
        }
        (wire::value::Type::Scalar, ..) => wrong("Invalid scalar resource"),
        (wire::value::Type::Ranges, None, Some(_), None) => Ok(()),
        (wire::value::Type::Ranges, ..) => wrong("Invalid ranges resource"),
        (wire::value::Type::Set, None, None, Some(_)) => Ok(()),
        (wire::value::Type::Set, ..) => wrong("Invalid set resource"),
        (wire::value::Type::Text, ..) => wrong("Unsupported resource type"),
    }
}

/// A task by itself; whether there is room for it is not asked here. `taken`
/// tells whether its id is in use, `agent` is that of the offers.
pub(crate) fn task(info: &wire::TaskInfo, taken: bool, agent: &str) -> Result<(), String> {
    id(&info.task_id.value)?;
    if taken {
        return Err(format!("Task has duplicate ID: {}", info.task_id.value));
    }
    if info.agent_id.value != agent {
        return Err(format!(
            "Task uses invalid agent {} while agent {agent} is expected",
            info.agent_id.value
        ));
    }
    if info.resources.is_empty() {
        return Err("Task uses no resources".to_owned());
    }
    info.resources.iter().try_for_each(resource)
}

/// Whether a task of LAUNCH says what to run.
pub(crate) fn runs_something(info: &wire::TaskInfo) -> Result<(), String> {
    if info.command.is_some() == info.executor.is_some() {
        return Err(
            "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"
                .to_owned(),
        );
    }
    Ok(())
}

/// An executor by itself.
pub(crate) fn executor(info: &wire::ExecutorInfo, framework: &str) -> Result<(), String> {
    id(&info.executor_id.value)?;
    let named = info.framework_id.as_ref().map(|id| id.value.as_str());
    if named != Some(framework) {
        let actual = named.unwrap_or_default();
        return Err(format!(
            "ExecutorInfo has an invalid FrameworkID (Actual: {actual} vs Expected: {framework})"
        ));
    }
    match (info.r#type(), &info.command) {
        (wire::executor_info::Type::Default, Some(_)) => {
            Err("'ExecutorInfo.command' must not be set for 'DEFAULT' executor".to_owned())
        }
        (wire::executor_info::Type::Custom, None) => {
            Err("'ExecutorInfo.command' must be set for 'CUSTOM' executor".to_owned())
        }
        _ => info.resources.iter().try_for_each(resource),
    }
}

/// What the executor of a group must have.
pub(crate) fn executor_of_group(info: &wire::ExecutorInfo) -> Result<(), String> {
    let id = &info.executor_id.value;
    let amount = |name: &str| {
        let same = info.resources.iter().filter(|r| r.name == name);
        let sum: f64 = same.filter_map(|r| r.scalar.map(|s| s.value)).sum();
        (sum > 0.0).then_some(sum)
    };
    let shown = |amount: Option<f64>| amount.map_or("None".to_owned(), |a| a.to_string());
    let (cpus, mem) = (amount("cpus"), amount("mem"));
    if cpus.is_none_or(|cpus| cpus < LEAST_CPUS) {
        let cpus = shown(cpus);
        return Err(format!(
            "Executor '{id}' uses less CPUs ({cpus}) than the minimum required ({LEAST_CPUS})"
        ));
    }
    if mem.is_none_or(|mem| mem < LEAST_MEM) {
        let mem = shown(mem);
        return Err(format!(
            "Executor '{id}' uses less memory ({mem}) than the minimum required ({LEAST_MEM}MB)"
        ));
    }
    if amount("disk").is_none() {
        return Err(format!("Executor '{id}' uses no disk"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_look_like_in_cpp() {
        assert_eq!(scientific(1e15), "1e+15");
        assert_eq!(scientific(9.5e9), "9.5e+09");
    }

    #[test]
    fn ids_become_folders() {
        id("a-b_c.1").unwrap();
        for wrong in ["", ".", "..", "a/b", "a\\b", "a\nb"] {
            id(wrong).unwrap_err();
        }
        id(&"x".repeat(255)).unwrap();
        id(&"x".repeat(256)).unwrap_err();
    }

    #[test]
    fn roles_are_paths() {
        for right in ["*", "a", "a/b", "a.b"] {
            role(right).unwrap();
        }
        for wrong in ["", "/a", "a/", "a//b", "a/*", "a/..", "-a", "a/-b", "a b"] {
            role(wrong).unwrap_err();
        }
    }
}
