use offerd_core::Milli;
use offerd_core::resource::Name;

use super::*;

fn json(text: &str) -> Encoded {
    Encoded::Json(text.to_owned())
}

fn task(text: &str) -> Result<WrittenTask, String> {
    ProtobufCodec.task(&json(text), &"agent-1".into(), &"role-1".into())
}

fn executor(text: &str) -> Result<WrittenExecutor, String> {
    ProtobufCodec.executor(&json(text), &"fw".into(), &"role-1".into())
}

const CPUS: &str = r#"{"name":"cpus","type":"SCALAR","scalar":{"value":0.1}}"#;

#[test]
fn a_written_task_is_completed() {
    let text = format!(
        r#"{{"name":"n","task_id":{{"value":"t"}},"agent_id":{{"value":"forged"}},
            "resources":[{CPUS}],"command":{{"value":"true"}},
            "executor":{{"executor_id":{{"value":"e"}},"resources":[{CPUS},{CPUS}]}}}}"#
    );
    let written = task(&text).unwrap();
    assert_eq!((written.id.as_str(), written.name.as_str()), ("t", "n"));
    assert_eq!(written.executor_id, Some("e".into()));
    assert_eq!(
        (written.resources.len(), written.executor_resources.len()),
        (1, 2)
    );
    for resource in written.resources.iter().chain(&written.executor_resources) {
        assert_eq!(resource.name, Name::Cpus);
        assert_eq!(resource.as_scalar(), Some(Milli(100)));
        assert_eq!(resource.allocation, Some("role-1".into()));
    }
    // What goes out says the same.
    let sent = wire::TaskInfo::decode(written.body.as_slice()).unwrap();
    assert_eq!(sent.agent_id.value, "agent-1");
    let executor = sent.executor.unwrap();
    for resource in sent.resources.iter().chain(&executor.resources) {
        let role = resource.allocation_info.as_ref().unwrap().role.as_deref();
        assert_eq!(role, Some("role-1"));
    }
    assert_eq!(sent.command.unwrap().value.as_deref(), Some("true"));

    // In protobuf it is the same task.
    let again = Encoded::Protobuf(written.body.clone());
    let again = ProtobufCodec.task(&again, &"agent-1".into(), &"role-1".into());
    assert_eq!(again.unwrap(), written);
}

#[test]
fn a_bare_task_is_taken_alike_and_keeps_no_secret() {
    let command = r#"{"value":"s3cret","arguments":["s3cret"],"environment":{"variables":[
        {"name":"KEY","value":"s3cret"}]},"uris":[{"value":"http://s3cret"}]}"#;
    let executor_text =
        format!(r#"{{"executor_id":{{"value":"e"}},"resources":[{CPUS}],"command":{command}}}"#);
    let text = format!(
        r#"{{"name":"n","task_id":{{"value":"t"}},"agent_id":{{"value":"a"}},"data":"czNjcmV0",
            "resources":[{CPUS}],"command":{command},"executor":{executor_text},
            "labels":{{"labels":[{{"key":"k","value":"s3cret"}}]}}}}"#
    );
    let is_clean = |bare: &Encoded| {
        let Encoded::Protobuf(bytes) = bare else {
            panic!("{bare:?}");
        };
        !bytes.windows(6).any(|part| part == b"s3cret")
    };
    let bare = ProtobufCodec.bare_task(&json(&text));
    assert!(is_clean(&bare));
    assert_eq!(ProtobufCodec.bare_task(&bare), bare, "once is enough");
    let whole = task(&text).unwrap();
    let left = ProtobufCodec
        .task(&bare, &"agent-1".into(), &"role-1".into())
        .unwrap();
    let body = left.body.clone();
    assert_eq!(left, WrittenTask { body, ..whole });

    let bare = ProtobufCodec.bare_executor(&json(&executor_text));
    assert!(is_clean(&bare));
    let whole = executor(&executor_text).unwrap();
    let left = ProtobufCodec
        .executor(&bare, &"fw".into(), &"role-1".into())
        .unwrap();
    let body = left.body.clone();
    assert_eq!(left, WrittenExecutor { body, ..whole });

    // What is refused stays so.
    for text in ["nonsense", r#"{"name":"n"}"#] {
        let bare = ProtobufCodec.bare_task(&json(text));
        let again = ProtobufCodec.task(&bare, &"agent-1".into(), &"role-1".into());
        assert!(task(text).is_err() && again.is_err(), "{text}");
    }
}

