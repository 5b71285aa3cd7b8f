//! Agents that are to go.

use std::time::Instant;

use serde_json::{Value, json};

use crate::common::{Framework, PATIENCE, id, launch, task};
use crate::steps::{Run, decline};

/// Offers say when their agent goes; who has something there is asked to leave.
pub(super) fn maintenance(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [first, second] = run.whole_offers(&mut framework);
    decline(&framework, &second, 3600.0);
    let host = first["hostname"].as_str().unwrap();
    let hour = 3_600_000_000_000;
    let window = Some((1_900_000_000_000_000_000, hour));
    run.master.schedule_maintenance(host, window);
    let rescinded = framework.next("RESCIND");
    run.note_event(&rescinded);
    let offer = run.offer_again(&mut framework, &first["agent_id"]);
    run.note_event(&offer);
    for kind in ["ACCEPT_INVERSE_OFFERS", "DECLINE_INVERSE_OFFERS"] {
        let asked = inverse_offer(run, &mut framework);
        let body = json!({
            "inverse_offer_ids": [asked["id"]], "filters": {"refuse_seconds": 0.0},
        });
        run.call(&framework, kind, &body);
    }
    // It is asked again and again, until it is over.
    inverse_offer(run, &mut framework);
    run.master.schedule_maintenance(host, None);
    let rescinded = framework.next("RESCIND");
    run.note(rescinded["rescind"]["offer_id"]["value"].to_string());
    let rescinded = framework.next("RESCIND_INVERSE_OFFER");
    run.note_event(&rescinded);
    let offer = run.offer_again(&mut framework, &first["agent_id"]);
    run.note(format!("unavailable: {}", offer["unavailability"]));
    run.nothing_else(&mut framework);
    run.leave(&framework);
}

fn inverse_offer(run: &mut Run, framework: &mut Framework) -> Value {
    let event = framework.next("INVERSE_OFFERS");
    let offer = event["inverse_offers"]["inverse_offers"][0].clone();
    run.name(id(&offer["id"]), "<inverse offer>");
    run.note_event(&event);
    offer
}

/// The agent's tasks are killed, and nothing of it is offered.
pub(super) fn drain(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [offer, mut other] = run.whole_offers(&mut framework);
    let task = task(&offer, "one", "sleep 1000");
    run.call(&framework, "ACCEPT", &launch(&offer, &[task]));
    run.updates_until(&mut framework, "TASK_RUNNING");
    // The rest of the agent is offered, and taken back.
    let rest = run.offer_again(&mut framework, &offer["agent_id"]);
    run.master.drain(&offer);
    loop {
        let rescinded = framework.next("RESCIND");
        if rescinded["rescind"]["offer_id"] == rest["id"] {
            break;
        }
    }
    run.updates_until(&mut framework, "TASK_KILLED");
    // Offers of the other agent come again and again.
    let mut cycles = 0;
    let limit = Instant::now() + PATIENCE;
    while cycles < 3 || !run.master.reactivate(&offer) {
        decline(&framework, &other, 0.0);
        let mut offers = framework.offers();
        assert_eq!(offers.len(), 1, "{offers:?}");
        other = offers.remove(0);
        cycles += 1;
        assert!(
            Instant::now() < limit,
            "the agent stays in the draining state"
        );
    }
    let offer = run.offer_again(&mut framework, &offer["agent_id"]);
    run.note(offer["hostname"].to_string());
    run.nothing_else(&mut framework);
    run.leave(&framework);
}
