//! A machine, a policy, and the books of a master beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use offerd_core::Instant;
use offerd_core::call::{Call, JobTask, Operation};
use offerd_core::event::Event;
use offerd_core::ids::{OfferId, PolicyHandle, Role, TaskId};
use offerd_core::machine::{
    Effect, Input, Ledger, Machine, PolicyChange, PolicySettings, Reply, Request, Session,
    Settings, Ticket,
};
use offerd_core::offer::{AgentInfo, Attribute, AttributeValue, OfferInfo};
use offerd_core::policy::{Answer, Failure, Round};
use offerd_core::resource::{Amounts, Name, Range, Resource, Value};
use offerd_core::task::{TaskState, TaskStatus};
use offerd_mesos::ProtobufCodec;
use offerd_policy::{Limits, LogLevel, LogSink, Options, Policy, PolicyCode, Program, StartError};

use super::DEADLINE;
use super::read::{Agent, Scenario};

const POLICY: PolicyHandle = PolicyHandle(0);
const START: Instant = Instant::from_millis(1_700_000_000_000);
const FIRST_PORT: u64 = 31_000;
/// More rounds in one step than anything sensible takes.
const MOST_ROUNDS: u32 = 1000;

/// What an agent has left.
#[derive(Debug, Clone, Default)]
struct Room {
    amounts: Amounts,
    ports: BTreeSet<u64>,
}

#[derive(Debug)]
pub(super) struct Task {
    pub(super) job: String,
    /// Position of its agent.
    pub(super) agent: usize,
    room: Room,
    state: TaskState,
}

/// What happened since the step began.
#[derive(Debug, Default)]
pub(super) struct Since {
    /// Jobs of tasks that calls killed.
    pub(super) killed: Vec<String>,
    pub(super) reasons: Vec<String>,
    /// Of all rounds.
    pub(super) most_placed: u32,
    pub(super) errors: Vec<String>,
    /// What the host says of decisions that it refused, a text for each round.
    pub(super) refusals: Vec<String>,
    /// Decisions refused before the step.
    refused: u64,
    /// First line of the log that belongs to the step.
    pub(super) log: usize,
    rounds: u32,
}

pub(super) struct Cluster<'p> {
    program: &'p Program,
    options: Options,
    machine: Machine,
    now: Instant,
    session: Session,
    policy: Policy,
    /// Decides the same rounds: the same input must give the same answer.
    twin: Policy,
    log: Arc<Lines>,
    agents: Vec<Agent>,
    free: Vec<Room>,
    lost: BTreeSet<usize>,
    offers: BTreeMap<OfferId, (usize, Room)>,
    pub(super) tasks: BTreeMap<TaskId, Task>,
    /// Not offered again in this step, by position of the agent, unless revived.
    declined: BTreeSet<usize>,
    suppressed: BTreeMap<Role, bool>,
    to_reconcile: Vec<TaskId>,
    rounds: Vec<Round>,
    replies: Vec<Reply>,
    next: u64,
    pub(super) since: Since,
    /// The policy's longest call.
    pub(super) slowest: Duration,
    pub(super) mistakes: Vec<String>,
}

impl<'p> Cluster<'p> {
    pub(super) fn start(
        program: &'p Program,
        scenario: &Scenario,
        config: &str,
    ) -> Result<Self, StartError> {
        let roles: Vec<Role> = scenario
            .roles
            .iter()
            .map(|role| role.as_str().into())
            .collect();
        let log = Arc::new(Lines::default());
        let options = Options {
            config: config.to_owned(),
            roles: roles.clone(),
            now: START,
            codec: Some(Arc::new(ProtobufCodec)),
            limits: Limits {
                deadline: DEADLINE,
                ..Limits::default()
            },
            log: Arc::clone(&log) as Arc<dyn LogSink>,
            ..Options::new("policy", program)
        };
        let policy = Policy::start(program, options.clone())?;
        let twin = Policy::start(program, quiet(&options))?;
        let settings = Settings::new(vec![PolicySettings {
            name: "policy".to_owned(),
            roles: roles.clone(),
        }]);
        let mut effects = Vec::new();
        let codec = Arc::new(ProtobufCodec);
        let machine = Machine::new(settings, Ledger::default(), codec, START, &mut effects);
        let mut cluster = Self {
            program,
            options,
            machine,
            now: START,
            session: Session(0),
            policy,
            twin,
            log,
            free: scenario.agents.iter().map(room).collect(),
            agents: scenario.agents.clone(),
            lost: BTreeSet::new(),
            offers: BTreeMap::new(),
            tasks: BTreeMap::new(),
            declined: BTreeSet::new(),
            suppressed: roles.into_iter().map(|role| (role, true)).collect(),
            to_reconcile: Vec::new(),
            rounds: Vec::new(),
            replies: Vec::new(),
            next: 0,
            since: Since::default(),
            slowest: Duration::ZERO,
            mistakes: Vec::new(),
        };
        cluster.carry_out(effects);
        cluster.connect();
        Ok(cluster)
    }

