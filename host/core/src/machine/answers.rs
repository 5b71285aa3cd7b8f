//! A policy's answer: each decision is checked against the books before it
//! becomes a call. What is refused is counted, logged and told to the policy.

use foldhash::HashMap;
use std::sync::Arc;

use crate::call::{Call, JobTask, Operation};
use crate::ids::{JobHandle, OfferHandle, PolicyHandle, SetHandle};
use crate::job::JobKind;
use crate::offer::Offer;
use crate::policy::{Answer, DecisionKind, Failure, Kill, Millis, Placement, PolicyEvent, Refusal};
use crate::resource::{Amounts, Pool, Resource};
use crate::task::{TaskDetails, TaskState};

use super::ledger::{KillCause, Placed, Record, TaskRecord};
use super::queue::{Side, WaitingTask};
use super::recent::Fate;
use super::spread::Spread;
use super::tasks::Task;
use super::{CallId, Machine, Session, Severity};

/// Most refusals that one answer is told about; the rest is counted.
const REFUSALS_TOLD: usize = 100;

/// The answer that is being carried out.
pub(super) struct Checking {
    pub(super) policy: PolicyHandle,
    pub(super) round: u32,
    /// Offers that a decision of this answer has used, and how.
    pub(super) used: HashMap<OfferHandle, DecisionKind>,
    /// Position of the action that is being carried out.
    pub(super) action: u32,
    /// Of jobs with constraints that are placed in this answer.
    pub(super) spreads: HashMap<JobHandle, Spread>,
    refusals: Vec<Refusal>,
}

/// An ACCEPT in the making.
struct Accept {
    policy: PolicyHandle,
    round: u32,
    offer: Arc<Offer>,
    pool: Pool,
    tasks: Vec<Taken>,
}

/// On whose word a task is launched.
pub(super) struct Decision {
    pub(super) policy: PolicyHandle,
    pub(super) round: u32,
    pub(super) reason: Option<Arc<str>>,
}

/// A waiting task with the resources that it gets.
#[derive(Debug)]
struct Taken {
    job: JobHandle,
    task: WaitingTask,
    resources: Vec<Resource>,
    reason: Option<Arc<str>>,
}

impl Checking {
    pub(super) fn refuse(&mut self, kind: DecisionKind, position: usize, why: impl Into<String>) {
        self.refusals.push(Refusal {
            round: self.round,
            kind,
            position: u32::try_from(position).unwrap_or(u32::MAX),
            why: why.into(),
        });
    }

    /// Notes that a decision uses an offer; an error if another one did.
    pub(super) fn claim(&mut self, offer: OfferHandle, kind: DecisionKind) -> Result<(), String> {
        match self.used.insert(offer, kind) {
            None => Ok(()),
            Some(DecisionKind::Placement) if kind == DecisionKind::Placement => Ok(()),
            Some(before) => {
                self.used.insert(offer, before);
                Err(format!(
                    "offer {offer} is used by a {} of the same answer",
                    before.as_str()
                ))
            }
        }
    }
}

impl Machine {
    pub(super) fn on_answer(
        &mut self,
        policy: PolicyHandle,
        round: u32,
        result: &Result<Answer, Failure>,
    ) {
        let Some(state) = self.policy_mut(policy) else {
            return;
        };
        if !state.busy || state.rounds != round {
            return;
        }
        state.busy = false;
        let answer = match result {
            Ok(answer) => answer,
            Err(failure) => return self.on_policy_failure(policy, failure),
        };
        state.strikes = 0;
        let decisions = answer.placements.len()
            + answer.declines.len()
            + answer.kills.len()
            + answer.actions.len();
        state.numbers.decisions += decisions as u64;
        if self.session.is_none() {
            // All that it decided about is void; kills of live tasks as well
            // wait for its next round.
            return;
        }
        let mut checking = Checking {
            policy,
            round,
            used: HashMap::default(),
            action: 0,
            spreads: HashMap::default(),
            refusals: Vec::new(),
        };
        self.check_kills(&mut checking, answer);
        self.check_placements(&mut checking, answer);
        self.check_declines(&mut checking, answer);
        for (position, (action, reason)) in answer.actions.iter().enumerate() {
            let reason = answer.reason(*reason).map(Arc::from);
            checking.action = u32::try_from(position).unwrap_or(u32::MAX);
            if let Err(why) = self.take_action(&mut checking, action, reason) {
                checking.refuse(DecisionKind::Action, position, why);
            }
        }
        if let Some(rest) = answer.rest {
            let reason = answer.reason(rest.reason).map(Arc::from);
            self.decline_rest(&checking, rest, reason.as_ref());
        }
        self.tell_refusals(checking);
    }

