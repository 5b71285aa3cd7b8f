//! Everything around the machine. Each effect is checked as it is carried out, and the
//! books after each input (`invariants`).

mod invariants;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::call::{Call, FrameworkUpdate, JobTask, Operation};
use crate::event::Event;
use crate::ids::{AgentId, FrameworkId, OfferId, PolicyHandle, Role, TaskId};
use crate::job::{JobKind, JobSpec};
use crate::machine::view::Why;
use crate::machine::{
    Canary, Effect, Input, JobRecord, Ledger, Machine, PolicyChange, PolicySettings, Record, Reply,
    Request, Session, Settings, TaskRecord, Ticket,
};
use crate::offer::{AgentInfo, Attribute, AttributeValue, OfferInfo};
use crate::policy::{Answer, DeclineRest, Failure, Millis, NoCodec, Placement, Round};
use crate::resource::{Amounts, Name, Resource};
use crate::task::{TaskState, TaskStatus};
use crate::{Instant, Milli};

pub(super) const ROLES: [&str; 2] = ["batch", "web"];
/// One for each role, and one that can be a canary.
const POLICIES: usize = ROLES.len() + 1;
pub(super) const CANARY: PolicyHandle = PolicyHandle(2);
const START: Instant = Instant::from_millis(1_000_000);

/// The master's side of a task.
#[derive(Debug, Clone)]
pub(super) struct RemoteTask {
    pub(super) agent: usize,
    pub(super) state: TaskState,
    pub(super) needs: Amounts,
    pub(super) kill_asked: bool,
}

#[derive(Debug, Clone)]
pub(super) struct RemoteOffer {
    pub(super) agent: usize,
    pub(super) amounts: Amounts,
}

pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) now: Instant,
    pub(super) session: Option<Session>,
    next_session: u64,
    pub(super) offers: BTreeMap<OfferId, RemoteOffer>,
    pub(super) tasks: BTreeMap<TaskId, RemoteTask>,
    ever_launched: BTreeSet<TaskId>,
    /// Explicit reconciliations without an answer.
    asked: Vec<(TaskId, Option<AgentId>)>,
    free: Vec<Amounts>,
    next_offer: u64,
    next_uuid: u64,
    /// The round that is with each policy, and the number of its last one.
    pub(super) rounds: Vec<(Option<Round>, u32)>,
    pub(super) framework: Option<FrameworkId>,
    job_records: BTreeMap<String, JobRecord>,
    task_records: BTreeMap<TaskId, TaskRecord>,
    /// Stories of ended tasks.
    pub(super) history: BTreeMap<String, Why>,
    pub(super) replies: Vec<Reply>,
    pub(super) sent: Vec<Call>,
    pub(super) notices: Vec<String>,
    pub(super) stopped: Option<String>,
    /// Of the framework's roles, whether the master offers nothing to them.
    suppressed: HashMap<Role, bool>,
    /// What the next SUBSCRIBE carries.
    pub(super) subscription: FrameworkUpdate,
    next_ticket: u64,
}

impl World {
    /// Connected, with three agents of 4 CPUs and 4096 MiB.
    pub(super) fn new() -> Self {
        let mut world = Self::disconnected();
        world.connect();
        world
    }

    pub(super) fn disconnected() -> Self {
        let mut effects = Vec::new();
        let policies = policies([&["batch"], &["web"]]);
        let machine = machine(policies, Ledger::default(), START, &mut effects);
        let free = Amounts {
            cpus: Milli(4000),
            mem: Milli(4_096_000),
            ..Amounts::default()
        };
        let mut world = Self {
            machine,
            now: START,
            session: None,
            next_session: 0,
            offers: BTreeMap::new(),
            tasks: BTreeMap::new(),
            ever_launched: BTreeSet::new(),
            asked: Vec::new(),
            free: vec![free; 3],
            next_offer: 0,
            next_uuid: 0,
            rounds: vec![(None, 0); POLICIES],
            framework: None,
            job_records: BTreeMap::new(),
            task_records: BTreeMap::new(),
            history: BTreeMap::new(),
            replies: Vec::new(),
            sent: Vec::new(),
            notices: Vec::new(),
            stopped: None,
            suppressed: HashMap::new(),
            subscription: FrameworkUpdate::default(),
            next_ticket: 0,
        };
        world.carry_out(effects);
        world
    }

