//! The languages that policies can be written in.

use std::fmt;
use std::str::FromStr;

use crate::versions::Tool;

/// A language with an SDK and a pinned toolchain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    Rust,
    JavaScript,
    TypeScript,
    Python,
    Go,
    C,
    Cpp,
    Zig,
}

impl Language {
    pub const ALL: [Self; 8] = [
        Self::Rust,
        Self::JavaScript,
        Self::TypeScript,
        Self::Python,
        Self::Go,
        Self::C,
        Self::Cpp,
        Self::Zig,
    ];

    /// As policy.toml and the command line say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
            Self::Python => "python",
            Self::Go => "go",
            Self::C => "c",
            Self::Cpp => "cpp",
            Self::Zig => "zig",
        }
    }

    /// As people write it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::JavaScript => "JavaScript",
            Self::TypeScript => "TypeScript",
            Self::Python => "Python",
            Self::Go => "Go",
            Self::C => "C",
            Self::Cpp => "C++",
            Self::Zig => "Zig",
        }
    }

    /// Folder of its SDK below `sdk/`. Several languages can share one.
    pub const fn sdk(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::JavaScript | Self::TypeScript => "js",
            Self::Python => "python",
            Self::Go => "go",
            Self::C | Self::Cpp | Self::Zig => "c",
        }
    }

    /// The tool that compiles it.
    pub const fn tool(self) -> Tool {
        match self {
            Self::Rust => Tool::Rust,
            Self::JavaScript | Self::TypeScript => Tool::QuickJs,
            Self::Python => Tool::ComponentizePy,
            Self::Go => Tool::Go,
            Self::C | Self::Cpp | Self::Zig => Tool::Zig,
        }
    }

    /// The file that a policy begins in.
    pub const fn entry(self) -> &'static str {
        match self {
            Self::Rust => "src/lib.rs",
            Self::JavaScript => "src/policy.js",
            Self::TypeScript => "src/policy.ts",
            Self::Python => "policy.py",
            Self::Go => "main.go",
            Self::C => "src/policy.c",
            Self::Cpp => "src/policy.cpp",
            Self::Zig => "src/policy.zig",
        }
    }

    /// What runs the unit tests of a new project, as people type it.
    pub const fn unit_tests(self) -> &'static str {
        match self {
            Self::Rust => "cargo test",
            Self::JavaScript => "node --test",
            Self::Python => "python3 -m unittest",
            Self::Go => "go test ./...",
            Self::TypeScript | Self::C | Self::Cpp | Self::Zig => "offerd policy unit",
        }
    }

    /// All names, for messages: `rust, javascript, ...`.
    pub fn list() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no such language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no language '{written}'; the languages are {}",
    Language::list()
)]
pub struct UnknownLanguage {
    pub written: String,
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    /// Takes the names and what people write for them: `js`, `ts`, `py`, `c++`,
    /// in letters of any case.
    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        let written = text.to_lowercase();
        let name = match written.as_str() {
            "js" => "javascript",
            "ts" => "typescript",
            "py" | "python3" => "python",
            "c++" | "cc" | "cxx" => "cpp",
            "golang" => "go",
            "rs" => "rust",
            other => other,
        };
        Self::ALL
            .into_iter()
            .find(|language| language.name() == name)
            .ok_or_else(|| UnknownLanguage {
                written: text.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_what_people_write_for_them() {
        for language in Language::ALL {
            assert_eq!(language.name().parse(), Ok(language));
        }
        assert_eq!("C++".parse(), Ok(Language::Cpp));
        assert_eq!("TS".parse(), Ok(Language::TypeScript));
        let error = "cobol".parse::<Language>().unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no language 'cobol'; the languages are rust, javascript, typescript, \
             python, go, c, cpp, zig"
        );
    }
}
