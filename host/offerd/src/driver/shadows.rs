//! Shadows: candidates that see what a policy sees and decide without effect.
//! Their decisions are compared with those that count. Each round shows the true
//! state, so that a difference does not lead to others.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use offerd_core::ids::PolicyHandle;
use offerd_core::machine::{Input, Reply};
use offerd_core::policy::{Answer, Delta, Failure, Round};
use tokio::sync::oneshot;

use super::compare::{self, Shared, Shown};
use super::swaps::{refuse, refused, reply};
use super::{Driver, Held};
use crate::admin::api;
use crate::policies::{Component, PolicyError, Prepared};
use crate::report::chain;

/// Rounds that are kept for one that is busy; should it miss more it begins with
/// full tables.
const MISSED: usize = 100;

/// Rounds that may be with its thread: the policy may get the next one before a
/// shadow gets the last.
const WAITING: u32 = 2;

/// A candidate beside a policy.
pub(crate) struct Shadow {
    component: Component,
    /// To its thread, which ends with this.
    rounds: Sender<Shown>,
    shared: Arc<Shared>,
    /// It has seen nothing, or missed too much: the next round carries all tables.
    blank: bool,
    missed: Vec<Arc<Round>>,
    /// What it is to see when the policy has decided.
    next: Option<Next>,
    /// Rounds that came while it was busy.
    skipped: u64,
}

struct Next {
    round: Arc<Round>,
    missed: Vec<Arc<Round>>,
    tables: Option<Box<Delta>>,
}

/// A round on its way to a shadow's thread.
pub(crate) type ForShadow = (Sender<Shown>, Shown);

/// Rounds that wait until the calls that came of them are out.
#[derive(Default)]
pub(crate) struct ForShadows {
    /// Of this turn; their calls may wait for a commit.
    decided: Vec<ForShadow>,
    /// Of which all calls are with the client.
    pub(super) due: Vec<ForShadow>,
}

/// A candidate is loaded.
pub(crate) struct Candidate {
    policy: PolicyHandle,
    result: Result<(Prepared, Component), PolicyError>,
    answer: oneshot::Sender<Reply>,
}

impl Shadow {
    fn start(
        name: &str,
        prepared: Prepared,
        component: Component,
        status: api::ShadowStatus,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::new(status));
        let (rounds, received) = channel();
        let (code, seen) = (prepared.code, Arc::clone(&shared));
        offerd_policy::spawn(name, move || compare::run(code, &received, &seen))?;
        Ok(Self {
            component,
            rounds,
            shared,
            blank: true,
            missed: Vec::new(),
            next: None,
            skipped: 0,
        })
    }

    pub(crate) fn status(&self) -> api::ShadowStatus {
        let status = self.shared.status();
        api::ShadowStatus {
            skipped: self.skipped + status.skipped,
            ..api::ShadowStatus::clone(&status)
        }
    }

    pub(super) fn digest(&self) -> &str {
        &self.component.digest
    }

    /// The policy has got a round. `tables` gives all of them; asked only if they are
    /// needed.
    fn note(&mut self, round: &Arc<Round>, tables: impl FnOnce() -> Delta) {
        let rests = self.shared.rests.load(Ordering::Acquire);
        if rests || self.shared.waiting.load(Ordering::Acquire) >= WAITING {
            self.skipped += 1;
            if self.missed.len() == MISSED {
                self.blank = true;
                self.missed.clear();
            }
            // One that rests begins with full tables.
            if !(self.blank || rests) {
                self.missed.push(Arc::clone(round));
            }
            return;
        }
        self.blank |= self.shared.blank.swap(false, Ordering::AcqRel);
        let blank = std::mem::take(&mut self.blank);
        let mut missed = std::mem::take(&mut self.missed);
        if blank {
            missed.clear();
        }
        self.next = Some(Next {
            round: Arc::clone(round),
            missed,
            tables: blank.then(|| Box::new(tables())),
        });
    }

    /// The policy has decided.
    fn decided(
        &mut self,
        number: u32,
        active: &Arc<Result<Answer, Failure>>,
        active_cost: Duration,
    ) -> Option<Shown> {
        let Next {
            round,
            missed,
            tables,
        } = self.next.take_if(|next| next.round.number == number)?;
        self.shared.waiting.fetch_add(1, Ordering::AcqRel);
        Some(Shown {
            round,
            missed,
            tables,
            active: Arc::clone(active),
            active_cost,
        })
    }
}

