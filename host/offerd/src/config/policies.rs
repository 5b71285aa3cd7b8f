//! `[[policy]]`: which policy decides for which roles.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::fallback::Fallback;
use crate::reading::{Found, Section, Span, Spot, Value};
use crate::supervisor::Budget;

use super::{Limits, Policy, read};

/// A role of the framework and where it stands.
pub(super) type RoleAt<'a> = Found<'a, String>;

/// Reads all policies and checks them against each other and the framework's
/// roles.
pub(super) fn all<'a>(
    sections: Option<Vec<Section<'a>>>,
    root: &Section<'a>,
    roles: Option<&[RoleAt<'a>]>,
    limits: &Limits,
    base: &Path,
) -> Vec<Policy> {
    let Some(sections) = sections else {
        root.missing(
            "policy",
            "at least one policy must decide about offers; write [[policy]] with roles and file",
        );
        return Vec::new();
    };
    // Role and the place of the policy that has it.
    let mut taken: Vec<(String, String)> = Vec::new();
    let mut policies: Vec<Policy> = Vec::new();
    for mut section in sections {
        let place = section.spot().path.clone();
        let roles_here = section.list::<String>("roles");
        if roles_here.is_none() && section.any("roles").is_none() {
            section.missing(
                "roles",
                "write the roles it decides for, such as [\"batch\"]",
            );
        }
        let mut names = Vec::new();
        if let Some(list) = roles_here {
            if list.found.is_empty() {
                list.spot
                    .wrong("no role stands here, so the policy would decide nothing; name one");
            }
            for role in list.found {
                check_role(&role, roles, &taken);
                taken.push((role.value.clone(), place.clone()));
                names.push(role.value);
            }
        }
        let file = section
            .need::<String>("file", "write the policy's .wasm file")
            .map(|found| existing(&found, base));
        let name = section.get::<String>("name");
        let spot = match &name {
            Some(found) => found.spot.clone(),
            None => section.spot().clone(),
        };
        let policy = Policy {
            name: name.map_or_else(|| stem(file.as_deref(), &place), |found| found.value),
            roles: names,
            file: file.unwrap_or_default(),
            config: config(&mut section),
            watch: section.get::<bool>("watch").is_none_or(|found| found.value),
            budget: budget(&mut section),
            fallback: section
                .get::<String>("fallback")
                .and_then(|found| found.check(|name| fallback(&name)))
                .unwrap_or_default(),
            limits: read::limits(&mut section, limits),
        };
        check_name(&policy, &policies, &spot);
        policies.push(policy);
        section.finish();
    }
    for role in roles.unwrap_or_default() {
        if !taken.iter().any(|(name, _)| *name == role.value) {
            role.spot.wrong(format!(
                "no policy decides for the role '{}'; add it to the roles of a [[policy]]",
                role.value
            ));
        }
    }
    policies
}

fn budget(section: &mut Section<'_>) -> Budget {
    let usual = Budget::default();
    Budget {
        strikes: section
            .get::<u32>("strikes")
            .map_or(usual.strikes, |found| found.value),
        trial: section
            .get::<Span>("trial")
            .map_or(usual.trial, |found| found.value.0),
    }
}

fn fallback(name: &str) -> Result<Fallback, String> {
    Fallback::from_name(name).ok_or_else(|| {
        format!(
            "'{name}' is no fallback; take one of {}",
            Fallback::NAMES.join(", ")
        )
    })
}

fn check_role(role: &RoleAt<'_>, roles: Option<&[RoleAt<'_>]>, taken: &[(String, String)]) {
    let name = &role.value;
    if let Some((_, place)) = taken.iter().find(|(other, _)| other == name) {
        role.spot.wrong(format!(
            "the role '{name}' already belongs to {place}; one policy decides for a role"
        ));
    }
    let Some(roles) = roles else {
        return;
    };
    if !roles.iter().any(|known| known.value == *name) {
        let known: Vec<&str> = roles.iter().map(|known| known.value.as_str()).collect();
        let advice = crate::reading::did_you_mean(name, known.iter().copied())
            .unwrap_or_else(|| format!("add it there, or take one of {}", known.join(", ")));
        role.spot.wrong(format!(
            "the role '{name}' is not in framework.roles; {advice}"
        ));
    }
}

/// Names appear in logs, metrics and lists.
fn check_name(policy: &Policy, others: &[Policy], spot: &Spot<'_>) {
    let usable = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if policy.name.is_empty() || !policy.name.chars().all(usable) {
        spot.wrong(format!(
            "'{}' cannot be the policy's name; write name = \"...\" with letters, digits, '-', '_' \
             and '.'",
            policy.name
        ));
    } else if others.iter().any(|other| other.name == policy.name) {
        spot.wrong(format!(
            "another policy has the name '{}' already; give one of them a name of its own, such as \
             name = \"{}-2\"",
            policy.name, policy.name
        ));
    }
}

fn existing(file: &Found<'_, String>, base: &Path) -> PathBuf {
    let path = base.join(&file.value);
    let problem = match File::open(&path).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_dir() => Some("it is a directory".to_owned()),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    };
    if let Some(problem) = problem {
        file.spot.wrong(format!(
            "cannot read the policy file {}: {problem}; relative paths start at the directory of \
             this file",
            path.display()
        ));
    }
    path
}

fn stem(file: Option<&Path>, place: &str) -> String {
    file.and_then(Path::file_stem).map_or_else(
        || place.to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}

/// Any table; the policy itself checks what is in it.
fn config(section: &mut Section<'_>) -> String {
    match section.any("config") {
        None => "{}".to_owned(),
        Some((_, node)) if matches!(node.value, Value::Table(_)) => {
            node.value.to_json().to_string()
        }
        Some((spot, node)) => {
            spot.wrong(format!(
                "{} is {}; must be a table, such as {{ attribute = \"rack\" }}",
                node.value.shown(),
                node.value.kind()
            ));
            "{}".to_owned()
        }
    }
}
