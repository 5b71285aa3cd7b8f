//! The machine: one door in, one door out.
//!
//! [`Machine::handle`] takes what happened and appends what is to be done. The
//! files beside this one each hold one part of the books or one kind of input:
//!
//! | file | what it does |
//! | --- | --- |
//! | `session` | subscribed, disconnected, reconciliation |
//! | `updates`, `operations` | status updates of tasks and operations |
//! | `rounds` | what policies are shown and when |
//! | `answers`, `accepts`, `declines`, `actions` | checks decisions and turns them into calls |
//! | `spread` | whether the constraints of a job allow a placement |
//! | `framework` | what is said of the framework itself |
//! | `reach` | what a policy may touch |
//! | `timers` | what policies want to be woken for |
//! | `operator` | jobs submitted, scaled, killed |
//! | `demand` | roles suppressed and revived |
//! | `kills`, `endings` | tasks that are killed, stay away, end and run again |
//! | `claims` | offers that are held while another role goes short |
//! | `routing` | which policy decides for what: roles that move, canaries |
//! | `list`, `why`, `experiment`, `story`, `recent` | answers to people who ask |
//! | `offers`, `jobs`, `queue`, `tasks`, `executors`, `policies` | the books |
//! | `io`, `ledger`, `view` | what goes in and out: inputs, effects, records, lists |

mod accepts;
mod actions;
mod answers;
mod claims;
mod declines;
mod demand;
mod endings;
mod executors;
mod experiment;
mod framework;
mod io;
mod jobs;
mod kills;
pub mod ledger;
mod list;
mod offers;
mod operations;
mod operator;
mod policies;
mod queue;
mod reach;
mod recent;
mod rounds;
mod routing;
mod session;
mod spread;
mod story;
mod tasks;
mod timers;
mod updates;
pub mod view;
mod why;

use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};

use foldhash::HashMap;
use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub use experiment::Experiment;
pub use io::{
    CallId, Canary, Effect, Input, Notice, PolicyChange, PolicySettings, Reply, Request, Session,
    Settings, Severity, Subscription, Ticket,
};
pub use ledger::{Author, JobRecord, Killed, Ledger, Placed, Record, TaskRecord};

use crate::Instant;
use crate::call::{Call, FrameworkUpdate};
use crate::event::Event;
use crate::ids::{
    FrameworkId, JobHandle, OperationId, PolicyHandle, Role, RoleHandle, TaskHandle, TaskId,
};
use crate::policy::Codec;
use crate::task::TaskState;

use demand::RoleState;
use executors::Executors;
use jobs::Jobs;
use offers::{Agents, Offers};
use operations::OperationEntry;
use policies::Policy;
use session::Reconciliation;
use tasks::Tasks;

/// What a moment was noted for. Timers are not taken back: when one comes, the
/// books tell whether there still is something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Timer {
    KillAgain(TaskHandle),
    Replace(TaskHandle),
    WakeJob(JobHandle),
    Revive,
    ClaimHeld,
    Reconcile,
    ReconcileAll,
    CallPolicy(PolicyHandle),
    PolicyAsked(PolicyHandle, u32),
}

/// The scheduler. See the module documentation.
#[derive(Debug, Serialize, Deserialize)]
pub struct Machine {
    settings: Settings,
    #[serde(skip, default = "no_codec")]
    codec: Arc<dyn Codec>,
    rng: ChaCha8Rng,
    now: Instant,
    /// The live subscription; `None` while there is none.
    session: Option<Session>,
    /// The newest session number seen; events of older ones are dropped.
    newest_session: Session,
    ever_subscribed: bool,
    framework_id: Option<FrameworkId>,
    master: Option<String>,
    update: FrameworkUpdate,
    /// Those that may yet be refused, oldest first.
    updates: VecDeque<framework::Update>,
    agents: Agents,
    offers: Offers,
    jobs: Jobs,
    tasks: Tasks,
    executors: Executors,
    roles: Vec<RoleState>,
    policies: Vec<Policy>,
    operations: HashMap<OperationId, OperationEntry>,
    reconciliation: Option<Reconciliation>,
    timers: BTreeSet<(Instant, Timer)>,
    next_call: u64,
    counters: view::Counters,
    recent: recent::Recent,
    #[serde(skip)]
    out: Vec<Effect>,
}

