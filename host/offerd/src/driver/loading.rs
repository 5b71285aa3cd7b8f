//! Code is loaded beside the loop; what comes of it is told to the loop.

use std::path::PathBuf;

use offerd_core::ids::PolicyHandle;
use offerd_core::machine::{Input, Reply};
use tokio::sync::oneshot;

use super::Driver;
use super::canary::LoadedCanary;
use super::rehearsal::{Rehearsal, Rehearsed};
use super::reload::Configured;
use super::running::Version;
use super::swaps::{Cause, Swap, Wish};
use crate::admin::api;
use crate::kept::Origin;
use crate::policies::{Component, PolicyError, Prepared};
use crate::report::chain;

/// What came of work beside the loop.
pub(crate) enum Loaded {
    /// Other code for a policy.
    Code(LoadedCode),
    /// It is to decide without effect.
    Rehearsal(Rehearsal),
    /// It may take over, or must not.
    Rehearsed(Rehearsed),
    Canary(LoadedCanary),
    Configured(Configured),
    /// The code of a policy that has none yet.
    First {
        policy: PolicyHandle,
        result: Result<Box<Prepared>, PolicyError>,
    },
    /// What decided before the service was started; `None`: it cannot.
    WayBack {
        policy: PolicyHandle,
        origin: Origin,
        prepared: Option<Box<Prepared>>,
    },
    /// An operator's roll-back that came while a recording began.
    Back {
        policy: PolicyHandle,
        answer: oneshot::Sender<Reply>,
    },
}

pub(crate) struct LoadedCode {
    policy: PolicyHandle,
    load: u64,
    /// What the configured file turned out to be, if that was looked at.
    configured: Option<String>,
    result: Result<Option<(Prepared, Component)>, PolicyError>,
}

/// Where code comes from.
pub(super) enum Source {
    File(PathBuf),
    Component(Component),
}

impl Driver {
    /// Begins to load code, beside the loop.
    pub(super) fn load(&mut self, position: usize, source: Source, wish: Wish) {
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        let Some(loader) = self.loader.clone() else {
            return wish.refuse(format!("policy {} is built in", policy.name));
        };
        if let Some(why) = policy.is_busy() {
            return wish.refuse(why);
        }
        // The configured file that was looked at already is none that changed.
        let known = matches!(wish.cause, Cause::File).then(|| policy.choice.configured.clone());
        let name = policy.name.clone();
        let Some((policy, load)) = self.begin_load(position, wish) else {
            return;
        };
        let loaded = self.loaded.clone();
        tokio::task::spawn_blocking(move || {
            let component = match source {
                Source::File(file) => Component::read(&name, &file),
                Source::Component(component) => Ok(component),
            };
            let configured = component.as_ref().ok().filter(|component| {
                loader.configured_file(&name) == Some(component.file.as_path())
            });
            let configured = configured.map(|component| component.digest.clone());
            let result = component.and_then(|component| {
                if known.is_some_and(|known| known == component.digest) {
                    return Ok(None);
                }
                let prepared = loader.other(&name, &component, None)?;
                Ok(Some((prepared, component)))
            });
            // The service is ending if nobody takes it.
            let _ = loaded.send(Loaded::Code(LoadedCode {
                policy,
                load,
                configured,
                result,
            }));
        });
    }

    /// Something begins beside the loop that ends in a swap.
    pub(super) fn begin_load(
        &mut self,
        position: usize,
        wish: Wish,
    ) -> Option<(PolicyHandle, u64)> {
        let policy = self.policies.get_mut(position)?;
        self.loads += 1;
        let load = self.loads;
        policy.swap = Some(Swap::Loading { load, wish });
        Some((policy.handle, load))
    }

    /// It has come back; `None`: it was given up for something else.
    pub(super) fn end_load(&mut self, position: usize, of: u64) -> Option<Wish> {
        let is_this = |swap: &mut Swap| matches!(swap, Swap::Loading { load, .. } if *load == of);
        match self.policies.get_mut(position)?.swap.take_if(is_this) {
            Some(Swap::Loading { wish, .. }) => Some(wish),
            _ => None,
        }
    }

