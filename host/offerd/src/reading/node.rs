//! Values that know where they stand in their text.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistakes::{Mistake, Mistakes, Sink};

/// A value and the byte offset at which it begins, if the text has positions.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) start: Option<usize>,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(String),
    Whole(i64),
    Real(f64),
    Boolean(bool),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// What nothing here accepts: dates, null, numbers beyond 64 bits. As it
    /// was written.
    Other(String),
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_start: Option<usize>,
    pub(crate) node: Node,
}

impl Value {
    /// What kind of value this is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Whole(_) => "a whole number",
            Self::Real(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(_) => "a date, null or a number beyond 64 bits",
        }
    }

    /// The value itself for messages, shortened.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Text(text) => format!("'{}'", shorten(text)),
            Self::Whole(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Boolean(value) => value.to_string(),
            Self::List(_) | Self::Table(_) => self.kind().to_owned(),
            Self::Other(text) => shorten(text),
        }
    }

    /// The same value in JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) | Self::Other(text) => serde_json::Value::from(text.as_str()),
            Self::Whole(number) => serde_json::Value::from(*number),
            Self::Real(number) => serde_json::Value::from(*number),
            Self::Boolean(value) => serde_json::Value::from(*value),
            Self::List(items) => items.iter().map(|item| item.value.to_json()).collect(),
            Self::Table(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.node.value.to_json()))
                .collect(),
        }
    }
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let head: String = text.chars().take(LONGEST).collect();
    format!("{head}...")
}

pub(super) fn from_toml(text: &str) -> Result<Node, Sink> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(Node {
            start: Some(0),
            value: table_value(table.get_ref()),
        });
    }
    let sink = Sink::default();
    for error in errors {
        sink.add(
            error.span().map(|span| span.start),
            "",
            format!("this is not TOML: {}", error.message()),
        );
    }
    Err(sink)
}

fn toml_node(value: &Spanned<DeValue<'_>>) -> Node {
    Node {
        start: Some(value.span().start),
        value: match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Value::Whole(number),
                    Err(_) => Value::Other(number.to_string()),
                }
            }
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => Value::Real(number),
                Err(_) => Value::Other(number.to_string()),
            },
            DeValue::Boolean(value) => Value::Boolean(*value),
            DeValue::Datetime(date) => Value::Other(date.to_string()),
            DeValue::Array(items) => Value::List(items.iter().map(toml_node).collect()),
            DeValue::Table(table) => table_value(table),
        },
    }
}

fn table_value(table: &DeTable<'_>) -> Value {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_start: Some(key.span().start),
            node: toml_node(value),
        })
        .collect();
    // The parser sorts by name; people expect the order of the file.
    entries.sort_by_key(|entry| entry.key_start);
    Value::Table(entries)
}

pub(super) fn from_json(name: &str, text: &str) -> Result<Node, Mistakes> {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => Ok(json_node(value)),
        Err(error) => Err(Mistakes {
            name: name.to_owned(),
            list: vec![Mistake {
                line: error.line(),
                column: error.column(),
                field: String::new(),
                text: format!("this is not JSON: {error}"),
            }],
        }),
    }
}

fn json_node(value: serde_json::Value) -> Node {
    let value = match value {
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Bool(value) => Value::Boolean(value),
        serde_json::Value::Null => Value::Other("null".to_owned()),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Whole(whole),
            (None, Some(real)) if !number.is_u64() => Value::Real(real),
            _ => Value::Other(number.to_string()),
        },
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(json_node).collect()),
        serde_json::Value::Object(entries) => Value::Table(
            entries
                .into_iter()
                .map(|(key, value)| Entry {
                    key,
                    key_start: None,
                    node: json_node(value),
                })
                .collect(),
        ),
    };
    Node { start: None, value }
}
