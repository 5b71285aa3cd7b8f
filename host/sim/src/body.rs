//! From the body of a request to a call, with the complaints of a real master
//! word for word. What a call means for a framework is not looked at here.

use std::sync::OnceLock;

use mesos_v1::json::Named;
use mesos_v1::scheduler as api;
use mesos_v1::scheduler::call::Type;
use prost::Message;
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor,
    ReflectMessage,
};
use serde_json::Value;

fn descriptor() -> Option<MessageDescriptor> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    POOL.get_or_init(|| DescriptorPool::decode(mesos_v1::DESCRIPTORS).ok())
        .as_ref()
        .and_then(|pool| pool.get_message_by_name(api::Call::NAME))
}

/// Reads a call in protobuf. Generated messages give fields that are required
/// and absent their defaults, so it is read by descriptors first.
pub(crate) fn read_protobuf(body: &[u8]) -> Result<api::Call, String> {
    let wrong = || "Failed to parse body into Call protobuf".to_owned();
    if let Some(descriptor) = descriptor() {
        let message = DynamicMessage::decode(descriptor, body).map_err(|_| wrong())?;
        let mut missing = Vec::new();
        missing_fields(&message, "", &mut missing);
        if !missing.is_empty() {
            return Err(wrong());
        }
    }
    api::Call::decode(body).map_err(|_| wrong())
}

/// Reads a call in JSON.
pub(crate) fn read_json(body: &[u8]) -> Result<api::Call, String> {
    let body = String::from_utf8_lossy(body);
    let mut value: Value = serde_json::from_str(&body).map_err(|error| {
        let near = near(&body, &error);
        format!(
            "Failed to parse body into JSON: syntax error at line {} near: {near}",
            error.line().max(1)
        )
    })?;
    let wrong = |why: String| format!("Failed to convert JSON into Call protobuf: {why}");
    if !value.is_object() {
        return Err(wrong("Expecting a JSON object".to_owned()));
    }
    if let Some(descriptor) = descriptor() {
        check_fields(&mut value, &descriptor).map_err(wrong)?;
        let mut missing = Vec::new();
        missing_names(&value, &descriptor, "", &mut missing);
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return Err(wrong(format!("Missing required fields: {missing}")));
        }
    }
    mesos_v1::json::from_str_lenient(&value.to_string()).map_err(|error| wrong(error.to_string()))
}

/// What is left of the line where the text stops being JSON.
fn near<'a>(body: &'a str, error: &serde_json::Error) -> &'a str {
    let line = body.lines().nth(error.line().saturating_sub(1));
    let from = error.column().saturating_sub(usize::from(!error.is_eof()));
    line.and_then(|line| line.get(from..)).unwrap_or_default()
}

/// Finds values that do not go with their fields, in the order of the names.
/// Removes what Mesos passes over: null, and names that it does not know, among
/// them those in camel case.
fn check_fields(value: &mut Value, message: &MessageDescriptor) -> Result<(), String> {
    let Value::Object(fields) = value else {
        return Ok(());
    };
    fields.retain(|name, value| !value.is_null() && message.get_field_by_name(name).is_some());
    for (name, value) in fields {
        let Some(field) = message.get_field_by_name(name) else {
            continue;
        };
        match value {
            Value::Array(items) if field.is_list() => {
                for item in items {
                    check_type(item, &field)?;
                }
            }
            value => check_type(value, &field)?,
        }
    }
    Ok(())
}

