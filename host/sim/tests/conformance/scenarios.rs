//! What is done to both masters. A scenario begins with a framework of its own
//! and ends by tearing it down; nothing in it depends on how long things take.

use std::time::Instant;

use serde_json::{Value, json};

use crate::common::{
    Framework, Incoming, JSON, PATH, PATIENCE, Stream, framework_info, id, launch, request,
    scalars, task,
};
use crate::steps::{Run, decline};

pub(crate) type Scenario = fn(&mut Run);

pub(crate) const ALL: &[(&str, Scenario)] = &[
    ("subscribe", subscribe),
    ("subscribe_refused", subscribe_refused),
    ("headers_and_bodies", headers_and_bodies),
    ("calls_of_a_framework_that_is_unknown", unknown_framework),
    ("stream_ids", stream_ids),
    ("decline_with_a_filter", decline_with_a_filter),
    ("suppress_and_revive", suppress_and_revive),
    ("launch_to_finished", launch_to_finished),
    ("launch_that_fails", launch_that_fails),
    ("launch_two_on_one_offer", launch_two_on_one_offer),
    ("kill", kill),
    ("kill_of_an_unknown_task", kill_of_an_unknown_task),
    ("tasks_that_are_not_valid", tasks_that_are_not_valid),
    ("offers_that_are_not_valid", offers_that_are_not_valid),
    (
        "offers_that_are_not_valid_to_a_framework_of_old",
        old_framework,
    ),
    ("unacknowledged_updates", unacknowledged_updates),
    ("reconcile", reconcile),
    ("reserve_and_unreserve", reserve_and_unreserve),
    ("volumes", volumes),
    ("operations_that_are_not_valid", operations_not_valid),
    (
        "accept_of_reconcile_operations",
        accept_of_reconcile_operations,
    ),
    ("update_framework", update_framework),
    ("maintenance", maintenance),
    ("resubscribe", resubscribe),
    ("teardown", teardown),
    // The last one: a real agent is busy with draining for a while after it.
    ("drain", drain),
];

fn subscribe(run: &mut Run) {
    let mut framework = run.join("conformance");
    let reply = framework.stream.reply.clone();
    for name in ["Content-Type", "Transfer-Encoding", "Mesos-Stream-Id"] {
        run.note(format!("{name}: {:?}", reply.header(name)));
    }
    let event = framework.next("SUBSCRIBED");
    run.note_event(&event);
    let event = framework.next("HEARTBEAT");
    run.note_event(&event);
    for offer in run.whole_offers(&mut framework) {
        run.note_event(&offer);
    }
    run.leave(&framework);
}

/// Subscriptions that are answered with 200 and an ERROR event.
fn subscribe_refused(run: &mut Run) {
    let with = |field: &str, value: Value| {
        let mut info = framework_info("conformance", "a");
        info[field] = value;
        json!({"framework_info": info})
    };
    let mut suppressed = with("roles", json!(["a"]));
    suppressed["suppressed_roles"] = json!(["zzz"]);
    let cases = [
        with("roles", json!(["a", "b", "b"])),
        with("roles", json!(["a b"])),
        with("roles", json!(["-a"])),
        with("roles", json!(["."])),
        with("roles", json!([""])),
        with("roles", json!(["/a"])),
        with("roles", json!(["a/"])),
        with("roles", json!(["a//b"])),
        with("roles", json!(["a/*"])),
        with("failover_timeout", json!(1e15)),
        suppressed,
    ];
    for subscribe in cases {
        let call = json!({"type": "SUBSCRIBE", "subscribe": subscribe});
        let stream = Stream::open(run.address(), &[JSON], call.to_string().as_bytes());
        run.note(format!("status {}", stream.reply.status));
        run.note_event(&stream.event());
        run.note(format!("{:?}", stream.next()));
    }
}

