//! The simulated master as a client sees it on the wire.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in tests a panic is how it is told what is wrong"
)]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use common::{
    Framework, Incoming, JSON, PATH, PATIENCE, Simulated, Stream, amount, framework_info, id,
    launch, request, task,
};
use mesos_v1::scheduler as api;
use offerd_sim::{AgentSettings, Settings};
use prost::Message;
use serde_json::{Value, json};

/// 16 bytes in base64.
const UUID: &str = "AAAAAAAAAAAAAAAAAAAAAA==";

fn settings(agents: usize) -> Settings {
    let agents = (0..agents).map(|n| AgentSettings::new(format!("agent-{n}"), 4.0, 1024.0));
    let mut settings = Settings::new(agents.collect());
    settings.allocation_interval = Duration::from_millis(20);
    settings
}

fn master(agents: usize) -> Simulated {
    Simulated::start(settings(agents))
}

fn subscribe_call(role: &str) -> Value {
    let mut info = framework_info("http", role);
    info["failover_timeout"] = json!(60.0);
    json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}})
}

/// The same with the id of a framework that there is.
fn again(framework: &Framework, role: &str) -> Value {
    let mut call = subscribe_call(role);
    call["framework_id"] = json!({"value": framework.id});
    call["subscribe"]["framework_info"]["id"] = json!({"value": framework.id});
    call
}

/// Until the end of the stream: whether it was a clean one.
fn end(framework: &Framework) -> bool {
    loop {
        if let Incoming::End { clean } = framework.stream.next() {
            return clean;
        }
    }
}

#[test]
fn a_subscription_begins_with_three_events() {
    let master = master(2);
    let call = subscribe_call("a").to_string();
    let stream = Stream::open(&master.address, &[JSON], call.as_bytes());
    assert_eq!(stream.reply.status, 200);
    assert_eq!(
        stream.reply.header("Content-Type"),
        Some("application/json")
    );
    assert_eq!(stream.reply.header("Transfer-Encoding"), Some("chunked"));
    assert_eq!(stream.reply.header("Mesos-Stream-Id").unwrap().len(), 36);
    let subscribed = stream.event();
    let port = master.sim.address().port();
    assert_eq!(subscribed["subscribed"]["heartbeat_interval_seconds"], 15.0);
    assert_eq!(subscribed["subscribed"]["master_info"]["port"], port);
    assert_eq!(
        stream.next(),
        Incoming::Record(br#"{"type":"HEARTBEAT"}"#.to_vec())
    );
    let offers = stream.event();
    assert_eq!(offers["offers"]["offers"].as_array().unwrap().len(), 2);
}

#[test]
fn a_stream_in_protobuf() {
    let master = master(1);
    let call = subscribe_call("a").to_string();
    let call: api::Call = mesos_v1::json::from_str(&call).unwrap();
    let protobuf = "application/x-protobuf";
    let headers = [("Content-Type", protobuf), ("Accept", protobuf)];
    let stream = Stream::open(&master.address, &headers, &call.encode_to_vec());
    assert_eq!(stream.reply.header("Content-Type"), Some(protobuf));
    let kinds = [(); 3].map(|()| {
        let Incoming::Record(record) = stream.next() else {
            panic!("the stream ended");
        };
        api::Event::decode(record.as_slice()).unwrap().r#type()
    });
    use api::event::Type::{Heartbeat, Offers, Subscribed};
    assert_eq!(kinds, [Subscribed, Heartbeat, Offers]);
}

#[test]
fn heartbeats_come_as_announced() {
    let mut settings = settings(0);
    settings.heartbeat = Duration::from_millis(10);
    let master = Simulated::start(settings);
    let mut framework = Framework::new(&master.address, "http", "a");
    let subscribed = framework.next("SUBSCRIBED");
    assert_eq!(subscribed["subscribed"]["heartbeat_interval_seconds"], 0.01);
    for _ in 0..5 {
        framework.next("HEARTBEAT");
    }
}

/// Status, body of the call, its headers, and the text of the answer.
type Case<'a> = (u16, &'a str, &'a [(&'a str, &'a str)], &'a str);

