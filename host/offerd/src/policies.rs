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

use offerd_record::{Code, Folder, PolicySetup, State};

use crate::config::{self, Config};
use crate::fallback::Fallback;
use crate::kept::{self, Choice, Kept, Origin};
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
        kept: Kept,
    ) -> Result<Self, RuntimeError> {
        let runtime = Runtime::with_compiler(config.compiled_dir().as_deref(), compiler)?;
        Ok(Self(Arc::new(Inner {
            runtime,
            config: config.clone(),
            around,
            kept,
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

    /// What decides when the service starts, with what was saved before: what decided
    /// when it ended, or the configured file if that is another one than the one that
    /// was looked at last. Should that not work, the other of them.
    pub(crate) fn first(&self, policy: &config::Policy) -> Result<Prepared, PolicyError> {
        let choice = self.0.kept.choice(&policy.name);
        let configured = Component::read(&policy.name, &policy.file);
        let digest = configured.as_ref().ok().map(|file| file.digest.clone());
        let kept = choice.as_ref().filter(|choice| {
            // A copy of the configured file is of no use, if that can be read.
            Some(&choice.active.digest) != digest.as_ref()
        });
        let kept = kept.map(|choice| self.kept_component(&policy.name, &choice.active));
        let holds = match (&choice, &digest) {
            (Some(choice), Some(digest)) => choice.configured == *digest,
            (choice, None) => choice.is_some(),
            (None, _) => false,
        };
        let mut sources = [Some(configured), kept];
        if holds {
            sources.reverse();
        }
        let mut failed = Vec::new();
        for component in sources.into_iter().flatten() {
            match component.and_then(|component| self.with_saved_state(policy, &component)) {
                Ok(prepared) => {
                    for error in &failed {
                        let error: &PolicyError = error;
                        tracing::error!(
                            policy = policy.name,
                            "{} decides: {}",
                            prepared.about.file,
                            crate::report::chain(error)
                        );
                    }
                    return Ok(self.remember(policy, prepared, digest, choice));
                }
                Err(error) => failed.push(error),
            }
        }
        Err(failed.into_iter().next().unwrap_or(PolicyError::Unknown))
    }

    /// State that it cannot use is no reason not to start.
    fn with_saved_state(
        &self,
        policy: &config::Policy,
        component: &Component,
    ) -> Result<Prepared, PolicyError> {
        let state = self.0.kept.state(&policy.name);
        let had_state = state.is_some();
        match self.start(policy, component, state) {
            Err(PolicyError::Start {
                name,
                source:
                    source @ (StartError::Restore { .. }
                    | StartError::Stopped { .. }
                    | StartError::Late { .. }),
            }) if had_state => {
                tracing::warn!("policy {name} starts without its saved state: {source}");
                self.start(policy, component, None)
            }
            other => other,
        }
    }

    /// Makes what was started last over a restart, and finds the way back.
    fn remember(
        &self,
        policy: &config::Policy,
        prepared: Prepared,
        configured: Option<String>,
        choice: Option<Choice>,
    ) -> Prepared {
        let active = prepared.about.origin();
        let choice = choice.unwrap_or_default();
        let before = if choice.active.digest == active.digest {
            choice.previous
        } else {
            Some(choice.active).filter(|origin| !origin.digest.is_empty())
        };
        let previous = before.and_then(|origin| {
            let component = self.kept_component(&policy.name, &origin);
            let started = component.and_then(|component| self.start(policy, &component, None));
            started
                .inspect_err(|error| {
                    let why = crate::report::chain(error);
                    tracing::warn!(policy = policy.name, "there is no way back: {why}");
                })
                .ok()
        });
        let choice = Choice {
            configured: configured.unwrap_or(choice.configured),
            active,
            previous: previous.as_ref().map(|previous| previous.about.origin()),
        };
        let kept = &self.0.kept;
        if let Err(error) = kept.choose(&policy.name, &choice, Some(&prepared.component)) {
            tracing::error!(
                policy = policy.name,
                "a restart will not remember what decides: {error}"
            );
        }
        Prepared {
            choice,
            previous: previous.map(Box::new),
            ..prepared
        }
    }

    fn kept_component(&self, policy: &str, origin: &Origin) -> Result<Component, PolicyError> {
        let bytes = self.0.kept.component(&origin.digest);
        let bytes = bytes.map_err(|why| PolicyError::Kept {
            name: policy.to_owned(),
            file: origin.file.clone(),
            why,
        })?;
        Ok(Component {
            file: origin.file.clone(),
            digest: origin.digest.clone(),
            bytes: Arc::new(bytes),
        })
    }

    /// Other code for a policy, ready to take over. `state`: what a candidate begins
    /// with that does not take over.
    pub(crate) fn other(
        &self,
        name: &str,
        component: &Component,
        state: Option<Snapshot>,
    ) -> Result<Prepared, PolicyError> {
        self.start(self.policy(name)?, component, state)
    }

    /// A file for a candidate beside a policy, which begins with its state.
    pub(crate) fn candidate(
        &self,
        name: &str,
        file: &Path,
        state: Option<Snapshot>,
    ) -> Result<(Prepared, Component), PolicyError> {
        let component = Component::read(name, file)?;
        let prepared = self.other(name, &component, state)?;
        Ok((prepared, component))
    }

    /// The file that the configuration names for a policy.
    pub(crate) fn configured_file(&self, name: &str) -> Option<&Path> {
        Some(&self.policy(name).ok()?.file)
    }

    fn policy(&self, name: &str) -> Result<&config::Policy, PolicyError> {
        let policies = &self.0.config.policies;
        let found = policies.iter().find(|policy| policy.name == name);
        found.ok_or(PolicyError::Unknown)
    }

    fn start(
        &self,
        policy: &config::Policy,
        component: &Component,
        state: Option<Snapshot>,
    ) -> Result<Prepared, PolicyError> {
        let Component { file, bytes, .. } = component;
        let name = file.display().to_string();
        let program =
            self.0
                .runtime
                .load_bytes(&name, bytes)
                .map_err(|source| PolicyError::Load {
                    name: policy.name.clone(),
                    file: file.clone(),
                    source,
                })?;
        let options = Options {
            state,
            ..options(&program, &self.0.config, policy, &self.0.around)
        };
        if let Some(folder) = &self.0.config.record.folder
            && let Err(error) = Folder::new(folder).keep_component(program.digest(), bytes)
        {
            tracing::warn!("{name} can't be kept beside the recordings: {error}");
        }
        let setup = setup(&options, program.digest());
        let subject = Subject {
            program: program.clone(),
            options: Options {
                log: Arc::new(Silence::like(&*options.log)),
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
            component: Arc::clone(bytes),
            has_state: program.has_state(),
            metrics: Some(started.metrics()),
            budget: policy.budget,
            fallback: policy.fallback,
            watched: policy.watch.then(|| policy.file.clone()),
            subject: Some(subject),
            setup: Some(setup),
            choice: Choice::default(),
            previous: None,
            code: Box::new(started),
        })
    }
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
            digest: kept::digest(&bytes),
            bytes: Arc::new(bytes),
        })
    }
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
            deadline: policy.limits.call_deadline,
            memory: usize::try_from(policy.limits.memory).unwrap_or(usize::MAX),
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

/// Lines of policies in experiments and replays are nobody's concern. What asks
/// whether they are kept is told so for these levels, from the lowest.
#[derive(Debug)]
pub(crate) struct Silence([bool; LogLevel::ALL.len()]);

impl Silence {
    /// Tells the same as another log.
    pub(crate) fn like(other: &dyn LogSink) -> Self {
        Self(LogLevel::ALL.map(|level| other.enabled(level)))
    }
}

impl Default for Silence {
    /// As a host tells that was not told otherwise.
    fn default() -> Self {
        Self(LogLevel::ALL.map(|level| level >= LogLevel::Info))
    }
}

impl LogSink for Silence {
    fn enabled(&self, level: LogLevel) -> bool {
        let mut levels = LogLevel::ALL.iter().zip(self.0);
        levels.any(|(known, kept)| *known == level && kept)
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
        log_levels: Silence::like(&*options.log).0,
        seed: options.seed,
        now: options.now,
        redacted: false,
        code: Code {
            digest: digest.to_owned(),
            fallback: None,
            instance: options.instance,
            state: options.state.as_ref().map(|state| State {
                version: state.version,
                data: state.data.clone(),
            }),
        },
    }
}

/// How many times as long calls may take in a replay: the machine may be slower.
const REPLAY_PATIENCE: u32 = 100;

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
            patience: REPLAY_PATIENCE,
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
        log: Arc::new(Silence(setup.log_levels)),
        ..Options::new(&setup.name, program)
    }
}
