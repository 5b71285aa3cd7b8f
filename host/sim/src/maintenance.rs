//! Agents that are to go: maintenance, with inverse offers, and draining.

use mesos_v1 as wire;
use mesos_v1::scheduler as api;
use mesos_v1::task_status::Reason;
use offerd_core::Instant;

use crate::cluster::{Cluster, agent_url};

/// A request to a framework to leave an agent.
#[derive(Debug)]
pub(crate) struct InverseOffer {
    framework: String,
    agent: usize,
}

/// Keeps inverse offers of an agent away.
#[derive(Debug)]
pub(crate) struct InverseFilter {
    agent: usize,
    until: Instant,
}

impl Cluster {
    /// Announces that an agent will not be available, or takes that back. Offers
    /// of the agent are rescinded and made anew; frameworks that have something
    /// there get inverse offers. Times are in nanoseconds.
    pub fn schedule_maintenance(&mut self, position: usize, window: Option<(i64, i64)>) {
        let Some(agent) = self.agents.get_mut(position) else {
            return;
        };
        agent.unavailability = window.map(|(start, duration)| wire::Unavailability {
            start: wire::TimeInfo { nanoseconds: start },
            duration: Some(wire::DurationInfo {
                nanoseconds: duration,
            }),
        });
        self.rescind_agent(position);
        let asked: Vec<String> = self
            .inverse_offers
            .iter()
            .filter(|(_, offer)| offer.agent == position)
            .map(|(id, _)| id.clone())
            .collect();
        for id in asked {
            if let Some(offer) = self.inverse_offers.remove(&id) {
                self.send(&offer.framework, rescind_event(&id));
            }
        }
        self.next_allocation = self.now;
    }

    /// Ends the agent's tasks and offers nothing of it until it is reactivated.
    pub fn drain_agent(&mut self, position: usize) {
        let Some(agent) = self.agents.get_mut(position) else {
            return;
        };
        agent.draining = true;
        self.rescind_agent(position);
        let tasks: Vec<(String, String)> = self
            .frameworks
            .iter()
            .flat_map(|(id, framework)| {
                let there = framework.tasks.values().filter(|t| t.agent == position);
                there.map(|task| (id.clone(), task.id.clone()))
            })
            .collect();
        for (framework, task) in tasks {
            self.stop_task(&framework, &task, Some(Reason::AgentDraining));
        }
    }

    /// The end of [`Self::drain_agent`]. Not possible, and `false`, before all of
    /// the agent's tasks have ended and their last updates are acknowledged.
    pub fn reactivate_agent(&mut self, position: usize) -> bool {
        let mut tasks = self.frameworks.values().flat_map(|f| f.tasks.values());
        if tasks.any(|task| task.agent == position) {
            return false;
        }
        if let Some(agent) = self.agents.get_mut(position) {
            agent.draining = false;
            self.next_allocation = self.now;
        }
        true
    }

    pub(crate) fn rescind_agent(&mut self, position: usize) {
        let held: Vec<String> = self
            .offers
            .iter()
            .filter(|(_, offer)| offer.agent == position)
            .map(|(id, _)| id.clone())
            .collect();
        for offer in held {
            self.rescind(&offer);
        }
    }

    /// Asks each framework once that has offers or tasks on an agent that will
    /// not be available (R30).
    pub(crate) fn make_inverse_offers(&mut self) {
        let now = self.now;
        for framework in self.frameworks.values_mut() {
            framework
                .inverse_filters
                .retain(|filter| filter.until > now);
        }
        let mut asked = Vec::new();
        for (position, agent) in self.agents.iter().enumerate() {
            let Some(unavailability) = agent.unavailability.filter(|_| agent.present) else {
                continue;
            };
            for (id, framework) in self.frameworks.iter().filter(|(_, f)| f.connected) {
                let tasks = framework.tasks.values();
                let tasks = tasks.filter(|task| task.agent == position && !task.is_terminal());
                let offers = self.offers.values();
                let mut offers = offers.filter(|o| o.agent == position && o.framework == *id);
                let has_something = tasks.count() > 0 || offers.next().is_some();
                let filters = &framework.inverse_filters;
                let filtered = filters.iter().any(|filter| filter.agent == position);
                let mut open = self.inverse_offers.values();
                let open = open.any(|o| o.agent == position && o.framework == *id);
                if has_something && !filtered && !open {
                    let url = agent_url(position, &agent.settings.hostname);
                    asked.push((id.clone(), position, agent.id.clone(), url, unavailability));
                }
            }
        }
        for (framework, agent, agent_id, url, unavailability) in asked {
            let number = self.number();
            let id = format!("{}-O{number}", self.master_id);
            let offer = wire::InverseOffer {
                id: wire::OfferId { value: id.clone() },
                url: Some(url),
                framework_id: wire::FrameworkId {
                    value: framework.clone(),
                },
                agent_id: Some(wire::AgentId { value: agent_id }),
                unavailability,
                ..wire::InverseOffer::default()
            };
            let event = api::Event {
                r#type: Some(api::event::Type::InverseOffers as i32),
                inverse_offers: Some(api::event::InverseOffers {
                    inverse_offers: vec![offer],
                }),
                ..api::Event::default()
            };
            self.send(&framework, event);
            self.inverse_offers
                .insert(id, InverseOffer { framework, agent });
        }
    }

    /// Yes or no is only noted by operators' tools; both hold for the filter's
    /// time, and then the framework is asked again.
    pub(crate) fn answer_inverse_offers(
        &mut self,
        framework: &str,
        ids: &[wire::OfferId],
        refuse: Option<f64>,
    ) {
        let until = self.filter_end(refuse);
        for id in ids {
            let mine = |offer: &InverseOffer| offer.framework == framework;
            if !self.inverse_offers.get(&id.value).is_some_and(mine) {
                continue;
            }
            let offer = self.inverse_offers.remove(&id.value);
            let owner = self.frameworks.get_mut(framework);
            if let Some(((offer, until), owner)) = offer.zip(until).zip(owner) {
                owner.inverse_filters.push(InverseFilter {
                    agent: offer.agent,
                    until,
                });
            }
        }
    }

    pub(crate) fn drop_inverse_offers_of(&mut self, framework: &str) {
        self.inverse_offers
            .retain(|_, offer| offer.framework != framework);
    }
}

fn rescind_event(id: &str) -> api::Event {
    api::Event {
        r#type: Some(api::event::Type::RescindInverseOffer as i32),
        rescind_inverse_offer: Some(api::event::RescindInverseOffer {
            inverse_offer_id: wire::OfferId {
                value: id.to_owned(),
            },
        }),
        ..api::Event::default()
    }
}
