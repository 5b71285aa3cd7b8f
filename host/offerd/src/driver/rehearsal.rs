//! The rehearsal: before other code takes over, an instance of it decides the round that
//! it would see first, with the state that it would get, beside the loop and without
//! effect. What fails there never takes over.

use std::sync::Arc;

use offerd_core::ids::PolicyHandle;
use offerd_core::machine::Input;
use offerd_core::policy::{Failure, Round};
use offerd_policy::{Snapshot, StartError};

use super::Driver;
use super::compare::Bounds;
use super::loading::Loaded;
use super::running::Version;
use super::swaps::Wish;
use crate::policies::{Component, Prepared};
use crate::report::chain;
use crate::whatif::Subject;

/// How many times as long as at work the call may take: it is made beside what decides,
/// and the trial judges what is a little slow.
const PATIENCE: u32 = 4;

/// Code that is loaded, and the state that it would get.
pub(crate) struct Rehearsal {
    policy: PolicyHandle,
    load: u64,
    code: (Prepared, Component),
    state: Option<Snapshot>,
}

/// What came of it.
pub(crate) struct Rehearsed {
    pub(super) policy: PolicyHandle,
    load: u64,
    result: Result<(Prepared, Component), RehearsalError>,
}

/// Why code must not take over.
#[derive(Debug, thiserror::Error)]
enum RehearsalError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("in its rehearsal, a round as it would have seen first, it failed: {0}")]
    Failed(Failure),
    #[error(
        "in its rehearsal, a round as it would have seen first, {refused} of its {all} placements \
         could not be carried out: unknown offers or tasks, those of other roles, or too large"
    )]
    Refused { refused: u64, all: usize },
}

impl Driver {
    /// Other code shows that it can decide; then it takes over.
    pub(super) fn rehearse(&mut self, position: usize, code: (Prepared, Component), wish: Wish) {
        let Some((policy, load)) = self.begin_load(position, wish) else {
            return;
        };
        let loaded = self.loaded.clone();
        self.with_state(position, move |state| {
            // The service is ending if nobody takes it.
            let _ = loaded.send(Loaded::Rehearsal(Rehearsal {
                policy,
                load,
                code,
                state,
            }));
        });
    }

    /// There is the state; the round must not be older than that.
    pub(super) fn begin_rehearsal(&self, rehearsal: Rehearsal) {
        let Rehearsal {
            policy,
            load,
            code,
            state,
        } = rehearsal;
        let (prepared, _) = &code;
        let subject = prepared.subject.clone();
        let round = self.machine.rehearsal(policy);
        let loaded = self.loaded.clone();
        tokio::task::spawn_blocking(move || {
            let result = match (subject, round) {
                (Some(mut subject), Some(round)) => {
                    subject.options.state = state;
                    play(subject, round)
                }
                // The host's own code, or a policy that has no place any more.
                _ => Ok(()),
            };
            let _ = loaded.send(Loaded::Rehearsed(Rehearsed {
                policy,
                load,
                result: result.map(|()| code),
            }));
        });
    }

    /// What did well takes over between two rounds.
    pub(super) fn rehearsed(&mut self, rehearsed: Rehearsed, inputs: &mut Vec<Input>) {
        let Rehearsed {
            policy,
            load,
            result,
        } = rehearsed;
        let position = policy.0 as usize;
        let Some(wish) = self.end_load(position, load) else {
            return;
        };
        match result {
            Ok((prepared, component)) => {
                let (next, code) = Version::of(prepared, self.clock.now());
                self.cut(position, next, Some(component), code, wish, inputs);
            }
            Err(error) => self.cannot_be_used(position, chain(&error), wish),
        }
    }
}

/// Blocks for a start and a call of the policy.
fn play(mut subject: Subject, round: Round) -> Result<(), RehearsalError> {
    let deadline = &mut subject.options.limits.deadline;
    *deadline = deadline.saturating_mul(PATIENCE);
    let round = Arc::new(round);
    let decided = subject.decide(Arc::clone(&round))?;
    let answer = decided.result.map_err(RehearsalError::Failed)?;
    let all = answer.placements.len();
    let refused = Bounds::of(&round).refused(&answer);
    // At work it would be a strike.
    if refused * 2 > all as u64 {
        return Err(RehearsalError::Refused { refused, all });
    }
    Ok(())
}