    /// One input, its effects, and all invariants.
    pub(super) fn input(&mut self, input: Input) {
        let mut effects = Vec::new();
        let delivered = match &input {
            Input::Master {
                event: Event::Update(status),
                ..
            } => status.uuid,
            _ => None,
        };
        self.machine.handle(self.now, input, &mut effects);
        invariants::updates_are_acknowledged_once(delivered, &effects);
        self.carry_out(effects);
        self.check();
    }

    /// The host dies after some effects of an input; another starts with what
    /// the ledger has.
    pub(super) fn crash_during(&mut self, input: Input, kept: usize) {
        let mut effects = Vec::new();
        self.machine.handle(self.now, input, &mut effects);
        effects.truncate(kept);
        self.carry_out(effects);
        self.restart();
    }

    pub(super) fn restart(&mut self) {
        self.restart_with([&["batch"], &["web"]]);
    }

    /// Another host starts, and its policies have these roles.
    pub(super) fn restart_with(&mut self, roles: [&[&str]; 2]) {
        self.asked.clear();
        self.session = None;
        self.lose_offers();
        self.rounds = vec![(None, 0); POLICIES];
        let ledger = Ledger {
            framework_id: self.framework.clone(),
            jobs: self.job_records.values().cloned().collect(),
            tasks: self.task_records.values().cloned().collect(),
        };
        let mut effects = Vec::new();
        self.machine = machine(policies(roles), ledger, self.now, &mut effects);
        self.carry_out(effects);
        self.check();
    }

    pub(super) fn event(&mut self, event: Event) {
        if let Some(session) = self.session {
            self.input(Input::Master { session, event });
        }
    }

    pub(super) fn connect(&mut self) {
        if self.session.is_none() {
            self.next_session += 1;
            self.session = Some(Session(self.next_session));
            let roles = self.subscription.roles.iter();
            self.suppressed = roles.map(|role| (role.clone(), true)).collect();
            self.event(Event::Subscribed {
                framework_id: "F".into(),
                master: "m:5050".into(),
            });
        }
    }

    pub(super) fn disconnect(&mut self) {
        self.asked.clear();
        if let Some(session) = self.session.take() {
            self.lose_offers();
            let reason = "the line broke".to_owned();
            self.input(Input::Disconnected { session, reason });
        }
    }

    fn lose_offers(&mut self) {
        for (_, offer) in std::mem::take(&mut self.offers) {
            give(&mut self.free, offer.agent, &offer.amounts);
        }
    }

    /// The master offers all that is free on an agent to a role.
    pub(super) fn offer(&mut self, agent: usize, role: usize) -> Option<OfferId> {
        let role: Role = ROLES[role % ROLES.len()].into();
        let agent = agent % self.free.len();
        let amounts = std::mem::take(&mut self.free[agent]);
        let wanted = !self.suppressed.get(&role).copied().unwrap_or(true);
        if self.session.is_none() || !wanted || amounts.cpus.is_zero() {
            self.free[agent] = amounts;
            return None;
        }
        self.next_offer += 1;
        let id: OfferId = format!("O{}", self.next_offer).into();
        self.offers
            .insert(id.clone(), RemoteOffer { agent, amounts });
        let allocated = |name, amount| Resource {
            allocation: Some(role.clone()),
            ..Resource::scalar(name, amount)
        };
        let info = OfferInfo {
            id: id.clone(),
            framework_id: "F".into(),
            agent: AgentInfo {
                id: format!("S{agent}").into(),
                hostname: format!("host-{agent}").into(),
                region: None,
                zone: None,
                attributes: vec![Attribute {
                    name: "rack".into(),
                    value: AttributeValue::Text(format!("r{agent}")),
                }],
            },
            url: None,
            role: role.clone(),
            resources: vec![
                allocated(Name::Cpus, amounts.cpus),
                allocated(Name::Mem, amounts.mem),
            ],
            executor_ids: Vec::new(),
            unavailability: None,
        };
        self.event(Event::Offers(vec![info]));
        Some(id)
    }

    pub(super) fn offer_all(&mut self) {
        for agent in 0..self.free.len() {
            for role in 0..ROLES.len() {
                self.offer(agent, role);
            }
        }
    }

    pub(super) fn rescind(&mut self, id: &OfferId) {
        if let Some(offer) = self.offers.remove(id) {
            give(&mut self.free, offer.agent, &offer.amounts);
            self.event(Event::Rescind(id.clone()));
        }
    }

