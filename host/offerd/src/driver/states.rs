//! What policies want to find again: asked for between two rounds, kept beside the
//! ledger, and given to code that begins beside a policy.

use std::time::Duration;

use offerd_core::ids::PolicyHandle;
use offerd_core::policy::Failure;
use offerd_policy::Snapshot;
use tokio::sync::oneshot;

use super::Driver;
use crate::admin::api;
use crate::whatif::experiment;

/// How often states are saved.
pub(super) const SAVE_EVERY: Duration = Duration::from_secs(60);

impl Driver {
    /// Asks all policies for their state. How many were asked.
    pub(super) fn save_states(&mut self) -> usize {
        (0..self.policies.len())
            .filter(|position| self.ask_state(*position))
            .count()
    }

    /// Asks a policy for its state, if it has one; once at a time.
    fn ask_state(&mut self, position: usize) -> bool {
        let Some(policy) = self.policies.get_mut(position) else {
            return false;
        };
        if !policy.active.has_state {
            return false;
        }
        if !policy.saving {
            policy.saving = policy.thread.save().is_ok();
        }
        policy.saving
    }

    /// Does something with the state that a policy has now.
    pub(super) fn with_state(
        &mut self,
        position: usize,
        then: impl FnOnce(Option<Snapshot>) + Send + 'static,
    ) {
        let asked = self.ask_state(position);
        match self.policies.get_mut(position) {
            Some(policy) if asked => policy.with_state.push(Box::new(then)),
            _ => then(None),
        }
    }

    /// A policy was asked for its state.
    pub(super) fn saved(
        &mut self,
        handle: PolicyHandle,
        result: Result<Option<Snapshot>, Failure>,
    ) {
        let ended = result.as_ref().is_err_and(Failure::ends_instance);
        self.recording.saved(handle, ended);
        let position = handle.0 as usize;
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        policy.saving = false;
        let state = result.unwrap_or_else(|failure| {
            tracing::warn!(
                policy = policy.name,
                "its state could not be saved: {failure}"
            );
            None
        });
        policy.give_state(state.as_ref());
        if let Some(state) = state {
            self.keep_state(position, state);
        }
    }

    /// Keeps a state, beside the loop.
    pub(super) fn keep_state(&self, position: usize, state: Snapshot) {
        let (Some(policy), Some(loader)) = (self.policies.get(position), &self.loader) else {
            return;
        };
        let name = policy.name.clone();
        loader.kept().later(move |kept| {
            if let Err(error) = kept.keep_state(&name, &state) {
                tracing::error!(policy = name, "its state cannot be kept: {error}");
            }
        });
    }

    /// Asks the code at work what would get a waiting task placed, beside the loop.
    pub(super) fn what_if(&mut self, task: &str, answer: oneshot::Sender<Option<api::WhatIf>>) {
        let Some(case) = self.machine.experiment(task) else {
            // The asker may have gone away.
            let _ = answer.send(None);
            return;
        };
        let position = case.policy.0 as usize;
        let Some(policy) = self.policies.get(position) else {
            return;
        };
        let Some(mut subject) = policy.active.subject.clone() else {
            let nobody = "the host's own code decides; there is no policy to ask".to_owned();
            let _ = answer.send(Some(api::WhatIf {
                note: policy.is_starting().unwrap_or(nobody),
                ..api::WhatIf::default()
            }));
            return;
        };
        self.with_state(position, move |state| {
            subject.options.state = state;
            tokio::task::spawn_blocking(move || {
                let _ = answer.send(Some(experiment(&subject, &case)));
            });
        });
    }
}