    fn check_kills(&mut self, checking: &mut Checking, answer: &Answer) {
        for (position, kill) in answer.kills.iter().enumerate() {
            let reason = answer.reason(kill.reason).map(str::to_owned);
            if let Err(why) = self.check_kill(checking, *kill, reason) {
                checking.refuse(DecisionKind::Kill, position, why);
            }
        }
    }

    fn check_kill(
        &mut self,
        checking: &Checking,
        kill: Kill,
        reason: Option<String>,
    ) -> Result<(), String> {
        let policy = checking.policy;
        let task = self
            .tasks
            .get(kill.task)
            .ok_or_else(|| format!("task {} is not live", kill.task))?;
        if self.policy_of_task(task) != Some(policy) {
            return Err(format!("task {} is another policy's", task.record.id));
        }
        if task.killing.is_some() {
            return Err(format!("task {} is being killed already", task.record.id));
        }
        let id = task.record.id.clone();
        let name = self
            .policies
            .get(policy.0 as usize)
            .map_or("", |p| p.name.as_str());
        let why = reason.unwrap_or_else(|| "no reason given".to_owned());
        let text = format!("policy {name} kills it: {why}");
        self.task_notice(Severity::Info, &id, text);
        // The cast is exact enough: a grace period of at most 2^53 ms.
        let grace = (kill.grace.0 >= 0.0).then_some((kill.grace.0 * 1e6) as u64);
        let by = self.author(policy).map(|author| (author, checking.round));
        self.kill_task(kill.task, KillCause::Policy, grace, by, Some(why));
        Ok(())
    }

    /// A live offer of the policy that it has been shown.
    pub(super) fn offer_for(
        &self,
        policy: PolicyHandle,
        handle: OfferHandle,
    ) -> Result<Arc<Offer>, String> {
        let offer = self
            .offers
            .get(handle)
            .ok_or_else(|| format!("offer {handle} does not live (rescinded, used or void)"))?;
        let shown = self
            .policies
            .get(policy.0 as usize)
            .is_some_and(|policy| handle < policy.fresh_from);
        if self.policy_of_offer(offer) != Some(policy) || !shown {
            return Err(format!("offer {handle} is not one of this policy's"));
        }
        Ok(Arc::clone(offer))
    }

    /// The job of a set that the policy may place on an offer.
    pub(super) fn job_for(&self, set: SetHandle, offer: &Offer) -> Result<JobHandle, String> {
        let handle = set.job();
        let job = self
            .jobs
            .get(handle)
            .ok_or_else(|| format!("there is no set {set}"))?;
        if job.view.role != offer.role {
            return Err(format!(
                "tasks of role {} can't run on an offer to role {}",
                job.spec().role,
                offer.info.role
            ));
        }
        Ok(handle)
    }