#[test]
fn a_bare_update_speaks_of_the_same_roles() {
    let framework = json(
        r#"{"user":"u","name":"n","webui_url":"http://s3cret",
            "offer_filters":{"b":{},"a":{},"c":{"min_allocatable_resources":{}}}}"#,
    );
    let constraints = json(r#"{"role_constraints":{"b":{},"a":{}}}"#);
    let whole = ProtobufCodec
        .update(Some(&framework), Some(&constraints))
        .unwrap();
    let bare = ProtobufCodec.bare_update(Some(&framework), Some(&constraints));
    let again = ProtobufCodec.bare_update(bare.0.as_ref(), bare.1.as_ref());
    assert_eq!(again, bare, "once is enough");
    let left = ProtobufCodec
        .update(bare.0.as_ref(), bare.1.as_ref())
        .unwrap();
    let roles = |by_role: &ByRole| by_role.keys().cloned().collect::<Vec<_>>();
    let (_, filters) = whole.framework.unwrap();
    let (info, filters_left) = left.framework.unwrap();
    assert_eq!(roles(&filters_left), roles(&filters));
    assert_eq!(roles(&left.constraints.unwrap()), ["a".into(), "b".into()]);
    assert!(!String::from_utf8_lossy(&info).contains("s3cret"));
    let (framework, constraints) = ProtobufCodec.bare_update(Some(&json("nonsense")), None);
    assert!(constraints.is_none());
    assert!(ProtobufCodec.update(framework.as_ref(), None).is_err());
}

