//! Programs of the machine itself that compilers and tests run on: whether they are there
//! and new enough, and what to do if not.

use std::ffi::OsString;
use std::process::Command;

use crate::language::Language;
use crate::process;
use crate::setup::SetupError;

/// A program that offerd does not install.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    Rust,
    Python,
    Node,
}

impl System {
    /// What the build of a language runs, beside its own tool.
    pub(crate) const fn that_builds(language: Language) -> Option<Self> {
        match language {
            Language::Rust => Some(Self::Rust),
            Language::JavaScript | Language::TypeScript => Some(Self::Node),
            // Their tools are whole.
            Language::Python | Language::Go | Language::C | Language::Cpp | Language::Zig => None,
        }
    }

    /// What runs the unit tests of a language.
    pub(crate) const fn that_tests(language: Language) -> Option<Self> {
        match language {
            Language::Python => Some(Self::Python),
            other => Self::that_builds(other),
        }
    }

    /// The program that tells the version.
    pub(crate) const fn program(self) -> &'static str {
        match self {
            Self::Rust => "rustc",
            Self::Python => "python3",
            Self::Node => "node",
        }
    }

    /// The oldest version that the pinned tools and the SDKs work with.
    const fn oldest(self) -> (u32, u32) {
        match self {
            Self::Rust => (1, 95),
            Self::Python => (3, 11),
            Self::Node => (20, 0),
        }
    }

    pub(crate) const fn advice(self) -> &'static str {
        match self {
            Self::Rust => {
                "Install Rust 1.95 or newer with rustup (`rustup update` if it is there), or add \
                 the target wasm32-unknown-unknown to the Rust that is there, and try again"
            }
            Self::Python => {
                "Install Python 3.11 or newer with its venv module \
                 (on Debian: apt-get install python3 python3-venv) and try again"
            }
            Self::Node => {
                "Install Node.js 20 or newer with npm \
                 (on Debian: apt-get install nodejs npm) and try again"
            }
        }
    }

    /// Errors unless it is there and new enough for `tool`.
    pub(crate) fn check(self, tool: &'static str) -> Result<(), SetupError> {
        self.check_with(Command::new(self.command()).arg("--version"), tool)
    }

    /// Node.js comes without npm in some distributions.
    pub(crate) fn check_npm(command: &mut Command, tool: &'static str) -> Result<(), SetupError> {
        let ran = process::run(command.arg("--version"));
        ran.map(drop).map_err(|source| SetupError::Missing {
            program: "npm",
            tool,
            advice: Self::Node.advice(),
            source,
        })
    }

    fn command(self) -> OsString {
        // Set by cargo when it runs this: not another version.
        let set = (self == Self::Rust).then(|| std::env::var_os("RUSTC"));
        set.flatten().unwrap_or_else(|| self.program().into())
    }

    fn check_with(self, command: &mut Command, tool: &'static str) -> Result<(), SetupError> {
        let ran = process::run(command).map_err(|source| SetupError::Missing {
            program: self.program(),
            tool,
            advice: self.advice(),
            source,
        })?;
        let oldest = self.oldest();
        match process::version(&ran.output) {
            Some(found) if found < oldest => Err(SetupError::TooOld {
                found: format!("{} {}.{}", self.program(), found.0, found.1),
                tool,
                wanted: format!("{}.{}", oldest.0, oldest.1),
                advice: self.advice(),
            }),
            // A version that cannot be read is left to the program's own words.
            _ => Ok(()),
        }
    }
}

/// A command that runs Rust's compiler.
pub(crate) fn rustc() -> Command {
    Command::new(System::Rust.command())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_or_old_program_is_told_with_what_to_do() {
        let mut absent = Command::new("no-such-program-here");
        let error = System::Python.check_with(&mut absent, "zig-0.17.1");
        let text = error.unwrap_err().to_string();
        assert!(
            text.starts_with("python3 cannot be started; zig-0.17.1"),
            "{text}"
        );
        assert!(text.contains("apt-get install python3"), "{text}");
        let error = System::check_npm(&mut Command::new("no-such-program-here"), "x");
        let text = error.unwrap_err().to_string();
        assert!(
            text.starts_with("npm cannot be started; x needs it")
                && text.contains("apt-get install nodejs npm"),
            "{text}"
        );
        let mut old = Command::new("echo");
        let error = System::Node.check_with(old.arg("v12.1.0"), "x");
        let text = error.unwrap_err().to_string();
        assert!(
            text.starts_with("node 12.1 is too old for x: 20.0"),
            "{text}"
        );
    }

    #[test]
    fn the_advice_names_the_version_that_is_checked() {
        for system in [System::Rust, System::Python, System::Node] {
            let (major, minor) = system.oldest();
            let wanted = match minor {
                0 => major.to_string(),
                minor => format!("{major}.{minor}"),
            };
            assert!(system.advice().contains(&format!(" {wanted} or newer")));
        }
    }
}
