//! A stand-in for the host, so that a policy is tested without one: a small
//! cluster made by hand, rounds of it, and a check of the answers.
//!
//! ```
//! use offerd_sdk::prelude::*;
//! use offerd_sdk::testing::{Cluster, Job};
//!
//! # struct FirstFit;
//! # impl Policy for FirstFit {
//! #     type Config = NoConfig;
//! #     fn describe() -> Description { Description::new("f", "1", "") }
//! #     fn configure(_: NoConfig) -> Result<Self, String> { Ok(Self) }
//! #     fn decide(&mut self, round: &Round, out: &mut Answer) -> Result<(), String> {
//! #         let mut fitter = Fitter::new(round, Order::Arrival);
//! #         for set in &round.waiting {
//! #             for spot in fitter.fill(set) { out.place(spot, set, spot.count); }
//! #         }
//! #         Ok(())
//! #     }
//! # }
//! let mut cluster = Cluster::new(["batch"]);
//! let agent = cluster.agent("one.example.org", &[("rack", "a")]);
//! let offer = cluster.offer(agent, "batch", Amounts::of(4.0, 4096.0));
//! let set = cluster.wait(Job::new("sleepers", "batch", Amounts::of(0.5, 32.0)).count(3));
//!
//! let mut policy: FirstFit = cluster.configure("{}").unwrap();
//! let answer = cluster.decide(&mut policy).unwrap();
//! assert_eq!(answer.placements.len(), 1);
//! assert_eq!(answer.placements[0].count, 3);
//! ```
//!
//! A cluster belongs to the thread that asks it; tests may run in parallel.

pub(crate) mod imports;
#[cfg(test)]
mod tests;
mod violations;

use std::cell::RefCell;

pub use violations::violations;

use crate::amounts::Amounts;
use crate::handles::{AgentHandle, JobHandle, OfferHandle, RoleHandle, SetHandle, TaskHandle};
use crate::log::Level;
use crate::map::Map;
use crate::policy::{Policy, Snapshot, StatefulPolicy};
use crate::types::{
    self, AgentDetails, Attribute, AttributeValue, Event, FrameworkDetails, JobDetails, JobKind,
    Limits, MesosResource, OfferDetails, OperationUpdate, Round, TaskDetails, Update, Waiting,
};

/// `traits` of a waiting set whose job has constraints.
const CONSTRAINED: u32 = 1;
const SERVICE: u32 = 2;
/// `traits` of an offer that was not shown before.
const FRESH: u32 = 1;

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// What the stand-in answers from.
#[derive(Debug, Clone, Default)]
struct State {
    now: f64,
    random: u64,
    roles: Vec<String>,
    agents: Vec<AgentDetails>,
    offers: Vec<types::Offer>,
    offer_details: Map<u32, OfferDetails>,
    columns: Map<String, Map<u32, f64>>,
    jobs: Vec<JobDetails>,
    tasks: Vec<types::Task>,
    task_details: Map<u32, TaskDetails>,
    waiting: Vec<Waiting>,
    operations: Vec<OperationUpdate>,
    allowed: Map<(u32, u32), u32>,
    log: Vec<(Level, String)>,
    metrics: Map<String, f64>,
}

/// A job whose tasks wait or run.
#[derive(Debug, Clone)]
pub struct Job {
    name: String,
    role: String,
    needs: Amounts,
    count: u32,
    priority: i32,
    service: bool,
    constrained: bool,
}

impl Job {
    /// A batch job of one task with priority 0.
    pub fn new(name: &str, role: &str, needs: Amounts) -> Self {
        Self {
            name: name.to_owned(),
            role: role.to_owned(),
            needs,
            count: 1,
            priority: 0,
            service: false,
            constrained: false,
        }
    }

    /// So many tasks.
    #[must_use]
    pub fn count(self, count: u32) -> Self {
        Self { count, ..self }
    }

    /// Larger goes first.
    #[must_use]
    pub fn priority(self, priority: i32) -> Self {
        Self { priority, ..self }
    }

    /// A service instead of a batch job.
    #[must_use]
    pub fn service(self) -> Self {
        Self {
            service: true,
            ..self
        }
    }

    /// With placement constraints: no task is allowed anywhere but where
    /// [`Cluster::allow`] says so.
    #[must_use]
    pub fn constrained(self) -> Self {
        Self {
            constrained: true,
            ..self
        }
    }
}