/// For a machine that was read and has not got its codec yet.
fn no_codec() -> Arc<dyn Codec> {
    Arc::new(crate::policy::NoCodec)
}

impl Machine {
    /// A machine that was read from a recording can decide only with the codec
    /// that it had.
    #[must_use]
    pub fn with_codec(self, codec: Arc<dyn Codec>) -> Self {
        Self { codec, ..self }
    }

    /// A machine that goes on from what a store remembers. Asks for the first
    /// subscription.
    pub fn new(
        settings: Settings,
        ledger: Ledger,
        codec: Arc<dyn Codec>,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) -> Self {
        let mut roles = Vec::new();
        let mut policies = Vec::new();
        for (position, policy) in settings.policies.iter().enumerate() {
            let handle = PolicyHandle(u32::try_from(position).unwrap_or(u32::MAX));
            roles.extend(
                policy
                    .roles
                    .iter()
                    .map(|role| RoleState::new(role.clone(), handle)),
            );
            policies.push(Policy::new(handle, policy.name.clone()));
        }
        let mut machine = Self {
            rng: ChaCha8Rng::seed_from_u64(settings.seed),
            settings,
            codec,
            now,
            session: None,
            newest_session: Session(0),
            ever_subscribed: false,
            framework_id: ledger.framework_id,
            master: None,
            update: FrameworkUpdate::default(),
            updates: VecDeque::new(),
            agents: Agents::default(),
            offers: Offers::default(),
            jobs: Jobs::default(),
            tasks: Tasks::default(),
            executors: Executors::default(),
            roles,
            policies,
            operations: HashMap::default(),
            reconciliation: None,
            timers: BTreeSet::new(),
            next_call: 1,
            counters: view::Counters::default(),
            recent: recent::Recent::default(),
            out: std::mem::take(effects),
        };
        machine.restore(ledger.jobs, ledger.tasks);
        machine.announce_subscription();
        machine.settle();
        *effects = std::mem::take(&mut machine.out);
        machine
    }

    /// Takes one input and appends what is to be done.
    pub fn handle(&mut self, now: Instant, input: Input, effects: &mut Vec<Effect>) {
        self.handle_all(now, std::iter::once(input), effects);
    }

    /// Takes inputs that came together. Policies are called once after all of
    /// them.
    pub fn handle_all(
        &mut self,
        now: Instant,
        inputs: impl IntoIterator<Item = Input>,
        effects: &mut Vec<Effect>,
    ) {
        self.now = self.now.max(now);
        self.out = std::mem::take(effects);
        for input in inputs {
            match input {
                Input::Master { session, event } => self.on_event(session, event),
                Input::Disconnected { session, reason } => self.on_disconnected(session, reason),
                Input::CallFailed { session, call, why } => {
                    self.on_call_failed(session, call, &why)
                }
                Input::Answered {
                    policy,
                    round,
                    result,
                } => self.on_answer(policy, round, &result),
                Input::Operator { ticket, request } => self.on_request(ticket, request),
                Input::Policy { policy, change } => self.on_policy_change(policy, change),
                Input::Version { policy, version } => self.on_version(policy, version),
                Input::Policies(wanted) => self.on_policies(wanted),
                Input::Canary { policy, canary } => self.on_canary(policy, canary),
                Input::Tick => {}
            }
        }
        self.run_timers();
        self.settle();
        *effects = std::mem::take(&mut self.out);
    }

