//! Shadows: candidates that see what a policy sees and decide without effect.
//! Their decisions are compared with those that count. Each round shows the true
//! state, so that a difference does not lead to others.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use foldhash::HashMap;
use offerd_core::ids::{OfferHandle, PolicyHandle, SetHandle};
use offerd_core::machine::{Input, Reply};
use offerd_core::policy::{Answer, Failure, Round};
use offerd_core::resource::Amounts;
use offerd_policy::{CallStats, PolicyThread, Reply as PolicyReply};
use tokio::sync::oneshot;

use super::Driver;
use super::swaps::refuse;
use crate::admin::api;
use crate::policies::{About, PolicyError, Prepared};
use crate::replay::shown;
use crate::report::chain;

/// Of one policy.
const MOST: usize = 8;

/// A candidate beside a policy.
pub(crate) struct Shadow {
    about: About,
    component: Arc<Vec<u8>>,
    thread: PolicyThread,
    number: u64,
    /// A round is with it.
    busy: bool,
    /// It missed a round, or has seen none: the next one carries all tables.
    blank: bool,
    /// Decisions of either side that wait for the other's.
    open: BTreeMap<u32, Open>,
    status: api::ShadowStatus,
}

struct Open {
    round: Arc<Bounds>,
    active: Option<Decided>,
    shadow: Option<Decided>,
}

type Decided = (Result<Answer, Failure>, Duration);

/// What decisions about a round must respect.
struct Bounds {
    at: u64,
    offers: HashMap<OfferHandle, Amounts>,
    sets: HashMap<SetHandle, (Amounts, u32)>,
}

impl Bounds {
    fn of(round: &Round) -> Self {
        Self {
            at: round.now.0 / 1_000_000,
            offers: round
                .offers
                .iter()
                .map(|offer| (offer.handle, offer.usable))
                .collect(),
            sets: round
                .waiting
                .iter()
                .map(|set| (set.set, (set.needs, set.count)))
                .collect(),
        }
    }

    /// How many placements could not be carried out.
    fn refused(&self, answer: &Answer) -> u64 {
        let mut offers = self.offers.clone();
        let mut sets = self.sets.clone();
        let mut refused = 0;
        for placement in &answer.placements {
            let room = offers.get_mut(&placement.offer);
            let set = sets.get_mut(&placement.set);
            let (Some(room), Some((needs, left))) = (room, set) else {
                refused += 1;
                continue;
            };
            for _ in 0..placement.count {
                if *left == 0 || !needs.fits_in(room) {
                    refused += 1;
                    break;
                }
                *left -= 1;
                room.cpus -= needs.cpus;
                room.mem -= needs.mem;
                room.disk -= needs.disk;
                room.gpus -= needs.gpus;
                room.ports -= needs.ports;
            }
        }
        refused
    }
}

/// What a shadow has to say, and which one it is.
pub(crate) struct ShadowReply {
    policy: PolicyHandle,
    number: u64,
    reply: PolicyReply,
}

/// A candidate is loaded.
pub(crate) struct Candidate {
    policy: PolicyHandle,
    result: Result<Prepared, PolicyError>,
    answer: oneshot::Sender<Reply>,
}

impl Shadow {
    pub(crate) fn status(&self) -> api::ShadowStatus {
        self.status.clone()
    }

    pub(super) fn digest(&self) -> &str {
        &self.about.digest
    }

    pub(super) fn component(&self) -> (PathBuf, Arc<Vec<u8>>) {
        (PathBuf::from(&self.about.file), Arc::clone(&self.component))
    }

    fn compare(&mut self, number: u32) {
        let Some(open) = self.open.get(&number) else {
            return;
        };
        let (Some((active, cost)), Some((shadow, own_cost))) = (&open.active, &open.shadow) else {
            return;
        };
        let status = &mut self.status;
        status.rounds += 1;
        status.active_busy += cost.as_secs_f64();
        status.busy += own_cost.as_secs_f64();
        match shadow {
            Ok(answer) => {
                status.placed += tasks(answer);
                status.refused += open.round.refused(answer);
            }
            Err(failure) => {
                status.failures += 1;
                status.last_failure = Some(failure.to_string());
            }
        }
        if let Ok(answer) = active {
            status.active_placed += tasks(answer);
        }
        if agree(active, shadow) {
            status.agreed += 1;
        } else if status.first_divergence.is_none() {
            status.first_divergence = Some(api::Divergence {
                round: number,
                at: open.round.at,
                active: shown(active),
                shadow: shown(shadow),
            });
        }
        self.open.remove(&number);
    }
}

fn tasks(answer: &Answer) -> u64 {
    answer.placements.iter().map(|p| u64::from(p.count)).sum()
}

