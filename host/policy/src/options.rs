//! What a policy is started with, and what can go wrong then.

use std::sync::Arc;
use std::time::Duration;

use offerd_core::Instant;
use offerd_core::ids::Role;
use offerd_core::policy::Codec;

use crate::limits::Limits;
use crate::log::{HostLog, LogSink};
use crate::program::Program;

/// Everything that an instance is made with.
#[derive(Clone)]
pub struct Options {
    /// The policy's name in the host's configuration.
    pub name: String,
    /// Its `config` table as JSON.
    pub config: String,
    /// Its roles; a role's handle is its position here.
    pub roles: Vec<Role>,
    pub framework: Framework,
    pub limits: Limits,
    pub rounds: RoundLimits,
    /// Of the policy's random numbers. To be recorded by whoever wants to replay.
    pub seed: u64,
    /// Number of the first instance; later ones count on from it.
    pub instance: u64,
    /// The clock that `configure` sees; later ones come with the rounds.
    pub now: Instant,
    /// State to begin with, saved by an earlier instance.
    pub state: Option<Snapshot>,
    /// For `cluster.get-offer-json`, which gives `none` without it.
    pub codec: Option<Arc<dyn Codec>>,
    pub log: Arc<dyn LogSink>,
}

/// What `cluster.get-framework` tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Framework {
    pub id: Option<String>,
    pub name: String,
    pub user: String,
}

/// The machine's bounds on rounds, shown to the policy (`cluster.get-limits`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundLimits {
    pub offer_lease: Duration,
    pub offers: u32,
    pub waiting: u32,
}

impl Default for RoundLimits {
    fn default() -> Self {
        Self {
            offer_lease: Duration::from_secs(30),
            offers: 10_000,
            waiting: 10_000,
        }
    }
}

impl Options {
    /// Defaults for a policy of this name; its lines go to the host's log.
    pub fn new(name: impl Into<String>, program: &Program) -> Self {
        Self::with_digest(name, program.digest())
    }

    /// The same before there is a program.
    pub fn with_digest(name: impl Into<String>, digest: &str) -> Self {
        let name = name.into();
        Self {
            log: Arc::new(HostLog {
                policy: name.clone(),
                digest: digest.to_owned(),
            }),
            name,
            config: "{}".to_owned(),
            roles: Vec::new(),
            framework: Framework::default(),
            limits: Limits::default(),
            rounds: RoundLimits::default(),
            seed: 0,
            instance: 0,
            now: Instant::default(),
            state: None,
            codec: None,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("name", &self.name)
            .field("config", &self.config)
            .field("roles", &self.roles)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// What `describe` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub name: String,
    pub version: String,
    pub summary: String,
}

/// State that outlives an instance (`state` of the contract).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The policy's own version of its layout.
    pub version: u32,
    /// At most 16 MiB.
    pub data: Vec<u8>,
}

/// Why a policy could not be put to work.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It said no to its configuration; the text is its own.
    #[error("policy {policy} refuses its configuration: {text}")]
    Configure { policy: String, text: String },
    /// It cannot use the state that an earlier instance saved.
    #[error(
        "policy {policy} cannot use the state that was saved for it (layout {version}, {bytes} \
         bytes): {text}"
    )]
    Restore {
        policy: String,
        version: u32,
        bytes: usize,
        text: String,
    },
    /// It trapped or overran a limit other than time.
    #[error("policy {policy} was stopped while it started: {text}")]
    Stopped { policy: String, text: String },
    /// It overran `limits.startup`.
    #[error("policy {policy} was stopped while it started: {text}")]
    Late { policy: String, text: String },
    /// The host could not make the instance.
    #[error("policy {policy} could not be started: {text}")]
    Host { policy: String, text: String },
}
