//! From `[[policy]]` entries to policies that are ready to decide.

use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use offerd_core::Instant;
use offerd_core::ids::{FrameworkId, Role};
use offerd_core::policy::Codec;
use offerd_policy::{
    Compiler, Description, Framework, Limits, LoadError, LogLevel, LogSink, Metrics, Options,
    Policy, PolicyCode, Program, RoundLimits, Runtime, RuntimeError, Snapshot, StartError,
};

use offerd_record::{Code, Folder, PolicySetup};

use crate::config::{self, Config};
use crate::fallback::Fallback;
use crate::kept::{self, Kept};
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
    /// Digest of the file that the configuration names.
    pub configured: String,
    /// The file's content.
    pub component: Vec<u8>,
    pub has_state: bool,
    pub budget: Budget,
    pub fallback: Fallback,
    /// The configured file, if its changes are looked for.
    pub watched: Option<PathBuf>,
    /// To start it once more, for experiments.
    pub(crate) subject: Option<Subject>,
    /// How it is started, for recordings.
    pub setup: Option<PolicySetup>,
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
            configured: String::new(),
            component: Vec::new(),
            has_state: false,
            budget: Budget::default(),
            fallback: Fallback::default(),
            watched: None,
            subject: None,
            setup: None,
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

impl About {
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

/// Gets policies ready. Cheap to clone; its methods block for as long as
/// compiling takes.
#[derive(Debug, Clone)]
pub(crate) struct Loader(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    runtime: Runtime,
    config: Config,
    around: Surroundings,
    kept: Kept,
}

impl Loader {
    pub(crate) fn new(
        config: &Config,
        compiler: Option<Compiler>,
        around: Surroundings,
    ) -> Result<Self, RuntimeError> {
        let runtime = Runtime::with_compiler(config.compiled_dir().as_deref(), compiler)?;
        Ok(Self(Arc::new(Inner {
            runtime,
            config: config.clone(),
            around,
            kept: Kept::new(config.policies_dir()),
        })))
    }

