//! Anything that frameworks and operators may do, in any order: the books stay
//! right, and a framework that believes what it is told is never wrong.

use proptest::prelude::*;

use super::*;

const AGENTS: usize = 3;
const FRAMEWORKS: usize = 2;

/// One step. Numbers pick among what there is at that moment.
#[derive(Debug, Clone)]
enum Step {
    Pass(u32),
    Subscribe(usize),
    Disconnect(usize),
    Launch {
        framework: usize,
        offer: usize,
        milli: u32,
        kind: usize,
        refuse: u32,
    },
    Reserve(usize, usize, u32, bool),
    Decline(usize, usize, u32),
    Suppress(usize),
    Revive(usize),
    Kill(usize, usize),
    Acknowledge(usize, usize),
    AcknowledgeOperation(usize, usize),
    Rescind(usize),
    Lose(usize),
    Return(usize),
    Drain(usize),
    Reactivate(usize),
    Maintain(usize, bool),
    Teardown(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let framework = 0..FRAMEWORKS;
    let agent = 0..AGENTS;
    let which = 0_usize..1000;
    let refuse = prop_oneof![Just(0_u32), 1_u32..20, Just(3600)];
    prop_oneof![
        6 => (1_u32..30_000).prop_map(Step::Pass),
        2 => framework.clone().prop_map(Step::Subscribe),
        1 => framework.clone().prop_map(Step::Disconnect),
        8 => (framework.clone(), which.clone(), 1_u32..5000, 0_usize..4, refuse.clone()).prop_map(
            |(framework, offer, milli, kind, refuse)| Step::Launch {
                framework, offer, milli, kind, refuse,
            }
        ),
        2 => (framework.clone(), which.clone(), 1_u32..600, any::<bool>())
            .prop_map(|(framework, offer, mem, back)| Step::Reserve(framework, offer, mem, back)),
        4 => (framework.clone(), which.clone(), refuse)
            .prop_map(|(framework, offer, refuse)| Step::Decline(framework, offer, refuse)),
        1 => framework.clone().prop_map(Step::Suppress),
        2 => framework.clone().prop_map(Step::Revive),
        2 => (framework.clone(), which.clone()).prop_map(|(f, task)| Step::Kill(f, task)),
        8 => (framework.clone(), which.clone()).prop_map(|(f, u)| Step::Acknowledge(f, u)),
        2 => (framework.clone(), which.clone()).prop_map(|(f, u)| Step::AcknowledgeOperation(f, u)),
        1 => which.prop_map(Step::Rescind),
        1 => agent.clone().prop_map(Step::Lose),
        2 => agent.clone().prop_map(Step::Return),
        1 => agent.clone().prop_map(Step::Drain),
        2 => agent.clone().prop_map(Step::Reactivate),
        1 => (agent, any::<bool>()).prop_map(|(agent, on)| Step::Maintain(agent, on)),
        1 => framework.prop_map(Step::Teardown),
    ]
}

/// What was refused, with its end.
#[derive(Debug)]
struct Refused {
    agent: String,
    role: String,
    amounts: Amounts,
    until: Instant,
}

/// A framework that believes what it is told.
#[derive(Debug, Default)]
struct Believer {
    id: Option<String>,
    connected: bool,
    suppressed: bool,
    offers: BTreeMap<String, wire::Offer>,
    refused: Vec<Refused>,
    /// The update of each task that is not acknowledged.
    updates: BTreeMap<String, wire::TaskStatus>,
    operations: BTreeMap<String, wire::OperationStatus>,
    inverse_offers: BTreeSet<String>,
}

#[derive(Debug)]
struct Play {
    world: World,
    frameworks: [Believer; FRAMEWORKS],
    offers_seen: BTreeSet<String>,
    /// Makes ids of tasks and operations.
    number: u32,
    acknowledged: BTreeSet<Vec<u8>>,
}

fn pick<K: Clone, V>(from: &BTreeMap<K, V>, number: usize) -> Option<K> {
    let position = number.checked_rem(from.len())?;
    from.keys().nth(position).cloned()
}

fn amounts(resources: &[wire::Resource]) -> Amounts {
    let resources: Vec<Resource> = resources
        .iter()
        .map(|r| offerd_mesos::convert::resource(r.clone()).unwrap())
        .collect();
    Amounts::usable(&resources)
}

fn plus(a: Amounts, b: Amounts) -> Amounts {
    Amounts {
        cpus: a.cpus + b.cpus,
        mem: a.mem + b.mem,
        disk: a.disk + b.disk,
        gpus: a.gpus + b.gpus,
        ports: a.ports + b.ports,
    }
}

fn role(framework: usize) -> String {
    format!("role-{framework}")
}

impl Play {
    fn new() -> Self {
        Self {
            world: World::new(AGENTS),
            frameworks: Default::default(),
            offers_seen: BTreeSet::new(),
            number: 0,
            acknowledged: BTreeSet::new(),
        }
    }