/// What is wrong with a request before anybody asks which framework it is of.
fn headers_and_bodies(run: &mut Run) {
    let framework = run.join("conformance");
    let good = framework.body("REVIVE", &Value::Null).to_string();
    let stream = ("Mesos-Stream-Id", framework.stream_id.as_str());
    let types = [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/protobuf",
        "text/plain",
    ];
    for kind in types {
        let reply = framework.post(&[("Content-Type", kind), stream], good.as_bytes());
        run.note_reply(kind, &reply);
    }
    let reply = framework.post(&[stream], good.as_bytes());
    run.note_reply("no content type", &reply);
    let mut bodies: Vec<String> = [
        "{",
        "",
        "[]",
        "\"text\"",
        "{}",
        "{\"type\":}",
        "nonsense",
        r#"{"type":"revive"}"#,
        r#"{"type":null}"#,
        r#"{"type":["REVIVE"]}"#,
        r#"{"type":{}}"#,
        r#"{"type":true}"#,
        r#"{"type":"REVIVE","frameworkId":{}}"#,
    ]
    .map(str::to_owned)
    .to_vec();
    let calls = [
        "ACCEPT",
        "DECLINE",
        "KILL",
        "ACKNOWLEDGE",
        "RECONCILE",
        "MESSAGE",
        "SHUTDOWN",
        "REQUEST",
        "ACCEPT_INVERSE_OFFERS",
        "DECLINE_INVERSE_OFFERS",
        "ACKNOWLEDGE_OPERATION_STATUS",
        "RECONCILE_OPERATIONS",
        "UPDATE_FRAMEWORK",
        "SUBSCRIBE",
    ];
    bodies.extend(calls.map(|kind| framework.body(kind, &Value::Null).to_string()));
    bodies.push(json!({"type": "REVIVE"}).to_string());
    bodies.push(json!({"type": "REVIVE", "framework_id": "text"}).to_string());
    bodies.push(json!({"type": 1, "framework_id": {"value": framework.id}}).to_string());
    for uuid in ["", "AAAA", "no-base64"] {
        let body = json!({"agent_id": {"value": "a"}, "task_id": {"value": "t"}, "uuid": uuid});
        bodies.push(framework.body("ACKNOWLEDGE", &body).to_string());
    }
    let body = json!({"agent_id": {"value": "a"}, "task_id": {"value": "t"}});
    bodies.push(framework.body("ACKNOWLEDGE", &body).to_string());
    for body in bodies {
        let reply = framework.post(&[JSON, stream], body.as_bytes());
        run.note_reply(&body, &reply);
    }
    let protobuf = ("Content-Type", "application/x-protobuf");
    for body in [&b"\xff\xff"[..], b""] {
        let reply = framework.post(&[protobuf, stream], body);
        run.note_reply(&format!("protobuf {body:?}"), &reply);
    }
    for method in ["GET", "PUT", "DELETE"] {
        let reply = request(run.address(), method, PATH, &[JSON, stream], b"");
        run.note_reply(method, &reply);
    }
    for path in ["/api/v1/scheduler/", "/master/api/v1/scheduler"] {
        let reply = request(
            run.address(),
            "POST",
            path,
            &[JSON, stream],
            good.as_bytes(),
        );
        run.note_reply(path, &reply);
    }
    run.leave(&framework);
}

fn unknown_framework(run: &mut Run) {
    let framework = run.join("conformance");
    for (id, stream) in [("nobody", "x"), ("", "x")] {
        let call = json!({"type": "REVIVE", "framework_id": {"value": id}});
        let headers = [JSON, ("Mesos-Stream-Id", stream)];
        let reply = framework.post(&headers, call.to_string().as_bytes());
        run.note_reply(&format!("framework '{id}'"), &reply);
    }
    run.leave(&framework);
}

fn stream_ids(run: &mut Run) {
    let framework = run.join("conformance");
    let body = framework.body("REVIVE", &Value::Null).to_string();
    let reply = framework.post(&[JSON], body.as_bytes());
    run.note_reply("no stream id", &reply);
    for stream in ["da0e38ed-6055-4918-ae6c-eefc29fa6b63", "foo"] {
        let reply = framework.post(&[JSON, ("Mesos-Stream-Id", stream)], body.as_bytes());
        run.note_reply(stream, &reply);
    }
    let lower = ("mesos-stream-id", framework.stream_id.as_str());
    let reply = framework.post(&[JSON, lower], body.as_bytes());
    run.note_reply("in lower case", &reply);
    let info = framework_info("conformance", "conformance");
    let call = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}}).to_string();
    let reply = framework.post(&[JSON, lower], call.as_bytes());
    run.note_reply("SUBSCRIBE with a stream id", &reply);
    let html = [JSON, ("Accept", "text/html")];
    let reply = framework.post(&html, call.as_bytes());
    run.note_reply("SUBSCRIBE for text/html", &reply);
    run.leave(&framework);
}

