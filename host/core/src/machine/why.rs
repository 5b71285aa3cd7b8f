//! Why a task waits, and who decided what about one that was placed: what the
//! books know at once. What a policy would do if something were different is
//! found out by asking it (the service does).

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::ids::{JobHandle, OfferHandle, PolicyHandle, TaskId};
use crate::offer::Offer;
use crate::policy::{Round, Waiting};
use crate::resource::Amounts;
use crate::task::TaskState;

use super::Machine;
use super::jobs::Job;
use super::ledger::{Author, KillCause, Placed};
use super::queue::WaitingTask;
use super::view::{Candidate, Step as StepView, Why};

/// Offers that are remembered after they went.
const RECENT: usize = 256;

/// Candidates that are shown, nearest first.
const SHOWN: usize = 50;

/// What became of an offer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Fate {
    Accepted {
        policy: PolicyHandle,
        round: u32,
        /// What the tasks left over.
        left: Amounts,
    },
    Declined {
        policy: PolicyHandle,
        round: u32,
        reason: Option<Arc<str>>,
    },
    Rescinded,
    LeaseEnded,
    PolicyFailed,
    NobodyWaited,
    Claimed,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Gone {
    offer: Arc<Offer>,
    at: Instant,
    fate: Fate,
}

/// The latest offers that went, oldest first.
pub(super) type Recent = VecDeque<Gone>;

/// Something that happened to a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) at: Instant,
    pub(super) what: What,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum What {
    Update {
        state: TaskState,
        message: Option<String>,
    },
    Kill {
        cause: KillCause,
        by: Option<(Arc<Author>, u32)>,
        why: Option<String>,
    },
    Replaced,
}

/// A task that has ended, for those who ask.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Ended {
    pub(super) summary: super::view::TaskSummary,
    pub(super) launched: Instant,
    pub(super) reason: Option<Arc<str>>,
    pub(super) placed: Option<Placed>,
    pub(super) story: Vec<Step>,
}

impl Ended {
    pub(super) fn why(&self) -> Why {
        let summary = &self.summary;
        Why {
            task: summary.id.clone(),
            job: summary.job.clone(),
            state: summary.state.clone(),
            verdict: format!("it ended as {} on {}", summary.state, summary.hostname),
            steps: steps(
                self.launched,
                self.reason.as_deref(),
                self.placed.as_ref(),
                &summary.hostname,
                &self.story,
            ),
            candidates: Vec::new(),
            nearest: None,
        }
    }
}

impl Machine {
    /// Notes what becomes of an offer that is still in the books.
    pub(super) fn remember(&mut self, handle: OfferHandle, fate: Fate) {
        if let Some(offer) = self.offers.get(handle) {
            if self.recent.len() >= RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back(Gone {
                offer: Arc::clone(offer),
                at: self.now,
                fate,
            });
        }
    }

    /// Why a task is where it is, or waits. `None`: no such task is known.
    pub fn why(&self, id: &str) -> Option<Why> {
        let task = TaskId::from(id);
        if let Some(task) = self
            .tasks
            .find(&task)
            .and_then(|handle| self.tasks.get(handle))
        {
            let host = self.host_of(task);
            let verdict = match (&task.killing, task.is_intent()) {
                (Some(_), _) => "it is being killed".to_owned(),
                (None, true) => format!("it was launched on {host}; Mesos has said nothing yet"),
                (None, false) => format!("it is {} on {host}", task.record.state),
            };
            return Some(Why {
                task: id.to_owned(),
                job: task
                    .record
                    .job
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                state: task.record.state.to_string(),
                verdict,
                steps: steps(
                    task.record.launched,
                    task.record.reason.as_deref(),
                    task.record.placed.as_ref(),
                    host,
                    &task.story,
                ),
                candidates: Vec::new(),
                nearest: None,
            });
        }
        if let Some(ended) = self.tasks.ended().find(|ended| ended.summary.id == id) {
            return Some(ended.why());
        }
        let (job, waiting, delayed) = self.find_waiting(&task)?;
        Some(self.why_waiting(id, job, waiting, delayed))
    }