impl Driver {
    /// An operator's wish for a candidate beside a policy.
    pub(super) fn shadow_asked(
        &mut self,
        name: &str,
        file: PathBuf,
        answer: oneshot::Sender<Reply>,
    ) {
        let position = match self.policy_named(name) {
            Ok(position) => position,
            Err(unknown) => return reply(Some(answer), unknown),
        };
        let Some(loader) = self.loader.clone() else {
            return refuse(Some(answer), format!("policy {name} is built in"));
        };
        let policy = PolicyHandle(u32::try_from(position).unwrap_or(u32::MAX));
        let Some(running) = self.policies.get(position) else {
            return;
        };
        if let Some(why) = running.is_starting() {
            return refuse(Some(answer), why);
        }
        let name = running.name.clone();
        let candidates = self.candidates.clone();
        self.with_state(position, move |state| {
            tokio::task::spawn_blocking(move || {
                let result = loader.candidate(&name, &file, state);
                // The service is ending if nobody takes it.
                let _ = candidates.send(Candidate {
                    policy,
                    result,
                    answer,
                });
            });
        });
    }

    /// A candidate is loaded: it sees the next round.
    pub(super) fn candidate(&mut self, candidate: Candidate) {
        let Candidate {
            policy: handle,
            result,
            answer,
        } = candidate;
        let now = self.clock.now();
        let Some(policy) = self.policies.get_mut(handle.0 as usize) else {
            return;
        };
        let (prepared, component) = match result {
            Ok(loaded) => loaded,
            Err(error) => return refuse(Some(answer), chain(&error)),
        };
        if policy.is_retired() {
            return refuse(Some(answer), format!("policy {} is gone", policy.name));
        }
        let digest = component.digest.clone();
        if policy
            .shadows
            .iter()
            .any(|shadow| shadow.digest() == digest)
        {
            let why = format!("policy {} has this shadow already", policy.name);
            return refuse(Some(answer), why);
        }
        let text = format!(
            "{} ({}) is a shadow of policy {}",
            prepared.about.file,
            digest.chars().take(12).collect::<String>(),
            policy.name
        );
        let status = api::ShadowStatus {
            file: prepared.about.file.clone(),
            digest,
            version: prepared.about.version.clone(),
            since: now.0 / 1_000_000,
            ..api::ShadowStatus::default()
        };
        let thread = format!("{}-shadow", policy.name);
        match Shadow::start(&thread, prepared, component, status) {
            Ok(shadow) => policy.shadows.push(shadow),
            Err(error) => {
                return refuse(Some(answer), format!("no thread for a shadow: {error}"));
            }
        }
        tracing::info!(policy = policy.name, "{text}");
        // The asker may have gone away.
        let _ = answer.send(Reply::Done(vec![text]));
    }

    /// Ends the canary or a shadow: the only one, or the one whose digest begins so.
    pub(super) fn abort_asked(
        &mut self,
        name: &str,
        digest: &str,
        inputs: &mut Vec<Input>,
    ) -> Reply {
        if let Ok(position) = self.policy_named(name)
            && self.means_canary(position, digest)
            && let Some(file) = self.end_canary(position, "an operator aborted it", inputs)
        {
            return Reply::Done(vec![format!(
                "{file} is no canary of policy {name} any more"
            )]);
        }
        match self.find_shadow(name, digest) {
            Ok((position, index)) => {
                let Some(policy) = self.policies.get_mut(position) else {
                    return Reply::Refused(Vec::new());
                };
                let shadow = policy.shadows.remove(index);
                Reply::Done(vec![format!(
                    "{} is no shadow of policy {} any more",
                    shadow.component.file.display(),
                    policy.name
                )])
            }
            Err(not_done) => not_done,
        }
    }

