//! Tasks from launch to end, and what is told of them.

use serde_json::{Value, json};

use crate::common::{Framework, launch, scalars, task};
use crate::steps::{Run, decline};

pub(super) fn launch_to_finished(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [offer, other] = run.whole_offers(&mut framework);
    decline(&framework, &other, 3600.0);
    let task = task(&offer, "one", "exit 0");
    run.call(&framework, "ACCEPT", &launch(&offer, &[task]));
    let last = run.updates_until(&mut framework, "TASK_FINISHED");
    // A second acknowledgement of the same is taken.
    let reply = framework.acknowledge(&last);
    run.note_reply("ACKNOWLEDGE again", &reply);
    let again = run.offer_again(&mut framework, &offer["agent_id"]);
    run.note(format!("offered again: {}", again["resources"].is_array()));
    run.nothing_else(&mut framework);
    run.leave(&framework);
}

pub(super) fn launch_that_fails(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [offer, _] = run.whole_offers(&mut framework);
    let task = task(&offer, "one", "exit 3");
    run.call(&framework, "ACCEPT", &launch(&offer, &[task]));
    run.updates_until(&mut framework, "TASK_FAILED");
    run.nothing_else(&mut framework);
    run.leave(&framework);
}

/// The rest of the offer comes back less by what the tasks use.
pub(super) fn launch_two_on_one_offer(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [offer, _] = run.whole_offers(&mut framework);
    let tasks = ["one", "two"].map(|name| task(&offer, name, "sleep 1000"));
    run.call(&framework, "ACCEPT", &launch(&offer, &tasks));
    let again = run.offer_again(&mut framework, &offer["agent_id"]);
    run.note_event(&again);
    run.leave(&framework);
}

/// Two tasks of one executor: they start together, and to kill one is to kill
/// both (R38).
pub(super) fn launch_of_a_group(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [mut offer, _] = run.whole_offers(&mut framework);
    let agent = offer["agent_id"].clone();
    // Not valid: an executor of another framework, one without disk.
    for change in [
        (|executor| executor["framework_id"] = json!({"value": "another"})) as fn(&mut Value),
        |executor| executor["resources"] = scalars("conformance", 0.1, 32.0),
        |executor| executor["type"] = "CUSTOM".into(),
        |executor| executor["command"] = json!({"value": "true"}),
        |executor| executor["resources"] = json!([executor["resources"][1]]),
        |executor| executor["resources"] = json!([executor["resources"][0]]),
        |executor| executor["resources"][0]["scalar"]["value"] = json!(100.0),
        |executor| executor["executor_id"]["value"] = "a/b".into(),
    ] {
        let mut body = group(&framework, &offer, "sleep 1000");
        change(&mut body["operations"][0]["launch_group"]["executor"]);
        run.call(&framework, "ACCEPT", &body);
        for _ in 0..2 {
            run.update(&mut framework);
        }
        offer = run.offer_again(&mut framework, &agent);
    }
    let mut body = group(&framework, &offer, "sleep 1000");
    body["operations"][0]["id"] = json!({"value": "launch"});
    run.call(&framework, "ACCEPT", &body);
    for _ in 0..2 {
        run.update(&mut framework);
    }
    offer = run.offer_again(&mut framework, &agent);
    // One task that is not valid spoils the group.
    let mut body = group(&framework, &offer, "sleep 1000");
    body["operations"][0]["launch_group"]["task_group"]["tasks"][1]["resources"] = json!([]);
    run.call(&framework, "ACCEPT", &body);
    for _ in 0..2 {
        run.update(&mut framework);
    }
    offer = run.offer_again(&mut framework, &agent);
    let body = group(&framework, &offer, "sleep 1000");
    run.call(&framework, "ACCEPT", &body);
    run.updates_in_any_order(&mut framework, 4);
    let again = run.offer_again(&mut framework, &agent);
    run.note_event(&again);
    decline(&framework, &again, 0.0);
    let body = json!({"task_id": {"value": "one"}, "agent_id": agent});
    run.call(&framework, "KILL", &body);
    run.updates_in_any_order(&mut framework, 4);
    let failure = framework.next("FAILURE");
    run.note_event(&failure);
    // If one fails the other is killed.
    let offer = run.offer_again_with(&mut framework, &agent, 4.0);
    let body = group(&framework, &offer, "exit 1");
    run.call(&framework, "ACCEPT", &body);
    run.updates_in_any_order(&mut framework, 7);
    let failure = framework.next("FAILURE");
    run.note_event(&failure);
    run.offer_again_with(&mut framework, &agent, 4.0);
    run.nothing_else(&mut framework);
    run.leave(&framework);
}

/// ACCEPT with a group of a task that runs the command and one that waits.
fn group(framework: &Framework, offer: &Value, command: &str) -> Value {
    let mut resources = scalars("conformance", 0.1, 32.0);
    let mut disk = resources[1].clone();
    disk["name"] = "disk".into();
    resources.as_array_mut().unwrap().push(disk);
    let executor = json!({
        "type": "DEFAULT", "executor_id": {"value": "pod"}, "resources": resources,
        "framework_id": {"value": framework.id},
    });
    let tasks = [
        task(offer, "one", command),
        task(offer, "two", "sleep 1000"),
    ];
    json!({
        "offer_ids": [offer["id"]], "filters": {"refuse_seconds": 0.0},
        "operations": [{"type": "LAUNCH_GROUP", "launch_group": {
            "executor": executor, "task_group": {"tasks": tasks},
        }}],
    })
}

