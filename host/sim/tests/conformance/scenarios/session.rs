//! The life of a subscription.

use std::time::Instant;

use serde_json::{Value, json};

use crate::common::{
    Framework, Incoming, JSON, PATH, PATIENCE, Stream, framework_info, id, launch, request, task,
};
use crate::steps::Run;

pub(super) fn subscribe(run: &mut Run) {
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
pub(super) fn subscribe_refused(run: &mut Run) {
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

pub(super) fn update_framework(run: &mut Run) {
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

/// The second subscription of a framework closes the first.
pub(super) fn resubscribe(run: &mut Run) {
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

/// A stream that breaks: the framework may come back in its failover timeout,
/// and not at all without one.
pub(super) fn disconnect(run: &mut Run) {
    for timeout in [60.0, 0.0] {
        let mut info = framework_info("conformance", "conformance");
        info["failover_timeout"] = json!(timeout);
        let framework = run.join_as(info.clone());
        let id = framework.id.clone();
        let mut call = framework.body("REVIVE", &Value::Null);
        let headers = [JSON, ("Mesos-Stream-Id", framework.stream_id.as_str())];
        drop(framework.stream);
        // Until the master has noticed. A timeout of 0 seconds takes a moment, too.
        let done = if timeout > 0.0 { 403 } else { 400 };
        let limit = Instant::now() + PATIENCE;
        let reply = loop {
            let body = call.to_string();
            let reply = request(run.address(), "POST", PATH, &headers, body.as_bytes());
            if reply.status == done {
                break reply;
            }
            assert!(Instant::now() < limit, "the master notices nothing");
        };
        run.note_reply("REVIVE", &reply);
        info["id"] = json!({"value": id});
        call = json!({
            "type": "SUBSCRIBE", "framework_id": {"value": id},
            "subscribe": {"framework_info": info},
        });
        let stream = Stream::open(run.address(), &[JSON], call.to_string().as_bytes());
        run.note_event(&stream.event());
    }
}

/// Its tasks end and its resources go to others.
pub(super) fn teardown(run: &mut Run) {
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