    /// Something is loaded.
    pub(super) fn loaded(&mut self, loaded: Loaded, inputs: &mut Vec<Input>) {
        let waits = match &loaded {
            Loaded::Code(LoadedCode { policy, .. })
            | Loaded::Rehearsed(Rehearsed { policy, .. })
            | Loaded::Back { policy, .. }
            | Loaded::WayBack { policy, .. } => self.is_renewing(policy.0 as usize),
            Loaded::Rehearsal(_) => false,
            // A file begins with what holds their places, or with them.
            Loaded::Canary(_) | Loaded::First { .. } => self.recording.is_starting(),
            Loaded::Configured(_) => (0..self.policies.len()).any(|it| self.is_renewing(it)),
        };
        if waits {
            return self.recording.wait(loaded);
        }
        match loaded {
            Loaded::Code(code) => self.code_loaded(code),
            Loaded::Rehearsal(rehearsal) => self.begin_rehearsal(rehearsal),
            Loaded::Rehearsed(rehearsed) => self.rehearsed(rehearsed, inputs),
            Loaded::Canary(canary) => self.canary_loaded(canary, inputs),
            Loaded::Configured(configured) => self.configured(configured, inputs),
            Loaded::Back { policy, answer } => {
                let wish = Wish {
                    cause: Cause::Back,
                    answer: Some(answer),
                };
                self.roll_back(policy.0 as usize, wish, inputs);
            }
            Loaded::First { policy, result } => match result {
                Ok(prepared) => self.first_loaded(policy, *prepared, inputs),
                Err(error) => self.first_failed(policy, chain(&error), inputs),
            },
            Loaded::WayBack {
                policy,
                origin,
                prepared,
            } => self.way_back_loaded(policy, &origin, prepared, inputs),
        }
    }

    /// Code is loaded: it rehearses.
    fn code_loaded(&mut self, loaded: LoadedCode) {
        let position = loaded.policy.0 as usize;
        let Some(wish) = self.end_load(position, loaded.load) else {
            return;
        };
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        if let Some(digest) = loaded.configured {
            policy.choice.configured = digest;
        }
        match loaded.result {
            Ok(Some((prepared, component))) => {
                if matches!(wish.cause, Cause::File)
                    && prepared.about.digest == policy.active.about.digest
                {
                    return self.swap_over(position);
                }
                self.rehearse(position, (prepared, component), wish);
            }
            Ok(None) => self.swap_over(position),
            Err(error) => self.cannot_be_used(position, chain(&error), wish),
        }
    }

    /// Other code is not put to work.
    pub(super) fn cannot_be_used(&mut self, position: usize, why: String, wish: Wish) {
        if let Some(policy) = self.policies.get(position) {
            tracing::error!(
                policy = policy.name,
                "other code for policy {} cannot be used, the one at work goes on: {why}",
                policy.name
            );
        }
        self.fails(position, why, wish);
    }

    /// A policy that was waited for begins.
    fn first_loaded(&mut self, handle: PolicyHandle, prepared: Prepared, inputs: &mut Vec<Input>) {
        let position = handle.0 as usize;
        let file_changed = self
            .policies
            .get(position)
            .is_some_and(|it| it.file_changed);
        match self.settle_in(prepared) {
            Ok((_, begins)) => inputs.extend(begins),
            Err(error) => return self.first_failed(handle, error.to_string(), inputs),
        }
        if let Some(policy) = self.policies.get_mut(position) {
            policy.file_changed = file_changed;
        }
        self.swap_over(position);
    }

    /// A policy that was waited for cannot begin: others go on, and the host's own code
    /// decides for its roles.
    fn first_failed(&mut self, handle: PolicyHandle, why: String, inputs: &mut Vec<Input>) {
        let now = self.clock.now();
        let position = handle.0 as usize;
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        tracing::error!(
            policy = policy.name,
            "the fallback '{}' decides for policy {}, which cannot begin: {why}",
            policy.fallback.name(),
            policy.name
        );
        policy.active = Version::fallback(policy.fallback, now);
        policy.swap = None;
        let at = now.0 / 1_000_000;
        policy.refused = Some(api::Refused { at, why });
        inputs.extend(policy.begins());
        // What is kept stays, for a restart to try.
        self.go_on(position);
    }

    /// There is a way back again, unless another one has come up since. It is taken at
    /// once if it was missed.
    fn way_back_loaded(
        &mut self,
        handle: PolicyHandle,
        origin: &Origin,
        prepared: Option<Box<Prepared>>,
        inputs: &mut Vec<Input>,
    ) {
        let now = self.clock.now();
        let position = handle.0 as usize;
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        let (Some(prepared), false) = (prepared, policy.is_retired()) else {
            return;
        };
        if policy.choice.previous.as_ref() != Some(origin) {
            return;
        }
        let way_back = Version::of(*prepared, now);
        let gone = policy.previous.replace(way_back);
        tokio::task::spawn_blocking(move || drop(gone));
        if policy.active.is_fallback {
            let why = "the version before is ready now".to_owned();
            let wish = Wish {
                cause: Cause::Judged(why),
                answer: None,
            };
            self.roll_back(position, wish, inputs);
        }
    }
}
