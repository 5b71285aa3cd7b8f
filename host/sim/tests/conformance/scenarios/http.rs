//! What is wrong with requests, and in which order it is looked for.

use serde_json::{Value, json};

use crate::common::{JSON, PATH, framework_info, request};
use crate::steps::Run;

/// What is wrong with a request before anybody asks which framework it is of.
pub(super) fn headers_and_bodies(run: &mut Run) {
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

pub(super) fn unknown_framework(run: &mut Run) {
    let framework = run.join("conformance");
    for (id, stream) in [("nobody", "x"), ("", "x")] {
        let call = json!({"type": "REVIVE", "framework_id": {"value": id}});
        let headers = [JSON, ("Mesos-Stream-Id", stream)];
        let reply = framework.post(&headers, call.to_string().as_bytes());
        run.note_reply(&format!("framework '{id}'"), &reply);
    }
    run.leave(&framework);
}

pub(super) fn stream_ids(run: &mut Run) {
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

/// RECONCILE_OPERATIONS looks at Accept, other calls do not.
pub(super) fn accept_of_reconcile_operations(run: &mut Run) {
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
