//! From `[[policy]]` entries to policies that are ready to decide.

use std::path::PathBuf;
use std::sync::Arc;

use offerd_core::Instant;
use offerd_core::ids::{FrameworkId, Role};
use offerd_core::policy::Codec;
use offerd_policy::{
    Compiler, Description, Framework, Limits, LoadError, Metrics, Options, Policy, PolicyCode,
    Program, RoundLimits, Runtime, RuntimeError, StartError,
};

use crate::config::{self, Config};

/// A policy with its roles, before it gets its thread.
pub struct Prepared {
    /// From the configuration.
    pub name: String,
    pub roles: Vec<String>,
    pub code: Box<dyn PolicyCode>,
    pub about: About,
    /// Its own counters and gauges, if it has some.
    pub metrics: Option<Arc<Metrics>>,
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
        }
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

/// What policies are told about the framework when they start.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) framework_id: Option<FrameworkId>,
    /// All roles of the framework, in the machine's order.
    pub(crate) roles: Vec<Role>,
    pub(crate) seed: u64,
    pub(crate) now: Instant,
    pub(crate) codec: Arc<dyn Codec>,
    pub(crate) rounds: RoundLimits,
}

/// Loads, compiles and starts all policies of a configuration, and reports all
/// that fail. Blocks for as long as compiling takes.
pub(crate) fn prepare(
    config: &Config,
    compiler: Option<Compiler>,
    around: &Surroundings,
) -> Result<Vec<Prepared>, PrepareError> {
    let runtime = Runtime::with_compiler(config.compiled_dir().as_deref(), compiler)?;
    let mut prepared = Vec::new();
    let mut failed = Vec::new();
    for (position, policy) in config.policies.iter().enumerate() {
        match prepare_one(&runtime, config, policy, position, around) {
            Ok(policy) => prepared.push(policy),
            Err(error) => failed.push(error),
        }
    }
    if failed.is_empty() {
        Ok(prepared)
    } else {
        Err(PrepareError::Policies(failed))
    }
}

fn prepare_one(
    runtime: &Runtime,
    config: &Config,
    policy: &config::Policy,
    position: usize,
    around: &Surroundings,
) -> Result<Prepared, PolicyError> {
    let program = runtime
        .load(&policy.file)
        .map_err(|source| PolicyError::Load {
            name: policy.name.clone(),
            file: policy.file.clone(),
            source,
        })?;
    let options = options(&program, config, policy, position, around);
    let started = Policy::start(&program, options).map_err(|source| PolicyError::Start {
        name: policy.name.clone(),
        source,
    })?;
    let Description {
        name,
        version,
        summary,
    } = started.description().clone();
    tracing::info!(
        policy = policy.name,
        digest = program.digest(),
        "policy {} is {name} {version} from {}, for {}",
        policy.name,
        policy.file.display(),
        policy.roles.join(", "),
    );
    Ok(Prepared {
        name: policy.name.clone(),
        roles: policy.roles.clone(),
        about: About {
            file: policy.file.display().to_string(),
            digest: program.digest().to_owned(),
            version,
            summary,
        },
        metrics: Some(started.metrics()),
        code: Box::new(started),
    })
}

fn options(
    program: &Program,
    config: &Config,
    policy: &config::Policy,
    position: usize,
    around: &Surroundings,
) -> Options {
    Options {
        config: policy.config.clone(),
        roles: around.roles.clone(),
        framework: Framework {
            id: around.framework_id.as_ref().map(ToString::to_string),
            name: config.framework.name.clone(),
            user: config.framework.user.clone(),
        },
        limits: Limits {
            deadline: config.limits.call_deadline,
            memory: usize::try_from(config.limits.memory).unwrap_or(usize::MAX),
            ..Limits::default()
        },
        rounds: around.rounds.clone(),
        seed: around
            .seed
            .wrapping_add(u64::try_from(position).unwrap_or_default()),
        now: around.now,
        codec: Some(Arc::clone(&around.codec)),
        ..Options::new(&policy.name, program)
    }
}