    /// The job and set of a waiting task, for an experiment: the round that its
    /// policy would see if all live and recent offers were there, with full
    /// tables.
    pub fn experiment(&self, id: &str) -> Option<(PolicyHandle, JobHandle, Round)> {
        let (job, task, _) = self.find_waiting(&TaskId::from(id))?;
        let side = job.waiting.side_of(task.instance);
        let policy = self.policy_at(self.policy_of(job.view.role)?, side);
        let mut offers: Vec<Arc<Offer>> = self
            .offers
            .iter()
            .filter(|offer| self.policies_of(offer.role).any(|p| p == policy))
            .cloned()
            .collect();
        // The newest of each agent: an agent has its resources once.
        for gone in self.recent.iter().rev() {
            let offer = &gone.offer;
            let mine = self.policies_of(offer.role).any(|p| p == policy);
            if mine && !offers.iter().any(|other| other.agent == offer.agent) {
                offers.push(match gone.fate {
                    Fate::Accepted { left, .. } => Arc::new(Offer {
                        usable: left,
                        ..Offer::clone(offer)
                    }),
                    _ => Arc::clone(offer),
                });
            }
        }
        offers.sort_by_key(|offer| offer.handle);
        let waiting: Vec<Waiting> = self
            .policies
            .get(policy.0 as usize)?
            .waiting
            .iter()
            .take(self.settings.waiting_per_round)
            .filter_map(|(_, job)| self.jobs.get(*job)?.as_waiting(side))
            .collect();
        let round = Round {
            number: 1,
            now: self.now,
            offers,
            fresh_from: OfferHandle(0),
            waiting,
            updates: Vec::new(),
            rescinded: Vec::new(),
            events: Vec::new(),
            delta: self.full_delta(policy),
        };
        Some((policy, job.handle, round))
    }

    fn find_waiting(&self, id: &TaskId) -> Option<(&Job, WaitingTask, Option<Instant>)> {
        self.jobs.iter().find_map(|job| {
            let now = job.waiting.iter().map(|task| (*task, None));
            let later = job.delayed.iter().map(|((at, _), task)| (*task, Some(*at)));
            now.chain(later)
                .find(|(task, _)| job.task_id(task.instance) == *id)
                .map(|(task, at)| (job, task, at))
        })
    }

