//! The JSON form, feature by feature: what is written, what is read, and what
//! is said of the rest.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests are not in functions marked as tests"
)]

use mesos_v1::json::{self, Named};
use mesos_v1::scheduler::{Call, Event};
use mesos_v1::{FrameworkInfo, Offer, Resource, TaskInfo, TaskStatus};
use serde_json::json;

/// The error of a text that is not this message.
fn wrong<M: Named + std::fmt::Debug>(text: &str) -> String {
    json::from_str::<M>(text).unwrap_err().to_string()
}

/// Reads, and must write the same again.
fn same<M: Named>(text: &str) -> M {
    let message: M = json::from_str(text).unwrap();
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(json::to_value(&message).unwrap(), value);
    assert_eq!(json::to_string(&message), value.to_string());
    message
}

#[test]
fn names_are_as_in_the_proto_files() {
    let call: Call = same(
        r#"{"framework_id":{"value":"f"},"type":"ACKNOWLEDGE","acknowledge":{
            "agent_id":{"value":"a"},"task_id":{"value":"t"},"uuid":"AAECAw=="}}"#,
    );
    assert_eq!(call.framework_id.unwrap().value, "f");
}

#[test]
fn integers_of_64_bits_are_numbers() {
    let resource: Resource = same(
        r#"{"name":"ports","type":"RANGES",
            "ranges":{"range":[{"begin":0,"end":18446744073709551615}]}}"#,
    );
    let end = resource.ranges.unwrap().range.first().unwrap().end;
    assert_eq!(end, u64::MAX);
    let offer = r#"{"id":{"value":"o"},"framework_id":{"value":"f"},"agent_id":{"value":"a"},
        "hostname":"h","unavailability":{"start":{"nanoseconds":-9223372036854775808}}}"#;
    let offer: Offer = same(offer);
    let start = offer.unavailability.unwrap().start.nanoseconds;
    assert_eq!(start, i64::MIN);
    // Protobuf's own JSON form writes them as text; that is read as well.
    let text = r#"{"name":"p","type":"RANGES","ranges":{"range":[{"begin":"1","end":"2"}]}}"#;
    let resource: Resource = json::from_str(text).unwrap();
    assert_eq!(resource.ranges.unwrap().range.first().unwrap().end, 2);
    let error = wrong::<Resource>(
        r#"{"name":"p","type":"RANGES","ranges":{"range":[{"begin":-1,"end":2}]}}"#,
    );
    assert!(
        error.contains("out of range") && error.contains("line 1"),
        "{error}"
    );
}

#[test]
fn bytes_are_in_base64() {
    let text = r#"{"task_id":{"value":"t"},"state":"TASK_RUNNING","uuid":"+/8AAQ=="}"#;
    let status: TaskStatus = same(text);
    assert_eq!(status.uuid, Some(vec![0xfb, 0xff, 0, 1]));
    let error = wrong::<TaskStatus>(&text.replace("+/8AAQ==", "+/8-AQ$"));
    assert!(error.contains("mesos.v1.TaskStatus"), "{error}");
    assert!(error.contains("base64"), "{error}");
}

