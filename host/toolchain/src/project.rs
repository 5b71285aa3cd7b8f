//! Policy projects: a folder with `policy.toml`.

mod manifest;

use std::io;
use std::path::{Path, PathBuf};

pub use manifest::{Mistake, Mistakes};

use crate::language::Language;

/// The file that makes a folder a policy project.
pub const MANIFEST: &str = "policy.toml";

/// A policy project: what its `policy.toml` says, with paths made whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The folder that holds `policy.toml`, absolute.
    pub folder: PathBuf,
    /// Also the component's: `NAME.wasm`.
    pub name: String,
    pub language: Language,
    /// Whether it implements the world `stateful-policy`.
    pub state: bool,
    /// Folder of the language's SDK.
    pub sdk: PathBuf,
    /// Folder of the contract, `*.wit`: in the SDK, or beside all SDKs.
    pub wit: PathBuf,
}

/// Why a folder is not a usable project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    #[error(
        "{} does not exist; a policy project is a folder with that file: make one with \
         `offerd policy new --lang LANG NAME`",
        path.display()
    )]
    NoManifest { path: PathBuf },
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Everything that is wrong with the file, one mistake a line.
    #[error(transparent)]
    Mistakes(Mistakes),
}

impl Project {
    /// Reads the project in a folder.
    pub fn open(folder: &Path) -> Result<Self, ProjectError> {
        let read = |path: &Path| {
            let path = path.to_owned();
            move |source| ProjectError::Read { path, source }
        };
        let shown = folder.join(MANIFEST);
        let text = match std::fs::read_to_string(&shown) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ProjectError::NoManifest { path: shown });
            }
            Err(source) => return Err(read(&shown)(source)),
        };
        let whole = folder.canonicalize().map_err(read(folder))?;
        manifest::read(&shown.to_string_lossy(), &whole, &text).map_err(ProjectError::Mistakes)
    }

    /// The world that it implements.
    pub const fn world(&self) -> &'static str {
        if self.state {
            "stateful-policy"
        } else {
            "policy"
        }
    }

    /// Where the component is put if nothing else is said.
    pub fn output(&self) -> PathBuf {
        self.folder.join(format!("{}.wasm", self.name))
    }
}

/// Whether a text can name a policy: letters, digits and hyphens, a letter
/// first. The error says what would be right.
pub fn check_name(name: &str) -> Result<(), String> {
    const LONGEST: usize = 63;
    let right = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && name.len() <= LONGEST;
    if right {
        return Ok(());
    }
    Err(format!(
        "'{name}' cannot name a policy; must be lower-case letters (a-z), digits and hyphens, a \
         letter first, at most {LONGEST}, such as \"night-batch\""
    ))
}

/// The contract that belongs to an SDK's folder.
fn wit_of(sdk: &Path) -> Option<PathBuf> {
    [sdk.join("wit"), sdk.join("../../wit")]
        .into_iter()
        .find(|folder| folder.join("policy.wit").is_file())
}