/// Whether two answers ask for the same, whatever their order and words.
fn agree(a: &Result<Answer, Failure>, b: &Result<Answer, Failure>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => wanted(a) == wanted(b),
        (Err(_), Err(_)) => true,
        _ => false,
    }
}

type Wanted<'a> = (
    BTreeMap<(OfferHandle, SetHandle), u32>,
    Vec<OfferHandle>,
    Vec<u32>,
    Vec<&'a offerd_core::policy::Action>,
    bool,
);

fn wanted(answer: &Answer) -> Wanted<'_> {
    let mut placements = BTreeMap::new();
    for placement in &answer.placements {
        *placements
            .entry((placement.offer, placement.set))
            .or_default() += placement.count;
    }
    let mut declines: Vec<OfferHandle> = answer.declines.iter().map(|d| d.offer).collect();
    declines.sort();
    let mut kills: Vec<u32> = answer.kills.iter().map(|kill| kill.task.0).collect();
    kills.sort_unstable();
    let actions = answer.actions.iter().map(|(action, _)| action).collect();
    (placements, declines, kills, actions, answer.rest.is_some())
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
        self.next_shadow += 1;
        let number = self.next_shadow;
        let sender = self.shadow_replies.clone();
        let name = format!("{}-shadow", policy.name);
        let thread = PolicyThread::spawn(&name, prepared.code, move |reply| {
            // The service is ending if nobody takes it.
            let _ = sender.send(ShadowReply {
                policy: handle,
                number,
                reply,
            });
        });
        let thread = match thread {
            Ok(thread) => thread,
            Err(error) => {
                return refuse(Some(answer), format!("no thread for a shadow: {error}"));
            }
        };
        let text = format!(
            "{} ({}) is a shadow of policy {}",
            prepared.about.file,
            digest.chars().take(12).collect::<String>(),
            policy.name
        );
        tracing::info!(policy = policy.name, "{text}");
        policy.shadows.push(Shadow {
            status: api::ShadowStatus {
                file: prepared.about.file.clone(),
                digest,
                version: prepared.about.version.clone(),
                since: now.0 / 1_000_000,
                ..api::ShadowStatus::default()
            },
            about: prepared.about,
            component: Arc::new(prepared.component),
            thread,
            number,
            busy: false,
            blank: true,
            open: BTreeMap::new(),
        });
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

    /// Shows a round to the shadows of its policy.
    pub(super) fn show_shadows(&mut self, handle: PolicyHandle, round: &Round) {
        let machine = &self.machine;
        let Some(policy) = self.policies.get_mut(handle.0 as usize) else {
            return;
        };
        if policy.shadows.is_empty() {
            return;
        }
        let bounds = Arc::new(Bounds::of(round));
        for shadow in &mut policy.shadows {
            if shadow.busy {
                // It will begin anew with what is then.
                shadow.blank = true;
                shadow.status.skipped += 1;
                continue;
            }
            let mut shown = round.clone();
            if std::mem::take(&mut shadow.blank) {
                shown.delta = machine.full_delta(handle);
            }
            if shadow.thread.invoke(Box::new(shown)).is_err() {
                shadow.blank = true;
                continue;
            }
            shadow.busy = true;
            shadow.open.insert(
                round.number,
                Open {
                    round: Arc::clone(&bounds),
                    active: None,
                    shadow: None,
                },
            );
        }
    }

    /// The decision that counts.
    pub(super) fn tell_shadows(
        &mut self,
        handle: PolicyHandle,
        round: u32,
        result: &Result<Answer, Failure>,
        stats: &CallStats,
    ) {
        let Some(policy) = self.policies.get_mut(handle.0 as usize) else {
            return;
        };
        for shadow in &mut policy.shadows {
            if let Some(open) = shadow.open.get_mut(&round) {
                open.active = Some((result.clone(), stats.duration));
                shadow.compare(round);
            }
        }
    }

    /// A shadow has decided.
    pub(super) fn shadow_decided(&mut self, reply: ShadowReply) {
        let Some(policy) = self.policies.get_mut(reply.policy.0 as usize) else {
            return;
        };
        let Some(shadow) = policy
            .shadows
            .iter_mut()
            .find(|shadow| shadow.number == reply.number)
        else {
            return;
        };
        if let PolicyReply::Decided(decided) = reply.reply {
            shadow.busy = false;
            if matches!(decided.result, Err(Failure::Trap(_) | Failure::Host(_))) {
                // Its next instance knows nothing.
                shadow.blank = true;
            }
            if let Some(open) = shadow.open.get_mut(&decided.round) {
                open.shadow = Some((decided.result, decided.stats.duration));
                shadow.compare(decided.round);
            }
        }
    }
}