    /// A task goes to a state and the host hears of it.
    pub(super) fn update(&mut self, id: &TaskId, state: TaskState) {
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        task.state = state;
        let task = task.clone();
        if state.is_terminal() {
            self.tasks.remove(id);
            give(&mut self.free, task.agent, &task.needs);
        }
        let uuid = self.uuid();
        self.event(Event::Update(status(id, task.agent, state, Some(uuid))));
    }

    pub(super) fn uuid(&mut self) -> [u8; 16] {
        self.next_uuid += 1;
        u128::from(self.next_uuid).to_be_bytes()
    }

    /// The master answers what it was asked: what it does not know it says it
    /// does not know.
    pub(super) fn reconcile(&mut self) {
        for (id, agent) in std::mem::take(&mut self.asked) {
            let mut status = status(&id, 0, TaskState::UNKNOWN, None);
            status.agent = agent;
            if let Some(task) = self.tasks.get(&id) {
                status.state = task.state;
            }
            self.event(Event::Update(status));
        }
    }

    /// The next step of each task, as a healthy cluster takes it.
    pub(super) fn progress(&mut self) {
        let ids: Vec<TaskId> = self.tasks.keys().cloned().collect();
        for id in ids {
            let Some(task) = self.tasks.get(&id) else {
                continue;
            };
            let next = match task.state {
                _ if task.kill_asked => TaskState::KILLED,
                TaskState::STAGING => TaskState::RUNNING,
                _ => TaskState::FINISHED,
            };
            self.update(&id, next);
        }
    }

    /// Answers the open round of a policy.
    pub(super) fn answer(
        &mut self,
        policy: usize,
        decide: impl FnOnce(&Round) -> Result<Answer, Failure>,
    ) {
        let position = policy % self.rounds.len();
        if let Some(round) = self.rounds[position].0.take() {
            self.input(Input::Answered {
                policy: PolicyHandle(u32::try_from(position).unwrap()),
                round: round.number,
                result: decide(&round).into(),
            });
        }
    }

    /// Other code takes over: it must be shown all that lives, and nothing may be
    /// given back or forgotten on the way.
    pub(super) fn swap(&mut self, policy: usize) {
        let handle = PolicyHandle(u32::try_from(policy).unwrap());
        let change = |change| Input::Policy {
            policy: handle,
            change,
        };
        self.input(change(PolicyChange::Hold));
        self.answer(policy, |_| Ok(Answer::default()));
        let held = self.machine.status().offers_held;
        assert!(self.rounds[policy].0.is_none(), "it is held");
        self.input(change(PolicyChange::Replaced));
        assert_eq!(self.machine.status().offers_held, held);
        if !self.machine.decides(handle) {
            return assert_eq!(self.rounds[policy].0, None);
        }
        let round = self.rounds[policy]
            .0
            .as_ref()
            .expect("it is called at once");
        assert!(round.delta.reset);
        let of_policy =
            |task: &&super::super::tasks::Task| self.machine.policy_of(task.role) == Some(handle);
        let live = self.machine.tasks.iter().filter(of_policy).count();
        let ended = round.delta.tasks_ended.len();
        assert_eq!(round.delta.tasks.len(), live + ended);
    }

    /// Gives roles to the policies of [`ROLES`], whatever they had.
    pub(super) fn route(&mut self, roles: [&[&str]; 2]) {
        let wanted = policies(roles);
        self.machine.check_policies(&wanted).unwrap();
        self.input(Input::Policies(wanted));
        // The code of those without roles ends.
        for (open, position) in self.rounds.iter_mut().zip(0..) {
            if !self.machine.decides(PolicyHandle(position)) {
                open.0 = None;
            }
        }
    }

    pub(super) fn canary(&mut self, policy: usize, share: u32, jobs: &[&str]) {
        self.input(Input::Canary {
            policy: PolicyHandle(u32::try_from(policy).unwrap()),
            canary: Some(Canary {
                by: CANARY,
                share,
                jobs: jobs.iter().map(|job| (*job).into()).collect(),
            }),
        });
    }

    pub(super) fn canary_ends(&mut self) {
        for policy in 0..2 {
            let policy = PolicyHandle(policy);
            let canary = None;
            self.input(Input::Canary { policy, canary });
        }
        // Its code ends.
        self.rounds[CANARY.0 as usize].0 = None;
    }

