//! Reading `policy.toml`: everything that is wrong at once, each with its line.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Project, check_name, wit_of};
use crate::language::Language;

/// One mistake; `line` and `column` count from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    pub line: usize,
    pub column: usize,
    /// The value and what would be right.
    pub text: String,
}

/// Everything that is wrong with one `policy.toml`, in its order; never empty.
/// Printed one a line as `FILE:LINE:COLUMN: TEXT`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes {
    pub file: String,
    pub list: Vec<Mistake>,
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, mistake) in self.list.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            let Mistake { line, column, text } = mistake;
            write!(f, "{}:{line}:{column}: {text}", self.file)?;
        }
        Ok(())
    }
}

const KEYS: [&str; 4] = ["name", "language", "state", "sdk"];

/// `folder` is where the file is, absolute.
pub(super) fn read(file: &str, folder: &Path, text: &str) -> Result<Project, Mistakes> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader {
        text,
        table: table.get_ref(),
        found: Vec::new(),
    };
    for error in errors {
        reader.note(
            error.span(),
            format!("this is not TOML: {}", error.message()),
        );
    }
    let project = if reader.found.is_empty() {
        reader.project(folder)
    } else {
        None
    };
    let mut list = reader.found;
    list.sort();
    match project {
        Some(project) if list.is_empty() => Ok(project),
        _ => Err(Mistakes {
            file: file.to_owned(),
            list,
        }),
    }
}

struct Reader<'a> {
    text: &'a str,
    table: &'a DeTable<'a>,
    found: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    /// `None` only if something was found wrong.
    fn project(&mut self, folder: &Path) -> Option<Project> {
        for key in self.table.keys() {
            if !KEYS.contains(&key.get_ref().as_ref()) {
                self.note(
                    Some(key.span()),
                    format!(
                        "{}: there is no such setting; the settings are {}",
                        key.get_ref(),
                        KEYS.join(", ")
                    ),
                );
            }
        }
        let name = self.string("name", "write name = \"my-policy\"");
        let name = name.and_then(|(span, name)| match check_name(name) {
            Ok(()) => Some(name.to_owned()),
            Err(text) => self.wrong(Some(span), format!("name: {text}")),
        });
        let hint = format!("write language = \"...\", one of {}", Language::list());
        let language = self.string("language", &hint);
        let language = language.and_then(|(span, text)| {
            match Language::ALL.into_iter().find(|l| l.name() == text) {
                Some(language) => Some(language),
                None => self.wrong(
                    Some(span),
                    format!(
                        "language: there is no '{text}'; must be one of {}",
                        Language::list()
                    ),
                ),
            }
        });
        let state = self.state();
        let sdk = self.string(
            "sdk",
            "write sdk = \"sdk\", the folder of the SDK, relative to this file",
        );
        let sdk = sdk.and_then(|(span, text)| {
            let sdk = folder.join(text);
            let Ok(sdk) = sdk.canonicalize() else {
                return self.wrong(
                    Some(span),
                    format!(
                        "sdk: there is no folder '{text}' here; must be the folder of the SDK, \
                         relative to this file"
                    ),
                );
            };
            match wit_of(&sdk) {
                Some(wit) => Some((sdk, wit)),
                None => self.wrong(
                    Some(span),
                    format!(
                        "sdk: '{text}' is no SDK of offerd: the contract, wit/policy.wit, is \
                         neither in it nor two folders above it"
                    ),
                ),
            }
        });
        let (sdk, wit) = sdk?;
        Some(Project {
            folder: folder.to_owned(),
            name: name?,
            language: language?,
            state: state?,
            sdk,
            wit,
        })
    }

    fn state(&mut self) -> Option<bool> {
        let Some(value) = self.table.get("state") else {
            return Some(false);
        };
        match value.get_ref() {
            DeValue::Boolean(state) => Some(*state),
            other => {
                let text = format!(
                    "state: this is {}; must be true or false, without quotes",
                    kind(other)
                );
                self.wrong(Some(value.span()), text)
            }
        }
    }

    fn string(&mut self, key: &str, hint: &str) -> Option<(Range<usize>, &'a str)> {
        let value: Option<&'a Spanned<DeValue<'a>>> = self.table.get(key);
        let Some(value) = value else {
            return self.wrong(None, format!("{key}: missing; {hint}"));
        };
        match value.get_ref() {
            DeValue::String(text) => Some((value.span(), text.as_ref())),
            other => {
                let text = format!("{key}: this is {}; must be a text in quotes", kind(other));
                self.wrong(Some(value.span()), text)
            }
        }
    }

    /// Notes a mistake; gives `None` so that it can end an expression.
    fn wrong<T>(&mut self, span: Option<Range<usize>>, text: String) -> Option<T> {
        self.note(span, text);
        None
    }

    fn note(&mut self, span: Option<Range<usize>>, text: String) {
        let before = self.text.get(..span.map_or(0, |span| span.start));
        let before = before.unwrap_or(self.text);
        self.found.push(Mistake {
            line: before.matches('\n').count() + 1,
            column: before.chars().rev().take_while(|c| *c != '\n').count() + 1,
            text,
        });
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("sdk/wit")).unwrap();
        fs::write(dir.path().join("sdk/wit/policy.wit"), "").unwrap();
        fs::create_dir(dir.path().join("other")).unwrap();
        dir
    }

    #[test]
    fn a_right_file() {
        let dir = folder();
        let text = "name = \"night-batch\"\nlanguage = \"cpp\"\nstate = true\nsdk = \"sdk\"\n";
        let project = read("policy.toml", dir.path(), text).unwrap();
        assert_eq!(project.name, "night-batch");
        assert_eq!(project.language, Language::Cpp);
        assert_eq!(project.world(), "stateful-policy");
        assert!(project.sdk.ends_with("sdk"));
        assert!(project.wit.ends_with("sdk/wit"));
        assert!(project.output().ends_with("night-batch.wasm"));
    }

    #[test]
    fn everything_wrong_at_once_with_its_place() {
        let dir = folder();
        let text =
            "nmae = 1\nname = \"Night\"\nlanguage = \"cobol\"\nstate = \"yes\"\nsdk = \"other\"\n";
        let error = read("policy.toml", dir.path(), text)
            .unwrap_err()
            .to_string();
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines.len(), 5, "{error}");
        for (line, begin) in lines.iter().zip([
            "policy.toml:1:1: nmae: there is no such setting; the settings are name, ",
            "policy.toml:2:8: name: 'Night' cannot name a policy; must be ",
            "policy.toml:3:12: language: there is no 'cobol'; must be one of rust, ",
            "policy.toml:4:9: state: this is a text; must be true or false",
            "policy.toml:5:7: sdk: 'other' is no SDK of offerd",
        ]) {
            assert!(line.starts_with(begin), "{line}");
        }
    }

    #[test]
    fn what_is_missing_and_what_is_not_toml() {
        let dir = folder();
        let error = read("p", dir.path(), "sdk = \"gone\"")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("p:1:1: name: missing; write name = "),
            "{error}"
        );
        assert!(
            error.contains("p:1:1: language: missing; write "),
            "{error}"
        );
        assert!(
            error.contains("p:1:7: sdk: there is no folder 'gone'"),
            "{error}"
        );
        let error = read("p", dir.path(), "name = \nsdk 3\n").unwrap_err();
        assert_eq!(error.list.len(), 2, "{error}");
        assert!(
            error.to_string().starts_with("p:1:8: this is not TOML"),
            "{error}"
        );
    }
}