    fn check_placements(&mut self, checking: &mut Checking, answer: &Answer) {
        let mut accepts: Vec<Accept> = Vec::new();
        // Shared by all tasks that were launched for the same reason.
        let reasons: Vec<Arc<str>> = answer.reasons.iter().map(|r| r.as_str().into()).collect();
        let mut by_offer: HashMap<OfferHandle, usize> = HashMap::default();
        for (position, placement) in answer.placements.iter().enumerate() {
            let found = match by_offer.get(&placement.offer) {
                Some(index) => Ok(*index),
                None => self
                    .offer_for(checking.policy, placement.offer)
                    .and_then(|offer| {
                        checking.claim(placement.offer, DecisionKind::Placement)?;
                        let pool = Pool::new(offer.info.resources.clone());
                        by_offer.insert(placement.offer, accepts.len());
                        accepts.push(Accept {
                            policy: checking.policy,
                            round: checking.round,
                            offer,
                            pool,
                            tasks: Vec::new(),
                        });
                        Ok(accepts.len() - 1)
                    }),
            };
            let done = found.and_then(|index| {
                let accept = accepts.get_mut(index).ok_or("the offer is gone")?;
                let reason = answer.reason_position(placement.reason);
                let reason = reason.and_then(|position| reasons.get(position));
                self.place(checking, accept, *placement, reason)
            });
            if let Err(why) = done {
                let job = placement.set.job();
                self.note_refused(job, checking.policy, checking.round, &why);
                checking.refuse(DecisionKind::Placement, position, why);
            }
        }
        let leftover = answer.leftover;
        for accept in accepts {
            if accept.tasks.is_empty() {
                // Nothing came of it: the offer stays held.
                checking.used.remove(&accept.offer.handle);
            } else {
                self.accept(accept, leftover);
            }
        }
    }

    /// Takes waiting tasks for an ACCEPT, as many as fit.
    fn place(
        &mut self,
        checking: &mut Checking,
        accept: &mut Accept,
        placement: Placement,
        reason: Option<&Arc<str>>,
    ) -> Result<(), String> {
        let handle = self.job_for(placement.set, &accept.offer)?;
        let side = self.side_of_policy(accept.policy);
        if placement.count == 0 {
            return Err("a placement of 0 tasks".to_owned());
        }
        for done in 0..placement.count {
            let refused = |why: String| {
                if done == 0 {
                    why
                } else {
                    format!("{done} of {} done; {why}", placement.count)
                }
            };
            let (task, resources) = self
                .take_waiting(checking, handle, side, &accept.offer, &mut accept.pool)
                .map_err(refused)?;
            accept.tasks.push(Taken {
                job: handle,
                task,
                resources,
                reason: reason.cloned(),
            });
        }
        Ok(())
    }

    /// Takes one waiting task of a job, and what it needs of an offer, if the offer
    /// has it and the constraints allow it.
    pub(super) fn take_waiting(
        &mut self,
        checking: &mut Checking,
        handle: JobHandle,
        side: Side,
        offer: &Offer,
        pool: &mut Pool,
    ) -> Result<(WaitingTask, Vec<Resource>), String> {
        let job = self.jobs.get(handle).ok_or("no such set")?;
        let (spec, agent) = (Arc::clone(job.spec()), &offer.info.agent);
        let spread = (!spec.constraints.is_empty()).then(|| {
            let spread = checking.spreads.entry(handle);
            spread.or_insert_with(|| self.spread_of(job))
        });
        if let Some(spread) = &spread {
            spread.check(&spec, agent)?;
        }
        let none = || format!("no task of {} waits any more", spec.name);
        job.waiting.first(side).ok_or_else(none)?;
        let taken = pool.take_amounts(&spec.needs);
        let resources = taken.map_err(|shortage| shortage.to_string())?;
        if let Some(spread) = spread {
            spread.add(&spec, agent);
        }
        let job = self.jobs.get_mut(handle);
        let task = job
            .and_then(|job| job.waiting.take(side))
            .ok_or_else(none)?;
        Ok((task, resources))
    }

    fn accept(&mut self, accept: Accept, leftover: Millis) {
        let Some(session) = self.session else { return };
        let id = CallId(self.next_call);
        let offer = accept.offer;
        let (policy, round) = (accept.policy, accept.round);
        let left = Amounts::usable(accept.pool.items());
        let fate = Fate::Accepted {
            policy,
            round,
            left,
            reason: accept.tasks.first().and_then(|task| task.reason.clone()),
        };
        self.remember(offer.handle, fate);
        self.take_offer(offer.handle);
        let tasks = accept
            .tasks
            .into_iter()
            .filter_map(|taken| {
                let Taken {
                    job,
                    task,
                    resources,
                    reason,
                } = taken;
                let by = Decision {
                    policy,
                    round,
                    reason,
                };
                self.launch(job, task, &offer, resources, by, (session, id))
            })
            .collect();
        self.counters.offers_accepted += 1;
        let refuse = leftover
            .seconds()
            .unwrap_or_else(|| self.refuse_choice(offer.role));
        self.send(Call::Accept {
            offers: vec![offer.info.id.clone()],
            operations: vec![Operation::Launch(tasks)],
            refuse,
        });
    }