    pub(super) fn log(&self) -> Vec<String> {
        self.log
            .0
            .lock()
            .map(|lines| lines.clone())
            .unwrap_or_default()
    }

    pub(super) fn end(self) -> (Vec<String>, Vec<String>) {
        let log = self.log();
        (self.mistakes, log)
    }

    pub(super) fn begin_step(&mut self) {
        self.since = Since {
            log: self.log().len(),
            refused: self.machine.policy_numbers(POLICY).refused,
            ..Since::default()
        };
    }

    /// Offers that were declined are made again.
    pub(super) fn offer_again(&mut self) {
        self.declined.clear();
    }

    /// How many decisions the host refused in this step.
    pub(super) fn refused(&self) -> u64 {
        self.machine.policy_numbers(POLICY).refused - self.since.refused
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn input(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.machine.handle(self.now, input, &mut effects);
        self.carry_out(effects);
    }

    fn event(&mut self, event: Event) {
        let session = self.session;
        self.input(Input::Master { session, event });
    }

    fn connect(&mut self) {
        self.session = Session(self.session.0 + 1);
        self.suppressed.values_mut().for_each(|is| *is = true);
        self.event(Event::Subscribed {
            framework_id: "framework-1".into(),
            master: "a scenario".into(),
        });
    }

    pub(super) fn reconnect(&mut self) {
        let session = self.session;
        for (_, (agent, room)) in std::mem::take(&mut self.offers) {
            self.give(agent, room);
        }
        self.input(Input::Disconnected {
            session,
            reason: "the scenario breaks it".to_owned(),
        });
        self.connect();
    }

    /// A new instance with what the old one saves.
    pub(super) fn restart(&mut self) {
        let change = |change| Input::Policy {
            policy: POLICY,
            change,
        };
        self.input(change(PolicyChange::Hold));
        let begun = self
            .policy
            .save()
            .map_err(|error| error.to_string())
            .and_then(|state| {
                let options = Options {
                    state,
                    now: self.now,
                    ..self.options.clone()
                };
                let twin = Policy::start(self.program, quiet(&options))
                    .map_err(|error| error.to_string())?;
                let policy =
                    Policy::start(self.program, options).map_err(|error| error.to_string())?;
                Ok((policy, twin))
            });
        match begun {
            Ok((policy, twin)) => (self.policy, self.twin) = (policy, twin),
            Err(why) => self
                .mistakes
                .push(format!("a new instance cannot go on: {why}")),
        }
        self.input(change(PolicyChange::Replaced));
    }

    pub(super) fn request(&mut self, request: Request) {
        let ticket = Ticket(self.number());
        self.input(Input::Operator { ticket, request });
        for reply in std::mem::take(&mut self.replies) {
            if let Reply::Refused(why) = reply {
                self.mistakes.push(why.join("; "));
            }
        }
    }

    pub(super) fn position(&self, agent: &str) -> Option<usize> {
        self.agents.iter().position(|known| known.name == agent)
    }

    pub(super) fn agent_name(&self, position: usize) -> &str {
        self.agents.get(position).map_or("", |agent| &agent.name)
    }

    /// Positions of agents with offers that nobody decided.
    pub(super) fn held(&self) -> Vec<usize> {
        self.offers.values().map(|(agent, _)| *agent).collect()
    }

    pub(super) fn waiting(&self, job: &str) -> usize {
        let jobs = self.machine.jobs();
        let found = jobs.iter().find(|known| known.name == job);
        found.map_or(0, |job| usize::try_from(job.waiting).unwrap_or(usize::MAX))
    }

    pub(super) fn rescind(&mut self, agent: usize) {
        let of_agent: Vec<OfferId> = self
            .offers
            .iter()
            .filter(|(_, (of, _))| *of == agent)
            .map(|(id, _)| id.clone())
            .collect();
        for id in of_agent {
            if let Some((_, room)) = self.offers.remove(&id) {
                self.give(agent, room);
            }
            self.event(Event::Rescind(id));
        }
    }

    pub(super) fn lose(&mut self, agent: usize) {
        self.lost.insert(agent);
        self.rescind(agent);
        self.event(Event::Failure {
            agent: Some(id(agent).as_str().into()),
            executor: None,
            status: None,
        });
        let tasks: Vec<TaskId> = self
            .tasks
            .iter()
            .filter(|(_, task)| task.agent == agent)
            .map(|(id, _)| id.clone())
            .collect();
        for task in tasks {
            self.update(&task, TaskState::GONE);
        }
    }

    pub(super) fn update(&mut self, task: &TaskId, state: TaskState) {
        let Some(known) = self.tasks.get_mut(task) else {
            return;
        };
        known.state = state;
        let agent = known.agent;
        if state.is_terminal()
            && let Some(ended) = self.tasks.remove(task)
        {
            self.give(agent, ended.room);
        }
        let uuid = u128::from(self.number()).to_be_bytes();
        self.event(Event::Update(status(task, agent, state, Some(uuid))));
    }

    /// Time passes; what was to happen meanwhile happens.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.machine.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.input(Input::Tick);
            self.settle();
        }
        self.now = end;
        self.offer_again();
    }

    /// Offers, rounds, updates, until nothing is left to do now.
    pub(super) fn settle(&mut self) {
        loop {
            let mut is_done = true;
            for round in std::mem::take(&mut self.rounds) {
                is_done = false;
                self.since.rounds += 1;
                if self.since.rounds > MOST_ROUNDS {
                    self.mistakes.push(format!(
                        "it does not come to rest: {MOST_ROUNDS} rounds in one step"
                    ));
                    return;
                }
                self.decide(round);
            }
            is_done &= !self.progress();
            for task in std::mem::take(&mut self.to_reconcile) {
                is_done = false;
                let known = self.tasks.get(&task);
                let state = known.map_or(TaskState::UNKNOWN, |task| task.state);
                let agent = known.map_or(0, |task| task.agent);
                self.event(Event::Update(status(&task, agent, state, None)));
            }
            if self
                .machine
                .next_deadline()
                .is_some_and(|at| at <= self.now)
            {
                is_done = false;
                self.input(Input::Tick);
            }
            is_done &= !self.offer();
            if is_done && self.rounds.is_empty() {
                return;
            }
        }
    }

    /// Launched tasks run. Says whether there was one.
    fn progress(&mut self) -> bool {
        let launched: Vec<TaskId> = self
            .tasks
            .iter()
            .filter(|(_, task)| task.state == TaskState::STAGING)
            .map(|(id, _)| id.clone())
            .collect();
        for task in &launched {
            self.update(task, TaskState::RUNNING);
        }
        !launched.is_empty()
    }

    /// Offers what is free to those who want it. Says whether there was anything.
    fn offer(&mut self) -> bool {
        let wanting: Vec<Role> = self
            .suppressed
            .iter()
            .filter(|(_, is)| !**is)
            .map(|(role, _)| role.clone())
            .collect();
        let mut infos = Vec::new();
        for agent in 0..self.agents.len() {
            let role = wanting.get(agent % wanting.len().max(1)).cloned();
            let is_free = !self.declined.contains(&agent) && !self.lost.contains(&agent);
            let (Some(role), true) = (role, is_free) else {
                continue;
            };
            let room = self
                .free
                .get_mut(agent)
                .map(std::mem::take)
                .unwrap_or_default();
            if room.amounts == Amounts::default() {
                continue;
            }
            let offer: OfferId = format!("offer-{}", self.number()).into();
            infos.push(self.info(&offer, agent, role, &room));
            self.offers.insert(offer, (agent, room));
        }
        let is_any = !infos.is_empty();
        if is_any {
            self.event(Event::Offers(infos));
        }
        is_any
    }

    fn info(&self, offer: &OfferId, agent: usize, role: Role, room: &Room) -> OfferInfo {
        let known = self.agents.get(agent);
        let attributes = known.map(|agent| &agent.attributes).into_iter().flatten();
        OfferInfo {
            id: offer.clone(),
            framework_id: "framework-1".into(),
            agent: AgentInfo {
                id: id(agent).as_str().into(),
                hostname: known.map_or("", |agent| &agent.name).into(),
                region: None,
                zone: None,
                attributes: attributes
                    .map(|(name, text)| Attribute {
                        name: name.as_str().into(),
                        value: AttributeValue::Text(text.clone()),
                    })
                    .collect(),
            },
            url: None,
            resources: resources(room, &role),
            role,
            executor_ids: Vec::new(),
            unavailability: None,
        }
    }

    fn decide(&mut self, round: Round) {
        let number = round.number;
        let round = Arc::new(round);
        let twin = self.twin.decide(Arc::clone(&round)).result;
        let decided = self.policy.decide(round);
        self.slowest = self.slowest.max(decided.stats.duration);
        let result = decided.result;
        let is_same = match (&result, &twin) {
            // Lines of a stack differ, and so does how far a slow call came.
            (Err(Failure::Trap(_)), Err(Failure::Trap(_)))
            | (Err(Failure::Deadline(_)), Err(Failure::Deadline(_))) => true,
            // What is no number is not equal to itself.
            (result, twin) => result == twin || format!("{result:?}") == format!("{twin:?}"),
        };
        if !is_same {
            self.mistakes.push(format!(
                "round {number}: a second instance that was shown the same rounds decides otherwise; \
                 a policy may use nothing but what the host hands it"
            ));
        }
        match &result {
            Ok(Answer {
                reasons,
                placements,
                ..
            }) => {
                self.since.reasons.extend(reasons.iter().cloned());
                let placed = placements.iter().map(|placement| placement.count).sum();
                self.since.most_placed = self.since.most_placed.max(placed);
            }
            Err(failure) => self.since.errors.push(format!("round {number}: {failure}")),
        }
        self.input(Input::Answered {
            policy: POLICY,
            round: number,
            result: result.into(),
        });
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Invoke { round, .. } => self.rounds.push(*round),
                Effect::Send { call, .. } => self.take(call),
                Effect::Reply { reply, .. } => self.replies.push(reply),
                Effect::Notice(notice) if notice.text.contains(" refused: ") => {
                    self.since.refusals.push(notice.text);
                }
                Effect::Stop(why) => self.mistakes.push(why),
                Effect::Notice(_) | Effect::Persist(_) | Effect::Subscription(_) => {}
            }
        }
    }

    /// What the master does with a call.
    fn take(&mut self, call: Call) {
        match call {
            Call::Accept {
                offers, operations, ..
            } => {
                let mut room = Room::default();
                let mut agent = 0;
                for (of, more) in offers.iter().filter_map(|id| self.offers.remove(id)) {
                    agent = of;
                    add(&mut room, more);
                }
                for operation in operations {
                    match operation {
                        Operation::Launch(tasks) => tasks
                            .into_iter()
                            .for_each(|task| self.launch(task, agent, &mut room)),
                        other => self.not_simulated(name(&other)),
                    }
                }
                self.declined.insert(agent);
                self.give(agent, room);
            }
            Call::Decline { offers, .. } => {
                for (agent, room) in offers
                    .iter()
                    .filter_map(|id| self.offers.remove(id))
                    .collect::<Vec<_>>()
                {
                    self.declined.insert(agent);
                    self.give(agent, room);
                }
            }
            Call::Kill { task, .. } => {
                if let Some(known) = self.tasks.get(&task) {
                    self.since.killed.push(known.job.clone());
                    self.update(&task, TaskState::KILLED);
                }
            }
            Call::Revive { roles } => {
                self.declined.clear();
                for role in roles {
                    self.suppressed.insert(role, false);
                }
            }
            Call::Suppress { roles } => {
                for role in roles {
                    self.suppressed.insert(role, true);
                }
            }
            Call::UpdateFramework(update) => {
                for role in update.roles {
                    let is_suppressed = update.suppressed.contains(&role);
                    self.suppressed.insert(role, is_suppressed);
                }
            }
            Call::Reconcile { tasks } if tasks.is_empty() => {
                self.to_reconcile.extend(self.tasks.keys().cloned());
            }
            Call::Reconcile { tasks } => {
                self.to_reconcile
                    .extend(tasks.into_iter().map(|(task, _)| task));
            }
            Call::Shutdown { .. } => self.not_simulated("the shutdown of an executor"),
            Call::Teardown => self.not_simulated("the framework's end"),
            // They change nothing in the books of a scenario.
            Call::Acknowledge { .. }
            | Call::AcknowledgeOperation { .. }
            | Call::ReconcileOperations { .. }
            | Call::AcceptInverseOffers { .. }
            | Call::DeclineInverseOffers { .. }
            | Call::Message { .. }
            | Call::Request { .. } => {}
        }
    }

    /// What the books cannot show must not look as if nothing happened.
    fn not_simulated(&mut self, what: &str) {
        self.mistakes.push(format!(
            "the policy decides {what}, which scenarios do not simulate; try it on a simulated \
             master, with `offerd policy run --sim`"
        ));
    }

    fn launch(&mut self, task: JobTask, agent: usize, room: &mut Room) {
        let taken = Room {
            amounts: Amounts::usable(&task.resources),
            ports: task.resources.iter().flat_map(ports).collect(),
        };
        room.amounts = less(&room.amounts, &taken.amounts);
        room.ports.retain(|port| !taken.ports.contains(port));
        let launched = Task {
            job: task.job.name.to_string(),
            agent,
            room: taken,
            state: TaskState::STAGING,
        };
        self.tasks.insert(task.id, launched);
    }

    fn give(&mut self, agent: usize, room: Room) {
        if let Some(free) = self.free.get_mut(agent) {
            add(free, room);
        }
    }
}

