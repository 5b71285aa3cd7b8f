//! Every message, field and enum value against a table of the v1 API made from
//! Mesos itself. The table is not part of this repository: the test looks for
//! it in the folder that OFFERD_REFERENCE names (else `../shared/mesos`), and
//! in CI it must be there.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests are not in functions marked as tests"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use prost_reflect::{Cardinality, DescriptorPool, EnumDescriptor, Kind, MessageDescriptor, Value};

fn reference() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let dir = std::env::var_os("OFFERD_REFERENCE")
        .map_or_else(|| root.join("../shared/mesos"), PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{} must be there in CI",
        dir.display()
    );
    eprintln!(
        "SKIPPED: the reference folder {} is not there",
        dir.display()
    );
    None
}

type Table = BTreeMap<String, Vec<String>>;

fn message(message: &MessageDescriptor, table: &mut Table) {
    if message.is_map_entry() {
        return;
    }
    let mut rows = Vec::new();
    for field in message.fields() {
        let label = match field.cardinality() {
            Cardinality::Optional => "optional",
            Cardinality::Required => "required",
            Cardinality::Repeated => "repeated",
        };
        let kind = match field.kind() {
            Kind::Message(m) => m.full_name().to_owned(),
            Kind::Enum(e) => e.full_name().to_owned(),
            other => format!("{other:?}").to_lowercase(),
        };
        let proto = field.field_descriptor_proto();
        let mut row = format!("{}\t{label}\t{kind}\t{}", field.number(), field.name());
        if let Some(oneof) = field.containing_oneof() {
            row += &format!("\toneof={}", oneof.name());
        }
        if let Some(default) = &proto.default_value {
            // The table writes 0.0 as 0.
            let number = default.parse::<f64>().map(|n| n.to_string());
            row += &format!("\tdefault={}", number.unwrap_or_else(|_| default.clone()));
        }
        if proto
            .options
            .as_ref()
            .is_some_and(|options| options.deprecated())
        {
            row += "\tdeprecated";
        }
        rows.push(row);
    }
    rows.sort();
    table.insert(format!("message {}", message.full_name()), rows);
    message
        .child_messages()
        .for_each(|child| self::message(&child, table));
    message
        .child_enums()
        .for_each(|child| enumeration(&child, table));
}

fn enumeration(descriptor: &EnumDescriptor, table: &mut Table) {
    let mut rows: Vec<String> = descriptor
        .values()
        .map(|value| {
            let options = value.enum_value_descriptor_proto().options.as_ref();
            let deprecated = options.is_some_and(|options| options.deprecated());
            let mark = if deprecated { "\tdeprecated" } else { "" };
            format!("{}\t{}{mark}", value.number(), value.name())
        })
        .collect();
    rows.sort();
    table.insert(format!("enum {}", descriptor.full_name()), rows);
}

fn ours() -> Table {
    let pool = DescriptorPool::decode(mesos_v1::DESCRIPTORS).unwrap();
    let mut table = Table::new();
    for file in pool
        .files()
        .filter(|file| file.package_name().starts_with("mesos."))
    {
        let imports: Vec<_> = file.dependencies().map(|d| d.name().to_owned()).collect();
        table.insert(
            format!("file {}", file.name()),
            vec![
                format!("package={}", file.package_name()),
                format!("imports={}", imports.join(",")),
            ],
        );
        file.messages().for_each(|m| message(&m, &mut table));
        file.enums().for_each(|e| enumeration(&e, &mut table));
    }
    table
}

fn theirs(text: &str) -> Table {
    let mut table = Table::new();
    let mut rows = None;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(row) = line.strip_prefix("  ") {
            let rows: &mut Vec<String> = rows.as_mut().and_then(|k| table.get_mut(k)).unwrap();
            rows.push(row.to_owned());
        } else {
            let mut parts = line.split('\t');
            let key = parts.next().unwrap().to_owned();
            let about: Vec<String> = parts
                .filter(|p| !p.starts_with("syntax="))
                .map(str::to_owned)
                .collect();
            table.insert(key.clone(), about);
            rows = Some(key);
        }
    }
    table.values_mut().for_each(|rows| {
        if !rows.iter().any(|row| row.starts_with("package=")) {
            rows.sort();
        }
    });
    table
}

#[test]
fn every_field_and_value_is_that_of_mesos() {
    let Some(reference) = reference() else { return };
    let text = std::fs::read_to_string(reference.join("v1-fields.tsv")).unwrap();
    let (ours, theirs) = (ours(), theirs(&text));
    let mut differences = Vec::new();
    for key in ours
        .keys()
        .chain(theirs.keys())
        .collect::<std::collections::BTreeSet<_>>()
    {
        let (our, their) = (ours.get(key), theirs.get(key));
        if our != their {
            differences.push(format!("{key}\n  ours:   {our:?}\n  theirs: {their:?}"));
        }
    }
    assert!(
        theirs.len() > 300,
        "the table has only {} entries",
        theirs.len()
    );
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Streams recorded from a real master decode, and encode to the same message.
#[test]
fn recorded_streams_decode_and_encode() {
    let Some(reference) = reference() else { return };
    let (mut protobuf, mut json) = (0, 0);
    for dir in std::fs::read_dir(reference.join("captures")).unwrap() {
        let dir = dir.unwrap().path();
        if !dir.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(&dir).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|e| e != "stream") {
                continue;
            }
            let headers =
                std::fs::read_to_string(path.with_extension("headers")).unwrap_or_default();
            let bytes = std::fs::read(&path).unwrap();
            let mut decoder = mesos_v1::recordio::Decoder::new(1 << 20);
            decoder.push(bytes.into());
            while let Some(record) = decoder.next_record().unwrap() {
                if record.starts_with(b"{") {
                    json += 1;
                    let text = std::str::from_utf8(&record).unwrap();
                    same_json::<mesos_v1::scheduler::Event>(text, &path);
                } else {
                    protobuf += 1;
                    assert!(headers.contains("x-protobuf"), "{}", path.display());
                    same_protobuf(&record);
                }
            }
        }
    }
    assert!(
        protobuf > 20 && json > 20,
        "{protobuf} protobuf and {json} JSON records"
    );
}

/// prost keeps enum numbers that it does not know, so bytes must be equal.
fn same_protobuf(record: &[u8]) {
    use prost::Message;
    let event = mesos_v1::scheduler::Event::decode(record).unwrap();
    let again = mesos_v1::scheduler::Event::decode(event.encode_to_vec().as_slice()).unwrap();
    assert_eq!(event, again);
    assert_eq!(
        event.encoded_len(),
        record.len(),
        "a field was lost or added: {event:?}"
    );
}

fn same_json<M: mesos_v1::json::Named>(text: &str, path: &std::path::Path) {
    let before: serde_json::Value = serde_json::from_str(text).unwrap();
    let message: M = mesos_v1::json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let after = mesos_v1::json::to_value(&message).unwrap();
    assert_eq!(before, after, "{}", path.display());
}

/// Not only the table: a value of each kind survives both forms.
#[test]
fn both_forms_of_a_default_survive() {
    let pool = DescriptorPool::decode(mesos_v1::DESCRIPTORS).unwrap();
    let command = pool.get_message_by_name("mesos.v1.CommandInfo").unwrap();
    let shell = command.get_field_by_name("shell").unwrap();
    assert_eq!(shell.default_value(), Value::Bool(true));
}