    /// The machine is written down and goes on from that.
    pub(super) fn checkpoint(&mut self) {
        let bytes = postcard::to_allocvec(&self.machine).unwrap();
        let machine: Machine = postcard::from_bytes(&bytes).unwrap();
        self.machine = machine.with_codec(Arc::new(NoCodec));
        assert_eq!(
            postcard::to_allocvec(&self.machine).unwrap().len(),
            bytes.len()
        );
    }

    /// First fit for all open rounds, until there are none.
    pub(super) fn place_all(&mut self) {
        while self.rounds.iter().any(|(round, _)| round.is_some()) {
            for policy in 0..self.rounds.len() {
                self.answer(policy, |round| Ok(first_fit(round)));
            }
        }
    }

    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.machine.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.input(Input::Tick);
        }
        self.now = end;
    }

    pub(super) fn request(&mut self, request: Request) -> Reply {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.input(Input::Operator { ticket, request });
        self.replies.pop().expect("each request has a reply")
    }

    pub(super) fn submit(&mut self, spec: JobSpec) {
        let reply = self.request(Request::Submit(vec![spec]));
        assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
    }

    pub(super) fn job(&self, name: &str) -> crate::machine::view::JobStatus {
        let jobs = self.machine.jobs();
        jobs.into_iter().find(|job| job.name == name).unwrap()
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Persist(record) => self.persist(record),
                Effect::Send { session, call, .. } => {
                    assert_eq!(
                        Some(session),
                        self.session,
                        "a call of another session: {call:?}"
                    );
                    self.sent.push(call.clone());
                    self.take_call(call);
                }
                Effect::Invoke { policy, round } => {
                    let (open, last) = &mut self.rounds[policy.0 as usize];
                    assert!(open.is_none(), "a second round while one is open");
                    assert_eq!(round.number, *last + 1);
                    *last = round.number;
                    *open = Some(*round);
                }
                Effect::Subscription(subscription) => self.subscription = subscription.update,
                Effect::Reply { reply, .. } => self.replies.push(reply),
                Effect::Notice(notice) => self.notices.push(notice.text),
                Effect::Stop(why) => self.stopped = Some(why),
            }
        }
    }

    fn persist(&mut self, record: Record) {
        match record {
            Record::FrameworkId(id) => self.framework = Some(id),
            Record::Job(job) => {
                self.job_records.insert(job.spec.name.to_string(), job);
            }
            Record::JobGone(name) => {
                self.job_records.remove(name.as_str());
            }
            Record::Task(task) => {
                self.task_records.insert(task.id.clone(), task);
            }
            Record::TaskGone(id) => {
                self.task_records.remove(&id);
            }
            Record::History(why) => {
                assert!(
                    !self
                        .task_records
                        .contains_key(&TaskId::from(why.task.as_str()))
                );
                assert!(self.history.insert(why.task.clone(), *why).is_none());
            }
        }
    }

    fn take_call(&mut self, call: Call) {
        match call {
            Call::Accept {
                offers, operations, ..
            } => {
                let mut room = Amounts::default();
                let mut agent = 0;
                for id in &offers {
                    let offer = self.offers.remove(id);
                    let offer = offer.unwrap_or_else(|| panic!("{id} is not outstanding"));
                    agent = offer.agent;
                    add(&mut room, &offer.amounts);
                }
                for operation in operations {
                    match operation {
                        Operation::Launch(tasks) => {
                            for task in tasks {
                                self.launch(task, agent, &mut room);
                            }
                        }
                        Operation::LaunchWritten(tasks) | Operation::LaunchGroup { tasks, .. } => {
                            for task in tasks {
                                self.start(task.id, agent, Amounts::default());
                            }
                        }
                        // Nothing of it is lost, and more is not looked at.
                        Operation::Reserve { .. } => {}
                        other => panic!("{other:?}"),
                    }
                }
                give(&mut self.free, agent, &room);
            }
            Call::Decline { offers, .. } => {
                for id in offers {
                    let offer = self.offers.remove(&id);
                    let offer = offer.unwrap_or_else(|| panic!("{id} is not outstanding"));
                    give(&mut self.free, offer.agent, &offer.amounts);
                }
            }
            Call::Kill { task, .. } => {
                if let Some(task) = self.tasks.get_mut(&task) {
                    task.kill_asked = true;
                }
            }
            Call::Revive { roles } => {
                self.suppress(roles, false);
            }
            Call::Suppress { roles } => {
                self.suppress(roles, true);
            }
            Call::UpdateFramework(update) => {
                self.suppressed = update.roles.into_iter().map(|role| (role, false)).collect();
                for role in update.suppressed {
                    assert!(self.suppressed.insert(role, true).is_some());
                }
            }
            Call::Reconcile { tasks } => self.asked.extend(tasks),
            _ => {}
        }
    }

    /// Mesos drops a call that names a role which the framework does not have.
    fn suppress(&mut self, roles: Vec<Role>, suppressed: bool) {
        for role in roles {
            let known = self.suppressed.insert(role.clone(), suppressed);
            assert!(known.is_some(), "{role} is no role of the framework");
        }
    }

    fn launch(&mut self, task: JobTask, agent: usize, room: &mut Amounts) {
        let needs = Amounts::usable(&task.resources);
        assert!(needs.fits_in(room), "{} has no room on its offer", task.id);
        assert_eq!(task.agent, format!("S{agent}").as_str().into());
        room.cpus -= needs.cpus;
        room.mem -= needs.mem;
        self.start(task.id, agent, needs);
    }

    fn start(&mut self, id: TaskId, agent: usize, needs: Amounts) {
        assert!(
            self.ever_launched.insert(id.clone()),
            "the id {id} was used before"
        );
        assert!(
            self.task_records.contains_key(&id),
            "{id} is launched before it is in the ledger"
        );
        let remote = RemoteTask {
            agent,
            state: TaskState::STAGING,
            needs,
            kill_asked: false,
        };
        self.tasks.insert(id, remote);
    }
}

