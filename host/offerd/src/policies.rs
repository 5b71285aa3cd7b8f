//! From `[[policy]]` entries to policies that are ready to decide.

mod loader;
mod options;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use offerd_policy::{LoadError, Metrics, PolicyCode, Program, RuntimeError, StartError};
use offerd_record::PolicySetup;

pub(crate) use loader::{Loader, Surroundings};
pub(crate) use options::{Silence, recorded_options};

use crate::config;
use crate::fallback::Fallback;
use crate::kept::{Choice, Origin};
use crate::supervisor::Budget;
use crate::whatif::Subject;

/// A policy with its roles, before it gets its thread.
pub struct Prepared {
    /// From the configuration.
    pub name: String,
    pub roles: Vec<String>,
    pub code: Box<dyn PolicyCode>,
    pub about: About,
    /// Its own counters and gauges, if it has some.
    pub metrics: Option<Arc<Metrics>>,
    /// The file's content.
    pub component: Arc<Vec<u8>>,
    pub has_state: bool,
    pub budget: Budget,
    pub fallback: Fallback,
    /// The configured file, if its changes are looked for.
    pub watched: Option<PathBuf>,
    /// To start it once more, for experiments.
    pub(crate) subject: Option<Subject>,
    /// How it is started, for recordings.
    pub setup: Option<PolicySetup>,
    /// What a restart will know, and what decided before, ready to go on.
    pub(crate) choice: Choice,
    pub(crate) previous: Option<Box<Prepared>>,
    /// Its code is still being made ready: it holds the place.
    pub(crate) is_absent: bool,
    /// The configured file is another one, which takes longer to be made ready.
    pub(crate) is_outdated: bool,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("name", &self.name)
            .field("roles", &self.roles)
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

impl Prepared {
    /// A policy that is not WebAssembly: for measurements and tests.
    pub fn native(name: &str, roles: Vec<String>, code: Box<dyn PolicyCode>) -> Self {
        Self {
            name: name.to_owned(),
            roles,
            code,
            about: About {
                file: "(built in)".to_owned(),
                digest: "none".to_owned(),
                version: String::new(),
                summary: String::new(),
            },
            metrics: None,
            component: Arc::default(),
            has_state: false,
            budget: Budget::default(),
            fallback: Fallback::default(),
            watched: None,
            subject: None,
            setup: None,
            choice: Choice::default(),
            previous: None,
            is_absent: false,
            is_outdated: false,
        }
    }

    /// Stands where a policy will.
    pub(crate) fn absent(policy: &config::Policy) -> Self {
        Self {
            about: About {
                file: policy.file.display().to_string(),
                digest: "none".to_owned(),
                version: String::new(),
                summary: "Its code is being made ready.".to_owned(),
            },
            budget: policy.budget,
            fallback: policy.fallback,
            watched: policy.watch.then(|| policy.file.clone()),
            is_absent: true,
            ..Self::native(
                &policy.name,
                policy.roles.clone(),
                Box::new(policy.fallback),
            )
        }
    }

    /// What a roll-back would go to and is not ready yet.
    pub(crate) fn lacks_way_back(&self) -> Option<Origin> {
        let origin = self.choice.previous.clone();
        origin.filter(|_| self.previous.is_none())
    }
}

/// What lists tell about a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub file: String,
    /// SHA-256 of the file in hex.
    pub digest: String,
    /// As the policy says.
    pub version: String,
    pub summary: String,
}

impl About {
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            digest: self.digest.clone(),
            file: PathBuf::from(&self.file),
        }
    }

    /// "0.2.0 (57f60bbe1fa7)".
    pub(crate) fn short(&self) -> String {
        let digest: String = self.digest.chars().take(12).collect();
        if self.version.is_empty() {
            digest
        } else {
            format!("{} ({digest})", self.version)
        }
    }
}

/// One `[[policy]]` that cannot be put to work.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error("[[policy]] {name}: the file {} cannot be used", file.display())]
    Load {
        name: String,
        file: PathBuf,
        #[source]
        source: LoadError,
    },
    #[error("[[policy]] {name}: the policy does not start")]
    Start {
        name: String,
        #[source]
        source: StartError,
    },
    #[error("[[policy]] {name}: {} decided last, and its copy is lost: {why}", file.display())]
    Kept {
        name: String,
        file: PathBuf,
        why: String,
    },
    #[error("there is no such policy in the configuration")]
    Unknown,
}

/// Why no policy can be put to work, or which ones cannot.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error("policies cannot be run here")]
    Runtime(#[from] RuntimeError),
    #[error("{}", list(.0))]
    Policies(Vec<PolicyError>),
}

fn list(errors: &[PolicyError]) -> String {
    let lines: Vec<String> = errors.iter().map(|e| crate::report::chain(e)).collect();
    lines.join("\n")
}

/// A file that was read. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    pub(crate) file: PathBuf,
    pub(crate) digest: String,
    pub(crate) bytes: Arc<Vec<u8>>,
}

impl Component {
    pub(crate) fn read(policy: &str, file: &Path) -> Result<Self, PolicyError> {
        let bytes = std::fs::read(file).map_err(|source| PolicyError::Load {
            name: policy.to_owned(),
            file: file.to_owned(),
            source: LoadError::Read {
                path: file.to_owned(),
                source,
            },
        })?;
        Ok(Self {
            file: file.to_owned(),
            digest: offerd_policy::digest(&bytes),
            bytes: Arc::new(bytes),
        })
    }

    /// Compares it with the contract, which is quick.
    fn check(&self, policy: &str) -> Result<(), PolicyError> {
        let name = self.file.display().to_string();
        Program::check_contract(&name, &self.bytes).map_err(|source| PolicyError::Load {
            name: policy.to_owned(),
            file: self.file.clone(),
            source,
        })
    }
}
