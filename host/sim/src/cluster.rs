//! The model: agents, frameworks, offers and tasks. Time is an argument; what
//! is to be sent to frameworks is collected.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use mesos_v1 as wire;
use mesos_v1::framework_info::capability::Type as Capability;
use mesos_v1::scheduler as api;
use offerd_core::Instant;
use offerd_core::amount::Milli;
use offerd_core::ids::Role;
use offerd_core::resource::{Amounts, Name, Pool, Range, Resource, Value};

use crate::checks;
use crate::executors::Executor;
use crate::maintenance::{InverseFilter, InverseOffer};
use crate::operations::Feedback;
use crate::tasks::Task;

/// One agent to simulate.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentSettings {
    pub hostname: String,
    /// In Mesos's units.
    pub cpus: f64,
    pub mem: f64,
    pub disk: f64,
    pub gpus: f64,
    pub attributes: Vec<(String, String)>,
    pub zone: Option<String>,
}

impl AgentSettings {
    pub fn new(hostname: impl Into<String>, cpus: f64, mem: f64) -> Self {
        Self {
            hostname: hostname.into(),
            cpus,
            mem,
            disk: 8192.0,
            gpus: 0.0,
            attributes: Vec::new(),
            zone: None,
        }
    }
}

/// An agent as somebody sees it who looks on.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentUse {
    pub hostname: String,
    /// What tasks use of how much.
    pub cpus: (Milli, Milli),
    pub mem: (Milli, Milli),
    pub tasks: usize,
}

/// An agent and what is neither offered nor used of it.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) id: String,
    pub(crate) settings: AgentSettings,
    pub(crate) free: Pool,
    pub(crate) present: bool,
    pub(crate) unavailability: Option<wire::Unavailability>,
    pub(crate) draining: bool,
}

#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) framework: String,
    pub(crate) agent: usize,
    pub(crate) role: String,
    pub(crate) resources: Vec<Resource>,
    pub(crate) made: Instant,
}

/// Hides offers of an agent to a role that are contained in what was refused.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) agent: usize,
    pub(crate) role: String,
    pub(crate) refused: Amounts,
    pub(crate) until: Instant,
}

#[derive(Debug)]
pub(crate) struct Framework {
    pub(crate) info: wire::FrameworkInfo,
    pub(crate) roles: Vec<String>,
    pub(crate) suppressed: BTreeSet<String>,
    pub(crate) filters: Vec<Filter>,
    pub(crate) inverse_filters: Vec<InverseFilter>,
    pub(crate) tasks: BTreeMap<String, Task>,
    pub(crate) operations: BTreeMap<String, Feedback>,
    /// By agent and id.
    pub(crate) executors: BTreeMap<(usize, String), Executor>,
    pub(crate) connected: bool,
    /// When it is removed if it does not come back.
    pub(crate) removed_at: Option<Instant>,
    pub(crate) removed: bool,
}

impl Framework {
    pub(crate) fn partition_aware(&self) -> bool {
        self.can(Capability::PartitionAware)
    }

    pub(crate) fn can(&self, wanted: Capability) -> bool {
        self.info
            .capabilities
            .iter()
            .any(|capability| capability.r#type() == wanted)
    }
}

/// What tests ask about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Acknowledgements received, by the update's uuid.
    pub acknowledged: HashMap<Vec<u8>, u32>,
    /// Updates that asked for an acknowledgement.
    pub updates: BTreeSet<Vec<u8>>,
    pub calls: BTreeMap<String, u64>,
    pub launched: u64,
    pub offers: u64,
}

/// The simulated cluster.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) now: Instant,
    pub(crate) master_id: String,
    pub(crate) agents: Vec<Agent>,
    pub(crate) frameworks: BTreeMap<String, Framework>,
    pub(crate) offers: BTreeMap<String, Offer>,
    pub(crate) inverse_offers: BTreeMap<String, InverseOffer>,
    pub(crate) counts: Counts,
    pub(crate) interval: Duration,
    pub(crate) offer_timeout: Option<Duration>,
    pub(crate) next_allocation: Instant,
    next: u64,
    /// Events to send, with the framework each is for.
    pub(crate) out: Vec<(String, api::Event)>,
}

impl Cluster {
    /// `seed` makes ids different from those of other masters.
    pub fn new(
        agents: Vec<AgentSettings>,
        interval: Duration,
        offer_timeout: Option<Duration>,
        seed: u64,
        now: Instant,
    ) -> Self {
        let master_id = format!("51300000-0000-4000-8000-{:012x}", seed & 0xffff_ffff_ffff);
        let agents = agents
            .into_iter()
            .enumerate()
            .map(|(position, settings)| Agent {
                id: format!("{master_id}-S{position}"),
                free: Pool::new(total(&settings)),
                settings,
                present: true,
                unavailability: None,
                draining: false,
            })
            .collect();
        Self {
            now,
            master_id,
            agents,
            frameworks: BTreeMap::new(),
            offers: BTreeMap::new(),
            inverse_offers: BTreeMap::new(),
            counts: Counts::default(),
            interval,
            offer_timeout,
            next_allocation: now,
            next: 0,
            out: Vec::new(),
        }
    }

    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Number of offers that no framework has answered.
    pub fn offers_outstanding(&self) -> usize {
        self.offers.len()
    }