    /// The canary or a shadow takes over. It goes on as it is until it has.
    pub(super) fn promote_asked(
        &mut self,
        name: &str,
        digest: &str,
        answer: oneshot::Sender<Reply>,
    ) {
        match self.find_candidate(name, digest) {
            Ok((position, component)) => self.promote(position, component, answer),
            Err(not_done) => reply(Some(answer), not_done),
        }
    }

    fn find_candidate(&self, name: &str, digest: &str) -> Result<(usize, Component), Reply> {
        let position = self.policy_named(name)?;
        if let Some(component) = self.canary_component(position, digest) {
            return Ok((position, component));
        }
        let (position, index) = self.find_shadow(name, digest)?;
        let shadows = self.policies.get(position).map(|policy| &policy.shadows);
        let shadow = shadows.and_then(|shadows| shadows.get(index));
        shadow
            .map(|shadow| (position, shadow.component.clone()))
            .ok_or_else(|| refused(format!("policy {name} has no shadow {digest}")))
    }

    fn find_shadow(&self, name: &str, digest: &str) -> Result<(usize, usize), Reply> {
        let position = self.policy_named(name)?;
        let shadows = self
            .policies
            .get(position)
            .map_or(&[][..], |policy| policy.shadows.as_slice());
        let found: Vec<usize> = shadows
            .iter()
            .enumerate()
            .filter(|(_, shadow)| shadow.digest().starts_with(digest))
            .map(|(index, _)| index)
            .collect();
        Err(refused(match found.as_slice() {
            [index] => return Ok((position, *index)),
            [] if shadows.is_empty() => format!("policy {name} has no shadow and no canary"),
            [] => format!("policy {name} has no shadow {digest}"),
            _ => {
                let known: Vec<&str> = shadows.iter().map(Shadow::digest).collect();
                format!(
                    "policy {name} has several shadows; name one by its digest: {}",
                    known.join(", ")
                )
            }
        }))
    }

    /// A round is with its policy.
    pub(super) fn note_for_shadows(&mut self, handle: PolicyHandle, round: &Arc<Round>) {
        let machine = &self.machine;
        if let Some(policy) = self.policies.get_mut(handle.0 as usize) {
            for shadow in &mut policy.shadows {
                shadow.note(round, || machine.full_delta(handle));
            }
        }
    }

    /// The decision that counts.
    pub(super) fn decided_for_shadows(
        &mut self,
        handle: PolicyHandle,
        round: u32,
        active: &Arc<Result<Answer, Failure>>,
        cost: Duration,
    ) {
        let Some(policy) = self.policies.get_mut(handle.0 as usize) else {
            return;
        };
        for shadow in &mut policy.shadows {
            if let Some(shown) = shadow.decided(round, active, cost) {
                self.for_shadows
                    .decided
                    .push((shadow.rounds.clone(), shown));
            }
        }
    }

    /// The end of a turn: who decides comes first. To wake a thread takes time, and so
    /// does sharing a core with it.
    pub(super) async fn show_shadows(&mut self) {
        let ForShadows { decided, due } = &mut self.for_shadows;
        if self.waiting.held.is_empty() {
            due.append(decided);
        } else if !decided.is_empty() {
            // Calls wait for a commit, and these behind them.
            let decided = std::mem::take(decided);
            self.waiting.held.push_back(Held::Shadows(decided));
        }
        if due.is_empty() {
            return;
        }
        // The client may be on this thread.
        tokio::task::yield_now().await;
        for (rounds, shown) in self.for_shadows.due.drain(..) {
            // One that was aborted takes no more.
            let _ = rounds.send(shown);
        }
    }
}