fn check_type(value: &mut Value, field: &FieldDescriptor) -> Result<(), String> {
    let kind = field.kind();
    let (fits, what) = match value {
        Value::Object(_) => (matches!(kind, Kind::Message(_)), "object"),
        Value::String(_) => {
            let fits = matches!(kind, Kind::String | Kind::Bytes | Kind::Enum(_));
            (fits, "string")
        }
        Value::Bool(_) => (kind == Kind::Bool, "boolean"),
        Value::Array(_) => (false, "array"),
        Value::Null => (false, "null"),
        Value::Number(_) => {
            let other = matches!(
                kind,
                Kind::Message(_) | Kind::String | Kind::Bytes | Kind::Enum(_) | Kind::Bool
            );
            (!other, "number")
        }
    };
    if !fits {
        return Err(format!(
            "Not expecting a JSON {what} for field '{}'",
            field.name()
        ));
    }
    match (kind, value) {
        (Kind::Message(message), value) => check_fields(value, &message),
        (Kind::Bytes, Value::String(text)) => {
            let strange = |c: &char| !c.is_ascii_alphanumeric() && !"+/= \n\r\t".contains(*c);
            match text.chars().find(strange) {
                Some(c) => Err(format!(
                    "Failed to base64 decode bytes field '{}': Invalid character '{c}'",
                    field.name()
                )),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Paths of required fields that are absent.
fn missing_names(value: &Value, message: &MessageDescriptor, path: &str, out: &mut Vec<String>) {
    for field in message.fields() {
        let name = format!("{path}{}", field.name());
        match (value.get(field.name()), field.kind()) {
            (None, _) if field.cardinality() == Cardinality::Required => out.push(name),
            (Some(Value::Array(items)), Kind::Message(inner)) => {
                for (position, item) in items.iter().enumerate() {
                    missing_names(item, &inner, &format!("{name}[{position}]."), out);
                }
            }
            (Some(value), Kind::Message(inner)) => {
                missing_names(value, &inner, &format!("{name}."), out);
            }
            _ => {}
        }
    }
}

fn missing_fields(message: &DynamicMessage, path: &str, out: &mut Vec<String>) {
    for field in message.descriptor().fields() {
        let name = format!("{path}{}", field.name());
        if !message.has_field(&field) {
            if field.cardinality() == Cardinality::Required {
                out.push(name);
            }
            continue;
        }
        let value = message.get_field(&field);
        if let Some(inner) = value.as_message() {
            missing_fields(inner, &format!("{name}."), out);
        }
        for inner in value
            .as_list()
            .into_iter()
            .flatten()
            .filter_map(|item| item.as_message())
        {
            missing_fields(inner, &format!("{name}."), out);
        }
    }
}

/// What is wrong with a call by itself.
pub(crate) fn validate(call: &api::Call) -> Result<(), String> {
    let missing = |name: &str| Err(format!("Expecting '{name}' to be present"));
    let kind = call
        .r#type
        .and_then(|kind| Type::try_from(kind).ok())
        .unwrap_or(Type::Unknown);
    if kind == Type::Unknown {
        return missing("type");
    }
    if kind == Type::Subscribe {
        let Some(subscribe) = &call.subscribe else {
            return missing("subscribe");
        };
        let inner = subscribe.framework_info.id.as_ref();
        let given = |id: &&mesos_v1::FrameworkId| !id.value.is_empty();
        if inner.filter(given) != call.framework_id.as_ref().filter(given) {
            return Err("'framework_id' differs from 'subscribe.framework_info.id'".to_owned());
        }
        return Ok(());
    }
    let Some(framework) = &call.framework_id else {
        return missing("framework_id");
    };
    let (name, present) = match kind {
        Type::Accept => ("accept", call.accept.is_some()),
        Type::Decline => ("decline", call.decline.is_some()),
        Type::AcceptInverseOffers => (
            "accept_inverse_offers",
            call.accept_inverse_offers.is_some(),
        ),
        Type::DeclineInverseOffers => (
            "decline_inverse_offers",
            call.decline_inverse_offers.is_some(),
        ),
        Type::Kill => ("kill", call.kill.is_some()),
        Type::Shutdown => ("shutdown", call.shutdown.is_some()),
        Type::Acknowledge => ("acknowledge", call.acknowledge.is_some()),
        Type::AcknowledgeOperationStatus => (
            "acknowledge_operation_status",
            call.acknowledge_operation_status.is_some(),
        ),
        Type::Reconcile => ("reconcile", call.reconcile.is_some()),
        Type::ReconcileOperations => ("reconcile_operations", call.reconcile_operations.is_some()),
        Type::Message => ("message", call.message.is_some()),
        Type::Request => ("request", call.request.is_some()),
        Type::UpdateFramework => ("update_framework", call.update_framework.is_some()),
        Type::Unknown | Type::Subscribe | Type::Teardown | Type::Revive | Type::Suppress => {
            ("", true)
        }
    };
    if !present {
        return missing(name);
    }
    if let Some(update) = call.update_framework.as_ref()
        && kind == Type::UpdateFramework
        && update.framework_info.id.as_ref() != Some(framework)
    {
        return Err("'framework_id' differs from 'update_framework.framework_info.id'".to_owned());
    }
    let task = call.acknowledge.as_ref().map(|a| &a.uuid);
    let operation = call.acknowledge_operation_status.as_ref().map(|a| &a.uuid);
    let uuid = match kind {
        Type::Acknowledge => task,
        Type::AcknowledgeOperationStatus => operation,
        _ => None,
    };
    if uuid.is_some_and(|uuid| uuid.len() != 16) {
        return Err("Not a valid UUID".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_has_a_path() {
        let body = br#"{"type":"ACCEPT","accept":{"operations":[{"launch":{"task_infos":[{}]}}]}}"#;
        let error = read_json(body).unwrap_err();
        assert_eq!(
            error,
            "Failed to convert JSON into Call protobuf: Missing required fields: \
             accept.operations[0].launch.task_infos[0].name, \
             accept.operations[0].launch.task_infos[0].task_id, \
             accept.operations[0].launch.task_infos[0].agent_id"
        );
    }

    #[test]
    fn protobuf_without_a_required_field_is_refused() {
        let call = api::Call {
            r#type: Some(Type::Revive as i32),
            ..api::Call::default()
        };
        assert_eq!(read_protobuf(&call.encode_to_vec()), Ok(call));
        // KILL with an empty body: it has no task_id.
        let body = [0x10, 0x06, 0x32, 0x00];
        read_protobuf(&body).unwrap_err();
    }

    #[test]
    fn all_calls_but_three_need_their_own_part() {
        for number in 1..=18 {
            let Ok(kind) = Type::try_from(number) else {
                continue;
            };
            let call = api::Call {
                r#type: Some(number),
                framework_id: Some(mesos_v1::FrameworkId { value: "f".into() }),
                ..api::Call::default()
            };
            let bare = matches!(kind, Type::Teardown | Type::Revive | Type::Suppress);
            assert_eq!(validate(&call).is_ok(), bare, "{kind:?}");
        }
    }
}