/// A cluster made by hand, as the host would show it.
#[derive(Debug)]
pub struct Cluster {
    state: State,
    updates: Vec<Update>,
    events: Vec<Event>,
    rescinded: Vec<u32>,
    rounds: u32,
    next_offer: u32,
    next_task: u32,
    next_set: u32,
}

impl Cluster {
    /// An empty cluster with these roles.
    pub fn new(roles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let roles = roles.into_iter().map(Into::into).collect();
        Self {
            state: State {
                now: 1_700_000_000_000.0,
                random: 1,
                roles,
                ..State::default()
            },
            updates: Vec::new(),
            events: Vec::new(),
            rescinded: Vec::new(),
            rounds: 0,
            next_offer: 0,
            next_task: 0,
            next_set: 0,
        }
    }

    /// An agent with text attributes.
    pub fn agent(&mut self, hostname: &str, attributes: &[(&str, &str)]) -> AgentHandle {
        self.agent_in(hostname, attributes, None)
    }

    /// An agent in a zone.
    pub fn agent_in(
        &mut self,
        hostname: &str,
        attributes: &[(&str, &str)],
        zone: Option<&str>,
    ) -> AgentHandle {
        let handle = number(self.state.agents.len());
        self.state.agents.push(AgentDetails {
            id: format!("agent-{handle}"),
            hostname: hostname.to_owned(),
            region: zone.map(|_| "region".to_owned()),
            zone: zone.map(str::to_owned),
            attributes: attributes
                .iter()
                .map(|(name, value)| Attribute {
                    name: (*name).to_owned(),
                    value: AttributeValue::Text((*value).to_owned()),
                })
                .collect(),
        });
        AgentHandle(handle)
    }

    /// An attribute of any kind, in place of the one of this name.
    pub fn attribute(&mut self, agent: AgentHandle, name: &str, value: AttributeValue) {
        if let Some(agent) = self.state.agents.get_mut(agent.0 as usize) {
            agent.attributes.retain(|known| known.name != name);
            agent.attributes.push(Attribute {
                name: name.to_owned(),
                value,
            });
        }
    }

    /// Changes the host name of an agent. One of which the host knows only the
    /// id has none.
    pub fn rename(&mut self, agent: AgentHandle, hostname: &str) {
        if let Some(agent) = self.state.agents.get_mut(agent.0 as usize) {
            hostname.clone_into(&mut agent.hostname);
        }
    }

    /// Handle of a role.
    ///
    /// # Panics
    /// The cluster was made without this role.
    #[expect(clippy::panic, reason = "a mistake in a test ends the test")]
    pub fn role(&self, name: &str) -> RoleHandle {
        match self.state.roles.iter().position(|role| role == name) {
            Some(position) => RoleHandle(number(position)),
            None => panic!(
                "the test cluster has no role {name}, only {:?}",
                self.state.roles
            ),
        }
    }

    /// An offer that stays until an answer uses it or [`Self::rescind`] takes
    /// it back.
    pub fn offer(&mut self, agent: AgentHandle, role: &str, amounts: Amounts) -> OfferHandle {
        let handle = self.next_offer;
        self.next_offer += 1;
        let role = self.role(role).0;
        self.state.offers.push(types::Offer {
            offer: handle,
            agent: agent.0,
            role,
            ports: amounts.ports,
            cpus: amounts.cpus,
            mem: amounts.mem,
            disk: amounts.disk,
            gpus: amounts.gpus,
            traits: FRESH,
            since: self.state.now,
        });
        OfferHandle(handle)
    }

    /// What `cluster.get-offer` tells of an offer. Without this it tells
    /// nothing.
    pub fn offer_resources(&mut self, offer: OfferHandle, resources: Vec<MesosResource>) {
        self.state.offer_details.insert(
            offer.0,
            OfferDetails {
                id: format!("offer-{}", offer.0),
                resources,
                executor_ids: Vec::new(),
                unavailability: None,
            },
        );
    }

    /// Amount of a named scalar in an offer (`cluster.column`), where it is not
    /// what the offer says itself.
    pub fn offer_column(&mut self, offer: OfferHandle, name: &str, milli: f64) {
        self.state
            .columns
            .entry(name.to_owned())
            .or_default()
            .insert(offer.0, milli);
    }

    /// Sets bits of an offer's traits (wit/types.wit).
    pub fn offer_traits(&mut self, offer: OfferHandle, traits: u32) {
        for known in &mut self.state.offers {
            if known.offer == offer.0 {
                known.traits |= traits;
            }
        }
    }

    /// One of those that `cluster.operations` tells.
    pub fn operation(&mut self, operation: OperationUpdate) {
        self.state.operations.push(operation);
    }