    fn act(&mut self, step: &Step) {
        match *step {
            Step::Pass(milliseconds) => {
                // Short steps, so that filters are judged by the time they end.
                let mut left = u64::from(milliseconds);
                while left > 0 {
                    let part = left.min(50);
                    self.world.pass(Duration::from_millis(part));
                    self.hear();
                    left -= part;
                }
            }
            Step::Subscribe(framework) => self.subscribe(framework),
            Step::Disconnect(framework) => {
                let believer = &mut self.frameworks[framework];
                if let Some(id) = believer.id.clone().filter(|_| believer.connected) {
                    believer.connected = false;
                    believer.offers.clear();
                    believer.inverse_offers.clear();
                    self.world.cluster.disconnect(&id);
                }
            }
            Step::Launch {
                framework,
                offer,
                milli,
                kind,
                refuse,
            } => self.launch(framework, offer, milli, kind, refuse),
            Step::Reserve(framework, offer, mem, back) => {
                let Some((id, offer)) = self.take(framework, offer) else {
                    return;
                };
                self.number += 1;
                let name = format!("operation-{}", self.number);
                let operation = reserve(&role(framework), f64::from(mem), &name, back);
                self.world
                    .accept(&id, &[&offer.id.value], vec![operation], 0.0);
            }
            Step::Decline(framework, offer, refuse) => {
                let Some((id, offer)) = self.take(framework, offer) else {
                    return;
                };
                self.refuse(framework, &offer, amounts(&offer.resources), refuse);
                self.world.decline(&id, &offer.id.value, f64::from(refuse));
            }
            Step::Suppress(framework) => {
                if let Some(id) = self.connected(framework) {
                    self.frameworks[framework].suppressed = true;
                    self.world.call(&id, Type::Suppress, |_| {});
                }
            }
            Step::Revive(framework) => {
                if let Some(id) = self.connected(framework) {
                    self.frameworks[framework].suppressed = false;
                    self.frameworks[framework].refused.clear();
                    self.world.call(&id, Type::Revive, |_| {});
                }
            }
            Step::Kill(framework, task) => {
                if let Some(id) = self.connected(framework)
                    && let Some(owner) = self.world.cluster.frameworks.get(&id)
                    && let Some(task) = pick(&owner.tasks, task)
                {
                    self.world.kill(&id, &task);
                }
            }
            Step::Acknowledge(framework, update) => self.acknowledge(framework, update),
            Step::AcknowledgeOperation(framework, update) => {
                self.acknowledge_operation(framework, update);
            }
            Step::Rescind(offer) => {
                if let Some(offer) = pick(&self.world.cluster.offers, offer) {
                    self.world.cluster.rescind(&offer);
                }
            }
            // An agent is lost or comes back only once.
            Step::Lose(agent) => {
                if self.world.cluster.agents[agent].present {
                    self.world.cluster.lose_agent(agent);
                }
            }
            Step::Return(agent) => {
                if !self.world.cluster.agents[agent].present {
                    self.world.cluster.return_agent(agent);
                }
            }
            Step::Drain(agent) => self.world.cluster.drain_agent(agent),
            Step::Reactivate(agent) => {
                self.world.cluster.reactivate_agent(agent);
            }
            Step::Maintain(agent, on) => {
                let window = on.then_some((1, 2));
                self.world.cluster.schedule_maintenance(agent, window);
            }
            Step::Teardown(framework) => {
                if let Some(id) = self.connected(framework) {
                    self.world.call(&id, Type::Teardown, |_| {});
                    self.frameworks[framework] = Believer::default();
                }
            }
        }
    }

    fn connected(&self, framework: usize) -> Option<String> {
        let believer = &self.frameworks[framework];
        believer.id.clone().filter(|_| believer.connected)
    }

    fn subscribe(&mut self, framework: usize) {
        let now = self.world.now;
        let name = role(framework);
        let mut believer = std::mem::take(&mut self.frameworks[framework]);
        let gone = |id: &String| {
            let known = self.world.cluster.frameworks.get(id);
            known.is_none_or(|known| known.removed || known.removed_at.is_some_and(|at| at <= now))
        };
        if believer.id.as_ref().is_some_and(gone) {
            believer = Believer::default();
        }
        let id = self.world.subscribe(believer.id.as_deref(), info(&[&name]));
        self.frameworks[framework] = Believer {
            id: Some(id),
            connected: true,
            updates: believer.updates,
            operations: believer.operations,
            ..Believer::default()
        };
    }