    fn why_waiting(&self, id: &str, job: &Job, task: WaitingTask, delayed: Option<Instant>) -> Why {
        let mut candidates = self.candidates(job);
        let nearest = candidates
            .iter()
            .filter(|candidate| candidate.missing > 0.0 && candidate.missing.is_finite())
            .min_by(|a, b| a.missing.total_cmp(&b.missing))
            .map(|candidate| format!("{}: {}", candidate.host, candidate.says));
        let fits = candidates.iter().find(|candidate| candidate.missing == 0.0);
        let role = &job.spec().role;
        let side = job.waiting.side_of(task.instance);
        let policy = self.policy_of(job.view.role);
        let policy = policy.map(|main| self.policy_at(main, side));
        let policy = policy.and_then(|policy| self.policies.get(policy.0 as usize));
        let failure = policy.filter(|policy| policy.strikes > 0);
        let verdict = if let Some(at) = delayed {
            let seconds = at.since(self.now).as_secs_f64();
            format!("it failed before and runs again in {seconds:.1} s")
        } else if self.session.is_none() {
            "offerd is not subscribed to a master, so there are no offers".to_owned()
        } else if let Some(failure) = failure.and_then(|p| p.last_failure.as_ref()) {
            format!("the policy of role {role} fails: {failure}")
        } else if candidates.is_empty() {
            format!(
                "the master has offered nothing to role {role} lately: all is in use, or other \
                 frameworks come first"
            )
        } else if let Some(candidate) = fits {
            let says = match &candidate.policy_says {
                Some(says) => format!("the policy says: {says}"),
                None => candidate.says.clone(),
            };
            format!("an offer of {} had room; {says}", candidate.host)
        } else {
            let nearest = nearest
                .as_deref()
                .unwrap_or("constraints allow none of them");
            format!("no offer had room for it; nearest was {nearest}")
        };
        let since = StepView {
            at: task.since.0 / 1_000_000,
            text: match task.attempt {
                0 => "it waits".to_owned(),
                attempt => format!("it waits again, after {attempt} failures"),
            },
            policy: None,
            version: None,
            round: None,
        };
        candidates.sort_by(|a, b| {
            (!a.live, a.missing)
                .partial_cmp(&(!b.live, b.missing))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        candidates.truncate(SHOWN);
        Why {
            task: id.to_owned(),
            job: job.spec().name.to_string(),
            state: "WAITING".to_owned(),
            verdict,
            steps: vec![since],
            candidates,
            nearest,
        }
    }

    /// Live and recent offers of the job's role, newest first.
    fn candidates(&self, job: &Job) -> Vec<Candidate> {
        let role = job.view.role;
        let live = self
            .offers
            .iter()
            .filter(|offer| offer.role == role)
            .map(|offer| (offer, None));
        let gone = self
            .recent
            .iter()
            .rev()
            .filter(|gone| gone.offer.role == role)
            .map(|gone| (&gone.offer, Some(gone)));
        live.chain(gone)
            .map(|(offer, gone)| self.candidate(job, offer, gone))
            .collect()
    }

    fn candidate(&self, job: &Job, offer: &Arc<Offer>, gone: Option<&Gone>) -> Candidate {
        let needs = job.spec().needs;
        let room = match gone.map(|gone| &gone.fate) {
            Some(Fate::Accepted { left, .. }) => *left,
            _ => offer.usable,
        };
        let (mut missing, mut says) = match needs.shortage(&room) {
            Some(shortage) => (share_missing(&needs, &room), shortage),
            None => (0.0, "there is room".to_owned()),
        };
        if missing == 0.0
            && let Err(why) = self.eligible(job.handle, offer, None)
        {
            missing = f64::INFINITY;
            says = why;
        }
        let mut candidate = Candidate {
            offer: offer.info.id.to_string(),
            host: offer.info.agent.hostname.to_string(),
            at: offer.since.0 / 1_000_000,
            live: gone.is_none(),
            missing: if missing.is_finite() {
                missing
            } else {
                f64::MAX
            },
            says,
            became: "it is held".to_owned(),
            policy: None,
            round: None,
            policy_says: None,
        };
        if let Some(gone) = gone {
            candidate.at = gone.at.0 / 1_000_000;
            candidate.became = match &gone.fate {
                Fate::Accepted { .. } => "tasks were launched on it",
                Fate::Declined { .. } => "the policy declined it",
                Fate::Rescinded => "Mesos took it back",
                Fate::LeaseEnded => "the policy left it unanswered for too long",
                Fate::PolicyFailed => "the policy failed",
                Fate::NobodyWaited => "nobody waited then",
                Fate::Claimed => "the policy held it while another role had no offer",
            }
            .to_owned();
            if let Fate::Accepted { policy, round, .. } | Fate::Declined { policy, round, .. } =
                &gone.fate
            {
                candidate.policy = self.policy_name(*policy);
                candidate.round = Some(*round);
            }
            if let Fate::Declined { reason, .. } = &gone.fate {
                candidate.policy_says = reason.as_deref().map(str::to_owned);
            }
        }
        candidate
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

/// What happened to a task that was launched, for people.
fn steps(
    launched: Instant,
    reason: Option<&str>,
    placed: Option<&Placed>,
    host: &str,
    story: &[Step],
) -> Vec<StepView> {
    let because = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let mut steps = vec![StepView {
        at: launched.0 / 1_000_000,
        text: match placed {
            Some(placed) => format!("placed on {host}, offer {}{because}", placed.offer),
            None => format!("launched on {host}{because}"),
        },
        policy: placed.map(|placed| placed.by.policy.clone()),
        version: placed.map(|placed| placed.by.version.clone()),
        round: placed.map(|placed| placed.round),
    }];
    steps.extend(story.iter().map(|step| {
        let (text, by) = match &step.what {
            What::Update { state, message } => {
                let message = message.as_deref().filter(|m| !m.is_empty());
                let text = match message {
                    Some(message) => format!("{state}: {message}"),
                    None => state.to_string(),
                };
                (text, None)
            }
            What::Kill { cause, by, why } => {
                let who = match cause {
                    KillCause::Operator => "killed by an operator",
                    KillCause::Policy => "killed by its policy",
                    KillCause::Unwanted => "killed, since it is not wanted any more",
                };
                let text = match why {
                    Some(why) => format!("{who}: {why}"),
                    None => who.to_owned(),
                };
                (text, by.as_ref())
            }
            What::Replaced => (
                "its agent stayed away; another task took its place".to_owned(),
                None,
            ),
        };
        StepView {
            at: step.at.0 / 1_000_000,
            text,
            policy: by.map(|(author, _)| author.policy.clone()),
            version: by.map(|(author, _)| author.version.clone()),
            round: by.map(|(_, round)| *round),
        }
    }));
    steps
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
