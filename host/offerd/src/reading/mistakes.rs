//! Mistakes in a text, with line, column and the name of what is wrong.

use std::cell::RefCell;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One mistake. `line` and `column` count from 1, columns in characters; both
/// are 0 where the text has no positions (JSON).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mistake {
    pub line: usize,
    pub column: usize,
    /// What is wrong, as a path: `framework.roles[1]`. May be empty.
    pub field: String,
    /// The value and what would be right.
    pub text: String,
}

/// Everything that is wrong with one text; never empty. Printed one a line as
/// `FILE:LINE:COLUMN: FIELD: TEXT`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes {
    /// The file's name as the user gave it.
    pub name: String,
    pub list: Vec<Mistake>,
}

impl Mistakes {
    /// A single mistake that has no place in the text.
    pub fn whole(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            list: vec![Mistake {
                line: 0,
                column: 0,
                field: String::new(),
                text: text.into(),
            }],
        }
    }

    /// `1 mistake`, `3 mistakes`.
    pub fn count(&self) -> String {
        match self.list.len() {
            1 => "1 mistake".to_owned(),
            many => format!("{many} mistakes"),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.text)
        } else {
            write!(f, "{}: {}", self.field, self.text)
        }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, mistake) in self.list.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:", self.name)?;
            if mistake.line > 0 {
                write!(f, "{}:{}:", mistake.line, mistake.column)?;
            }
            write!(f, " {mistake}")?;
        }
        Ok(())
    }
}

/// Where mistakes are gathered while a text is read.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    found: RefCell<Vec<Raw>>,
}

#[derive(Debug)]
struct Raw {
    /// Byte offset in the text.
    start: Option<usize>,
    field: String,
    text: String,
}

impl Sink {
    pub(crate) fn add(&self, start: Option<usize>, field: &str, text: impl Into<String>) {
        self.found.borrow_mut().push(Raw {
            start,
            field: field.to_owned(),
            text: text.into(),
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// In the order of the text.
    pub(crate) fn into_mistakes(self, name: &str, text: &str) -> Mistakes {
        let mut found = self.found.into_inner();
        found.sort_by_key(|raw| raw.start);
        let list = found
            .into_iter()
            .map(|raw| {
                let (line, column) = raw.start.map_or((0, 0), |start| place(text, start));
                Mistake {
                    line,
                    column,
                    field: raw.field,
                    text: raw.text,
                }
            })
            .collect();
        Mistakes {
            name: name.to_owned(),
            list,
        }
    }
}

/// Line and column of a byte offset, both from 1.
fn place(text: &str, start: usize) -> (usize, usize) {
    let before = text.get(..start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    (line, column)
}

/// The place of one value: what is said about it carries line, column and path.
#[derive(Debug, Clone)]
pub(crate) struct Spot<'a> {
    pub(crate) sink: &'a Sink,
    pub(crate) start: Option<usize>,
    pub(crate) path: String,
}

impl Spot<'_> {
    pub(crate) fn wrong(&self, text: impl Into<String>) {
        self.sink.add(self.start, &self.path, text);
    }
}