pub(super) fn kill(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [offer, _] = run.whole_offers(&mut framework);
    let task = task(&offer, "one", "sleep 1000");
    run.call(&framework, "ACCEPT", &launch(&offer, &[task]));
    run.updates_until(&mut framework, "TASK_RUNNING");
    let body = json!({"task_id": {"value": "one"}, "agent_id": offer["agent_id"]});
    run.call(&framework, "KILL", &body);
    run.updates_until(&mut framework, "TASK_KILLED");
    run.nothing_else(&mut framework);
    run.leave(&framework);
}

pub(super) fn kill_of_an_unknown_task(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [offer, _] = run.whole_offers(&mut framework);
    for agent in [
        Value::Null,
        offer["agent_id"].clone(),
        json!({"value": "no"}),
    ] {
        let mut body = json!({"task_id": {"value": "nobody"}});
        if !agent.is_null() {
            body["agent_id"] = agent;
        }
        run.call(&framework, "KILL", &body);
        run.update(&mut framework);
    }
    run.nothing_else(&mut framework);
    run.leave(&framework);
}

pub(super) fn tasks_that_are_not_valid(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [mut offer, other] = run.whole_offers(&mut framework);
    decline(&framework, &other, 3600.0);
    let changes: [fn(&mut Value, &Value); 11] = [
        |task, _| task["resources"] = scalars("conformance", 400.0, 32.0),
        |task, _| task["resources"] = json!([]),
        |task, _| task["resources"] = scalars("another", 0.1, 32.0),
        |task, _| task["resources"] = scalars("conformance", -1.0, 32.0),
        |task, _| task["task_id"]["value"] = "a/b".into(),
        |task, _| task["task_id"]["value"] = "".into(),
        |task, _| task["task_id"]["value"] = "..".into(),
        |task, _| task["task_id"]["value"] = "x".repeat(256).into(),
        |task, other| task["agent_id"] = other["agent_id"].clone(),
        |task, _| {
            task.as_object_mut().unwrap().remove("command");
        },
        |task, _| {
            let executor = json!({
                "executor_id": {"value": "x"}, "command": {"value": "true"},
                "type": "CUSTOM",
            });
            task["executor"] = executor;
        },
    ];
    for change in changes {
        let mut bad = task(&offer, "bad", "exit 0");
        change(&mut bad, &other);
        run.call(&framework, "ACCEPT", &launch(&offer, &[bad]));
        run.update(&mut framework);
        offer = run.offer_again(&mut framework, &offer["agent_id"].clone());
    }
    // Two tasks of one id: the first one runs.
    let twins = ["exit 0", "exit 0"].map(|command| task(&offer, "twin", command));
    run.call(&framework, "ACCEPT", &launch(&offer, &twins));
    run.updates_in_any_order(&mut framework, 4);
    // The two together are more than the offer, each alone is not.
    offer = run.offer_again_with(&mut framework, &offer["agent_id"].clone(), 4.0);
    let both = ["large", "larger"].map(|name| {
        let mut task = task(&offer, name, "sleep 1000");
        task["resources"] = scalars("conformance", 3.0, 32.0);
        task
    });
    run.call(&framework, "ACCEPT", &launch(&offer, &both));
    run.updates_in_any_order(&mut framework, 3);
    run.nothing_else(&mut framework);
    run.leave(&framework);
}

/// The next update of a task waits until the one before is acknowledged, while
/// another task goes through its whole life.
pub(super) fn unacknowledged_updates(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [offer, _] = run.whole_offers(&mut framework);
    let one = task(&offer, "one", "exit 0");
    run.call(&framework, "ACCEPT", &launch(&offer, &[one]));
    let first = run.update(&mut framework);
    let offer = run.offer_again(&mut framework, &offer["agent_id"]);
    let other = task(&offer, "two", "exit 0");
    run.call(&framework, "ACCEPT", &launch(&offer, &[other]));
    run.updates_until(&mut framework, "TASK_FINISHED");
    let asked = json!({"tasks": [{"task_id": {"value": "one"}, "agent_id": offer["agent_id"]}]});
    run.call(&framework, "RECONCILE", &asked);
    run.update(&mut framework);
    run.nothing_else(&mut framework);
    let reply = framework.acknowledge(&first);
    run.note_reply("ACKNOWLEDGE", &reply);
    run.updates_until(&mut framework, "TASK_FINISHED");
    run.leave(&framework);
}

pub(super) fn reconcile(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [offer, _] = run.whole_offers(&mut framework);
    run.call(&framework, "RECONCILE", &json!({"tasks": []}));
    run.nothing_else(&mut framework);
    let task = task(&offer, "one", "sleep 1000");
    run.call(&framework, "ACCEPT", &launch(&offer, &[task]));
    run.updates_until(&mut framework, "TASK_RUNNING");
    run.call(&framework, "RECONCILE", &json!({"tasks": []}));
    run.update(&mut framework);
    run.nothing_else(&mut framework);
    let agents = [
        Value::Null,
        offer["agent_id"].clone(),
        json!({"value": "no"}),
    ];
    for name in ["one", "nobody"] {
        for agent in &agents {
            let mut asked = json!({"task_id": {"value": name}});
            if !agent.is_null() {
                asked["agent_id"] = agent.clone();
            }
            run.call(&framework, "RECONCILE", &json!({"tasks": [asked]}));
            run.update(&mut framework);
        }
    }
    run.nothing_else(&mut framework);
    run.leave(&framework);
}