    fn take(&mut self, framework: usize, offer: usize) -> Option<(String, wire::Offer)> {
        let id = self.connected(framework)?;
        let offers = &mut self.frameworks[framework].offers;
        let offer = pick(offers, offer)?;
        Some((id, offers.remove(&offer)?))
    }

    fn refuse(&mut self, framework: usize, offer: &wire::Offer, amounts: Amounts, seconds: u32) {
        if seconds > 0 {
            let until = self.world.now + Duration::from_secs(u64::from(seconds));
            self.frameworks[framework].refused.push(Refused {
                agent: offer.agent_id.value.clone(),
                role: role(framework),
                amounts,
                until,
            });
        }
    }

    fn launch(&mut self, framework: usize, offer: usize, milli: u32, kind: usize, refuse: u32) {
        let Some((id, offer)) = self.take(framework, offer) else {
            return;
        };
        self.number += 1;
        let name = format!("task-{}", self.number);
        let command = ["true", "exit 1", "sleep 10", "sleep 100000"][kind];
        let cpus = f64::from(milli) / 1000.0;
        let one = task(&offer, &name, cpus, command);
        let operation = if cpus > 1.0 {
            launch(vec![one])
        } else {
            let other = task(&offer, &format!("{name}-b"), cpus, "sleep 20");
            launch_group(&id, &offer, &format!("pod-{name}"), vec![one, other])
        };
        let offers = [offer.id.value.as_str()];
        self.world
            .accept(&id, &offers, vec![operation], f64::from(refuse));
        // What is left over is refused; a task that did not fit leaves it all.
        let launched = &self.world.cluster.frameworks[&id];
        let tasks = launched.tasks.values();
        let tasks = tasks.filter(|task| task.id.starts_with(&name));
        let executors = launched.executors.iter();
        let executors = executors.filter(|((_, id), _)| *id == format!("pod-{name}"));
        let used = tasks
            .map(|task| &task.resources)
            .chain(executors.map(|(_, executor)| &executor.resources));
        let mut left = amounts(&offer.resources);
        for used in used.map(|resources| Amounts::usable(resources)) {
            left.cpus -= used.cpus;
            left.mem -= used.mem;
            left.disk -= used.disk;
        }
        self.refuse(framework, &offer, left, refuse);
    }

    fn acknowledge(&mut self, framework: usize, update: usize) {
        let Some(id) = self.connected(framework) else {
            return;
        };
        let Some(task) = pick(&self.frameworks[framework].updates, update) else {
            return;
        };
        let status = self.frameworks[framework].updates[&task].clone();
        // What an agent that is away should hear is lost: it asks again later.
        if self.here(status.agent_id.as_ref()) {
            self.frameworks[framework].updates.remove(&task);
            self.acknowledged.insert(status.uuid.clone().unwrap());
        }
        self.world.acknowledge(&id, &status);
    }

    fn acknowledge_operation(&mut self, framework: usize, update: usize) {
        let Some(id) = self.connected(framework) else {
            return;
        };
        let Some(operation) = pick(&self.frameworks[framework].operations, update) else {
            return;
        };
        let status = self.frameworks[framework].operations[&operation].clone();
        if self.here(status.agent_id.as_ref()) {
            self.frameworks[framework].operations.remove(&operation);
            self.acknowledged.insert(status.uuid.clone().unwrap().value);
        }
        self.world.acknowledge_operation(&id, &status);
    }

    fn here(&self, agent: Option<&wire::AgentId>) -> bool {
        let agents = self.world.cluster.agents.iter();
        let mut same = agents.filter(|a| agent.is_some_and(|agent| agent.value == a.id));
        same.any(|agent| agent.present)
    }