#[test]
fn numbers_are_read_to_the_last_bit() {
    // Digits that a quick reader gets wrong by one bit.
    for number in [
        "15.000000001164153",
        "0.1",
        "1e-7",
        "9007199254740993.0",
        "-0.0",
    ] {
        let text = format!(r#"{{"name":"cpus","type":"SCALAR","scalar":{{"value":{number}}}}}"#);
        let resource: Resource = json::from_str(&text).unwrap();
        let value = resource.scalar.unwrap().value;
        assert_eq!(
            value.to_bits(),
            number.parse::<f64>().unwrap().to_bits(),
            "{number}"
        );
    }
}

#[test]
fn enum_values_are_names_and_unknown_ones_numbers() {
    let status: TaskStatus = same(
        r#"{"task_id":{"value":"t"},"state":"TASK_GONE_BY_OPERATOR",
            "reason":"REASON_AGENT_DRAINING","source":"SOURCE_MASTER"}"#,
    );
    assert_eq!(status.state, 12);
    // A newer master may send what has no name here.
    let newer = TaskStatus {
        state: 99,
        ..status
    };
    assert_eq!(json::to_value(&newer).unwrap()["state"], json!(99));
    let read: TaskStatus = json::from_str(&json::to_string(&newer)).unwrap();
    assert_eq!(read, newer);
    let error = wrong::<TaskStatus>(r#"{"task_id":{"value":"t"},"state":"task_running"}"#);
    assert!(error.contains("task_running"), "{error}");
    assert!(error.contains("line 1"), "{error}");
}

#[test]
fn what_is_not_set_is_absent_and_what_is_set_is_shown() {
    let task = r#"{"name":"n","task_id":{"value":"t"},"agent_id":{"value":"a"},
        "command":{"shell":true,"value":""}}"#;
    let task: TaskInfo = same(task);
    // `true` is the default of shell, and still said.
    assert_eq!(task.command.unwrap().shell, Some(true));
    let event: Event = same(r#"{"type":"HEARTBEAT"}"#);
    assert_eq!(event.subscribed, None);
    assert_eq!(json::to_value(&Event::default()).unwrap(), json!({}));
}

#[test]
fn maps_are_objects() {
    let info: FrameworkInfo = same(
        r#"{"user":"u","name":"n","roles":["a","b"],
            "offer_filters":{"a":{"min_allocatable_resources":{
                "quantities":[{"quantities":{"cpus":{"value":0.5}}}]}}}}"#,
    );
    assert!(info.offer_filters.contains_key("a"));
}

#[test]
fn unknown_fields_are_refused_or_ignored_as_asked() {
    let text = r#"{"type":"HEARTBEAT","nested":{"a":[1,{"b":null}]}}"#;
    let error = wrong::<Event>(text);
    assert!(
        error.contains("mesos.v1.scheduler.Event") && error.contains("nested"),
        "{error}"
    );
    let event: Event = json::from_str_lenient(text).unwrap();
    assert_eq!(event.r#type, Some(8));
    let inner = r#"{"type":"ERROR","error":{"message":"m","code":1}}"#;
    assert!(wrong::<Event>(inner).contains("code"));
    let event: Event = json::from_str_lenient(inner).unwrap();
    assert_eq!(event.error.unwrap().message, "m");
}

#[test]
fn what_is_not_json_of_the_message_is_told_with_the_place() {
    for (text, part) in [
        ("", "EOF"),
        ("{", "EOF"),
        ("[]", "line 1 column"),
        ("{}{}", "trailing characters at line 1 column 3"),
        ("{\n\"type\": true}", "line 2 column"),
        (r#"{"error":{"message":1}}"#, "line 1 column"),
        (r#"{"offers":{"offers":{}}}"#, "line 1 column"),
    ] {
        let error = wrong::<Event>(text);
        assert!(
            error.starts_with("this is not JSON of a mesos.v1.scheduler.Event: "),
            "{error}"
        );
        assert!(error.contains(part), "{text}: {error}");
        // Only unknown fields are forgiven.
        assert!(json::from_str_lenient::<Event>(text).is_err(), "{text}");
    }
}

#[test]
fn all_messages_with_a_json_form_have_a_descriptor() {
    fn check<M: Named + PartialEq + std::fmt::Debug>() {
        let message = M::default();
        let text = json::to_string(&message);
        assert_eq!(json::from_str::<M>(&text).unwrap(), message, "{}", M::NAME);
    }
    check::<FrameworkInfo>();
    check::<TaskInfo>();
    check::<TaskStatus>();
    check::<Offer>();
    check::<Resource>();
    check::<mesos_v1::ExecutorInfo>();
    check::<mesos_v1::InverseOffer>();
    check::<mesos_v1::AgentInfo>();
    check::<mesos_v1::MasterInfo>();
    check::<Call>();
    check::<Event>();
    check::<mesos_v1::scheduler::OfferConstraints>();
    check::<mesos_v1::master::Call>();
    check::<mesos_v1::master::Response>();
    check::<mesos_v1::master::Event>();
    check::<mesos_v1::agent::Call>();
    check::<mesos_v1::agent::Response>();
    check::<mesos_v1::executor::Call>();
    check::<mesos_v1::executor::Event>();
}

/// Mesos does not know these names; who writes them means the field.
#[test]
fn names_in_camel_case_are_read_as_well() {
    let call: Call = json::from_str(r#"{"frameworkId":{"value":"f"},"type":"TEARDOWN"}"#).unwrap();
    assert_eq!(call.framework_id.unwrap().value, "f");
}
