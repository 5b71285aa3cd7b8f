//! Typed access to one table, with every misfit noted.

use super::mistakes::{Sink, Spot};
use super::node::{Entry, Node, Value};
use super::similar::did_you_mean;

/// A value that was found and has the right type.
#[derive(Debug, Clone)]
pub(crate) struct Found<'a, T> {
    pub(crate) value: T,
    pub(crate) spot: Spot<'a>,
}

impl<'a, T> Found<'a, T> {
    /// Goes on if the check does; else its message is noted here.
    pub(crate) fn check<U>(self, check: impl FnOnce(T) -> Result<U, String>) -> Option<U> {
        match check(self.value) {
            Ok(value) => Some(value),
            Err(text) => {
                self.spot.wrong(text);
                None
            }
        }
    }
}

/// Why a node is not the wanted value.
#[derive(Debug)]
pub(crate) enum NotThat {
    /// Wrong type: the message is made from [`FromNode::EXPECTED`].
    Kind,
    /// The whole message.
    Value(String),
}

/// Types that can be read from a node.
pub(crate) trait FromNode: Sized {
    /// After "must be": `a text in quotes`.
    const EXPECTED: &'static str;
    fn from_node(value: &Value) -> Result<Self, NotThat>;
}

/// One table while it is read.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    spot: Spot<'a>,
    entries: &'a [Entry],
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The whole text.
    pub(crate) fn root(sink: &'a Sink, node: &'a Node) -> Option<Self> {
        Self::at(
            Spot {
                sink,
                start: node.start,
                path: String::new(),
            },
            node,
        )
    }

    /// The table at a place; notes it if it is none.
    pub(crate) fn at(spot: Spot<'a>, node: &'a Node) -> Option<Self> {
        match &node.value {
            Value::Table(entries) => Some(Self {
                spot,
                entries,
                asked: Vec::new(),
            }),
            other => {
                spot.wrong(misfit(other, "a table"));
                None
            }
        }
    }

    /// The place of the table itself.
    pub(crate) fn spot(&self) -> &Spot<'a> {
        &self.spot
    }

    /// A value that may be absent.
    pub(crate) fn get<T: FromNode>(&mut self, key: &'static str) -> Option<Found<'a, T>> {
        let node = self.node(key)?;
        read(self.below(key, node), node)
    }

    /// A value that must be there; `hint` says what it is and how to write it.
    pub(crate) fn need<T: FromNode>(
        &mut self,
        key: &'static str,
        hint: &str,
    ) -> Option<Found<'a, T>> {
        if self.node(key).is_none() {
            self.missing(key, hint);
            return None;
        }
        self.get(key)
    }

    /// Notes that a key should be there.
    pub(crate) fn missing(&self, key: &str, hint: &str) {
        self.spot
            .sink
            .add(self.spot.start, &self.path(key), format!("missing; {hint}"));
    }

    /// A list whose items all have one type. Items that do not fit are noted
    /// and left out.
    pub(crate) fn list<T: FromNode>(&mut self, key: &'static str) -> Option<List<'a, T>> {
        let node = self.node(key)?;
        let spot = self.below(key, node);
        let items = items(&spot, node, T::EXPECTED)?;
        Some(List {
            found: items
                .into_iter()
                .filter_map(|(spot, node)| read(spot, node))
                .collect(),
            spot,
        })
    }

    /// A table in this one.
    pub(crate) fn section(&mut self, key: &'static str) -> Option<Section<'a>> {
        let node = self.node(key)?;
        Section::at(self.below(key, node), node)
    }

    /// An array of tables, `[[key]]`. `None` if the key is absent.
    pub(crate) fn sections(&mut self, key: &'static str) -> Option<Vec<Section<'a>>> {
        let node = self.node(key)?;
        let spot = self.below(key, node);
        if matches!(node.value, Value::Table(_)) {
            spot.wrong(format!(
                "this is one table, and there may be several; write [[{key}]] with two brackets"
            ));
            return Some(Vec::new());
        }
        let items = items(&spot, node, "tables")?;
        Some(
            items
                .into_iter()
                .filter_map(|(spot, node)| Section::at(spot, node))
                .collect(),
        )
    }

    /// A table whose keys are names that the user chose.
    pub(crate) fn map<T: FromNode>(
        &mut self,
        key: &'static str,
    ) -> Option<Vec<(String, Found<'a, T>)>> {
        let section = self.section(key)?;
        Some(
            section
                .entries
                .iter()
                .filter_map(|entry| {
                    let spot = section.below(&entry.key, &entry.node);
                    Some((entry.key.clone(), read(spot, &entry.node)?))
                })
                .collect(),
        )
    }

    /// A list whose items have different types, each with its place.
    pub(crate) fn items(
        &mut self,
        key: &'static str,
        expected: &str,
    ) -> Option<Vec<(Spot<'a>, &'a Node)>> {
        let node = self.node(key)?;
        items(&self.below(key, node), node, expected)
    }

    /// The node of a key, whatever it is.
    pub(crate) fn any(&mut self, key: &'static str) -> Option<(Spot<'a>, &'a Node)> {
        let node = self.node(key)?;
        Some((self.below(key, node), node))
    }

    /// Notes what nobody asked for. Must come last.
    pub(crate) fn finish(self) {
        for entry in self.entries {
            if self.asked.contains(&entry.key.as_str()) {
                continue;
            }
            let advice = did_you_mean(&entry.key, self.asked.iter().copied())
                .unwrap_or_else(|| format!("the settings here are {}", self.asked.join(", ")));
            self.spot.sink.add(
                entry.key_start,
                &self.path(&entry.key),
                format!("there is no such setting; {advice}"),
            );
        }
    }

    fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(&entry.node)
    }

    fn path(&self, key: &str) -> String {
        if self.spot.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.spot.path)
        }
    }

    fn below(&self, key: &str, node: &Node) -> Spot<'a> {
        Spot {
            sink: self.spot.sink,
            start: node.start,
            path: self.path(key),
        }
    }
}

