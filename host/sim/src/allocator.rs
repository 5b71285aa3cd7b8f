//! Who is offered what: whole agents, to the framework that has least, as
//! filters and suppression allow (R26).

use std::collections::{BTreeMap, HashMap};

use mesos_v1 as wire;
use mesos_v1::scheduler as api;
use offerd_core::amount::Milli;
use offerd_core::ids::Role;
use offerd_core::resource::{Amounts, Name, Pool, Resource, Value};
use offerd_mesos::convert::wire_resource;

use crate::cluster::{Cluster, Offer, agent_url, allocated, total};

/// What is worth offering: 0.01 CPUs or 32 MiB, as in Mesos.
const LEAST: (Milli, Milli) = (Milli(10), Milli(32_000));

impl Cluster {
    pub(crate) fn allocate(&mut self) {
        let now = self.now;
        for framework in self.frameworks.values_mut() {
            framework.filters.retain(|filter| filter.until > now);
        }
        let mut shares = self.shares();
        let mut batches: BTreeMap<String, Vec<wire::Offer>> = BTreeMap::new();
        for position in 0..self.agents.len() {
            let Some((framework, role)) = self.choose(position, &shares) else {
                continue;
            };
            if let Some((offer, amounts)) = self.make_offer(position, &framework, &role) {
                shares.add(&framework, &role, &amounts);
                batches.entry(framework).or_default().push(offer);
            }
        }
        for (framework, offers) in batches {
            self.send(
                &framework,
                api::Event {
                    r#type: Some(api::event::Type::Offers as i32),
                    offers: Some(api::event::Offers { offers }),
                    ..api::Event::default()
                },
            );
        }
    }

    /// What roles and frameworks have now, in offers and tasks.
    fn shares(&self) -> Shares {
        let mut shares = Shares::default();
        for agent in &self.agents {
            let total = Amounts::usable(&total(&agent.settings));
            shares.total.cpus += total.cpus;
            shares.total.mem += total.mem;
            shares.total.disk += total.disk;
        }
        for offer in self.offers.values() {
            let amounts = Amounts::usable(&offer.resources);
            shares.add(&offer.framework, &offer.role, &amounts);
        }
        for (id, framework) in &self.frameworks {
            for task in framework.tasks.values() {
                let role = task.resources.iter().find_map(|r| r.allocation.as_ref());
                let amounts = Amounts::usable(&task.resources);
                shares.add(id, role.map_or("", Role::as_str), &amounts);
            }
            for executor in framework.executors.values() {
                let role = executor
                    .resources
                    .iter()
                    .find_map(|r| r.allocation.as_ref());
                let amounts = Amounts::usable(&executor.resources);
                shares.add(id, role.map_or("", Role::as_str), &amounts);
            }
        }
        shares
    }

    /// The framework and role that an agent's free resources go to: the role that
    /// has least, and in it the framework that has least.
    fn choose(&self, position: usize, shares: &Shares) -> Option<(String, String)> {
        let agent = self
            .agents
            .get(position)
            .filter(|agent| agent.present && !agent.draining)?;
        let mut best: Option<([f64; 2], &str, &str)> = None;
        for (id, framework) in self.frameworks.iter().filter(|(_, f)| f.connected) {
            for role in framework
                .roles
                .iter()
                .filter(|role| !framework.suppressed.contains(*role))
            {
                let share = shares.of(id, role);
                if best.as_ref().is_some_and(|(least, _, _)| *least <= share) {
                    continue;
                }
                let usable = Amounts::usable(&for_role(agent.free.items(), role));
                if usable.cpus < LEAST.0 && usable.mem < LEAST.1 {
                    continue;
                }
                let filtered = framework.filters.iter().any(|filter| {
                    filter.agent == position
                        && filter.role == *role
                        && usable.fits_in(&filter.refused)
                });
                if !filtered {
                    best = Some((share, id, role));
                }
            }
        }
        best.map(|(_, framework, role)| (framework.to_owned(), role.to_owned()))
    }