#[test]
fn what_is_wrong_is_said_in_mesos_words() {
    let master = master(0);
    let framework = Framework::new(&master.address, "http", "a");
    let good = framework.body("REVIVE", &Value::Null).to_string();
    let stream = ("Mesos-Stream-Id", framework.stream_id.as_str());
    let wrong_stream = format!(
        "The stream ID 'foo' included in this request didn't match the stream ID currently \
         associated with framework ID {}",
        framework.id
    );
    let unknown = json!({"type": "REVIVE", "framework_id": {"value": "nobody"}}).to_string();
    let uuid = json!({"agent_id": {"value": "a"}, "task_id": {"value": "t"}, "uuid": "AAAA"});
    let uuid = framework.body("ACKNOWLEDGE", &uuid).to_string();
    let accept = framework.body("ACCEPT", &Value::Null).to_string();
    let strange = json!({"type": "DANCE", "framework_id": {"value": framework.id}}).to_string();
    let text = ("Content-Type", "text/plain");
    let cases: [Case; 11] = [
        (202, &good, &[JSON, stream], ""),
        (
            400,
            &good,
            &[JSON],
            "All non-subscribe calls should include the 'Mesos-Stream-Id' header",
        ),
        (
            400,
            &good,
            &[JSON, ("Mesos-Stream-Id", "foo")],
            &wrong_stream,
        ),
        (
            400,
            &good,
            &[stream],
            "Expecting 'Content-Type' to be present",
        ),
        (
            415,
            &good,
            &[text, stream],
            "Expecting 'Content-Type' of application/json or application/x-protobuf",
        ),
        (400, &unknown, &[JSON, stream], "Framework cannot be found"),
        (
            400,
            &strange,
            &[JSON, stream],
            "Failed to validate scheduler::Call: Expecting 'type' to be present",
        ),
        (
            400,
            &accept,
            &[JSON, stream],
            "Failed to validate scheduler::Call: Expecting 'accept' to be present",
        ),
        (
            400,
            &uuid,
            &[JSON, stream],
            "Failed to validate scheduler::Call: Not a valid UUID",
        ),
        (
            400,
            "{",
            &[JSON, stream],
            "Failed to parse body into JSON: syntax error at line 1 near: ",
        ),
        (
            400,
            "{",
            &[("Content-Type", "application/x-protobuf"), stream],
            "Failed to parse body into Call protobuf",
        ),
    ];
    for (status, body, headers, text) in cases {
        let reply = framework.post(headers, body.as_bytes());
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (status, text),
            "{body}"
        );
    }
    let reply = request(&master.address, "GET", PATH, &[JSON, stream], b"");
    assert_eq!(reply.status, 405);
}

#[test]
fn calls_on_one_connection_are_done_in_order() {
    let master = master(1);
    let mut framework = Framework::new(&master.address, "http", "a");
    let offer = framework.offers().remove(0);
    let accept = framework.body(
        "ACCEPT",
        &launch(&offer, &[task(&offer, "t", "sleep 1000")]),
    );
    let asked = json!({"tasks": [{"task_id": {"value": "t"}}]});
    let reconcile = framework.body("RECONCILE", &asked);
    // R11: without waiting for answers.
    let mut bytes = String::new();
    for body in [accept, reconcile] {
        let body = body.to_string();
        bytes.push_str(&format!(
            "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Mesos-Stream-Id: {}\r\nContent-Length: {}\r\n\r\n{body}",
            framework.stream_id,
            body.len()
        ));
    }
    let mut socket = TcpStream::connect(&master.address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(bytes.as_bytes()).unwrap();
    let mut answers = String::new();
    while answers.matches("202 Accepted").count() < 2 {
        let mut buffer = [0; 1024];
        let read = socket.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "{answers}");
        answers.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    assert_eq!(framework.update()["state"], "TASK_STAGING");
}

#[test]
fn a_task_runs_and_is_told_step_by_step() {
    let master = master(1);
    let mut framework = Framework::new(&master.address, "http", "a");
    let offer = framework.offers().remove(0);
    let reply = framework.call("ACCEPT", &launch(&offer, &[task(&offer, "t", "exit 0")]));
    assert_eq!((reply.status, reply.body.as_str()), (202, ""));
    for state in ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"] {
        let status = framework.update();
        assert_eq!(status["state"], state);
        assert_eq!(status["source"], "SOURCE_EXECUTOR");
        assert_eq!(framework.acknowledge(&status).status, 202);
    }
    let counts = master.sim.counts();
    assert_eq!(counts.launched, 1);
    assert_eq!(counts.updates.len(), 3);
    assert_eq!(counts.acknowledged.len(), 3);
    assert!(counts.acknowledged.values().all(|times| *times == 1));
}