fn name(operation: &Operation) -> &'static str {
    match operation {
        Operation::Launch(_) => "the launch of a job's tasks",
        Operation::LaunchWritten(_) => "the launch of a task of its own",
        Operation::LaunchGroup { .. } => "the launch of a task group",
        Operation::Reserve { .. } => "a reservation",
        Operation::Unreserve { .. } => "the end of a reservation",
        Operation::Create { .. } => "a volume",
        Operation::Destroy { .. } => "the end of a volume",
        Operation::GrowVolume { .. } => "a larger volume",
        Operation::ShrinkVolume { .. } => "a smaller volume",
        Operation::CreateDisk { .. } => "a disk",
        Operation::DestroyDisk { .. } => "the end of a disk",
    }
}

fn quiet(options: &Options) -> Options {
    Options {
        log: Arc::new(crate::policies::Silence::default()),
        ..options.clone()
    }
}

fn id(agent: usize) -> String {
    format!("agent-{agent}")
}

fn room(agent: &Agent) -> Room {
    Room {
        amounts: agent.amounts,
        ports: (FIRST_PORT..).take(agent.amounts.ports as usize).collect(),
    }
}

fn add(room: &mut Room, more: Room) {
    let amounts = &mut room.amounts;
    amounts.cpus += more.amounts.cpus;
    amounts.mem += more.amounts.mem;
    amounts.disk += more.amounts.disk;
    amounts.gpus += more.amounts.gpus;
    amounts.ports += more.amounts.ports;
    room.ports.extend(more.ports);
}

