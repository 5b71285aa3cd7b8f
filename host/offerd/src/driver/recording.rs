//! Recordings of what the loop does. A file begins when no round is open and all
//! policies begin anew, so that it stands for itself; see the crate
//! offerd-record.

use std::time::Duration;

use bytes::Bytes;
use offerd_core::Instant;
use offerd_core::ids::PolicyHandle;
use offerd_core::machine::{Input, PolicyChange};
use offerd_policy::{Began, StartError};
use offerd_record::{Code, Entry, PolicySetup, Recorder, Start, State};

use super::Driver;
use super::loading::Loaded;

/// How often what happened is handed to the disk: a crash costs as much. A policy that
/// takes longer to begin anew keeps the others waiting no longer.
pub(super) const HAND_OVER: Duration = Duration::from_millis(500);

/// The recorder and what it waits for.
#[derive(Default)]
pub(crate) struct Recording {
    recorder: Option<Recorder>,
    /// While policies begin anew for a file to begin: how each one did.
    renewing: Option<Vec<Option<Began>>>,
    /// Swaps that wait until that is over.
    later: Vec<Loaded>,
}

impl Recording {
    pub(crate) fn new(recorder: Option<Recorder>) -> Self {
        Self {
            recorder,
            ..Self::default()
        }
    }

    /// Whether what happens stands in a file; `None`: it is not to.
    pub(super) fn is_recording(&self) -> Option<bool> {
        self.recorder.as_ref().map(Recorder::is_recording)
    }

    /// A file waits for policies.
    pub(super) fn is_starting(&self) -> bool {
        self.renewing.is_some()
    }

    /// Keeps a swap for later.
    pub(super) fn wait(&mut self, loaded: Loaded) {
        self.later.push(loaded);
    }

    pub(super) fn inputs(&mut self, now: Instant, inputs: &[Input], records: &[Bytes]) {
        if let Some(recorder) = &mut self.recorder {
            recorder.inputs(now, inputs, records);
        }
    }

    /// A policy was asked for its state; `ended`: its instance did not survive that.
    pub(super) fn saved(&mut self, policy: PolicyHandle, ended: bool) {
        if let Some(recorder) = &mut self.recorder {
            recorder.put(&Entry::Saved { policy, ended });
        }
    }

    pub(super) fn policy(&mut self, policy: PolicyHandle, setup: PolicySetup) {
        if let Some(recorder) = &mut self.recorder {
            recorder.put(&Entry::Policy {
                policy,
                setup: Box::new(setup),
            });
        }
    }

    pub(super) fn code(&mut self, policy: PolicyHandle, code: Code) {
        if let Some(recorder) = &mut self.recorder {
            recorder.put(&Entry::Code { policy, code });
        }
    }
}

/// For a recording.
pub(super) fn code(digest: &str, fallback: Option<&str>, began: Began) -> Code {
    Code {
        digest: digest.to_owned(),
        fallback: fallback.map(str::to_owned),
        instance: began.instance,
        state: began.state.map(|state| State {
            version: state.version,
            data: state.data,
        }),
    }
}

impl Driver {
    /// Hands over what there is, and begins a file when it is time.
    pub(super) fn keep_recording(&mut self, inputs: &mut Vec<Input>) {
        let now = self.clock.now();
        let Some(recorder) = &mut self.recording.recorder else {
            return;
        };
        recorder.hand_over(now);
        if let Some(began) = self.recording.renewing.take() {
            // The others have waited long enough.
            self.begin_file(began, inputs);
            return self.what_waited(inputs);
        }
        let quiet = self
            .policies
            .iter()
            .all(|policy| !policy.is_cutting() && !policy.renewing);
        if !quiet || !recorder.wants_start(now) {
            return;
        }
        for policy in &mut self.policies {
            // Where there is no code yet, the host's own is never called. Nor is a policy
            // any more if its thread has ended.
            policy.renewing = policy.is_starting().is_none() && policy.thread.renew().is_ok();
            if policy.renewing {
                inputs.push(Input::Policy {
                    policy: policy.handle,
                    change: PolicyChange::Hold,
                });
            }
        }
        self.recording.renewing = Some(vec![None; self.policies.len()]);
    }

    /// A policy has begun anew; the file begins when all have.
    pub(super) fn renewed(
        &mut self,
        handle: PolicyHandle,
        renewed: Result<Began, StartError>,
        inputs: &mut Vec<Input>,
    ) {
        let position = handle.0 as usize;
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        policy.renewing = false;
        if let Err(error) = &renewed {
            tracing::error!(policy = policy.name, "it does not start again: {error}");
        }
        let began = renewed.unwrap_or_default();
        match &mut self.recording.renewing {
            Some(waiting) => {
                if let Some(place) = waiting.get_mut(position) {
                    *place = Some(began);
                }
            }
            // The file has begun without it.
            None => {
                let code = policy.code(began);
                self.recording.code(handle, code);
                inputs.push(Input::Policy {
                    policy: handle,
                    change: PolicyChange::Renewed,
                });
            }
        }
        if self.policies.iter().any(|policy| policy.renewing) {
            return;
        }
        if let Some(began) = self.recording.renewing.take() {
            self.begin_file(began, inputs);
        }
        self.what_waited(inputs);
    }

    /// The file begins with how policies began anew. Those that have not done so yet
    /// are held for as long as it takes. Inputs that wait for the machine come after
    /// this, in the new file.
    fn begin_file(&mut self, began: Vec<Option<Began>>, inputs: &mut Vec<Input>) {
        let setups: Option<Vec<PolicySetup>> = self
            .policies
            .iter()
            .zip(&began)
            .map(|(policy, began)| policy.setup(began.clone().unwrap_or_default()))
            .collect();
        let now = self.clock.now();
        if let (Some(policies), Some(recorder)) = (setups, &mut self.recording.recorder) {
            match Start::new(now, &self.machine, policies) {
                Ok(start) => recorder.start(start),
                Err(error) => tracing::error!("no recording begins: {error}"),
            }
        }
        for (policy, began) in self.policies.iter().zip(began) {
            if began.is_some() {
                inputs.push(Input::Policy {
                    policy: policy.handle,
                    change: PolicyChange::Renewed,
                });
            }
        }
    }

    /// Swaps that came meanwhile.
    fn what_waited(&mut self, inputs: &mut Vec<Input>) {
        for loaded in std::mem::take(&mut self.recording.later) {
            self.loaded(loaded, inputs);
        }
    }

    /// Whether a policy begins anew, or is to go on together with others that do.
    pub(super) fn is_renewing(&self, position: usize) -> bool {
        let policy = self.policies.get(position);
        self.recording.is_starting() || policy.is_some_and(|policy| policy.renewing)
    }
}