    /// Takes an offer back.
    pub fn rescind(&mut self, offer: OfferHandle) {
        self.state.offers.retain(|other| other.offer != offer.0);
        self.rescinded.push(offer.0);
    }

    /// Tasks of a job that wait.
    pub fn wait(&mut self, job: Job) -> SetHandle {
        let set = self.next_set;
        self.next_set += 1;
        let handle = self.job(&job);
        let waiting = Waiting {
            set,
            job: handle.0,
            role: self.role(&job.role).0,
            count: job.count,
            cpus: job.needs.cpus,
            mem: job.needs.mem,
            disk: job.needs.disk,
            gpus: job.needs.gpus,
            ports: job.needs.ports,
            priority: job.priority,
            traits: if job.constrained { CONSTRAINED } else { 0 }
                | if job.service { SERVICE } else { 0 },
            since: self.state.now,
        };
        // As the host does: larger priority first, then older first.
        let at = self
            .state
            .waiting
            .partition_point(|other| other.priority >= job.priority);
        self.state.waiting.insert(at, waiting);
        SetHandle(set)
    }

    /// Says how many more tasks of a constrained set an agent may take.
    pub fn allow(&mut self, set: SetHandle, agent: AgentHandle, count: u32) {
        self.state.allowed.insert((set.0, agent.0), count);
    }

    /// Running tasks of a job on an agent.
    pub fn run(&mut self, job: Job, agent: AgentHandle) -> Vec<TaskHandle> {
        let handle = self.job(&job);
        let role = self.role(&job.role).0;
        (0..job.count)
            .map(|_| {
                let task = self.next_task;
                self.next_task += 1;
                self.state.tasks.push(types::Task {
                    task,
                    job: handle.0,
                    agent: agent.0,
                    role,
                    state: crate::codes::TaskState::RUNNING.0,
                    priority: job.priority,
                    traits: if job.service { SERVICE } else { 0 },
                    ports: job.needs.ports,
                    cpus: job.needs.cpus,
                    mem: job.needs.mem,
                    disk: job.needs.disk,
                    gpus: job.needs.gpus,
                    since: self.state.now,
                });
                self.state.task_details.insert(
                    task,
                    TaskDetails {
                        id: format!("{}.{task}", job.name),
                        name: job.name.clone(),
                        executor_id: None,
                        message: None,
                        launched_because: None,
                        labels: Vec::new(),
                        resources: Vec::new(),
                    },
                );
                TaskHandle(task)
            })
            .collect()
    }

    fn job(&mut self, job: &Job) -> JobHandle {
        let known = self
            .state
            .jobs
            .iter()
            .position(|other| other.name == job.name);
        let position = known.unwrap_or_else(|| {
            self.state.jobs.push(JobDetails {
                name: job.name.clone(),
                role: job.role.clone(),
                kind: if job.service {
                    JobKind::Service
                } else {
                    JobKind::Batch
                },
                count: job.count,
                priority: job.priority,
                labels: Vec::new(),
                constraints: Vec::new(),
            });
            self.state.jobs.len() - 1
        });
        JobHandle(number(position))
    }

    /// Ends a task: it is gone, and the next round tells of it with this state.
    pub fn end(&mut self, task: TaskHandle, state: crate::codes::TaskState) {
        const TERMINAL: u32 = 1;
        const NONE: u32 = u32::MAX;
        let Some(at) = self
            .state
            .tasks
            .iter()
            .position(|other| other.task == task.0)
        else {
            return;
        };
        let task = self.state.tasks.remove(at);
        self.updates.push(Update {
            task: task.task,
            job: task.job,
            agent: task.agent,
            state: state.0,
            reason: NONE,
            source: NONE,
            traits: TERMINAL,
            at: self.state.now,
        });
    }