    fn on_event(&mut self, session: Session, event: Event) {
        if session < self.newest_session {
            return;
        }
        match event {
            Event::Subscribed {
                framework_id,
                master,
            } => {
                self.on_subscribed(session, framework_id, master);
            }
            Event::Offers(offers) => self.on_offers(offers),
            Event::Rescind(id) => self.on_rescind(&id),
            Event::InverseOffers(offers) => self.on_inverse_offers(offers),
            Event::RescindInverseOffer(id) => self.on_rescind_inverse(&id),
            Event::Update(status) => self.on_update(status),
            Event::UpdateOperationStatus(status) => self.on_operation_update(status),
            Event::Message {
                agent,
                executor,
                data,
            } => self.on_message(&agent, &executor, data),
            Event::Failure {
                agent,
                executor,
                status,
            } => {
                self.on_failure(agent.as_ref(), executor.as_ref(), status);
            }
            Event::Error(message) => self.on_error(message),
            Event::Heartbeat => {}
            Event::Unknown { kind, details } => self.on_unknown_event(kind, details),
        }
    }

    /// When [`Input::Tick`] is due next.
    pub fn next_deadline(&self) -> Option<Instant> {
        let timer = self.timers.first().map(|(at, _)| *at);
        io::earliest(timer, self.offers.next_lease())
    }

    fn arm(&mut self, at: Instant, timer: Timer) {
        self.timers.insert((at, timer));
    }

    fn run_timers(&mut self) {
        while let Some((at, timer)) = self.timers.first().copied() {
            if at > self.now {
                break;
            }
            self.timers.pop_first();
            match timer {
                Timer::KillAgain(task) => self.kill_again(task),
                Timer::Replace(task) => self.replace_unreachable(task),
                Timer::WakeJob(job) => self.wake_job(job),
                // `settle` and the pump look at these themselves.
                Timer::Revive | Timer::ClaimHeld | Timer::CallPolicy(_) => {}
                Timer::Reconcile => self.reconcile_again(),
                Timer::ReconcileAll => self.reconcile_all(),
                Timer::PolicyAsked(policy, number) => self.policy_timer(policy, number, at),
            }
        }
        self.end_leases();
    }

    /// Brings roles and policies in line with the books.
    fn settle(&mut self) {
        self.settle_roles();
        self.claim_held();
        self.call_policies();
    }

    /// Sends a call in the live session; `None` if there is none.
    fn send(&mut self, call: Call) -> Option<(Session, CallId)> {
        let session = self.session?;
        let id = CallId(self.next_call);
        self.next_call += 1;
        self.out.push(Effect::Send { session, id, call });
        Some((session, id))
    }

    fn persist(&mut self, record: Record) {
        if self.settings.durable {
            self.out.push(Effect::Persist(record));
        }
    }

    fn notice(&mut self, severity: Severity, text: impl Into<String>) {
        self.out.push(Effect::Notice(Notice {
            severity,
            text: text.into(),
            task: None,
            policy: None,
        }));
    }

    fn task_notice(&mut self, severity: Severity, task: &TaskId, text: impl Into<String>) {
        self.out.push(Effect::Notice(Notice {
            severity,
            text: text.into(),
            task: Some(task.clone()),
            policy: None,
        }));
    }

    fn policy_notice(&mut self, severity: Severity, policy: PolicyHandle, text: impl Into<String>) {
        self.out.push(Effect::Notice(Notice {
            severity,
            text: text.into(),
            task: None,
            policy: Some(policy),
        }));
    }

    fn role_handle(&self, role: &Role) -> Option<RoleHandle> {
        let lives = |state: &RoleState| state.name == *role && !state.gone;
        let position = self.roles.iter().position(lives)?;
        u32::try_from(position).ok().map(RoleHandle)
    }

    fn role(&self, handle: RoleHandle) -> Option<&RoleState> {
        self.roles.get(handle.0 as usize)
    }

    /// Who decides for a role; nobody for one that is gone.
    fn policy_of(&self, role: RoleHandle) -> Option<PolicyHandle> {
        let lives = |state: &&RoleState| !state.gone;
        self.role(role).filter(lives).map(|state| state.policy)
    }

    fn policy_mut(&mut self, handle: PolicyHandle) -> Option<&mut Policy> {
        self.policies.get_mut(handle.0 as usize)
    }

