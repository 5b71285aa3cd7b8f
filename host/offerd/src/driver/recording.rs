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

use super::swaps::Loaded;
use super::{Driver, Running};

/// How often what happened is handed to the disk: a crash costs as much.
pub(super) const HAND_OVER: Duration = Duration::from_millis(500);

/// The recorder and what it waits for.
#[derive(Default)]
pub(crate) struct Recording {
    recorder: Option<Recorder>,
    /// While policies begin anew: how each one did.
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

    pub(super) fn saved(&mut self, policy: PolicyHandle) {
        if let Some(recorder) = &mut self.recorder {
            recorder.put(&Entry::Saved { policy });
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

impl Running {
    fn setup(&self, began: Began) -> Option<PolicySetup> {
        let mut setup = self.setup.clone()?;
        setup.code = self.code(began);
        Some(setup)
    }
}

impl Driver {
    /// Hands over what there is, and begins a file when it is time.
    pub(super) fn keep_recording(&mut self, inputs: &mut Vec<Input>) {
        let now = self.clock.now();
        let Some(recorder) = &mut self.recording.recorder else {
            return;
        };
        recorder.hand_over();
        let quiet = self.policies.iter().all(|policy| !policy.is_swapping());
        if self.recording.renewing.is_some() || !quiet || !recorder.wants_start(now) {
            return;
        }
        for (policy, position) in self.policies.iter().zip(0..) {
            inputs.push(Input::Policy {
                policy: PolicyHandle(position),
                change: PolicyChange::Hold,
            });
            if policy.thread.renew().is_err() {
                // Its mailbox is full or it is gone: at the next turn.
                for position in 0..=position {
                    inputs.push(Input::Policy {
                        policy: PolicyHandle(position),
                        change: PolicyChange::Resume,
                    });
                }
                return;
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
        let Some(waiting) = &mut self.recording.renewing else {
            return;
        };
        if let Err(error) = &renewed {
            let name = self
                .policies
                .get(handle.0 as usize)
                .map(|p| p.name.as_str());
            tracing::error!(policy = name, "it does not start again: {error}");
        }
        if let Some(place) = waiting.get_mut(handle.0 as usize) {
            *place = Some(renewed.unwrap_or_default());
        }
        if waiting.iter().any(Option::is_none) {
            return;
        }
        let began: Vec<Began> = waiting.iter_mut().filter_map(Option::take).collect();
        self.recording.renewing = None;
        // Inputs that wait for the machine come after this, in the new file.
        let now = self.clock.now();
        let setups: Option<Vec<PolicySetup>> = self
            .policies
            .iter()
            .zip(began)
            .map(|(policy, began)| policy.setup(began))
            .collect();
        let machine = postcard::to_allocvec(&self.machine);
        if let (Some(policies), Ok(machine), Some(recorder)) =
            (setups, machine, &mut self.recording.recorder)
        {
            recorder.start(Start {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                now,
                machine,
                policies,
            });
        }
        for position in (0..self.policies.len()).filter_map(|p| u32::try_from(p).ok()) {
            inputs.push(Input::Policy {
                policy: PolicyHandle(position),
                change: PolicyChange::Renewed,
            });
        }
        for loaded in std::mem::take(&mut self.recording.later) {
            self.loaded(loaded, inputs);
        }
    }
}
