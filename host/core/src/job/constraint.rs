//! Placement constraints: which agents a job's tasks may run on.
//!
//! They are written as one line of text each, checked when the job is
//! submitted, and evaluated here and nowhere else: policies ask
//! (`cluster.eligible`), and the machine checks again before a launch.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::offer::{AgentInfo, AttributeValue};

/// What an agent is looked at for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    Attribute(String),
    Hostname,
    Region,
    Zone,
    Agent,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    /// At most this many tasks of the job on agents with the same value.
    MaxPer(u32),
}

/// One constraint.
///
/// ```text
/// rack == a            rack != a           rack in a, b        rack not in a, b
/// ssd exists           ssd absent          max 1 per @hostname
/// ```
///
/// `@hostname`, `@region`, `@zone` and `@agent` (its id) stand for what every
/// agent has; other names are attributes. Scalars compare by their number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Constraint {
    subject: Subject,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is not a constraint: {why}; write `NAME == VALUE`, `NAME != VALUE`, \
     `NAME in VALUE, VALUE`, `NAME not in VALUE, VALUE`, `NAME exists`, `NAME absent` or \
     `max NUMBER per NAME`, with an attribute or @hostname, @region, @zone, @agent as NAME"
)]
pub struct ConstraintError {
    text: String,
    why: String,
}

impl Constraint {
    /// How many more tasks of the job an agent may take; `u32::MAX`: no bound.
    /// `taken` tells how many tasks of the job are on agents of a
    /// [`group`](Self::group), so that for many agents they are counted once.
    pub fn room(&self, agent: &AgentInfo, taken: impl FnOnce(&[String]) -> usize) -> u32 {
        let values = self.subject.values(agent);
        let allowed = match &self.test {
            Test::In(wanted) => values.iter().any(|v| wanted.contains(v)),
            Test::NotIn(unwanted) => !values.iter().any(|v| unwanted.contains(v)),
            Test::Exists => !values.is_empty(),
            Test::Absent => values.is_empty(),
            Test::MaxPer(_) if values.is_empty() => false,
            Test::MaxPer(limit) => {
                let taken = u32::try_from(taken(&values)).unwrap_or(u32::MAX);
                return limit.saturating_sub(taken);
            }
        };
        if allowed { u32::MAX } else { 0 }
    }

    /// What `max N per NAME` counts tasks by: agents with equal groups share
    /// the N.
    pub fn group(&self, agent: &AgentInfo) -> Vec<String> {
        self.subject.values(agent)
    }

    /// Whether the answer depends on where the job's other tasks are.
    pub fn counts_tasks(&self) -> bool {
        matches!(self.test, Test::MaxPer(_))
    }
}

impl Subject {
    fn parse(name: &str) -> Result<Self, String> {
        match name {
            "@hostname" => Ok(Self::Hostname),
            "@region" => Ok(Self::Region),
            "@zone" => Ok(Self::Zone),
            "@agent" => Ok(Self::Agent),
            _ if name.starts_with('@') => Err(format!("there is no {name}")),
            _ if name.is_empty() => Err("the name is missing".to_owned()),
            _ => Ok(Self::Attribute(name.to_owned())),
        }
    }

    fn values(&self, agent: &AgentInfo) -> Vec<String> {
        match self {
            Self::Hostname => vec![agent.hostname.to_string()],
            Self::Agent => vec![agent.id.to_string()],
            Self::Region => agent.region.iter().cloned().collect(),
            Self::Zone => agent.zone.iter().cloned().collect(),
            Self::Attribute(name) => agent
                .attributes
                .iter()
                .filter(|attribute| attribute.name == *name)
                .flat_map(|attribute| match &attribute.value {
                    AttributeValue::Text(text) => vec![text.clone()],
                    AttributeValue::Scalar(value) => vec![value.to_string()],
                    AttributeValue::Ranges(ranges) => ranges
                        .iter()
                        .map(|r| format!("{}-{}", r.begin, r.end))
                        .collect(),
                    AttributeValue::Set(items) => items.clone(),
                })
                .collect(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attribute(name) => name,
            Self::Hostname => "@hostname",
            Self::Region => "@region",
            Self::Zone => "@zone",
            Self::Agent => "@agent",
        })
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = &self.subject;
        match &self.test {
            Test::In(values) => write!(f, "{subject} in {}", values.join(", ")),
            Test::NotIn(values) => write!(f, "{subject} not in {}", values.join(", ")),
            Test::Exists => write!(f, "{subject} exists"),
            Test::Absent => write!(f, "{subject} absent"),
            Test::MaxPer(limit) => write!(f, "max {limit} per {subject}"),
        }
    }
}