    fn make_offer(
        &mut self,
        position: usize,
        framework: &str,
        role: &str,
    ) -> Option<(wire::Offer, Amounts)> {
        let number = self.number();
        let id = format!("{}-O{number}", self.master_id);
        let agent = self.agents.get_mut(position)?;
        let (mine, rest): (Vec<Resource>, Vec<Resource>) = agent
            .free
            .items()
            .iter()
            .filter(|resource| !is_nothing(resource))
            .cloned()
            .partition(|resource| is_for(resource, role));
        agent.free = Pool::new(rest);
        let resources = allocated(&mine, role);
        let amounts = Amounts::usable(&resources);
        let settings = agent.settings.clone();
        let executors = self.frameworks.get(framework).into_iter();
        let executor_ids = executors
            .flat_map(|owner| owner.executors.keys())
            .filter(|(agent, _)| *agent == position)
            .map(|(_, id)| wire::ExecutorId { value: id.clone() })
            .collect();
        let agent_id = agent.id.clone();
        let unavailability = agent.unavailability;
        self.counts.offers += 1;
        let attribute = |(name, value): &(String, String)| wire::Attribute {
            name: name.clone(),
            r#type: wire::value::Type::Text as i32,
            text: Some(wire::value::Text {
                value: value.clone(),
            }),
            ..wire::Attribute::default()
        };
        let offer = wire::Offer {
            id: wire::OfferId { value: id.clone() },
            framework_id: wire::FrameworkId {
                value: framework.to_owned(),
            },
            agent_id: wire::AgentId { value: agent_id },
            hostname: settings.hostname.clone(),
            url: Some(agent_url(position, &settings.hostname)),
            domain: settings.zone.map(|zone| wire::DomainInfo {
                fault_domain: Some(wire::domain_info::FaultDomain {
                    region: wire::domain_info::fault_domain::RegionInfo { name: "sim".into() },
                    zone: wire::domain_info::fault_domain::ZoneInfo { name: zone },
                }),
            }),
            resources: resources.iter().map(wire_resource).collect(),
            attributes: settings.attributes.iter().map(attribute).collect(),
            allocation_info: Some(wire::resource::AllocationInfo {
                role: Some(role.to_owned()),
            }),
            unavailability,
            executor_ids,
        };
        self.offers.insert(
            id,
            Offer {
                framework: framework.to_owned(),
                agent: position,
                role: role.to_owned(),
                resources,
                made: self.now,
            },
        );
        Some((offer, amounts))
    }
}

/// Who has how much.
#[derive(Debug, Default)]
struct Shares {
    total: Amounts,
    roles: HashMap<String, Amounts>,
    frameworks: HashMap<(String, String), Amounts>,
}

impl Shares {
    fn add(&mut self, framework: &str, role: &str, amounts: &Amounts) {
        let of_role = self.roles.entry(role.to_owned()).or_default();
        let key = (role.to_owned(), framework.to_owned());
        let of_framework = self.frameworks.entry(key).or_default();
        for sum in [of_role, of_framework] {
            sum.cpus += amounts.cpus;
            sum.mem += amounts.mem;
            sum.disk += amounts.disk;
        }
    }

    /// The dominant shares of the role and of the framework in it.
    fn of(&self, framework: &str, role: &str) -> [f64; 2] {
        let key = (role.to_owned(), framework.to_owned());
        [self.roles.get(role), self.frameworks.get(&key)].map(|amounts| {
            let part = |have: Milli, all: Milli| {
                if all.is_zero() {
                    0.0
                } else {
                    have.units() / all.units()
                }
            };
            let amounts = amounts.copied().unwrap_or_default();
            part(amounts.cpus, self.total.cpus)
                .max(part(amounts.mem, self.total.mem))
                .max(part(amounts.disk, self.total.disk))
        })
    }
}

fn is_nothing(resource: &Resource) -> bool {
    match &resource.value {
        Value::Scalar(amount) => amount.is_zero(),
        Value::Ranges(ranges) => ranges.is_empty(),
        Value::Set(items) => items.is_empty() && resource.name != Name::Ports,
    }
}

/// Unreserved, or reserved for the role.
fn is_for(resource: &Resource, role: &str) -> bool {
    resource
        .reservations
        .last()
        .is_none_or(|reservation| reservation.role == role)
}

fn for_role(resources: &[Resource], role: &str) -> Vec<Resource> {
    resources
        .iter()
        .filter(|resource| is_for(resource, role))
        .cloned()
        .collect()
}
