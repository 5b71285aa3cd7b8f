//! Operations on resources and their feedback.

use serde_json::{Value, json};

use crate::common::{Framework, launch, scalars, task};
use crate::steps::{Run, decline};

fn reserved(role: &str, cpus: f64, mem: f64) -> Value {
    let mut resources = scalars(role, cpus, mem);
    for resource in resources.as_array_mut().unwrap() {
        resource["reservations"] = json!([{"type": "DYNAMIC", "role": role, "principal": "me"}]);
    }
    resources
}

/// ACCEPT with operations only.
fn operate(offer: &Value, operations: Value) -> Value {
    json!({
        "offer_ids": [offer["id"]],
        "operations": operations,
        "filters": {"refuse_seconds": 0.0},
    })
}

fn operation_update(run: &mut Run, framework: &mut Framework) -> Value {
    let event = framework.next("UPDATE_OPERATION_STATUS");
    run.note_event(&event);
    event["update_operation_status"]["status"].clone()
}

fn acknowledge_operation(run: &mut Run, framework: &Framework, status: &Value) {
    let body = json!({
        "agent_id": status["agent_id"], "operation_id": status["operation_id"],
        "uuid": status["uuid"]["value"],
    });
    run.call(framework, "ACKNOWLEDGE_OPERATION_STATUS", &body);
}

fn ask_operation(run: &mut Run, framework: &Framework, name: &str, agent: Option<&Value>) {
    let mut asked = json!({"operation_id": {"value": name}});
    if let Some(agent) = agent {
        asked["agent_id"] = agent.clone();
    }
    run.call(
        framework,
        "RECONCILE_OPERATIONS",
        &json!({"operations": [asked]}),
    );
}

pub(super) fn reserve_and_unreserve(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [offer, other] = run.whole_offers(&mut framework);
    decline(&framework, &other, 3600.0);
    let agent = offer["agent_id"].clone();
    let resources = reserved("conformance", 1.0, 64.0);
    let reserve = json!([{
        "type": "RESERVE", "id": {"value": "reserve-1"}, "reserve": {"resources": resources},
    }]);
    run.call(&framework, "ACCEPT", &operate(&offer, reserve));
    let status = operation_update(run, &mut framework);
    // Known until it is acknowledged.
    ask_operation(run, &framework, "reserve-1", Some(&agent));
    operation_update(run, &mut framework);
    run.call(
        &framework,
        "RECONCILE_OPERATIONS",
        &json!({"operations": []}),
    );
    operation_update(run, &mut framework);
    acknowledge_operation(run, &framework, &status);
    let offer = run.offer_again(&mut framework, &agent);
    run.note_event(&offer);
    let unreserve = json!([{
        "type": "UNRESERVE", "id": {"value": "unreserve-1"},
        "unreserve": {"resources": resources},
    }]);
    run.call(&framework, "ACCEPT", &operate(&offer, unreserve));
    let status = operation_update(run, &mut framework);
    acknowledge_operation(run, &framework, &status);
    let offer = run.offer_again(&mut framework, &agent);
    run.note_event(&offer);
    run.nothing_else(&mut framework);
    run.call(
        &framework,
        "RECONCILE_OPERATIONS",
        &json!({"operations": []}),
    );
    for agent in [None, Some(&agent), Some(&json!({"value": "no"}))] {
        ask_operation(run, &framework, "nobody", agent);
        operation_update(run, &mut framework);
    }
    // Without an id nothing is told, and it is done all the same.
    let reserve = json!([{"type": "RESERVE", "reserve": {"resources": resources}}]);
    run.call(&framework, "ACCEPT", &operate(&offer, reserve));
    let offer = run.offer_again(&mut framework, &agent);
    run.note_event(&offer);
    let unreserve = json!([{"type": "UNRESERVE", "unreserve": {"resources": resources}}]);
    run.call(&framework, "ACCEPT", &operate(&offer, unreserve));
    run.offer_again(&mut framework, &agent);
    run.nothing_else(&mut framework);
    run.leave(&framework);
}