#[test]
fn a_wrong_task_is_refused_with_the_place() {
    let with_id = |id: &str| format!(r#"{{"name":"n","task_id":{{"value":{id:?}}}}}"#);
    let long = with_id(&"x".repeat(256));
    let with_cpus = |scalar: &str| {
        format!(
            r#"{{"name":"n","task_id":{{"value":"t"}},"resources":[{CPUS},
                {{"name":"cpus","type":"SCALAR"{scalar}}}]}}"#
        )
    };
    let in_executor = format!(
        r#"{{"name":"n","task_id":{{"value":"t"}},"executor":{{"executor_id":{{"value":"e"}},
            "resources":[{CPUS},{{"name":"ports","type":"RANGES"}}]}}}}"#
    );
    for (text, message) in [
        ("", "this is not JSON of a mesos.v1.TaskInfo"),
        ("[]", "this is not JSON of a mesos.v1.TaskInfo"),
        (r#"{"name":"n"}"#, "task_id '' is missing"),
        (&with_id(""), "task_id '' is missing"),
        (&with_id("."), "task_id '.' must not be . or .."),
        (&with_id(".."), "task_id '..' must not be . or .."),
        (&with_id("a/b"), "task_id 'a/b' must not contain a slash"),
        (
            &with_id("a\n"),
            r"task_id 'a\n' must not contain a slash or a control character",
        ),
        (&long, "is longer than 255 bytes"),
        (r#"{"task_id":{"value":"t"}}"#, "task t: name is missing"),
        (
            r#"{"name":"n","task_id":{"value":"t"},"executor":{}}"#,
            "executor.executor_id is missing",
        ),
        (r#"{"name":"n","taskid":{}}"#, "taskid"),
        (
            &with_cpus(r#","scalar":{"value":-1.0}"#),
            "task.resources[1].scalar (cpus) is -1; expected a number from 0 to 2.25e12",
        ),
        (
            &with_cpus(r#","scalar":{"value":"NaN"}"#),
            "task.resources[1].scalar (cpus) is NaN",
        ),
        (
            &with_cpus(""),
            "task.resources[1].scalar, ranges or set (cpus) is missing",
        ),
        (
            &in_executor,
            "task.executor.resources[1].scalar, ranges or set (ports) is missing",
        ),
    ] {
        let error = task(text).unwrap_err();
        assert!(error.contains(message), "{message}: {error}");
        assert!(!error.contains("in the event"), "{error}");
    }
    let garbage = Encoded::Protobuf(vec![0xff; 3]);
    let error = ProtobufCodec
        .task(&garbage, &"a".into(), &"r".into())
        .unwrap_err();
    assert!(
        error.contains("not a mesos.v1.TaskInfo in protobuf: "),
        "{error}"
    );
}

/// 255 bytes are the limit and not characters.
#[test]
fn r32_the_longest_task_id_is_taken() {
    let with_id = |id: &str| format!(r#"{{"name":"n","task_id":{{"value":"{id}"}}}}"#);
    assert!(task(&with_id(&"x".repeat(255))).is_ok());
    assert!(task(&with_id(&"é".repeat(127))).is_ok());
    assert!(task(&with_id(&"é".repeat(128))).is_err());
}

#[test]
fn a_written_executor_is_completed_or_refused() {
    let text = format!(
        r#"{{"executor_id":{{"value":"e"}},"type":"DEFAULT","resources":[{CPUS}],
            "framework_id":{{"value":"forged"}}}}"#
    );
    let written = executor(&text).unwrap();
    assert_eq!(written.id.as_str(), "e");
    assert_eq!(written.resources[0].allocation, Some("role-1".into()));
    let sent = wire::ExecutorInfo::decode(written.body.as_slice()).unwrap();
    assert_eq!(sent.framework_id.unwrap().value, "fw");
    assert_eq!(executor("{}").unwrap_err(), "executor_id is missing");
    let nameless = r#"{"executor_id":{"value":"e"},"resources":[{"type":"SCALAR"}]}"#;
    assert_eq!(
        executor(nameless).unwrap_err(),
        "executor.resources[0].name is missing"
    );
}

#[test]
fn an_update_of_the_framework_is_checked() {
    let check = |framework: Option<&str>, constraints: Option<&str>| {
        let (framework, constraints) = (framework.map(json), constraints.map(json));
        ProtobufCodec.update(framework.as_ref(), constraints.as_ref())
    };
    let constraints = r#"{"role_constraints":{"r":{"groups":[{"attribute_constraints":[
        {"selector":{"attribute_name":"rack"},
         "predicate":{"text_equals":{"value":"a"}}}]}]}}}"#;
    assert_eq!(check(None, None), Ok(WantedUpdate::default()));
    let framework = r#"{"user":"","name":"","webui_url":"u","offer_filters":{"f":{}}}"#;
    let wanted = check(Some(framework), Some(constraints)).unwrap();
    let roles =
        |by_role: &ByRole| -> Vec<String> { by_role.keys().map(ToString::to_string).collect() };
    let (info, filters) = wanted.framework.unwrap();
    let info = wire::FrameworkInfo::decode(info.as_slice()).unwrap();
    assert_eq!((info.webui_url(), info.offer_filters.len()), ("u", 0));
    assert_eq!(roles(&filters), ["f"]);
    assert_eq!(roles(&wanted.constraints.unwrap()), ["r"]);
    let error = check(Some(r#"{"labls":{}}"#), None).unwrap_err();
    assert!(
        error.starts_with("framework: ") && error.contains("labls"),
        "{error}"
    );
    let error = check(None, Some(r#"{"role_constraints":[]}"#)).unwrap_err();
    assert!(error.starts_with("constraints: "), "{error}");
}
