//! Why a task waits, and who decided what about one that was placed: what the
//! books know at once. What a policy would do if something were different is
//! found out by asking it (`experiment`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::ids::{JobHandle, PolicyHandle, TaskId};
use crate::offer::Offer;
use crate::resource::Amounts;

use super::Machine;
use super::jobs::Job;
use super::ledger::Author;
use super::queue::WaitingTask;
use super::recent::{Fate, Gone};
use super::spread::Spread;
use super::story::{Beginning, Ended, step_of_host};
use super::tasks::Task;
use super::view::{Candidate, Step as StepView, WAITING, Why};

/// Candidates that are shown, nearest first.
const SHOWN: usize = 50;

/// Refusals of placements that a job remembers.
const REFUSALS: usize = 5;

/// The host did not carry out a placement of a job's tasks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Refused {
    at: Instant,
    by: Arc<Author>,
    round: u32,
    why: String,
}

impl Machine {
    /// Why a task is where it is, or waits. `None`: no such task is known.
    pub fn why(&self, id: &str) -> Option<Why> {
        let task = TaskId::from(id);
        let live = self.tasks.find(&task).and_then(|task| self.tasks.get(task));
        if let Some(task) = live {
            return Some(self.why_live(task));
        }
        if let Some(ended) = self.tasks.ended().find(|ended| ended.summary.id == id) {
            return Some(Ended::why(ended));
        }
        let (job, waiting, delayed) = self.find_waiting(&task)?;
        Some(self.why_waiting(id, job, waiting, delayed))
    }

    fn why_live(&self, task: &Task) -> Why {
        let host = self.host_of(task);
        let verdict = match (&task.killing, task.is_intent()) {
            (Some(_), _) => "it is being killed".to_owned(),
            (None, true) => format!("it was launched on {host}; Mesos has said nothing yet"),
            (None, false) => format!("it is {} on {host}", task.record.state),
        };
        let job = task.record.job.as_ref();
        Why {
            task: task.record.id.to_string(),
            job: job.map(ToString::to_string).unwrap_or_default(),
            state: task.record.state.to_string(),
            verdict,
            steps: task.story.told(task.beginning().told(host)),
            candidates: Vec::new(),
            nearest: None,
        }
    }

    pub(super) fn find_waiting(&self, id: &TaskId) -> Option<(&Job, WaitingTask, Option<Instant>)> {
        self.jobs
            .iter()
            .find_map(|job| job.find_waiting(id).map(|(task, at)| (job, task, at)))
    }