fn less(room: &Amounts, taken: &Amounts) -> Amounts {
    Amounts {
        cpus: room.cpus.saturating_sub(taken.cpus),
        mem: room.mem.saturating_sub(taken.mem),
        disk: room.disk.saturating_sub(taken.disk),
        gpus: room.gpus.saturating_sub(taken.gpus),
        ports: room.ports.saturating_sub(taken.ports),
    }
}

fn resources(room: &Room, role: &Role) -> Vec<Resource> {
    let scalars = [
        (Name::Cpus, room.amounts.cpus),
        (Name::Mem, room.amounts.mem),
        (Name::Disk, room.amounts.disk),
        (Name::Gpus, room.amounts.gpus),
    ];
    let mut all: Vec<Resource> = scalars
        .into_iter()
        .filter(|(_, amount)| !amount.is_zero())
        .map(|(name, amount)| Resource::scalar(name, amount))
        .collect();
    if !room.ports.is_empty() {
        let single = |port: &u64| Range {
            begin: *port,
            end: *port,
        };
        let ranges = room.ports.iter().map(single).collect();
        all.push(Resource::plain(Name::Ports, Value::Ranges(ranges)));
    }
    for resource in &mut all {
        resource.allocation = Some(role.clone());
    }
    all
}

fn ports(resource: &Resource) -> Vec<u64> {
    match (&resource.name, &resource.value) {
        (Name::Ports, Value::Ranges(ranges)) => ranges
            .iter()
            .flat_map(|range| range.begin..=range.end)
            .collect(),
        _ => Vec::new(),
    }
}

fn status(task: &TaskId, agent: usize, state: TaskState, uuid: Option<[u8; 16]>) -> TaskStatus {
    TaskStatus {
        task: task.clone(),
        state,
        message: None,
        source: None,
        reason: None,
        agent: Some(id(agent).as_str().into()),
        executor: None,
        healthy: None,
        at: None,
        uuid,
    }
}

/// The policy's lines, each with its level.
#[derive(Debug, Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn enabled(&self, level: LogLevel) -> bool {
        level >= LogLevel::Debug
    }

    fn line(&self, level: LogLevel, message: &str) {
        if let Ok(mut lines) = self.0.lock() {
            lines.push(format!(
                "{}: {message}",
                format!("{level:?}").to_lowercase()
            ));
        }
    }

    fn dropped(&self, lines: u32) {
        self.line(LogLevel::Warn, &format!("{lines} lines were dropped"));
    }
}
