//! A round on its way to the policy. Offers, waiting sets and updates are flat
//! numbers; the vectors are used again for each round.

use offerd_core::ids::OfferHandle;
use offerd_core::offer::{InverseOffer, Offer, traits};
use offerd_core::policy::{PolicyEvent, Round, Update, Waiting};

use super::resource::to_resources;
use super::views::to_operation;
use super::{millis, optional_number};
use crate::bindings::types as wit;

/// Fills `out` from a round. The round keeps what questions need (`cluster`).
pub(crate) fn fill_round(round: &Round, out: &mut wit::Round) {
    out.number = round.number;
    out.now = round.now.as_millis_f64();
    out.offers.clear();
    out.offers
        .extend(round.offers.iter().map(|o| to_offer(o, round.fresh_from)));
    out.waiting.clear();
    out.waiting.extend(round.waiting.iter().map(to_waiting));
    out.updates.clear();
    out.updates.extend(round.updates.iter().map(to_update));
    out.rescinded.clear();
    out.rescinded.extend(round.rescinded.iter().map(|o| o.0));
    out.events.clear();
    out.events.extend(round.events.iter().map(to_event));
}

fn to_offer(offer: &Offer, fresh_from: OfferHandle) -> wit::Offer {
    let fresh = if offer.handle >= fresh_from {
        traits::FRESH
    } else {
        0
    };
    wit::Offer {
        offer: offer.handle.0,
        agent: offer.agent.0,
        role: offer.role.0,
        ports: offer.usable.ports,
        cpus: offer.usable.cpus.thousandths(),
        mem: offer.usable.mem.thousandths(),
        disk: offer.usable.disk.thousandths(),
        gpus: offer.usable.gpus.thousandths(),
        traits: offer.traits | fresh,
        since: offer.since.as_millis_f64(),
    }
}

fn to_waiting(waiting: &Waiting) -> wit::Waiting {
    wit::Waiting {
        set: waiting.set.0,
        job: waiting.job.0,
        role: waiting.role.0,
        count: waiting.count,
        cpus: waiting.needs.cpus.thousandths(),
        mem: waiting.needs.mem.thousandths(),
        disk: waiting.needs.disk.thousandths(),
        gpus: waiting.needs.gpus.thousandths(),
        ports: waiting.needs.ports,
        priority: waiting.priority,
        traits: waiting.traits,
        since: waiting.since.as_millis_f64(),
    }
}

fn to_update(update: &Update) -> wit::Update {
    wit::Update {
        task: update.task.0,
        job: update.job.0,
        agent: update.agent.0,
        state: super::number(update.state.0),
        reason: optional_number(update.reason),
        source: optional_number(update.source),
        traits: update.traits,
        at: update.at.as_millis_f64(),
    }
}

fn to_inverse_offer(offer: &InverseOffer) -> wit::InverseOffer {
    let unavailability = offer.info.unavailability;
    wit::InverseOffer {
        inverse_offer: offer.handle.0,
        id: offer.info.id.as_str().to_owned(),
        agent: offer.agent.0,
        unavailable_from: unavailability.start.as_millis_f64(),
        unavailable_for: unavailability.duration.map_or(-1.0, millis),
        resources: to_resources(&offer.info.resources),
    }
}

fn to_event(event: &PolicyEvent) -> wit::Event {
    match event {
        PolicyEvent::Subscribed {
            framework_id,
            fresh,
            master,
        } => wit::Event::Subscribed(wit::Subscribed {
            framework_id: framework_id.clone(),
            fresh: *fresh,
            master: master.clone(),
        }),
        PolicyEvent::Disconnected(reason) => wit::Event::Disconnected(reason.clone()),
        PolicyEvent::Operation(operation) => wit::Event::Operation(to_operation(operation)),
        PolicyEvent::Message {
            agent,
            executor,
            data,
        } => wit::Event::Message(wit::ExecutorMessage {
            agent: agent.0,
            executor_id: executor.clone(),
            data: data.to_vec(),
        }),
        PolicyEvent::Failure {
            agent,
            executor,
            status,
        } => wit::Event::Failure(wit::Failure {
            agent: agent.0,
            executor_id: executor.clone(),
            status: *status,
        }),
        PolicyEvent::Error(message) => wit::Event::Error(message.clone()),
        PolicyEvent::InverseOffers(offers) => {
            wit::Event::InverseOffers(offers.iter().map(|o| to_inverse_offer(o)).collect())
        }
        PolicyEvent::InverseOfferRescinded(offer) => wit::Event::InverseOfferRescinded(offer.0),
        PolicyEvent::Timer(number) => wit::Event::Timer(*number),
        PolicyEvent::Refused(refusal) => wit::Event::Refused(wit::Refusal {
            round: refusal.round,
            kind: refusal.kind.as_str().to_owned(),
            position: refusal.position,
            why: refusal.why.clone(),
        }),
        PolicyEvent::Other { kind, details } => wit::Event::Other(wit::OtherEvent {
            kind: kind.clone(),
            details: details.clone(),
        }),
    }
}