    /// What came to the frameworks, and whether it may come now.
    fn hear(&mut self) {
        for (to, event) in self.world.events() {
            let number = self
                .frameworks
                .iter()
                .position(|believer| believer.id.as_ref() == Some(&to))
                .expect("events go to frameworks that there are");
            let now = self.world.now;
            let believer = &mut self.frameworks[number];
            assert!(believer.connected, "{event:?} to one that is away");
            for offer in event.offers.into_iter().flat_map(|offers| offers.offers) {
                assert!(!believer.suppressed, "an offer though suppressed");
                assert_eq!(offer.allocation_info.as_ref().unwrap().role(), role(number));
                assert!(self.offers_seen.insert(offer.id.value.clone()), "twice");
                let amounts = amounts(&offer.resources);
                let hidden = believer.refused.iter().find(|refused| {
                    refused.agent == offer.agent_id.value
                        && refused.role == role(number)
                        // Allocations are not to the millisecond.
                        && refused.until > now
                        && amounts.fits_in(&refused.amounts)
                });
                assert!(hidden.is_none(), "{offer:?} though {hidden:?}");
                believer.offers.insert(offer.id.value.clone(), offer);
            }
            if let Some(rescind) = event.rescind {
                let id = rescind.offer_id.value;
                assert!(believer.offers.remove(&id).is_some(), "{id} rescinded");
            }
            for offer in event
                .inverse_offers
                .into_iter()
                .flat_map(|offers| offers.inverse_offers)
            {
                assert!(believer.inverse_offers.insert(offer.id.value));
            }
            if let Some(rescind) = event.rescind_inverse_offer {
                let id = rescind.inverse_offer_id.value;
                assert!(believer.inverse_offers.remove(&id), "{id} rescinded");
            }
            if let Some(status) = event.update.map(|update| update.status)
                && let Some(uuid) = &status.uuid
            {
                let task = status.task_id.value.clone();
                assert!(
                    !self.acknowledged.contains(uuid),
                    "{status:?} though acknowledged"
                );
                let before = believer.updates.insert(task, status.clone());
                assert!(
                    before
                        .as_ref()
                        .is_none_or(|before| before.uuid == status.uuid),
                    "{status:?} before {before:?} is acknowledged"
                );
            }
            if let Some(update) = event.update_operation_status
                && let Some(uuid) = &update.status.uuid
            {
                assert!(!self.acknowledged.contains(&uuid.value));
                let id = update.status.operation_id.clone().unwrap().value;
                believer.operations.insert(id, update.status);
            }
        }
    }

    /// Nothing is lost or there twice.
    fn check_books(&self) {
        let cluster = &self.world.cluster;
        for (position, agent) in cluster.agents.iter().enumerate() {
            let offers = cluster.offers.values();
            let offered = offers
                .filter(|offer| offer.agent == position)
                .map(|offer| Amounts::usable(&offer.resources));
            let tasks = cluster.frameworks.values().flat_map(|f| f.tasks.values());
            let used = tasks
                .filter(|task| task.agent == position)
                .map(|task| Amounts::usable(&task.resources));
            let executors = cluster.frameworks.values().flat_map(|f| &f.executors);
            let held = executors
                .filter(|((agent, _), _)| *agent == position)
                .map(|(_, executor)| Amounts::usable(&executor.resources));
            let sum = offered
                .chain(used)
                .chain(held)
                .fold(Amounts::usable(agent.free.items()), plus);
            assert_eq!(sum, Amounts::usable(&total(&agent.settings)));
        }
        for believer in &self.frameworks {
            let Some(id) = &believer.id else { continue };
            let held: BTreeSet<&String> = cluster
                .offers
                .iter()
                .filter(|(_, offer)| offer.framework == *id)
                .map(|(id, _)| id)
                .collect();
            assert_eq!(held, believer.offers.keys().collect());
        }
    }

    /// With everything back and everything acknowledged, all tasks come to their
    /// ends and all resources are free.
    fn wind_up(&mut self) {
        for agent in 0..AGENTS {
            self.act(&Step::Return(agent));
            self.hear();
        }
        for framework in 0..FRAMEWORKS {
            if self.frameworks[framework].id.is_some() {
                self.act(&Step::Subscribe(framework));
                self.hear();
            }
        }
        for _ in 0..20 {
            for framework in 0..FRAMEWORKS {
                for task in 0..self.number as usize {
                    self.act(&Step::Kill(framework, task));
                }
                self.hear();
                // A task has four states at most that are told.
                for _ in 0..4 * self.number {
                    let Some((_, status)) = self.frameworks[framework].updates.pop_first() else {
                        break;
                    };
                    let id = self.connected(framework).unwrap();
                    self.acknowledged.insert(status.uuid.clone().unwrap());
                    self.world.acknowledge(&id, &status);
                    self.hear();
                }
                for _ in 0..self.frameworks[framework].operations.len() {
                    self.acknowledge_operation(framework, 0);
                }
            }
            self.act(&Step::Pass(1000));
            if self.world.cluster.tasks().is_empty() {
                break;
            }
        }
        assert_eq!(self.world.cluster.tasks(), []);
        self.check_books();
        for framework in self.world.cluster.frameworks.values() {
            assert_eq!(framework.operations.len(), 0);
            assert_eq!(framework.executors.len(), 0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_books_stay_right(steps in proptest::collection::vec(step(), 1..120)) {
        let mut play = Play::new();
        for framework in 0..FRAMEWORKS {
            play.act(&Step::Subscribe(framework));
        }
        for step in &steps {
            play.act(step);
            play.hear();
            play.check_books();
        }
        play.wind_up();
    }
}