    /// For the book: whose decision launches a task.
    pub(super) fn placed(&self, by: &Decision, offer: &Offer) -> Option<Placed> {
        Some(Placed {
            by: self.author(by.policy)?,
            round: by.round,
            offer: offer.info.id.clone(),
            host: Arc::clone(&offer.info.agent.hostname),
        })
    }

    /// Writes a task into the books, durably, before it is sent (R42).
    pub(super) fn launch(
        &mut self,
        job_handle: JobHandle,
        task: WaitingTask,
        offer: &Offer,
        resources: Vec<Resource>,
        by: Decision,
        launch: (Session, CallId),
    ) -> Option<JobTask> {
        let placed = self.placed(&by, offer);
        let handle = self.tasks.next_handle();
        let now = self.now;
        let reason = by.reason;
        let resources = Arc::new(resources);
        let job = self.jobs.get_mut(job_handle)?;
        let id = job.task_id(task.instance);
        let spec = Arc::clone(job.spec());
        job.live.insert(handle);
        let record = TaskRecord {
            id: id.clone(),
            job: Some(spec.name.clone()),
            role: spec.role.clone(),
            agent: offer.info.agent.id.clone(),
            needs: spec.needs,
            state: TaskState::STAGING,
            attempt: task.attempt,
            launched: now,
            killing: None,
            killed: None,
            replaced: false,
            quarantined: false,
            reason: reason.clone(),
            placed,
        };
        let details = TaskDetails {
            launched_because: reason,
            labels: spec.labels.clone(),
            resources: Arc::clone(&resources),
            ..TaskDetails::of(id.clone(), Arc::clone(&spec.name.0))
        };
        if self.settings.durable {
            self.persist(Record::Task(record.clone()));
        }
        self.tasks.insert(Task {
            job: job_handle,
            priority: spec.priority,
            service: spec.kind == JobKind::Service,
            launch: Some(launch),
            launched_by: Some(by.policy),
            ..Task::new(handle, record, details, offer.agent, offer.role)
        });
        self.counters.tasks_launched += 1;
        if let Some(policy) = self.policy_mut(by.policy) {
            // What it waited under others is not this one's doing.
            let waited = now.since(task.since.max(policy.began)).as_millis();
            policy.numbers.placed += 1;
            policy.numbers.waited += u64::try_from(waited).unwrap_or(u64::MAX);
        }
        self.task_changed(handle);
        self.demand_changed(job_handle, false);
        Some(JobTask {
            id,
            agent: offer.info.agent.id.clone(),
            resources,
            job: spec,
        })
    }

    fn tell_refusals(&mut self, checking: Checking) {
        if checking.refusals.is_empty() {
            return;
        }
        let handle = checking.policy;
        let refused = checking.refusals.len() as u64;
        self.counters.decisions_refused += refused;
        if let Some(policy) = self.policy_mut(handle) {
            policy.numbers.refused += refused;
        }
        let more = checking.refusals.len() - 1;
        if let Some(first) = checking.refusals.first() {
            let name = self
                .policies
                .get(handle.0 as usize)
                .map_or("", |p| p.name.as_str());
            let text = format!(
                "policy {name}, round {}: {} {} refused: {}{}",
                first.round,
                first.kind.as_str(),
                first.position,
                first.why,
                if more > 0 {
                    format!(" (and {more} more)")
                } else {
                    String::new()
                }
            );
            self.policy_notice(Severity::Warn, handle, text);
        }
        // Told with the next round, but no cause for one: a policy that repeats
        // itself must not turn in a circle.
        if let Some(policy) = self.policy_mut(handle) {
            let told = checking.refusals.into_iter().take(REFUSALS_TOLD);
            policy.events.extend(told.map(PolicyEvent::Refused));
        }
    }
}