#[test]
fn a_task_is_killed_and_asked_after() {
    let master = master(1);
    let mut framework = Framework::new(&master.address, "http", "a");
    let offer = framework.offers().remove(0);
    framework.call(
        "ACCEPT",
        &launch(&offer, &[task(&offer, "t", "sleep 1000")]),
    );
    let until = |framework: &mut Framework, last: &str| {
        loop {
            let status = framework.update();
            framework.acknowledge(&status);
            if status["state"] == last {
                break;
            }
        }
    };
    until(&mut framework, "TASK_RUNNING");
    for tasks in [json!([]), json!([{"task_id": {"value": "t"}}])] {
        framework.call("RECONCILE", &json!({"tasks": tasks}));
        let status = framework.update();
        assert_eq!(status["state"], "TASK_RUNNING");
        assert_eq!(status["reason"], "REASON_RECONCILIATION");
        assert_eq!(status["uuid"], Value::Null);
    }
    framework.call("KILL", &json!({"task_id": {"value": "t"}}));
    until(&mut framework, "TASK_KILLED");
    framework.call("KILL", &json!({"task_id": {"value": "t"}}));
    assert_eq!(framework.update()["state"], "TASK_UNKNOWN");
}

#[test]
fn an_offer_is_taken_back() {
    let master = master(1);
    let mut framework = Framework::new(&master.address, "http", "a");
    let offer = framework.offers().remove(0);
    master.sim.with(offerd_sim::Cluster::rescind_all);
    let rescind = framework.next("RESCIND");
    assert_eq!(rescind["rescind"]["offer_id"], offer["id"]);
    framework.call("ACCEPT", &launch(&offer, &[task(&offer, "t", "true")]));
    let status = framework.update();
    assert_eq!(status["state"], "TASK_DROPPED");
    assert_eq!(status["reason"], "REASON_INVALID_OFFERS");
    assert_ne!(framework.offers()[0]["id"], offer["id"]);
}

#[test]
fn two_frameworks_share_the_agents() {
    let master = master(2);
    let mut first = Framework::new(&master.address, "http", "a");
    let offers = first.offers();
    assert_eq!(offers.len(), 2);
    // The first has all; what it gives back goes to who has less.
    let mut second = Framework::new(&master.address, "http", "b");
    let body = json!({"offer_ids": [offers[0]["id"]], "filters": {"refuse_seconds": 0.0}});
    first.call("DECLINE", &body);
    let theirs = second.offers();
    assert_eq!(theirs[0]["agent_id"], offers[0]["agent_id"]);
    // One can't use the other's offers or stream.
    second.call(
        "ACCEPT",
        &launch(&offers[1], &[task(&offers[1], "t", "true")]),
    );
    assert_eq!(second.update()["state"], "TASK_DROPPED");
    let body = second.body("REVIVE", &Value::Null).to_string();
    let reply = second.post(
        &[JSON, ("Mesos-Stream-Id", &first.stream_id)],
        body.as_bytes(),
    );
    assert_eq!(reply.status, 400);
    // The end of one is not the end of the other.
    assert_eq!(first.call("TEARDOWN", &Value::Null).status, 202);
    assert!(end(&first));
    let more = second.offers();
    assert_eq!(more[0]["agent_id"], offers[1]["agent_id"]);
}