/// The items of a list that fit, and the list's own place.
#[derive(Debug)]
pub(crate) struct List<'a, T> {
    pub(crate) found: Vec<Found<'a, T>>,
    pub(crate) spot: Spot<'a>,
}

fn items<'a>(spot: &Spot<'a>, node: &'a Node, expected: &str) -> Option<Vec<(Spot<'a>, &'a Node)>> {
    let Value::List(items) = &node.value else {
        spot.wrong(misfit(
            &node.value,
            &format!("a list in [...], each item {expected}"),
        ));
        return None;
    };
    let place = |(position, item): (usize, &'a Node)| {
        let spot = Spot {
            sink: spot.sink,
            start: item.start,
            path: format!("{}[{position}]", spot.path),
        };
        (spot, item)
    };
    Some(items.iter().enumerate().map(place).collect())
}

fn read<'a, T: FromNode>(spot: Spot<'a>, node: &Node) -> Option<Found<'a, T>> {
    match T::from_node(&node.value) {
        Ok(value) => Some(Found { value, spot }),
        Err(NotThat::Kind) => {
            spot.wrong(misfit(&node.value, T::EXPECTED));
            None
        }
        Err(NotThat::Value(text)) => {
            spot.wrong(text);
            None
        }
    }
}

fn misfit(value: &Value, expected: &str) -> String {
    match value {
        Value::List(_) | Value::Table(_) => format!("this is {}; must be {expected}", value.kind()),
        _ => format!("{} is {}; must be {expected}", value.shown(), value.kind()),
    }
}

impl FromNode for String {
    const EXPECTED: &'static str = "a text in quotes";
    fn from_node(value: &Value) -> Result<Self, NotThat> {
        match value {
            Value::Text(text) => Ok(text.clone()),
            _ => Err(NotThat::Kind),
        }
    }
}

impl FromNode for bool {
    const EXPECTED: &'static str = "true or false, without quotes";
    fn from_node(value: &Value) -> Result<Self, NotThat> {
        match value {
            Value::Boolean(value) => Ok(*value),
            _ => Err(NotThat::Kind),
        }
    }
}

impl FromNode for f64 {
    const EXPECTED: &'static str = "a number, without quotes";
    fn from_node(value: &Value) -> Result<Self, NotThat> {
        match value {
            Value::Real(number) => Ok(*number),
            // Amounts of Mesos are far below 2^53.
            Value::Whole(number) => Ok(*number as Self),
            _ => Err(NotThat::Kind),
        }
    }
}

macro_rules! whole {
    ($($type:ty, $expected:literal;)*) => {$(
        impl FromNode for $type {
            const EXPECTED: &'static str = $expected;
            fn from_node(value: &Value) -> Result<Self, NotThat> {
                match value {
                    Value::Whole(number) => Self::try_from(*number).map_err(|_| {
                        NotThat::Value(format!("{number} is out of range; must be {}", $expected))
                    }),
                    _ => Err(NotThat::Kind),
                }
            }
        }
    )*};
}

whole! {
    u32, "a whole number from 0 to 4294967295, without quotes";
    i32, "a whole number from -2147483648 to 2147483647, without quotes";
}