impl std::str::FromStr for Constraint {
    type Err = ConstraintError;

    fn from_str(text: &str) -> Result<Self, ConstraintError> {
        parse(text.trim()).map_err(|why| ConstraintError {
            text: text.to_owned(),
            why,
        })
    }
}

fn parse(text: &str) -> Result<Constraint, String> {
    let make = |name: &str, test| {
        Ok(Constraint {
            subject: Subject::parse(name.trim())?,
            test,
        })
    };
    if let Some(rest) = text.strip_prefix("max ") {
        let (number, name) = rest.split_once(" per ").ok_or("`per` is missing")?;
        let limit: u32 = number
            .trim()
            .parse()
            .map_err(|_| format!("'{number}' is no number"))?;
        if limit == 0 {
            return Err("max 0 would allow no task at all".to_owned());
        }
        return make(name, Test::MaxPer(limit));
    }
    if let Some((name, value)) = text.split_once("==") {
        return make(name, Test::In(one(value)?));
    }
    if let Some((name, value)) = text.split_once("!=") {
        return make(name, Test::NotIn(one(value)?));
    }
    if let Some((name, values)) = text.split_once(" not in ") {
        return make(name, Test::NotIn(many(values)?));
    }
    if let Some((name, values)) = text.split_once(" in ") {
        return make(name, Test::In(many(values)?));
    }
    match text.rsplit_once(' ') {
        Some((name, "exists")) => make(name, Test::Exists),
        Some((name, "absent")) => make(name, Test::Absent),
        _ => Err("no operator in it".to_owned()),
    }
}

fn one(value: &str) -> Result<Vec<String>, String> {
    let value = value.trim();
    if value.is_empty() {
        Err("the value is missing".to_owned())
    } else {
        Ok(vec![value.to_owned()])
    }
}

fn many(values: &str) -> Result<Vec<String>, String> {
    values
        .split(',')
        .map(|value| one(value).map(|mut v| v.remove(0)))
        .collect()
}

impl TryFrom<String> for Constraint {
    type Error = ConstraintError;
    fn try_from(text: String) -> Result<Self, ConstraintError> {
        text.parse()
    }
}

impl From<Constraint> for String {
    fn from(constraint: Constraint) -> Self {
        constraint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offer::Attribute;

    fn agent(rack: &str) -> AgentInfo {
        AgentInfo {
            id: "S0".into(),
            hostname: "one".into(),
            region: None,
            zone: Some("z".to_owned()),
            attributes: vec![Attribute {
                name: "rack".to_owned(),
                value: AttributeValue::Text(rack.to_owned()),
            }],
        }
    }

    #[test]
    fn each_form_parses_prints_and_decides() {
        let a = agent("a");
        for (text, printed, allowed) in [
            ("rack == a", "rack in a", true),
            ("rack != a", "rack not in a", false),
            ("rack in b, a", "rack in b, a", true),
            ("rack not in b,c", "rack not in b, c", true),
            ("rack exists", "rack exists", true),
            ("ssd absent", "ssd absent", true),
            ("@zone == z", "@zone in z", true),
            ("@region exists", "@region exists", false),
            ("max 1 per rack", "max 1 per rack", false),
            ("max 2 per @hostname", "max 2 per @hostname", true),
        ] {
            let constraint: Constraint = text.parse().unwrap();
            assert_eq!(constraint.to_string(), printed);
            let room = constraint.room(&a, |group| {
                assert_eq!(group, constraint.group(&a));
                1
            });
            assert_eq!(room > 0, allowed, "{text}");
            assert_eq!(printed.parse::<Constraint>().unwrap(), constraint);
        }
    }

    #[test]
    fn wrong_ones_say_what_is_wrong() {
        for (text, why) in [
            ("rack", "no operator"),
            ("@rank == a", "there is no @rank"),
            ("max x per rack", "'x' is no number"),
            ("max 0 per rack", "no task at all"),
            ("rack == ", "value is missing"),
            (" == a", "name is missing"),
        ] {
            let error = text.parse::<Constraint>().unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