#[test]
fn the_last_subscription_wins() {
    let master = master(1);
    let mut first = Framework::subscribe(&master.address, &subscribe_call("a"));
    let offer = first.offers().remove(0);
    let mut second = Framework::subscribe(&master.address, &again(&first, "a"));
    assert_eq!(second.id, first.id);
    assert_ne!(second.stream_id, first.stream_id);
    let error = first.next("ERROR");
    assert_eq!(error["error"]["message"], "Framework failed over");
    assert!(end(&first));
    assert_eq!(first.call("REVIVE", &Value::Null).status, 400);
    // R23: offers do not outlive their subscription.
    assert_ne!(second.offers()[0]["id"], offer["id"]);
    second.call("ACCEPT", &launch(&offer, &[task(&offer, "t", "true")]));
    assert_eq!(second.update()["state"], "TASK_DROPPED");
}

#[test]
fn a_teardown_is_for_ever() {
    let master = master(1);
    let framework = Framework::subscribe(&master.address, &subscribe_call("a"));
    assert_eq!(framework.call("TEARDOWN", &Value::Null).status, 202);
    assert!(end(&framework));
    let reply = framework.call("REVIVE", &Value::Null);
    assert_eq!(reply.body, "Framework cannot be found");
    let call = again(&framework, "a").to_string();
    let stream = Stream::open(&master.address, &[JSON], call.as_bytes());
    assert_eq!(stream.reply.status, 200);
    let error = stream.event();
    assert_eq!(error["error"]["message"], "Framework has been removed");
    assert_eq!(stream.next(), Incoming::End { clean: true });
}

#[test]
fn a_broken_network_does_not_end_a_framework() {
    let master = master(1);
    let mut framework = Framework::subscribe(&master.address, &subscribe_call("a"));
    let offer = framework.offers().remove(0);
    framework.call(
        "ACCEPT",
        &launch(&offer, &[task(&offer, "t", "sleep 1000")]),
    );
    let update = framework.update();
    master.sim.cut();
    end(&framework);
    let reply = framework.call("REVIVE", &Value::Null);
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (403, "Framework is not subscribed")
    );
    let mut framework = Framework::subscribe(&master.address, &again(&framework, "a"));
    // R34.
    assert_eq!(framework.update(), update);
}

#[test]
fn a_framework_that_goes_away_without_a_failover_timeout_is_gone() {
    let master = master(1);
    let mut first = Framework::new(&master.address, "http", "a");
    first.offers();
    let mut call = again(&first, "a");
    call["subscribe"]["framework_info"]
        .as_object_mut()
        .unwrap()
        .remove("failover_timeout");
    drop(first);
    // Its offers go to another when the master has noticed.
    let mut second = Framework::new(&master.address, "http", "b");
    second.offers();
    let stream = Stream::open(&master.address, &[JSON], call.to_string().as_bytes());
    let error = stream.event();
    assert_eq!(error["error"]["message"], "Framework has been removed");
}

#[test]
fn credentials_are_asked_for_first() {
    let mut settings = settings(0);
    settings.credentials = Some(("me".into(), "secret".into()));
    let master = Simulated::start(settings);
    let reply = request(&master.address, "GET", PATH, &[], b"");
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (401, "401 Unauthorized.")
    );
    assert_eq!(
        reply.header("WWW-Authenticate"),
        Some("Basic realm=\"mesos-master-scheduler\"")
    );
    let call = subscribe_call("a").to_string();
    let headers = [JSON, ("Authorization", "Basic bWU6c2VjcmV0")];
    let stream = Stream::open(&master.address, &headers, call.as_bytes());
    assert_eq!(stream.reply.status, 200);
}

