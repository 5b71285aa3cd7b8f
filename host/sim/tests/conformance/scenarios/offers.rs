//! Offers: filters, suppression, and those that can't be accepted.

use serde_json::{Value, json};

use crate::common::{Framework, framework_info, launch, task};
use crate::steps::{Run, decline};

/// An agent that is declined for an hour is not seen while the other one comes
/// again and again; after REVIVE it is.
pub(super) fn decline_with_a_filter(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [first, second] = run.whole_offers(&mut framework);
    let reply = decline(&framework, &first, 3600.0);
    run.note_reply("DECLINE for an hour", &reply);
    let mut offer = second;
    for _ in 0..3 {
        decline(&framework, &offer, 0.0);
        let offers = framework.offers();
        let again = offers.iter().any(|o| o["agent_id"] == first["agent_id"]);
        run.note(format!(
            "{} offers, the declined agent: {again}",
            offers.len()
        ));
        offer = offers.into_iter().next().unwrap();
    }
    // The second agent's offer is held: what comes is the first's.
    run.call(&framework, "REVIVE", &Value::Null);
    let offers = framework.offers();
    let again = offers.iter().any(|o| o["agent_id"] == first["agent_id"]);
    run.note(format!(
        "{} offers, the declined agent: {again}",
        offers.len()
    ));
    run.nothing_else(&mut framework);
    run.leave(&framework);
}

/// While the first framework is suppressed the second gets all that there is.
pub(super) fn suppress_and_revive(run: &mut Run) {
    let mut first = run.join("one");
    let held = run.whole_offers(&mut first);
    run.call(&first, "SUPPRESS", &json!({"roles": ["nonsense"]}));
    run.call(&first, "SUPPRESS", &Value::Null);
    // Those that it holds are not taken back; it gives them back itself.
    run.nothing_else(&mut first);
    for offer in &held {
        let reply = decline(&first, offer, 0.0);
        run.note_reply("DECLINE", &reply);
    }
    let mut second = run.join("two");
    for _ in 0..3 {
        for offer in run.whole_offers(&mut second) {
            decline(&second, &offer, 0.0);
        }
    }
    let offers = first.so_far();
    let offers = offers
        .iter()
        .filter(|event| event["type"] == "OFFERS")
        .count();
    run.note(format!("{offers} offers while suppressed"));
    run.call(&second, "SUPPRESS", &Value::Null);
    run.call(&first, "REVIVE", &json!({"roles": ["nonsense"]}));
    run.call(&first, "REVIVE", &json!({"roles": ["one"]}));
    // The second one may have got them a last time.
    run.leave(&second);
    run.whole_offers(&mut first);
    run.leave(&first);
}

pub(super) fn offers_that_are_not_valid(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [first, second] = run.whole_offers(&mut framework);
    bad_offers(run, &mut framework, &first, &second);
    run.leave(&framework);
}

/// Offers go to the role that has least, and those of two roles can't be used
/// together.
pub(super) fn two_roles(run: &mut Run) {
    let mut info = framework_info("conformance", "one");
    info["roles"] = json!(["one", "two"]);
    let mut framework = run.join_as(info);
    let offers = run.whole_offers(&mut framework);
    let mut roles: Vec<&str> = offers
        .iter()
        .filter_map(|offer| offer["allocation_info"]["role"].as_str())
        .collect();
    roles.sort_unstable();
    run.note(format!("{roles:?}"));
    let mut body = launch(&offers[0], &[task(&offers[0], "one", "exit 0")]);
    body["offer_ids"] = json!([offers[0]["id"], offers[1]["id"]]);
    run.call(&framework, "ACCEPT", &body);
    // Which agent is offered to which role is open.
    let line = run.update_quietly(&mut framework);
    run.note(line.replace("'one", "'a").replace("'two", "'a"));
    run.leave(&framework);
}

/// The same without the capability PARTITION_AWARE.
pub(super) fn old_framework(run: &mut Run) {
    let mut info = framework_info("conformance", "conformance");
    info["capabilities"] = json!([{"type": "MULTI_ROLE"}, {"type": "RESERVATION_REFINEMENT"}]);
    let mut framework = run.join_as(info);
    let [first, second] = run.whole_offers(&mut framework);
    bad_offers(run, &mut framework, &first, &second);
    let nobody = json!({"task_id": {"value": "nobody"}});
    run.call(&framework, "KILL", &nobody);
    run.update(&mut framework);
    let asked = json!({"tasks": [{"task_id": {"value": "nobody"}, "agent_id": first["agent_id"]}]});
    run.call(&framework, "RECONCILE", &asked);
    run.update(&mut framework);
    // It is not told of TASK_KILLING.
    let [offer, _] = run.whole_offers(&mut framework);
    let task = task(&offer, "one", "sleep 1000");
    run.call(&framework, "ACCEPT", &launch(&offer, &[task]));
    run.updates_until(&mut framework, "TASK_RUNNING");
    let body = json!({"task_id": {"value": "one"}, "agent_id": offer["agent_id"]});
    run.call(&framework, "KILL", &body);
    run.updates_until(&mut framework, "TASK_KILLED");
    run.leave(&framework);
}

fn bad_offers(run: &mut Run, framework: &mut Framework, first: &Value, second: &Value) {
    let lists = [
        json!([{"value": "no-such-offer"}]),
        json!([]),
        json!([second["id"], second["id"]]),
        json!([first["id"], {"value": "no-such-offer"}]),
        json!([first["id"]]),
    ];
    for list in lists {
        let mut body = launch(first, &[task(first, "one", "exit 0")]);
        body["offer_ids"] = list;
        run.call(framework, "ACCEPT", &body);
        run.update(framework);
    }
    let [first, second] = run.whole_offers(framework);
    let mut body = launch(&first, &[task(&first, "one", "exit 0")]);
    body["offer_ids"] = json!([first["id"], second["id"]]);
    run.call(framework, "ACCEPT", &body);
    run.update(framework);
    run.nothing_else(framework);
}