    /// Something that the next round tells.
    pub fn tell(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Lets milliseconds pass.
    pub fn advance(&mut self, millis: f64) {
        self.state.now += millis;
    }

    /// The round that comes next.
    pub fn round(&self) -> Round {
        Round {
            number: self.rounds + 1,
            now: self.state.now,
            offers: self.state.offers.clone(),
            waiting: self.state.waiting.clone(),
            updates: self.updates.clone(),
            rescinded: self.rescinded.clone(),
            events: self.events.clone(),
        }
    }

    /// Makes the policy from the JSON text of its `config` table, as the host
    /// does.
    ///
    /// # Errors
    /// What an operator would read.
    pub fn configure<P: Policy>(&mut self, config: &str) -> Result<P, String> {
        crate::cluster::forget();
        self.asked(|| P::configure(crate::config::parse(config)?))
    }

    /// One round of the policy. Carries out what it decides: placed tasks run,
    /// offers that it used or declined are gone, killed tasks end.
    ///
    /// # Errors
    /// The policy's own error, or decisions that the host would refuse.
    pub fn decide<P: Policy>(&mut self, policy: &mut P) -> Result<types::Answer, String> {
        let round = self.round();
        let answer = self.asked(|| crate::export::decide(policy, &round))?;
        let wrong = violations(&round, &self.state.tasks, &answer);
        if !wrong.is_empty() {
            return Err(format!("the host would refuse: {}", wrong.join("; ")));
        }
        self.rounds += 1;
        self.updates.clear();
        self.events.clear();
        self.rescinded.clear();
        self.carry_out(&answer);
        Ok(answer)
    }

    /// State of a policy, taken by one instance and given to another.
    ///
    /// # Errors
    /// The policy's own error.
    pub fn restart<P: StatefulPolicy>(
        &mut self,
        policy: &mut P,
        config: &str,
    ) -> Result<P, String> {
        let saved: Snapshot = self.asked(|| policy.save())?;
        let mut fresh: P = self.configure(config)?;
        self.asked(|| fresh.restore(saved))?;
        Ok(fresh)
    }

    /// Lines that the policy logged so far.
    pub fn log(&self) -> &[(Level, String)] {
        &self.state.log
    }

    /// A counter or gauge of the policy.
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.state.metrics.get(name).copied()
    }

    /// Running tasks.
    pub fn tasks(&self) -> &[types::Task] {
        &self.state.tasks
    }

    /// Sets that still wait.
    pub fn waiting(&self) -> &[Waiting] {
        &self.state.waiting
    }

    /// Runs something that may ask the host.
    fn asked<T>(&mut self, work: impl FnOnce() -> T) -> T {
        STATE.replace(std::mem::take(&mut self.state));
        let result = work();
        self.state = STATE.take();
        result
    }

    fn carry_out(&mut self, answer: &types::Answer) {
        for kill in &answer.kills {
            self.end(TaskHandle(kill.task), crate::codes::TaskState::KILLED);
        }
        let mut used: Vec<u32> = answer
            .declines
            .iter()
            .map(|decline| decline.offer)
            .collect();
        for placement in &answer.placements {
            used.push(placement.offer);
            self.launch(placement.offer, placement.set, placement.count);
        }
        for action in &answer.actions {
            if let types::Action::Accept(accept) = &action.action {
                used.extend(&accept.offers);
            }
        }
        if answer.rest.is_some() {
            self.state.offers.clear();
        }
        self.state
            .offers
            .retain(|offer| !used.contains(&offer.offer));
        for offer in &mut self.state.offers {
            offer.traits &= !FRESH;
        }
        self.state.waiting.retain(|set| set.count > 0);
    }

    fn launch(&mut self, offer: u32, set: u32, count: u32) {
        let agent = self.state.offers.iter().find(|other| other.offer == offer);
        let Some(agent) = agent.map(|offer| AgentHandle(offer.agent)) else {
            return;
        };
        let Some(waiting) = self.state.waiting.iter_mut().find(|other| other.set == set) else {
            return;
        };
        waiting.count = waiting.count.saturating_sub(count);
        let waiting = *waiting;
        let details = self.state.jobs.get(waiting.job as usize);
        let role = self.state.roles.get(waiting.role as usize);
        let (Some(details), Some(role)) = (details, role) else {
            return;
        };
        let job = Job {
            name: details.name.clone(),
            role: role.clone(),
            needs: waiting.needs(),
            count,
            priority: waiting.priority,
            service: waiting.is_service(),
            constrained: waiting.is_constrained(),
        };
        self.run(job, agent);
        if let Some(left) = self.state.allowed.get_mut(&(set, agent.0))
            && *left != u32::MAX
        {
            *left = left.saturating_sub(count);
        }
    }
}

fn number(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

fn framework() -> FrameworkDetails {
    FrameworkDetails {
        id: Some("framework-1".to_owned()),
        name: "test".to_owned(),
        user: "root".to_owned(),
    }
}

fn limits() -> Limits {
    Limits {
        call_deadline: 1000.0,
        memory: 256 << 20,
        offer_lease: 30_000.0,
        offers_per_round: 10_000,
        waiting_per_round: 10_000,
        log_lines: 100,
    }
}