    /// Task ids with their states' numbers, of all frameworks.
    pub fn tasks(&self) -> Vec<(String, i32)> {
        self.frameworks
            .values()
            .flat_map(|framework| framework.tasks.values())
            .map(|task| (task.id.clone(), task.state as i32))
            .collect()
    }

    /// All agents, in their order.
    pub fn agents(&self) -> Vec<AgentUse> {
        let live = |position: usize| {
            self.frameworks
                .values()
                .flat_map(|framework| framework.tasks.values())
                .filter(move |task| task.agent == position && !task.is_terminal())
        };
        let seen = |(position, agent): (usize, &Agent)| {
            let used = live(position).flat_map(|task| task.resources.iter().cloned());
            let used = Amounts::usable(&used.collect::<Vec<_>>());
            let whole = Amounts::usable(&total(&agent.settings));
            AgentUse {
                hostname: agent.settings.hostname.clone(),
                cpus: (used.cpus, whole.cpus),
                mem: (used.mem, whole.mem),
                tasks: live(position).count(),
            }
        };
        self.agents.iter().enumerate().map(seen).collect()
    }

    /// Roles of connected frameworks that are not suppressed.
    pub fn wanted_roles(&self) -> Vec<String> {
        self.frameworks
            .values()
            .filter(|framework| framework.connected)
            .flat_map(|f| f.roles.iter().filter(|role| !f.suppressed.contains(*role)))
            .cloned()
            .collect()
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// 16 bytes that no other call gives.
    pub(crate) fn uuid(&mut self) -> Vec<u8> {
        let number = self.number();
        [
            0x5130_0000_0000_4000_u64.to_be_bytes(),
            number.to_be_bytes(),
        ]
        .concat()
    }

    pub(crate) fn send(&mut self, framework: &str, event: api::Event) {
        if self.frameworks.get(framework).is_some_and(|f| f.connected) {
            self.out.push((framework.to_owned(), event));
        }
    }

    /// SUBSCRIBE: the framework's id, or the text of an ERROR event.
    pub(crate) fn subscribe(
        &mut self,
        id: Option<String>,
        subscribe: api::call::Subscribe,
    ) -> Result<String, String> {
        let info = subscribe.framework_info;
        let roles = info.roles.clone();
        checks::framework(&info, &subscribe.suppressed_roles)?;
        let id = match id.filter(|id| !id.is_empty()) {
            Some(id) if self.frameworks.get(&id).is_some_and(|f| f.removed) => {
                return Err("Framework has been removed".to_owned());
            }
            Some(id) => id,
            None => {
                let number = self.number();
                format!("{}-{number:04}", self.master_id)
            }
        };
        if let Some(old) = self.frameworks.get(&id) {
            checks::principal(&old.info, &info)?;
        }
        self.drop_offers_of(&id);
        let old = self.frameworks.remove(&id);
        let (tasks, operations, executors) = old
            .map(|old| (old.tasks, old.operations, old.executors))
            .unwrap_or_default();
        self.frameworks.insert(
            id.clone(),
            Framework {
                info,
                roles,
                suppressed: subscribe.suppressed_roles.into_iter().collect(),
                filters: Vec::new(),
                inverse_filters: Vec::new(),
                tasks,
                operations,
                executors,
                connected: true,
                removed_at: None,
                removed: false,
            },
        );
        // What was not acknowledged comes again at once.
        self.repeat_updates(&id);
        self.repeat_operations(false);
        self.next_allocation = self.now;
        Ok(id)
    }

    /// The framework's stream is gone.
    pub(crate) fn disconnect(&mut self, id: &str) {
        self.drop_offers_of(id);
        let now = self.now;
        if let Some(framework) = self.frameworks.get_mut(id) {
            framework.connected = false;
            let timeout = framework
                .info
                .failover_timeout
                .unwrap_or(0.0)
                .clamp(0.0, 1e9);
            framework.removed_at = Some(now + Duration::from_secs_f64(timeout));
        }
        self.tick(now);
    }

    /// All its tasks end and it can't come back.
    pub(crate) fn remove_framework(&mut self, id: &str) {
        self.drop_offers_of(id);
        let Some(framework) = self.frameworks.get_mut(id) else {
            return;
        };
        framework.removed = true;
        framework.connected = false;
        framework.removed_at = None;
        framework.operations.clear();
        let tasks: Vec<Task> = std::mem::take(&mut framework.tasks).into_values().collect();
        let executors = std::mem::take(&mut framework.executors);
        for task in tasks {
            self.give_back(task.agent, task.resources);
        }
        for ((agent, _), executor) in executors {
            self.give_back(agent, executor.resources);
        }
    }

    fn drop_offers_of(&mut self, id: &str) {
        self.drop_inverse_offers_of(id);
        let gone: Vec<String> = self
            .offers
            .iter()
            .filter(|(_, offer)| offer.framework == id)
            .map(|(offer, _)| offer.clone())
            .collect();
        for offer in gone {
            if let Some(offer) = self.offers.remove(&offer) {
                self.give_back(offer.agent, offer.resources);
            }
        }
    }

    /// Takes an offer back and says so.
    pub fn rescind(&mut self, id: &str) {
        if let Some(offer) = self.offers.remove(id) {
            self.give_back(offer.agent, offer.resources);
            self.send(&offer.framework, rescind_event(id));
        }
    }

    /// Takes all offers back and says so.
    pub fn rescind_all(&mut self) {
        let ids: Vec<String> = self.offers.keys().cloned().collect();
        for id in ids {
            self.rescind(&id);
        }
    }

    /// Returns resources to an agent, without their allocation.
    pub(crate) fn give_back(&mut self, agent: usize, resources: Vec<Resource>) {
        if let Some(agent) = self.agents.get_mut(agent) {
            agent.free.extend(resources.into_iter().map(|mut resource| {
                resource.allocation = None;
                resource
            }));
        }
    }

    /// Lets time pass to `now`.
    pub fn tick(&mut self, now: Instant) {
        self.now = self.now.max(now);
        let late: Vec<String> = self
            .frameworks
            .iter()
            .filter(|(_, f)| f.removed_at.is_some_and(|at| at <= self.now))
            .map(|(id, _)| id.clone())
            .collect();
        for id in late {
            self.remove_framework(&id);
        }
        self.run_tasks();
        self.repeat_operations(true);
        if let Some(timeout) = self.offer_timeout {
            let late: Vec<String> = self
                .offers
                .iter()
                .filter(|(_, offer)| offer.made + timeout <= self.now)
                .map(|(id, _)| id.clone())
                .collect();
            for id in late {
                self.rescind(&id);
            }
        }
        if self.next_allocation <= self.now {
            self.allocate();
            self.make_inverse_offers();
            self.next_allocation = self.now + self.interval;
        }
    }

    /// When [`Self::tick`] has something to do next.
    pub fn next_deadline(&self) -> Instant {
        let tasks = self
            .frameworks
            .values()
            .flat_map(|framework| {
                let tasks = framework.tasks.values().filter_map(Task::next_deadline);
                let operations = framework.operations.values().map(Feedback::next_deadline);
                tasks.chain(operations)
            })
            .min();
        tasks.map_or(self.next_allocation, |at| at.min(self.next_allocation))
    }

    /// Events to send, in order.
    pub(crate) fn take_out(&mut self) -> Vec<(String, api::Event)> {
        std::mem::take(&mut self.out)
    }
}

pub(crate) fn total(settings: &AgentSettings) -> Vec<Resource> {
    let ports = Value::Ranges(vec![Range {
        begin: 31000,
        end: 32000,
    }]);
    let scalars = [
        (Name::Cpus, settings.cpus),
        (Name::Mem, settings.mem),
        (Name::Disk, settings.disk),
        (Name::Gpus, settings.gpus),
    ]
    .into_iter()
    .filter_map(|(name, units)| Some((name, Milli::from_units(units)?)))
    .filter(|(_, amount)| !amount.is_zero())
    .map(|(name, amount)| Resource::scalar(name, amount));
    // In the order of a real master.
    std::iter::once(Resource::plain(Name::Ports, ports))
        .chain(scalars)
        .collect()
}

/// Where an agent would be, were it real.
pub(crate) fn agent_url(position: usize, hostname: &str) -> wire::Url {
    wire::Url {
        scheme: "http".to_owned(),
        address: wire::Address {
            hostname: Some(hostname.to_owned()),
            ip: Some("127.0.0.1".to_owned()),
            port: 5051,
        },
        path: Some(format!("/slave({})", position + 1)),
        ..wire::Url::default()
    }
}

pub(crate) fn allocated(resources: &[Resource], role: &str) -> Vec<Resource> {
    let role = Role::from(role);
    resources
        .iter()
        .map(|r| Resource {
            allocation: Some(role.clone()),
            ..r.clone()
        })
        .collect()
}

fn rescind_event(id: &str) -> api::Event {
    api::Event {
        r#type: Some(api::event::Type::Rescind as i32),
        rescind: Some(api::event::Rescind {
            offer_id: wire::OfferId {
                value: id.to_owned(),
            },
        }),
        ..api::Event::default()
    }
}

#[cfg(test)]
mod tests;
