//! Reads a policy's settings, so that what is wrong is said with its name.
//!
//! serde's own messages for JSON values do not name the setting, and a type
//! without `deny_unknown_fields` takes any name. Here a value carries its path,
//! and the names of a struct are checked always.

use std::fmt;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess,
    SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Value;

/// Reads the JSON text of a `config` table.
///
/// # Errors
/// A text for the operator that names the setting and what would be right.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("the config is not JSON: {error}"))?;
    T::deserialize(Setting {
        path: String::new(),
        value,
    })
    .map_err(|error| error.to_string())
}

/// A value and where it stands: `weights.cpus`, `zones[2]`.
struct Setting {
    path: String,
    value: Value,
}

/// What is wrong, and where once that is known.
#[derive(Debug)]
struct ConfigError {
    path: Option<String>,
    why: String,
}

impl ConfigError {
    /// The innermost place that is named stays.
    fn at(self, path: &str) -> Self {
        Self {
            path: self.path.or_else(|| Some(path.to_owned())),
            why: self.why,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_deref() {
            None | Some("") => write!(f, "config: {}", self.why),
            Some(path) => write!(f, "config.{path}: {}", self.why),
        }
    }
}

impl std::error::Error for ConfigError {}

impl serde::de::Error for ConfigError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            path: None,
            why: message.to_string(),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            path: None,
            why: format!("the setting `{field}` is missing"),
        }
    }
}

fn inner(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

impl<'de> Deserializer<'de> for Setting {
    type Error = ConfigError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        let path = self.path.clone();
        let read = match self.value {
            Value::Object(_) => return self.deserialize_map(visitor),
            Value::Array(items) => visitor.visit_seq(Items {
                path: path.clone(),
                at: 0,
                items: items.into_iter(),
            }),
            value => value.deserialize_any(visitor).map_err(ConfigError::custom),
        };
        read.map_err(|error: ConfigError| error.at(&path))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        self.value
            .deserialize_enum(name, variants, visitor)
            .map_err(|error| ConfigError::custom(error).at(&self.path))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        let path = self.path.clone();
        match self.value {
            Value::Object(entries) => visitor.visit_map(Entries {
                path: path.clone(),
                entries: entries.into_iter(),
                value: None,
            }),
            value => value.deserialize_map(visitor).map_err(ConfigError::custom),
        }
        .map_err(|error: ConfigError| error.at(&path))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        if let Value::Object(entries) = &self.value
            && let Some(unknown) = entries.keys().find(|key| !fields.contains(&key.as_str()))
        {
            let known = match fields {
                [] => "there are none".to_owned(),
                _ => format!("known are `{}`", fields.join("`, `")),
            };
            let why = format!("there is no such setting; {known}");
            return Err(ConfigError::custom(why).at(&inner(&self.path, unknown)));
        }
        self.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct identifier ignored_any
    }
}

struct Entries {
    path: String,
    entries: serde_json::map::IntoIter,
    value: Option<Setting>,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = ConfigError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ConfigError> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        let path = inner(&self.path, &key);
        self.value = Some(Setting { path, value });
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, ConfigError> {
        let setting = self
            .value
            .take()
            .ok_or_else(|| ConfigError::custom("a value was read twice"))?;
        let path = setting.path.clone();
        seed.deserialize(setting).map_err(|error| error.at(&path))
    }
}

struct Items {
    path: String,
    at: usize,
    items: std::vec::IntoIter<Value>,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = ConfigError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ConfigError> {
        let Some(value) = self.items.next() else {
            return Ok(None);
        };
        let path = format!("{}[{}]", self.path, self.at);
        self.at += 1;
        let setting = Setting {
            path: path.clone(),
            value,
        };
        seed.deserialize(setting)
            .map(Some)
            .map_err(|error| error.at(&path))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::policy::NoConfig;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Weights {
        cpus: f64,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Over {
        Zone,
        Host,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(default)]
    struct Config {
        preempt: bool,
        min_difference: i32,
        weights: Option<Weights>,
        over: Over,
        names: Vec<String>,
    }

    impl Default for Config {
        fn default() -> Self {
            Self {
                preempt: false,
                min_difference: 1,
                weights: None,
                over: Over::Host,
                names: vec![],
            }
        }
    }

    fn error(text: &str) -> String {
        parse::<Config>(text).unwrap_err()
    }

    #[test]
    fn settings_and_defaults() {
        assert_eq!(parse::<Config>("{}"), Ok(Config::default()));
        assert_eq!(
            parse(r#"{"preempt": true, "weights": {"cpus": 2}, "over": "zone", "names": ["a"]}"#),
            Ok(Config {
                preempt: true,
                weights: Some(Weights { cpus: 2.0 }),
                over: Over::Zone,
                names: vec!["a".to_owned()],
                ..Config::default()
            })
        );
        assert_eq!(parse("{}"), Ok(NoConfig {}));
        assert_eq!(parse(r#"{"a": [1]}"#), Ok(serde_json::json!({"a": [1]})));
    }

    #[test]
    fn large_settings_are_read() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Large {
            text: String,
            list: Vec<u32>,
            table: BTreeMap<String, u32>,
        }
        let text = "☃".repeat(350_000);
        let table =
            serde_json::Map::from_iter((0..10_000_u32).map(|n| (format!("n{n}"), n.into())));
        let written = json!({"text": text, "list": Vec::from_iter(0..10_000), "table": table});
        let read: Large = parse(&written.to_string()).unwrap();
        assert!(read.text == text && text.len() > 1 << 20);
        assert_eq!(read.list, Vec::from_iter(0..10_000));
        assert_eq!(read.table.len(), 10_000);
        assert!((0..10_000).all(|n| read.table[&format!("n{n}")] == n));
    }

    #[test]
    fn an_unknown_setting_is_named_with_the_known_ones() {
        assert_eq!(
            error(r#"{"pre-empt": true}"#),
            "config.pre-empt: there is no such setting; known are `preempt`, `min_difference`, \
             `weights`, `over`, `names`"
        );
        assert_eq!(
            error(r#"{"weights": {"cpu": 1}}"#),
            "config.weights.cpu: there is no such setting; known are `cpus`"
        );
        assert_eq!(
            parse::<NoConfig>(r#"{"a": 1}"#).unwrap_err(),
            "config.a: there is no such setting; there are none"
        );
    }

    #[test]
    fn a_wrong_value_is_named() {
        assert_eq!(
            error(r#"{"min_difference": "two"}"#),
            "config.min_difference: invalid type: string \"two\", expected i32"
        );
        assert_eq!(
            error(r#"{"weights": {"cpus": true}}"#),
            "config.weights.cpus: invalid type: boolean `true`, expected f64"
        );
        assert_eq!(
            error(r#"{"over": "rack"}"#),
            "config.over: unknown variant `rack`, expected `zone` or `host`"
        );
        assert_eq!(
            error(r#"{"names": ["a", 2]}"#),
            "config.names[1]: invalid type: integer `2`, expected a string"
        );
        assert_eq!(
            error(r#"{"weights": {}}"#),
            "config.weights: the setting `cpus` is missing"
        );
        assert_eq!(
            error("[]"),
            "config: invalid type: sequence, expected struct Config"
        );
        assert!(
            error("{").starts_with("the config is not JSON"),
            "{}",
            error("{")
        );
    }
}