/// An agent that is declined for an hour is not seen while the other one comes
/// again and again; after REVIVE it is.
fn decline_with_a_filter(run: &mut Run) {
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
    // The filter hides what is contained in what was refused, not more.
    run.nothing_else(&mut framework);
    run.leave(&framework);
}

/// While the first framework is suppressed the second gets all that there is.
fn suppress_and_revive(run: &mut Run) {
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

fn launch_to_finished(run: &mut Run) {
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

fn launch_that_fails(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [offer, _] = run.whole_offers(&mut framework);
    let task = task(&offer, "one", "exit 3");
    run.call(&framework, "ACCEPT", &launch(&offer, &[task]));
    run.updates_until(&mut framework, "TASK_FAILED");
    run.nothing_else(&mut framework);
    run.leave(&framework);
}

/// The rest of the offer comes back less by what the tasks use.
fn launch_two_on_one_offer(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [offer, _] = run.whole_offers(&mut framework);
    let tasks = ["one", "two"].map(|name| task(&offer, name, "sleep 1000"));
    run.call(&framework, "ACCEPT", &launch(&offer, &tasks));
    let again = run.offer_again(&mut framework, &offer["agent_id"]);
    run.note_event(&again);
    run.leave(&framework);
}

fn kill(run: &mut Run) {
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

fn kill_of_an_unknown_task(run: &mut Run) {
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

fn tasks_that_are_not_valid(run: &mut Run) {
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
    let states = (0..4).map(|_| run.update_quietly(&mut framework));
    let mut states: Vec<String> = states.collect();
    states.sort();
    states.into_iter().for_each(|state| run.note(state));
    // The two together are more than the offer, each alone is not.
    offer = run.offer_again_with(&mut framework, &offer["agent_id"].clone(), 4.0);
    let both = ["large", "larger"].map(|name| {
        let mut task = task(&offer, name, "sleep 1000");
        task["resources"] = scalars("conformance", 3.0, 32.0);
        task
    });
    run.call(&framework, "ACCEPT", &launch(&offer, &both));
    let states = (0..3).map(|_| run.update_quietly(&mut framework));
    let mut states: Vec<String> = states.collect();
    states.sort();
    states.into_iter().for_each(|state| run.note(state));
    run.nothing_else(&mut framework);
    run.leave(&framework);
}

fn offers_that_are_not_valid(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [first, second] = run.whole_offers(&mut framework);
    bad_offers(run, &mut framework, &first, &second);
    run.leave(&framework);
}

/// The same without the capability PARTITION_AWARE.
fn old_framework(run: &mut Run) {
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

/// The next update of a task waits until the one before is acknowledged, while
/// another task goes through its whole life.
fn unacknowledged_updates(run: &mut Run) {
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

fn reconcile(run: &mut Run) {
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

fn reserve_and_unreserve(run: &mut Run) {
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
fn volumes(run: &mut Run) {
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

fn operations_not_valid(run: &mut Run) {
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

/// RECONCILE_OPERATIONS looks at Accept, other calls do not.
fn accept_of_reconcile_operations(run: &mut Run) {
    let framework = run.join("conformance");
    for (kind, body) in [
        ("RECONCILE_OPERATIONS", json!({"operations": []})),
        ("RECONCILE", json!({"tasks": []})),
    ] {
        for accept in ["text/html", "application/x-protobuf", "application/json"] {
            let stream = ("Mesos-Stream-Id", framework.stream_id.as_str());
            let body = framework.body(kind, &body).to_string();
            let reply = framework.post(&[JSON, stream, ("Accept", accept)], body.as_bytes());
            run.note_reply(&format!("{kind} for {accept}"), &reply);
        }
    }
    run.leave(&framework);
}

fn update_framework(run: &mut Run) {
    let mut framework = run.join("conformance");
    run.whole_offers(&mut framework);
    let info = |change: fn(&mut Value)| {
        let mut info = framework_info("conformance", "conformance");
        change(&mut info);
        info
    };
    let changes: [fn(&mut Value); 6] = [
        |_| {},
        |info| info["roles"] = json!(["conformance", "more"]),
        |info| info["roles"] = json!(["a", "a"]),
        |info| info["user"] = "somebody".into(),
        |info| info["checkpoint"] = true.into(),
        |info| info["principal"] = "another".into(),
    ];
    for change in changes {
        let mut info = info(change);
        info["id"] = json!({"value": framework.id});
        run.call(
            &framework,
            "UPDATE_FRAMEWORK",
            &json!({"framework_info": info}),
        );
    }
    let mut more = info(|info| info["roles"] = json!(["more"]));
    run.call(
        &framework,
        "UPDATE_FRAMEWORK",
        &json!({"framework_info": more}),
    );
    more["id"] = json!({"value": framework.id});
    let suppressed = json!({"framework_info": more, "suppressed_roles": ["zzz"]});
    run.call(&framework, "UPDATE_FRAMEWORK", &suppressed);
    // The offers of the role that is gone are taken back, and made to the other.
    run.call(
        &framework,
        "UPDATE_FRAMEWORK",
        &json!({"framework_info": more}),
    );
    for _ in 0..2 {
        framework.next("RESCIND");
    }
    let offers = run.whole_offers(&mut framework);
    run.note(offers[0]["allocation_info"]["role"].to_string());
    run.leave(&framework);
}

/// Offers say when their agent goes; who has something there is asked to leave.
fn maintenance(run: &mut Run) {
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
fn drain(run: &mut Run) {
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

/// The second subscription of a framework closes the first.
fn resubscribe(run: &mut Run) {
    let mut info = framework_info("conformance", "conformance");
    info["failover_timeout"] = json!(60.0);
    let mut first = run.join_as(info.clone());
    let [offer, _] = run.whole_offers(&mut first);
    let task = task(&offer, "one", "sleep 1000");
    run.call(&first, "ACCEPT", &launch(&offer, &[task]));
    let unacknowledged = run.update(&mut first);
    info["id"] = json!({"value": first.id});
    let call = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}});
    let reply = first.post(&[JSON], call.to_string().as_bytes());
    run.note_reply("SUBSCRIBE with an id in the info only", &reply);
    let mut call = call;
    let mut other = call.clone();
    other["framework_id"] = json!({"value": first.id});
    other["subscribe"]["framework_info"]["principal"] = "another".into();
    let stream = Stream::open(run.address(), &[JSON], other.to_string().as_bytes());
    run.note_event(&stream.event());
    run.note(format!("{:?}", stream.next()));
    call["framework_id"] = json!({"value": first.id});
    let mut second = Framework::subscribe(run.address(), &call);
    run.name(&second.stream_id.clone(), "<second stream>");
    let subscribed = second.next("SUBSCRIBED");
    run.note_event(&subscribed);
    let error = first.next("ERROR");
    run.note_event(&error);
    run.note(format!("{:?}", first.stream.next()));
    let reply = first.call("REVIVE", &Value::Null);
    run.note_reply("REVIVE on the first stream", &reply);
    // What was not acknowledged comes again.
    let again = run.update(&mut second);
    run.note(format!(
        "the same uuid: {}",
        again["uuid"] == unacknowledged["uuid"]
    ));
    let reply = second.acknowledge(&again);
    run.note_reply("ACKNOWLEDGE", &reply);
    run.updates_until(&mut second, "TASK_RUNNING");
    run.leave(&second);
    run.note(format!("{:?}", end(&second)));
    // Torn down is for ever.
    let stream = Stream::open(run.address(), &[JSON], call.to_string().as_bytes());
    run.note_event(&stream.event());
    run.note(format!("{:?}", stream.next()));
    let reply = second.call("REVIVE", &Value::Null);
    run.note_reply("REVIVE after the teardown", &reply);
}

/// The end of a stream, whatever comes before.
fn end(framework: &Framework) -> Incoming {
    loop {
        if let end @ Incoming::End { .. } = framework.stream.next() {
            return end;
        }
    }
}

/// Its tasks end and its resources go to others.
fn teardown(run: &mut Run) {
    let mut framework = run.join("conformance");
    let [offer, _] = run.whole_offers(&mut framework);
    let task = task(&offer, "one", "sleep 1000");
    run.call(&framework, "ACCEPT", &launch(&offer, &[task]));
    run.updates_until(&mut framework, "TASK_RUNNING");
    run.leave(&framework);
    run.note(format!("{:?}", end(&framework)));
    let mut next = run.join("another");
    let offers = run.whole_offers(&mut next);
    let agents: Vec<&str> = offers.iter().map(|offer| id(&offer["agent_id"])).collect();
    run.note(format!("{agents:?}"));
    run.leave(&next);
}
