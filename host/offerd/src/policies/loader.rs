//! Gets policies ready: what decides when the service starts, and other code while it
//! runs.

use std::path::Path;
use std::sync::Arc;

use offerd_core::Instant;
use offerd_core::ids::{FrameworkId, Role};
use offerd_core::machine::view::PolicyNumbers;
use offerd_core::policy::Codec;
use offerd_policy::{
    Compiler, Description, Options, Policy, RoundLimits, Runtime, RuntimeError, Snapshot,
    StartError,
};
use offerd_record::Folder;

use super::options::{Silence, options, setup, setup_of_host};
use super::{About, Component, PolicyError, PrepareError, Prepared};
use crate::config::{self, Config};
use crate::kept::{Choice, Kept, Origin};
use crate::whatif::Subject;

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

/// Code of so many bytes is compiled within a second or so.
const SOON_COMPILED: usize = 1 << 20;

/// Whether the start of the service may wait for a compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    Short,
    Long,
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

    /// All policies of the configuration as far as that is quick, or all that fail.
    /// For the others there is [`Self::first`] and [`Self::way_back`].
    pub(crate) fn quick(&self) -> Result<Vec<Prepared>, PrepareError> {
        let mut prepared = Vec::new();
        let mut failed = Vec::new();
        for policy in &self.0.config.policies {
            match self.begin(policy, Patience::Short) {
                Ok(Some(policy)) => prepared.push(policy),
                Ok(None) => prepared.push(self.absent(policy)),
                Err(error) => failed.push(error),
            }
        }
        if failed.is_empty() {
            Ok(prepared)
        } else {
            Err(PrepareError::Policies(failed))
        }
    }

    /// Stands where a policy will.
    fn absent(&self, policy: &config::Policy) -> Prepared {
        let options = options("none", &self.0.config, policy, &self.0.around);
        Prepared {
            setup: Some(setup_of_host(&options, policy.fallback)),
            ..Prepared::absent(policy)
        }
    }

    /// What decides when the service starts. Its way back is left out if that takes
    /// long.
    pub(crate) fn first(&self, name: &str) -> Result<Prepared, PolicyError> {
        let begun = self.begin(self.policy(name)?, Patience::Long)?;
        begun.ok_or(PolicyError::Unknown)
    }

    /// A policy that is new to the service, with its way back.
    pub(crate) fn fresh(&self, name: &str) -> Result<Prepared, PolicyError> {
        let mut prepared = self.first(name)?;
        if let Some(origin) = prepared.lacks_way_back() {
            prepared.previous = self.way_back(name, &origin).map(Box::new);
            prepared.choice.previous = prepared.previous.as_ref().map(|_| origin);
        }
        Ok(prepared)
    }

    /// What decides when the service starts, with what was saved before: what decided
    /// when it ended, or the configured file if that is another one than the one that
    /// was looked at last. Should that not work, or not yet, the other of them. `None`:
    /// that takes more patience.
    fn begin(
        &self,
        policy: &config::Policy,
        patience: Patience,
    ) -> Result<Option<Prepared>, PolicyError> {
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
        let mut later = false;
        for component in sources.into_iter().flatten() {
            let started = component.and_then(|component| match patience {
                Patience::Short if self.takes_long(&component) => {
                    component.check(&policy.name)?;
                    Ok(None)
                }
                _ => self.with_saved_state(policy, &component).map(Some),
            });
            match started {
                // What was swapped or rolled back is not run for want of something better.
                Ok(None) if holds => return Ok(None),
                Ok(None) => later = true,
                Ok(Some(prepared)) => {
                    for error in &failed {
                        let error: &PolicyError = error;
                        tracing::error!(
                            policy = policy.name,
                            "{} decides: {}",
                            prepared.about.file,
                            crate::report::chain(error)
                        );
                    }
                    let seen = digest.filter(|_| !later);
                    let prepared = self.remember(policy, prepared, seen, choice);
                    return Ok(Some(Prepared {
                        is_outdated: later,
                        ..prepared
                    }));
                }
                Err(error) => failed.push(error),
            }
        }
        if later {
            return Ok(None);
        }
        Err(failed.into_iter().next().unwrap_or(PolicyError::Unknown))
    }

    /// Whether starting code means to compile much.
    fn takes_long(&self, component: &Component) -> bool {
        component.bytes.len() > SOON_COMPILED && !self.0.runtime.has_compiled(&component.digest)
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

    /// Makes what was started last over a restart, and finds the way back if that is
    /// quick.
    fn remember(
        &self,
        policy: &config::Policy,
        prepared: Prepared,
        configured: Option<String>,
        choice: Option<Choice>,
    ) -> Prepared {
        let active = prepared.about.origin();
        let choice = choice.unwrap_or_default();
        let (before, trial) = if choice.active.digest == active.digest {
            (choice.previous, choice.trial)
        } else {
            let decided = Some(choice.active).filter(|origin| !origin.digest.is_empty());
            let trial = decided.as_ref().map(|_| PolicyNumbers::default());
            (decided, trial)
        };
        let later = before.as_ref().is_some_and(|origin| {
            // To read it for nothing takes time, too.
            let component = (!self.0.runtime.has_compiled(&origin.digest))
                .then(|| self.kept_component(&policy.name, origin));
            component.is_some_and(|read| read.is_ok_and(|component| self.takes_long(&component)))
        });
        let previous = match &before {
            Some(origin) if !later => self.way_back(&policy.name, origin),
            _ => None,
        };
        let choice = Choice {
            configured: configured.unwrap_or(choice.configured),
            active,
            previous: before.filter(|_| later || previous.is_some()),
            trial,
        };
        let (name, chosen) = (policy.name.clone(), choice.clone());
        let component = Arc::clone(&prepared.component);
        // Beside the start, and not after the service was ended in a hurry.
        self.0.kept.later(move |kept| {
            if let Err(error) = kept.choose(&name, &chosen, Some(&component)) {
                tracing::error!(
                    policy = name,
                    "a restart will not remember what decides: {error}"
                );
            }
        });
        Prepared {
            choice,
            previous: previous.map(Box::new),
            ..prepared
        }
    }

    /// What decided before, ready to go on; without it there is no way back.
    pub(crate) fn way_back(&self, name: &str, origin: &Origin) -> Option<Prepared> {
        let started = self.policy(name).and_then(|policy| {
            let component = self.kept_component(name, origin)?;
            self.start(policy, &component, None)
        });
        started
            .inspect_err(|error| {
                let why = crate::report::chain(error);
                tracing::warn!(policy = name, "there is no way back: {why}");
            })
            .ok()
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
        let program = self
            .0
            .runtime
            .load_known(&name, bytes, component.digest.clone())
            .map_err(|source| PolicyError::Load {
                name: policy.name.clone(),
                file: file.clone(),
                source,
            })?;
        let options = Options {
            state,
            ..options(program.digest(), &self.0.config, policy, &self.0.around)
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
            is_absent: false,
            is_outdated: false,
            code: Box::new(started),
        })
    }
}
