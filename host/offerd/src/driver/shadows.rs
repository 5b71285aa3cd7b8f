//! Shadows: candidates that see what a policy sees and decide without effect.
//! Their decisions are compared with those that count. Each round shows the true
//! state, so that a difference does not lead to others.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};

use offerd_core::ids::PolicyHandle;
use offerd_core::machine::{Input, Reply};
use offerd_core::policy::{Delta, Round};
use offerd_policy::Decided;
use tokio::sync::oneshot;

use super::Driver;
use super::compare::{self, Active, Shared, Shown};
use super::swaps::refuse;
use crate::admin::api;
use crate::policies::{About, PolicyError, Prepared};
use crate::report::chain;

/// Of one policy.
const MOST: usize = 8;

/// Rounds that are kept for one that is busy; should it miss more it begins with
/// full tables.
const MISSED: usize = 100;

/// Rounds that may be with its thread: the policy may get the next one before a
/// shadow gets the last.
const WAITING: u32 = 2;

/// A candidate beside a policy.
pub(crate) struct Shadow {
    about: About,
    component: Arc<Vec<u8>>,
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

/// A candidate is loaded.
pub(crate) struct Candidate {
    policy: PolicyHandle,
    result: Result<Prepared, PolicyError>,
    answer: oneshot::Sender<Reply>,
}

impl Shadow {
    fn start(name: &str, prepared: Prepared, status: api::ShadowStatus) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::new(status));
        let (rounds, received) = channel();
        let (code, seen) = (prepared.code, Arc::clone(&shared));
        offerd_policy::spawn(name, move || compare::run(code, &received, &seen))?;
        Ok(Self {
            about: prepared.about,
            component: Arc::new(prepared.component),
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
        &self.about.digest
    }

    pub(super) fn component(&self) -> (PathBuf, Arc<Vec<u8>>) {
        (PathBuf::from(&self.about.file), Arc::clone(&self.component))
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
        decided: &Decided,
        active: impl FnOnce() -> Arc<Active>,
    ) -> Option<Shown> {
        let Next {
            round,
            missed,
            tables,
        } = self
            .next
            .take_if(|next| next.round.number == decided.round)?;
        self.shared.waiting.fetch_add(1, Ordering::AcqRel);
        Some(Shown {
            round,
            missed,
            tables,
            active: active(),
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
            Err(why) => return refuse(Some(answer), why),
        };
        let Some(loader) = self.loader.clone() else {
            return refuse(Some(answer), format!("policy {name} is built in"));
        };
        let policy = PolicyHandle(u32::try_from(position).unwrap_or(u32::MAX));
        let Some(name) = self.policies.get(position).map(|p| p.name.clone()) else {
            return;
        };
        let candidates = self.candidates.clone();
        tokio::task::spawn_blocking(move || {
            let result = loader.other(&name, &file);
            // The service is ending if nobody takes it.
            let _ = candidates.send(Candidate {
                policy,
                result,
                answer,
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
        let prepared = match result {
            Ok(prepared) => prepared,
            Err(error) => return refuse(Some(answer), chain(&error)),
        };
        let digest = prepared.about.digest.clone();
        if policy
            .shadows
            .iter()
            .any(|shadow| shadow.about.digest == digest)
        {
            let why = format!("policy {} has this shadow already", policy.name);
            return refuse(Some(answer), why);
        }
        if policy.shadows.len() >= MOST {
            let why = format!("policy {} has {MOST} shadows; abort one first", policy.name);
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
        match Shadow::start(&format!("{}-shadow", policy.name), prepared, status) {
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
            && let Some((file, _)) = self.end_canary(position, "an operator aborted it", inputs)
        {
            let file = file.display();
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
                    shadow.about.file, policy.name
                )])
            }
            Err(why) => Reply::Refused(vec![why]),
        }
    }

    /// The canary or a shadow takes over.
    pub(super) fn promote_asked(
        &mut self,
        name: &str,
        digest: &str,
        answer: oneshot::Sender<Reply>,
        inputs: &mut Vec<Input>,
    ) {
        if let Ok(position) = self.policy_named(name)
            && self.means_canary(position, digest)
        {
            if self
                .policies
                .get(position)
                .is_some_and(super::Running::is_swapping)
            {
                let why = format!("policy {name} is being swapped; try again later");
                return refuse(Some(answer), why);
            }
            if let Some((file, component)) =
                self.end_canary(position, "it takes over as a whole", inputs)
            {
                return self.promote(position, file, component, answer);
            }
        }
        match self.find_shadow(name, digest) {
            Ok((position, index)) => {
                let found = self
                    .policies
                    .get(position)
                    .and_then(|policy| policy.shadows.get(index))
                    .map(Shadow::component);
                if let Some((file, component)) = found {
                    self.promote(position, file, component, answer);
                }
            }
            Err(why) => refuse(Some(answer), why),
        }
    }

    fn find_shadow(&self, name: &str, digest: &str) -> Result<(usize, usize), String> {
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
        match found.as_slice() {
            [index] => Ok((position, *index)),
            [] if shadows.is_empty() => Err(format!("policy {name} has no shadow and no canary")),
            [] => Err(format!("policy {name} has no shadow {digest}")),
            _ => {
                let known: Vec<&str> = shadows.iter().map(Shadow::digest).collect();
                Err(format!(
                    "policy {name} has several shadows; name one by its digest: {}",
                    known.join(", ")
                ))
            }
        }
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
    pub(super) fn decided_for_shadows(&mut self, handle: PolicyHandle, decided: &Decided) {
        let Some(policy) = self.policies.get_mut(handle.0 as usize) else {
            return;
        };
        let mut active = None;
        for shadow in &mut policy.shadows {
            let shown = shadow.decided(decided, || {
                Arc::clone(active.get_or_insert_with(|| {
                    Arc::new(Active {
                        result: decided.result.clone(),
                        cost: decided.stats.duration,
                    })
                }))
            });
            if let Some(shown) = shown {
                self.for_shadows.push((shadow.rounds.clone(), shown));
            }
        }
    }

    /// Nothing else is to be done now.
    pub(super) fn show_shadows(&mut self) {
        for (rounds, shown) in self.for_shadows.drain(..) {
            // One that was aborted takes no more.
            let _ = rounds.send(shown);
        }
    }
}
