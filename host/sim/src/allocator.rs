//! Who is offered what: whole agents, to the framework that has least, as
//! filters and suppression allow (R26).

use std::collections::BTreeMap;

use mesos_v1 as wire;
use mesos_v1::scheduler as api;
use offerd_core::amount::Milli;
use offerd_core::resource::{Amounts, Name, Pool, Resource, Value};
use offerd_mesos::convert::wire_resource;

use crate::cluster::{Cluster, Offer, agent_url, allocated};

/// What is worth offering: 0.01 CPUs or 32 MiB, as in Mesos.
const LEAST: (Milli, Milli) = (Milli(10), Milli(32_000));

impl Cluster {
    pub(crate) fn allocate(&mut self) {
        let now = self.now;
        for framework in self.frameworks.values_mut() {
            framework.filters.retain(|filter| filter.until > now);
        }
        let mut batches: BTreeMap<String, Vec<wire::Offer>> = BTreeMap::new();
        for position in 0..self.agents.len() {
            let Some((framework, role)) = self.choose(position) else {
                continue;
            };
            if let Some(offer) = self.make_offer(position, &framework, &role) {
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

    /// The framework and role that an agent's free resources go to.
    fn choose(&self, position: usize) -> Option<(String, String)> {
        let agent = self
            .agents
            .get(position)
            .filter(|agent| agent.present && !agent.draining)?;
        let mut best: Option<(Milli, String, String)> = None;
        for (id, framework) in self.frameworks.iter().filter(|(_, f)| f.connected) {
            let held = self
                .offers
                .values()
                .filter(|o| o.framework == *id)
                .map(|o| &o.resources);
            let used = framework.tasks.values().map(|task| &task.resources);
            let share: Milli = held.chain(used).map(|r| Amounts::usable(r).cpus).sum();
            for role in framework
                .roles
                .iter()
                .filter(|role| !framework.suppressed.contains(*role))
            {
                let usable = Amounts::usable(&for_role(agent.free.items(), role));
                if usable.cpus < LEAST.0 && usable.mem < LEAST.1 {
                    continue;
                }
                let filtered = framework.filters.iter().any(|filter| {
                    filter.agent == position
                        && filter.role == *role
                        && usable.fits_in(&filter.refused)
                });
                if !filtered && best.as_ref().is_none_or(|(least, _, _)| share < *least) {
                    best = Some((share, id.clone(), role.clone()));
                }
            }
        }
        best.map(|(_, framework, role)| (framework, role))
    }

    fn make_offer(&mut self, position: usize, framework: &str, role: &str) -> Option<wire::Offer> {
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
        let settings = agent.settings.clone();
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
            ..wire::Offer::default()
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
        Some(offer)
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