    /// For status pages.
    pub fn status(&self) -> view::Status {
        view::Status {
            framework_id: self.framework_id.as_ref().map(ToString::to_string),
            subscribed: self.session.is_some(),
            master: self.master.clone(),
            offers_held: self.offers.len(),
            tasks_waiting: self
                .jobs
                .iter()
                .map(jobs::Job::waiting_count)
                .fold(0, u32::saturating_add),
            tasks_live: self.tasks.len(),
            roles: self
                .roles
                .iter()
                .filter(|role| !role.gone)
                .map(|role| view::RoleStatus {
                    name: role.name.to_string(),
                    suppressed: role.suppressed,
                })
                .collect(),
            policies: self
                .policies
                .iter()
                .map(|policy| view::PolicyStatus {
                    name: policy.name.clone(),
                    roles: self
                        .roles
                        .iter()
                        .filter(|role| role.policy == policy.handle && !role.gone)
                        .map(|role| role.name.to_string())
                        .collect(),
                    rounds: policy.rounds,
                    strikes: policy.strikes,
                    last_failure: policy.last_failure.clone(),
                    numbers: policy.numbers,
                })
                .collect(),
            counters: self.counters,
        }
    }

    /// Takes out of the books what may be secret: in jobs (see
    /// [`crate::job::JobSpec::redacted`]), in what policies wrote and in what they
    /// logged before they were stopped.
    pub fn redact(&mut self) {
        // All fields by name: of a new one somebody has to think. Tasks have no
        // command line; their messages and labels stay, since policies see them.
        let Self {
            settings: _,
            codec: _,
            rng: _,
            now: _,
            session: _,
            newest_session: _,
            ever_subscribed: _,
            framework_id: _,
            master: _,
            update,
            updates,
            agents: _,
            offers: _,
            jobs,
            tasks: _,
            executors: _,
            roles: _,
            policies,
            operations: _,
            reconciliation: _,
            timers: _,
            next_call: _,
            counters: _,
            recent: _,
            out: _,
        } = self;
        jobs.redact();
        update.redact();
        updates.iter_mut().for_each(framework::Update::redact);
        for failure in policies.iter_mut().filter_map(|p| p.last_failure.as_mut()) {
            failure.truncate(failure.find('\n').unwrap_or(failure.len()));
        }
    }

    /// Position of a policy by its name or one of its roles.
    pub fn policy_named(&self, name: &str) -> Option<usize> {
        let by_name = self.policies.iter().position(|policy| policy.name == name);
        by_name.or_else(|| {
            let role = self.role_handle(&Role::from(name))?;
            Some(self.policy_of(role)?.0 as usize)
        })
    }

    /// What a policy's answers have come to so far.
    pub fn policy_numbers(&self, policy: PolicyHandle) -> view::PolicyNumbers {
        self.policies
            .get(policy.0 as usize)
            .map(|policy| policy.numbers)
            .unwrap_or_default()
    }

    /// How many [`jobs`](Self::jobs) there are.
    pub fn job_count(&self) -> usize {
        self.jobs.iter().count()
    }

    /// Live and ended jobs, in order of submission.
    pub fn jobs(&self) -> Vec<view::JobStatus> {
        self.jobs
            .iter()
            .map(|job| {
                let running = job
                    .live
                    .iter()
                    .filter_map(|task| self.tasks.get(*task))
                    .filter(|task| task.record.state == TaskState::RUNNING)
                    .count();
                let mut status = job.status(u32::try_from(running).unwrap_or(u32::MAX));
                if status.waiting > 0 && status.reason.is_none() {
                    status.reason = self.agents.too_large(&job.spec().needs);
                }
                status
            })
            .collect()
    }

    /// Host name of a task's agent; after a restart also of one that was not heard
    /// of yet.
    fn host_of<'a>(&'a self, task: &'a tasks::Task) -> &'a str {
        let known = self.hostname(task.agent);
        match &task.record.placed {
            Some(placed) if known.is_empty() => &placed.host,
            _ => known,
        }
    }

    fn hostname(&self, agent: crate::ids::AgentHandle) -> &str {
        self.agents
            .get(agent)
            .map_or("", |agent| &agent.info.hostname)
    }
}

#[cfg(test)]
mod tests;