fn machine(
    policies: Vec<PolicySettings>,
    ledger: Ledger,
    now: Instant,
    effects: &mut Vec<Effect>,
) -> Machine {
    let settings = Settings {
        // Another one for each start, as in the service.
        seed: now.0,
        ..Settings::new(policies)
    };
    Machine::new(settings, ledger, Arc::new(NoCodec), now, effects)
}

pub(super) fn policies(roles: [&[&str]; 2]) -> Vec<PolicySettings> {
    let [batch, web] = roles;
    [
        ("policy-batch", batch),
        ("policy-web", web),
        ("canary", &[]),
    ]
    .into_iter()
    .map(|(name, roles)| PolicySettings {
        name: name.to_owned(),
        roles: roles.iter().map(|role| (*role).into()).collect(),
    })
    .collect()
}

fn add(to: &mut Amounts, more: &Amounts) {
    to.cpus += more.cpus;
    to.mem += more.mem;
}

fn give(free: &mut [Amounts], agent: usize, amounts: &Amounts) {
    add(&mut free[agent], amounts);
}

pub(super) fn status(
    id: &TaskId,
    agent: usize,
    state: TaskState,
    uuid: Option<[u8; 16]>,
) -> TaskStatus {
    TaskStatus {
        task: id.clone(),
        state,
        message: None,
        source: None,
        reason: None,
        agent: Some(format!("S{agent}").into()),
        executor: None,
        healthy: None,
        at: None,
        uuid,
    }
}

pub(super) fn spec(name: &str, role: usize, kind: JobKind, count: u32) -> JobSpec {
    JobSpec {
        name: name.into(),
        role: ROLES[role % ROLES.len()].into(),
        kind,
        count,
        needs: Amounts {
            cpus: Milli(700),
            mem: Milli(100_000),
            ..Amounts::default()
        },
        command: "true".into(),
        shell: true,
        arguments: Vec::new(),
        env: Vec::new(),
        uris: Vec::new(),
        user: None,
        priority: 0,
        constraints: Vec::new(),
        retries: 1,
        kill_grace: None,
        labels: Vec::new(),
    }
}

/// What a good policy answers.
pub(super) fn first_fit(round: &Round) -> Answer {
    let mut room: Vec<Amounts> = round.offers.iter().map(|offer| offer.usable).collect();
    let mut answer = Answer {
        rest: Some(DeclineRest {
            refuse: Millis::HOSTS_CHOICE,
            reason: 0,
        }),
        ..Answer::default()
    };
    for set in &round.waiting {
        let mut left = set.count;
        for (offer, room) in round.offers.iter().zip(&mut room) {
            let mut count = 0;
            while left > 0 && offer.role == set.role && set.needs.fits_in(room) {
                room.cpus -= set.needs.cpus;
                room.mem -= set.needs.mem;
                left -= 1;
                count += 1;
            }
            if count > 0 {
                answer.placements.push(Placement {
                    offer: offer.handle,
                    set: set.set,
                    count,
                    reason: 0,
                });
            }
        }
    }
    answer
}
