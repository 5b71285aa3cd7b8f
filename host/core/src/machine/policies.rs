//! What the machine keeps for each policy between its rounds.

use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldhash::HashSet;

use super::io::Canary;
use super::ledger::Author;
use super::view::PolicyNumbers;
use crate::Instant;
use crate::ids::{AgentHandle, JobHandle, OfferHandle, PolicyHandle, TaskHandle};
use crate::policy::{OperationView, PolicyEvent, Update};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Policy {
    pub(super) handle: PolicyHandle,
    pub(super) name: String,
    /// What decides now, for the stories of tasks.
    pub(super) author: Arc<Author>,
    /// Number of the latest round.
    pub(super) rounds: u32,
    /// A round is with the policy.
    pub(super) busy: bool,
    /// Offers shown in the latest round.
    pub(super) shown: Vec<OfferHandle>,
    /// Something is new since the latest round.
    pub(super) dirty: bool,
    /// Not to be called before this time.
    pub(super) not_before: Option<Instant>,
    /// Not to be called: its code is being changed.
    pub(super) held: bool,
    /// Failures since the last good answer.
    pub(super) strikes: u32,
    pub(super) last_failure: Option<String>,
    pub(super) numbers: PolicyNumbers,
    /// When its code, or it for what it has now, began to decide.
    pub(super) began: Instant,
    /// Its instance knows nothing; the next round carries all.
    pub(super) blank: bool,
    /// Offers below this were shown already.
    pub(super) fresh_from: OfferHandle,
    /// Jobs with waiting tasks: larger priority first, older first.
    pub(super) waiting: BTreeSet<(Reverse<i32>, JobHandle)>,
    pub(super) updates: Vec<Update>,
    pub(super) rescinded: Vec<OfferHandle>,
    pub(super) events: Vec<PolicyEvent>,
    pub(super) agents_known: HashSet<AgentHandle>,
    pub(super) agents_changed: BTreeSet<AgentHandle>,
    pub(super) jobs_changed: BTreeSet<JobHandle>,
    pub(super) jobs_gone: Vec<JobHandle>,
    pub(super) tasks_changed: BTreeSet<TaskHandle>,
    /// Ended tasks with their last state, so that details can still be asked.
    pub(super) tasks_ended: Vec<super::tasks::Task>,
    pub(super) operations: Vec<OperationView>,
    pub(super) timers: BTreeMap<u32, Instant>,
    /// The one that decides for a part of the demand.
    pub(super) canary: Option<CanaryState>,
    /// Offers that came over from the other side; not shown here yet.
    pub(super) handed: Vec<OfferHandle>,
    /// The roles of the framework have changed since its last round.
    pub(super) roles_changed: bool,
}

/// What the machine keeps while a canary decides.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CanaryState {
    pub(super) rule: Canary,
    /// Its offers; the others are the policy's.
    pub(super) offers: BTreeSet<OfferHandle>,
    /// Offers that one side has left and the other has got.
    pub(super) passed: BTreeSet<OfferHandle>,
}

impl Policy {
    pub(super) fn new(handle: PolicyHandle, name: String) -> Self {
        let author = Arc::new(Author {
            policy: name.clone(),
            version: String::new(),
        });
        Self {
            handle,
            name,
            author,
            rounds: 0,
            busy: false,
            shown: Vec::new(),
            dirty: false,
            not_before: None,
            held: false,
            strikes: 0,
            last_failure: None,
            numbers: PolicyNumbers::default(),
            began: Instant::default(),
            blank: true,
            fresh_from: OfferHandle(0),
            waiting: BTreeSet::new(),
            updates: Vec::new(),
            rescinded: Vec::new(),
            events: Vec::new(),
            agents_known: HashSet::default(),
            agents_changed: BTreeSet::new(),
            jobs_changed: BTreeSet::new(),
            jobs_gone: Vec::new(),
            tasks_changed: BTreeSet::new(),
            tasks_ended: Vec::new(),
            operations: Vec::new(),
            timers: BTreeMap::new(),
            canary: None,
            handed: Vec::new(),
            roles_changed: false,
        }
    }

    /// It decides nothing, and what it still answers is void. Should it do so again,
    /// it begins with full tables.
    pub(super) fn forget_all(&mut self) {
        *self = Self {
            name: std::mem::take(&mut self.name),
            author: Arc::clone(&self.author),
            rounds: self.rounds,
            last_failure: self.last_failure.take(),
            numbers: self.numbers,
            ..Self::new(self.handle, String::new())
        };
    }

    /// Something that the policy must hear of soon.
    pub(super) fn tell(&mut self, event: PolicyEvent) {
        self.events.push(event);
        self.dirty = true;
    }

    /// The policy will hear of an agent that an offer or task names.
    pub(super) fn meet(&mut self, agent: AgentHandle, changed: bool) {
        if agent != AgentHandle::NONE && (self.agents_known.insert(agent) || changed) {
            self.agents_changed.insert(agent);
        }
    }
}