#[test]
fn one_that_does_not_lead_says_who_does() {
    let mut settings = settings(0);
    settings.leader = Some("other.example:5050".into());
    let master = Simulated::start(settings);
    let reply = request(&master.address, "GET", PATH, &[], b"nonsense");
    assert_eq!(reply.status, 307);
    // R7.
    assert_eq!(
        reply.header("Location"),
        Some("//other.example:5050/master/api/v1/scheduler")
    );
}

#[test]
fn a_master_can_be_made_to_talk_nonsense() {
    let master = master(0);
    let framework = Framework::new(&master.address, "http", "a");
    master.sim.send_record(b"not an event");
    loop {
        match framework.stream.next() {
            Incoming::Record(record) if record == b"not an event" => break,
            Incoming::Record(_) => {}
            end @ Incoming::End { .. } => panic!("{end:?}"),
        }
    }
}

#[test]
fn acknowledgements_of_what_nobody_sent_are_taken() {
    let master = master(1);
    let framework = Framework::new(&master.address, "http", "a");
    let body = json!({"agent_id": {"value": "a"}, "task_id": {"value": "t"}, "uuid": UUID});
    assert_eq!(framework.call("ACKNOWLEDGE", &body).status, 202);
    let body = json!({"operation_id": {"value": "o"}, "uuid": UUID});
    let reply = framework.call("ACKNOWLEDGE_OPERATION_STATUS", &body);
    assert_eq!(reply.status, 202);
}

#[test]
fn operations_are_told_and_asked_after() {
    let master = master(1);
    let mut framework = Framework::new(&master.address, "http", "a");
    let offer = framework.offers().remove(0);
    let mem = json!({
        "name": "mem", "type": "SCALAR", "scalar": {"value": 64.0},
        "allocation_info": {"role": "a"},
        "reservations": [{"type": "DYNAMIC", "role": "a", "principal": "me"}],
    });
    let accept = json!({
        "offer_ids": [offer["id"]], "filters": {"refuse_seconds": 0.0},
        "operations": [
            {"type": "RESERVE", "id": {"value": "op"}, "reserve": {"resources": [mem]}},
        ],
    });
    framework.call("ACCEPT", &accept);
    let event = framework.next("UPDATE_OPERATION_STATUS");
    let told = &event["update_operation_status"]["status"];
    assert_eq!(told["state"], "OPERATION_FINISHED");
    let ask = json!({"operations": [{"operation_id": told["operation_id"]}]});
    framework.call("RECONCILE_OPERATIONS", &ask);
    let event = framework.next("UPDATE_OPERATION_STATUS");
    let answer = &event["update_operation_status"]["status"];
    assert_eq!(answer["state"], "OPERATION_FINISHED");
    assert_eq!(answer["uuid"], Value::Null);
    let acknowledge = json!({
        "agent_id": told["agent_id"], "operation_id": told["operation_id"],
        "uuid": told["uuid"]["value"],
    });
    framework.call("ACKNOWLEDGE_OPERATION_STATUS", &acknowledge);
    framework.call("RECONCILE_OPERATIONS", &ask);
    let event = framework.next("UPDATE_OPERATION_STATUS");
    let answer = &event["update_operation_status"]["status"];
    assert_eq!(answer["state"], "OPERATION_UNKNOWN");
    // The reservation is in the offer, and in nobody else's.
    let offer = framework.offers().remove(0);
    assert_eq!(amount(&offer["resources"], "mem"), 1024.0);
    assert!(offer["resources"].to_string().contains("DYNAMIC"));
    framework.call("TEARDOWN", &Value::Null);
    let mut other = Framework::new(&master.address, "http", "b");
    let offer = other.offers().remove(0);
    assert_eq!(
        amount(&offer["resources"], "mem"),
        960.0,
        "{}",
        id(&offer["id"])
    );
}