/// Reserve, create, run a task on the volume, destroy and unreserve.
pub(super) fn volumes(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [offer, other] = run.whole_offers(&mut framework);
    decline(&framework, &other, 3600.0);
    let agent = offer["agent_id"].clone();
    let space = json!({
        "name": "disk", "type": "SCALAR", "scalar": {"value": 64.0},
        "allocation_info": {"role": "conformance"},
        "reservations": [{"type": "DYNAMIC", "role": "conformance", "principal": "me"}],
    });
    let mut volume = space.clone();
    volume["disk"] = json!({
        "persistence": {"id": "volume", "principal": "me"},
        "volume": {"mode": "RW", "container_path": "data"},
    });
    let mut on_it = task(&offer, "one", "exit 0");
    on_it["resources"]
        .as_array_mut()
        .unwrap()
        .push(volume.clone());
    let operations = json!([
        {"type": "RESERVE", "reserve": {"resources": [space]}},
        {"type": "CREATE", "create": {"volumes": [volume]}},
        {"type": "LAUNCH", "launch": {"task_infos": [on_it]}},
    ]);
    run.call(&framework, "ACCEPT", &operate(&offer, operations));
    run.updates_until(&mut framework, "TASK_FINISHED");
    // When the task is over the volume is offered again.
    let offer = loop {
        let offer = run.offer_again(&mut framework, &agent);
        if offer["resources"].to_string().contains("persistence") {
            break offer;
        }
        decline(&framework, &offer, 0.0);
    };
    let operations = json!([
        {"type": "DESTROY", "id": {"value": "destroy"}, "destroy": {"volumes": [volume]}},
        {"type": "UNRESERVE", "id": {"value": "unreserve"}, "unreserve": {"resources": [space]}},
    ]);
    run.call(&framework, "ACCEPT", &operate(&offer, operations));
    for _ in 0..2 {
        let status = operation_update(run, &mut framework);
        acknowledge_operation(run, &framework, &status);
    }
    run.nothing_else(&mut framework);
    run.leave(&framework);
}

pub(super) fn operations_not_valid(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [mut offer, other] = run.whole_offers(&mut framework);
    decline(&framework, &other, 3600.0);
    let agent = offer["agent_id"].clone();
    let operation = |kind: &str, field: &str, list: &str, resources: Value| json!([{"type": kind, "id": {"value": "bad"}, field: {list: resources}}]);
    let cases = [
        operation(
            "RESERVE",
            "reserve",
            "resources",
            reserved("conformance", 1e9, 64.0),
        ),
        operation(
            "RESERVE",
            "reserve",
            "resources",
            scalars("conformance", 1.0, 64.0),
        ),
        operation(
            "UNRESERVE",
            "unreserve",
            "resources",
            reserved("conformance", 1.0, 64.0),
        ),
        operation(
            "RESERVE",
            "reserve",
            "resources",
            reserved("another", 1.0, 64.0),
        ),
        operation(
            "CREATE",
            "create",
            "volumes",
            scalars("conformance", 1.0, 64.0),
        ),
    ];
    for (number, operations) in cases.into_iter().enumerate() {
        run.note(format!("case {number}"));
        run.call(&framework, "ACCEPT", &operate(&offer, operations));
        let event = framework.next("UPDATE_OPERATION_STATUS");
        let status = &event["update_operation_status"]["status"];
        run.note(format!(
            "{} acknowledge: {} agent: {} message: {}",
            status["state"],
            !status["uuid"].is_null(),
            !status["agent_id"].is_null(),
            status["message"].is_string(),
        ));
        offer = run.offer_again(&mut framework, &agent);
    }
    // An offer that is gone.
    let mut body = operate(
        &offer,
        operation(
            "RESERVE",
            "reserve",
            "resources",
            reserved("conformance", 1.0, 64.0),
        ),
    );
    body["offer_ids"] = json!([{"value": "no-such-offer"}]);
    run.call(&framework, "ACCEPT", &body);
    operation_update(run, &mut framework);
    // LAUNCH takes no id.
    let mut body = launch(&offer, &[task(&offer, "one", "exit 0")]);
    body["operations"][0]["id"] = json!({"value": "launch"});
    run.call(&framework, "ACCEPT", &body);
    run.update(&mut framework);
    run.nothing_else(&mut framework);
    run.leave(&framework);
}