    pub(crate) fn kept(&self) -> &Kept {
        &self.0.kept
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    /// The same with another configuration; `roles` are all of the framework by
    /// handle.
    pub(crate) fn with(&self, config: Config, roles: Vec<Role>) -> Self {
        Self(Arc::new(Inner {
            runtime: self.0.runtime.clone(),
            config,
            around: Surroundings {
                roles,
                ..self.0.around.clone()
            },
            kept: self.0.kept.clone(),
        }))
    }

    /// All policies of the configuration, or all that fail.
    pub(crate) fn all(&self) -> Result<Vec<Prepared>, PrepareError> {
        let mut prepared = Vec::new();
        let mut failed = Vec::new();
        for policy in &self.0.config.policies {
            match self.first(policy) {
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

    /// What decides when the service starts: the configured file, or what took
    /// over from it in an earlier run, with what was saved then.
    pub(crate) fn first(&self, policy: &config::Policy) -> Result<Prepared, PolicyError> {
        let configured = read(policy, &policy.file)?;
        let digest = kept::digest(&configured);
        let choice = self.0.kept.choice(&policy.name, &digest);
        let chosen = choice.filter(|choice| choice.active != digest);
        let chosen = chosen.and_then(|choice| {
            let path = self.0.kept.component(&choice.active)?;
            let bytes = std::fs::read(&path)
                .inspect_err(|error| {
                    tracing::warn!(
                        "policy {}: {} took over from the configured file, and its copy {} \
                         cannot be read ({error}); the configured file decides again",
                        policy.name,
                        choice.file,
                        path.display()
                    );
                })
                .ok()?;
            Some((choice, bytes))
        });
        let (file, bytes) = match chosen {
            Some((choice, bytes)) => (PathBuf::from(choice.file), bytes),
            None => (policy.file.clone(), configured),
        };
        let state = self.0.kept.state(&policy.name);
        let started = self.start(policy, &file, bytes, state);
        let mut prepared = match started {
            Err(PolicyError::Start {
                name,
                source: source @ StartError::Restore { .. },
            }) => {
                tracing::warn!("policy {name} starts without its saved state: {source}");
                let bytes = read(policy, &file).or_else(|_| read(policy, &policy.file))?;
                self.start(policy, &file, bytes, None)?
            }
            other => other?,
        };
        prepared.configured = digest;
        Ok(prepared)
    }

    /// Another file for a policy, ready to take over.
    pub(crate) fn other(&self, name: &str, file: &Path) -> Result<Prepared, PolicyError> {
        let bytes = read(self.policy(name)?, file)?;
        self.component(name, file, bytes)
    }

    /// The same with a component that was read before.
    pub(crate) fn component(
        &self,
        name: &str,
        file: &Path,
        bytes: Vec<u8>,
    ) -> Result<Prepared, PolicyError> {
        let policy = self.policy(name)?;
        let mut prepared = self.start(policy, file, bytes, None)?;
        prepared.configured = std::fs::read(&policy.file)
            .map(|bytes| kept::digest(&bytes))
            .unwrap_or_default();
        Ok(prepared)
    }

    fn policy(&self, name: &str) -> Result<&config::Policy, PolicyError> {
        let policies = &self.0.config.policies;
        let found = policies.iter().find(|policy| policy.name == name);
        found.ok_or(PolicyError::Unknown)
    }

    fn start(
        &self,
        policy: &config::Policy,
        file: &Path,
        bytes: Vec<u8>,
        state: Option<Snapshot>,
    ) -> Result<Prepared, PolicyError> {
        let name = file.display().to_string();
        let program =
            self.0
                .runtime
                .load_bytes(&name, &bytes)
                .map_err(|source| PolicyError::Load {
                    name: policy.name.clone(),
                    file: file.to_owned(),
                    source,
                })?;
        let options = Options {
            state,
            ..options(&program, &self.0.config, policy, &self.0.around)
        };
        if let Some(folder) = &self.0.config.record.folder
            && let Err(error) = Folder::new(folder).keep_component(program.digest(), &bytes)
        {
            tracing::warn!("{name} can't be kept beside the recordings: {error}");
        }
        let setup = setup(&options, program.digest());
        let subject = Subject {
            program: program.clone(),
            options: Options {
                log: Arc::new(Silence),
                ..options.clone()
            },
        };
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
            file.display(),
            policy.roles.join(", "),
        );
        Ok(Prepared {
            name: policy.name.clone(),
            roles: policy.roles.clone(),
            about: About {
                file: file.display().to_string(),
                digest: program.digest().to_owned(),
                version,
                summary,
            },
            configured: program.digest().to_owned(),
            component: bytes,
            has_state: program.has_state(),
            metrics: Some(started.metrics()),
            budget: policy.budget,
            fallback: policy.fallback,
            watched: policy.watch.then(|| policy.file.clone()),
            subject: Some(subject),
            setup: Some(setup),
            code: Box::new(started),
        })
    }
}

fn read(policy: &config::Policy, file: &Path) -> Result<Vec<u8>, PolicyError> {
    std::fs::read(file).map_err(|source| PolicyError::Load {
        name: policy.name.clone(),
        file: file.to_owned(),
        source: LoadError::Read {
            path: file.to_owned(),
            source,
        },
    })
}

fn options(
    program: &Program,
    config: &Config,
    policy: &config::Policy,
    around: &Surroundings,
) -> Options {
    let mut digest = std::hash::DefaultHasher::new();
    policy.name.hash(&mut digest);
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
        // Each policy has numbers of its own.
        seed: around.seed ^ digest.finish(),
        now: around.now,
        codec: Some(Arc::clone(&around.codec)),
        ..Options::new(&policy.name, program)
    }
}

/// Lines of policies in experiments and replays are nobody's concern.
#[derive(Debug)]
pub(crate) struct Silence;

impl LogSink for Silence {
    fn enabled(&self, level: LogLevel) -> bool {
        level >= LogLevel::Info
    }
    fn line(&self, _: LogLevel, _: &str) {}
    fn dropped(&self, _: u32) {}
}

/// For a recording: what it takes to start a policy in the same way.
fn setup(options: &Options, digest: &str) -> PolicySetup {
    PolicySetup {
        name: options.name.clone(),
        config: options.config.clone(),
        roles: options.roles.clone(),
        framework_id: options.framework.id.clone(),
        framework: options.framework.name.clone(),
        user: options.framework.user.clone(),
        deadline: options.limits.deadline,
        memory: u64::try_from(options.limits.memory).unwrap_or(u64::MAX),
        offer_lease: options.rounds.offer_lease,
        offers_per_round: options.rounds.offers,
        waiting_per_round: options.rounds.waiting,
        seed: options.seed,
        now: options.now,
        code: Code {
            digest: digest.to_owned(),
            fallback: None,
            instance: options.instance,
            state: None,
        },
    }
}

/// The options that a recording tells of.
pub(crate) fn recorded_options(setup: &PolicySetup, code: &Code, program: &Program) -> Options {
    Options {
        config: setup.config.clone(),
        roles: setup.roles.clone(),
        framework: Framework {
            id: setup.framework_id.clone(),
            name: setup.framework.clone(),
            user: setup.user.clone(),
        },
        limits: Limits {
            deadline: setup.deadline,
            memory: usize::try_from(setup.memory).unwrap_or(usize::MAX),
            ..Limits::default()
        },
        rounds: RoundLimits {
            offer_lease: setup.offer_lease,
            offers: setup.offers_per_round,
            waiting: setup.waiting_per_round,
        },
        seed: setup.seed,
        instance: code.instance,
        now: setup.now,
        state: code.state.as_ref().map(|state| Snapshot {
            version: state.version,
            data: state.data.clone(),
        }),
        ..Options::new(&setup.name, program)
    }
}