    fn why_waiting(&self, id: &str, job: &Job, task: WaitingTask, delayed: Option<Instant>) -> Why {
        let mut candidates = self.candidates(job);
        candidates.sort_by(|a, b| {
            let order = |c: &Candidate| (!c.live, c.missing.unwrap_or(f64::INFINITY));
            let (a, b) = (order(a), order(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        let short = candidates
            .iter()
            .filter_map(|candidate| Some((candidate.missing?, candidate)))
            .filter(|(missing, _)| *missing > 0.0)
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let nearest = short.map(|(_, near)| format!("{}: {}", near.host, near.says));
        let verdict = match delayed {
            Some(at) => {
                let seconds = at.since(self.now).as_secs_f64();
                format!("it failed before and runs again in {seconds:.1} s")
            }
            None => self.waits_because(job, task, &candidates, nearest.as_deref()),
        };
        let (since, attempt) = (task.since, task.attempt);
        let mut steps = vec![Beginning::Waited { since, attempt }.told("")];
        steps.extend(job.refused.iter().map(|refused| StepView {
            policy: Some(refused.by.policy.clone()),
            version: Some(refused.by.version.clone()),
            round: Some(refused.round),
            ..step_of_host(
                refused.at,
                format!(
                    "the host refused to place tasks of its job: {}",
                    refused.why
                ),
            )
        }));
        // One whose turn comes later heard of refusals while it waited behind others.
        steps.sort_by_key(|step| step.at);
        candidates.truncate(SHOWN);
        Why {
            task: id.to_owned(),
            job: job.spec().name.to_string(),
            state: WAITING.to_owned(),
            verdict,
            steps,
            candidates,
            nearest,
        }
    }

    /// The verdict on a task that could be placed now. Candidates are sorted.
    fn waits_because(
        &self,
        job: &Job,
        task: WaitingTask,
        candidates: &[Candidate],
        nearest: Option<&str>,
    ) -> String {
        let role = &job.spec().role;
        let Some(main) = self.policy_of(job.view.role) else {
            return format!("role {role} is not one of the framework's now");
        };
        let policy = self.policy_at(main, job.waiting.side_of(task.instance));
        let policy = self.policies.get(policy.0 as usize);
        let failure = policy.filter(|policy| policy.strikes > 0);
        let forbidden = candidates.iter().filter(|c| c.missing.is_none());
        let fits = candidates.iter().find(|c| c.missing == Some(0.0));
        if self.session.is_none() {
            "offerd is not subscribed to a master, so there are no offers".to_owned()
        } else if self
            .role(job.view.role)
            .is_some_and(|role| role.absent && !role.gone)
        {
            format!("the policy of role {role} is still being made ready")
        } else if let Some(failure) = failure.and_then(|p| p.last_failure.as_ref()) {
            format!("the policy of role {role} fails: {failure}")
        } else if let Some(candidate) = fits {
            let says = match &candidate.policy_says {
                Some(says) => format!("the policy says: {says}"),
                None => candidate.became.clone(),
            };
            format!("an offer of {} had room; {says}", candidate.host)
        } else if let Some(nearest) = nearest {
            let others = match forbidden.count() {
                0 => String::new(),
                count => format!(" (its constraints forbid {count} other offers)"),
            };
            format!("no offer had room for it; nearest was {nearest}{others}")
        } else if let Some(candidate) = candidates.first() {
            format!(
                "its constraints forbid each of the {} offers; of {}: {}",
                candidates.len(),
                candidate.host,
                candidate.says
            )
        } else {
            format!(
                "the master has offered nothing to role {role} lately: all is in use, or other \
                 frameworks come first"
            )
        }
    }

    /// Live and recent offers of the job's role.
    fn candidates(&self, job: &Job) -> Vec<Candidate> {
        let role = job.view.role;
        let spread = self.spread_of(job);
        let live = self.offers.iter().filter(|offer| offer.role == role);
        let live = live.map(|offer| self.held(offer, judged(job, &spread, offer, &offer.usable)));
        let gone = self.recent.of(role);
        let gone = gone.map(|gone| {
            let candidate = judged(job, &spread, &gone.offer, &gone.room());
            self.went(gone, candidate)
        });
        live.chain(gone).collect()
    }

    /// An offer that lives: how far the policy is with it.
    fn held(&self, offer: &Offer, candidate: Candidate) -> Candidate {
        let policy = self.policy_of_offer(offer);
        let policy = policy.and_then(|policy| self.policies.get(policy.0 as usize));
        let shown = policy.filter(|policy| offer.handle < policy.fresh_from);
        let became = match shown {
            None => "it is held; the policy was not shown it yet",
            Some(policy) if policy.busy => "it is held; the policy is deciding",
            Some(_) => "it is held; the policy left it undecided",
        };
        Candidate {
            at: offer.since.0 / 1_000_000,
            live: true,
            became: became.to_owned(),
            policy: policy.map(|policy| policy.name.clone()),
            round: shown.map(|policy| policy.rounds),
            ..candidate
        }
    }

    /// An offer that went: who decided so.
    fn went(&self, gone: &Gone, candidate: Candidate) -> Candidate {
        let decided = match &gone.fate {
            Fate::Accepted {
                policy,
                round,
                reason,
                ..
            }
            | Fate::Declined {
                policy,
                round,
                reason,
            } => Some((*policy, *round, reason.as_deref())),
            _ => None,
        };
        Candidate {
            at: gone.at.0 / 1_000_000,
            became: gone.fate.told().to_owned(),
            policy: decided.and_then(|(policy, ..)| self.policy_name(policy)),
            round: decided.map(|(_, round, _)| round),
            policy_says: decided.and_then(|(.., reason)| reason.map(str::to_owned)),
            ..candidate
        }
    }

    /// The host refuses a placement: those who ask for tasks of the job will hear why.
    pub(super) fn note_refused(
        &mut self,
        handle: JobHandle,
        policy: PolicyHandle,
        round: u32,
        why: &str,
    ) {
        let (at, by) = (self.now, self.author(policy));
        let job = self.jobs.get(handle);
        // About jobs of others a policy has nothing to say.
        let own = job.is_some_and(|job| self.is_own_role(policy, job.view.role));
        if let Some(job) = self.jobs.get_mut(handle).filter(|_| own)
            && let Some(by) = by
        {
            // One that is repeated counts once.
            job.refused.retain(|before| before.why != why);
            if job.refused.len() >= REFUSALS {
                job.refused.pop_front();
            }
            job.refused.push_back(Refused {
                at,
                by,
                round,
                why: why.to_owned(),
            });
        }
    }

    /// What decides for a policy now.
    pub(super) fn author(&self, policy: PolicyHandle) -> Option<Arc<Author>> {
        let policy = self.policies.get(policy.0 as usize)?;
        Some(Arc::clone(&policy.author))
    }

    fn policy_name(&self, policy: PolicyHandle) -> Option<String> {
        let policy = self.policies.get(policy.0 as usize)?;
        Some(policy.name.clone())
    }
}

/// The host's judgement on an offer with so much room.
fn judged(job: &Job, spread: &Spread, offer: &Offer, room: &Amounts) -> Candidate {
    let needs = job.spec().needs;
    let (missing, says) = match spread.check(job.spec(), &offer.info.agent) {
        Err(why) => (None, why),
        Ok(()) => match needs.shortage(room) {
            Some(shortage) => (Some(share_missing(&needs, room)), shortage),
            None => (Some(0.0), "there is room".to_owned()),
        },
    };
    Candidate {
        offer: offer.info.id.to_string(),
        host: offer.info.agent.hostname.to_string(),
        at: 0,
        live: false,
        missing,
        says,
        became: String::new(),
        policy: None,
        round: None,
        policy_says: None,
    }
}

/// By how much of what it needs a task misses, at most: 0.25 is a quarter.
fn share_missing(needs: &Amounts, room: &Amounts) -> f64 {
    let share = |need: i64, have: i64| {
        if need > have {
            (need - have) as f64 / need as f64
        } else {
            0.0
        }
    };
    [
        share(needs.cpus.0, room.cpus.0),
        share(needs.mem.0, room.mem.0),
        share(needs.disk.0, room.disk.0),
        share(needs.gpus.0, room.gpus.0),
        share(i64::from(needs.ports), i64::from(room.ports)),
    ]
    .into_iter()
    .fold(0.0, f64::max)
}
