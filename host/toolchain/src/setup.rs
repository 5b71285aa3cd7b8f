//! Where the tools are, and how they get there.
//!
//! Each version of a tool has a folder of its own, made beside its place and
//! renamed when it is complete; one that lacks something is made anew. A lock
//! keeps two processes from making the same one. Nothing is written there
//! afterwards, so that many users can share what one has installed: what the
//! tools keep for themselves goes into a cache folder of the user.

mod install;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::language::Language;
use crate::lock;
use crate::programs;
use crate::versions::{Source, Tool};

/// Is told each step that takes time, as a line for people.
pub type Progress<'a> = &'a dyn Fn(&str);

/// Why a tool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error(
        "no folder for toolchains: set OFFERD_TOOLCHAINS to one, or HOME to your home directory"
    )]
    NoFolder,
    #[error("{tool} is not set up; run `offerd policy setup {language}`")]
    NotSetUp {
        tool: &'static str,
        language: Language,
    },
    #[error("{program} cannot be started; {tool} needs it. {advice}")]
    Missing {
        program: &'static str,
        tool: &'static str,
        advice: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("{found} is too old for {tool}: {wanted} or newer is needed. {advice}")]
    TooOld {
        found: String,
        tool: &'static str,
        wanted: String,
        advice: &'static str,
    },
    /// `output` is the client's own text, whole.
    #[error("{tool} was not installed: `{command}` failed ({status}). {advice}")]
    Client {
        tool: &'static str,
        command: String,
        status: String,
        advice: &'static str,
        output: String,
    },
    #[error("{tool} was installed, but {what} is not there; it may not exist for this machine")]
    Incomplete {
        tool: &'static str,
        what: &'static str,
    },
    #[error("cannot {what} {}", path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl SetupError {
    /// What another program said about it, to be shown before the error.
    pub fn output(&self) -> Option<&str> {
        match self {
            Self::Client { output, .. } if !output.is_empty() => Some(output),
            _ => None,
        }
    }
}

/// The folder that holds the tools.
#[derive(Debug, Clone)]
pub struct Toolchains {
    root: PathBuf,
    cache: PathBuf,
}

/// What [`Toolchains::set_up`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetUp {
    /// It was there.
    There,
    Installed(Duration),
}

impl Toolchains {
    /// `$OFFERD_TOOLCHAINS`, else `offerd/toolchains` in `$XDG_DATA_HOME` or
    /// `~/.local/share`. The folder need not exist.
    pub fn from_environment() -> Result<Self, SetupError> {
        folder(variable).map(Self::at).ok_or(SetupError::NoFolder)
    }

    /// A certain folder. Relative ones are those of the working directory now:
    /// compilers run in other ones.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let root = std::path::absolute(&root).unwrap_or(root);
        let cache = cache(variable).unwrap_or_else(|| root.join("cache"));
        Self { root, cache }
    }

    /// Where a tool keeps what it need not do again.
    pub(crate) fn cache(&self, name: &str) -> PathBuf {
        self.cache.join(name)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Folder of a tool, there or not.
    pub fn folder(&self, tool: Tool) -> PathBuf {
        let pinned = tool.pinned();
        match pinned.source {
            // Other packages than those named in the folder are pinned there too.
            Source::Npm { lock, .. } => {
                let digest = crate::digest::of_bytes(lock.as_bytes());
                let short = digest.get(..8).unwrap_or_default();
                self.root.join(format!("{}-{short}", pinned.name))
            }
            Source::Pip { .. } | Source::Rustup { .. } => self.root.join(pinned.name),
        }
    }

    /// Whether a language can be built without installing anything.
    pub fn has(&self, language: Language) -> bool {
        match language.tool() {
            Tool::Rust => install::has_rust_target(),
            tool => programs::missing(&self.folder(tool), tool).is_none(),
        }
    }

    /// Installs what a language needs and is not there.
    pub fn set_up(&self, language: Language, progress: Progress<'_>) -> Result<SetUp, SetupError> {
        if self.has(language) {
            return Ok(SetUp::There);
        }
        let tool = language.tool();
        fs::create_dir_all(&self.root).map_err(|source| SetupError::File {
            what: "create",
            path: self.root.clone(),
            source,
        })?;
        let lock_file = self.root.join(format!(".{}.lock", tool.name()));
        let _held = lock::take(&lock_file, || {
            progress(&format!(
                "Another process is installing {}; waiting for it ...",
                tool.name()
            ));
        })
        .map_err(|source| SetupError::File {
            what: "lock",
            path: lock_file.clone(),
            source,
        })?;
        if self.has(language) {
            return Ok(SetUp::There);
        }
        let begin = Instant::now();
        self.install(tool, progress)?;
        Ok(SetUp::Installed(begin.elapsed()))
    }
}

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if let Some(folder) = variable("OFFERD_TOOLCHAINS") {
        return Some(folder.into());
    }
    let data = of_user(variable, "XDG_DATA_HOME", ".local/share")?;
    Some(data.join("offerd/toolchains"))
}

fn cache(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let cache = of_user(variable, "XDG_CACHE_HOME", ".cache")?;
    Some(cache.join("offerd/toolchains"))
}

/// By the XDG rules: the folder that a variable names, or one in the home directory;
/// a relative path is ignored.
fn of_user(
    variable: impl Fn(&str) -> Option<OsString>,
    name: &str,
    in_home: &str,
) -> Option<PathBuf> {
    match variable(name).map(PathBuf::from) {
        Some(folder) if folder.is_absolute() => Some(folder),
        _ => Some(PathBuf::from(variable("HOME")?).join(in_home)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Option<String> {
        let folder = folder(|name| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some((*value).into())
        })?;
        Some(folder.to_string_lossy().into_owned())
    }

    #[test]
    fn the_folder_is_where_the_environment_says() {
        let home = ("HOME", "/home/ann");
        assert_eq!(
            found(&[home]).unwrap(),
            "/home/ann/.local/share/offerd/toolchains"
        );
        assert_eq!(
            found(&[home, ("XDG_DATA_HOME", "/data")]).unwrap(),
            "/data/offerd/toolchains"
        );
        assert_eq!(
            found(&[home, ("XDG_DATA_HOME", "data")]).unwrap(),
            "/home/ann/.local/share/offerd/toolchains"
        );
        assert_eq!(found(&[home, ("OFFERD_TOOLCHAINS", "t")]).unwrap(), "t");
        assert_eq!(found(&[]), None);
        let home = |name: &str| (name == "HOME").then(|| "/home/ann".into());
        assert_eq!(
            cache(home),
            Some("/home/ann/.cache/offerd/toolchains".into())
        );
    }
}
