//! The bodies of the fuzz targets on inputs made from good ones by changes
//! that are the same in each run. The fuzzer itself finds more; see README.md.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests are not in functions marked as tests"
)]

#[path = "../fuzz/bodies.rs"]
mod bodies;

use mesos_v1::scheduler::Event;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const ROUNDS: usize = 100_000;

/// Inputs from which the changes start.
fn events() -> Vec<Vec<u8>> {
    use prost::Message;
    [
        r#"{"type":"SUBSCRIBED","subscribed":{"framework_id":{"value":"f-0000"},
            "heartbeat_interval_seconds":15.0,"master_info":{"id":"m","ip":16777343,"port":5050,
            "address":{"ip":"127.0.0.1","port":5050},"capabilities":[{"type":"AGENT_UPDATE"},{}]}}}"#,
        r#"{"type":"OFFERS","offers":{"offers":[{"id":{"value":"O1"},"framework_id":{"value":"f"},
            "agent_id":{"value":"S1"},"hostname":"h","allocation_info":{"role":"r"},
            "url":{"scheme":"http","address":{"ip":"127.0.0.1","port":5051},"query":[]},
            "domain":{"fault_domain":{"region":{"name":"a"},"zone":{"name":"b"}}},
            "attributes":[{"name":"rack","type":"TEXT","text":{"value":"a"}}],
            "resources":[
              {"name":"cpus","type":"SCALAR","scalar":{"value":3.5},"allocation_info":{"role":"r"}},
              {"name":"ports","type":"RANGES","ranges":{"range":[{"begin":31000,"end":32000}]}},
              {"name":"disk","type":"SCALAR","scalar":{"value":1e6},
               "reservations":[{"type":"DYNAMIC","role":"r","principal":"p"}],
               "disk":{"persistence":{"id":"v"},"volume":{"mode":"RW","container_path":"d"},
                       "source":{"type":"PATH","path":{"root":"/d"}}}}],
            "unavailability":{"start":{"nanoseconds":1700000000000000000}}}]}}"#,
        r#"{"type":"UPDATE","update":{"status":{"task_id":{"value":"t"},"state":"TASK_RUNNING",
            "uuid":"AAECAwQFBgcICQoLDA0ODw==","timestamp":1700000000.25,"healthy":true,
            "container_status":{"network_infos":[{"ip_addresses":[{"ip_address":"::1"}]}]}}}}"#,
        r#"{"type":"UPDATE_OPERATION_STATUS","update_operation_status":{"status":{
            "state":"OPERATION_FINISHED","uuid":{"value":"AAECAwQFBgcICQoLDA0ODw=="}}}}"#,
        r#"{"type":"FAILURE","failure":{"agent_id":{"value":"S"},"status":-9}}"#,
        r#"{"type":"MESSAGE","message":{"agent_id":{"value":"S"},"executor_id":{"value":"e"},
            "data":"AP8="}}"#,
        r#"{"type":"INVERSE_OFFERS","inverse_offers":{"inverse_offers":[{"id":{"value":"I"},
            "framework_id":{"value":"f"},"unavailability":{"start":{"nanoseconds":-1}}}]}}"#,
        r#"{"type":"ERROR","error":{"message":"no"}}"#,
        r#"{"type":"HEARTBEAT"}"#,
    ]
    .map(|text| {
        let event: Event = mesos_v1::json::from_str(text).unwrap();
        event.encode_to_vec()
    })
    .into()
}

/// One to four changes, as fuzzers make them.
fn change(input: &mut Vec<u8>, random: &mut impl Rng) {
    const TELLING: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, b'\n', b'0', b'9'];
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(0..=input.len());
        let byte = match random.random_bool(0.5) {
            true => TELLING[random.random_range(0..TELLING.len())],
            false => random.random(),
        };
        match random.random_range(0..5) {
            0 => input.insert(at, byte),
            1 => input.truncate(at),
            2 => {
                let end = random.random_range(at..=input.len());
                let part = input[at..end].to_vec();
                let to = random.random_range(0..=input.len());
                input.splice(to..to, part);
            }
            3 => drop(input.drain(at..input.len().min(at + 3))),
            _ => {
                if let Some(old) = input.get_mut(at) {
                    *old = byte;
                }
            }
        }
    }
}

fn rounds(inputs: &[Vec<u8>], body: fn(&[u8])) {
    let mut random = StdRng::seed_from_u64(1);
    for input in inputs {
        body(input);
    }
    for _ in 0..ROUNDS {
        let mut input = inputs[random.random_range(0..inputs.len())].clone();
        change(&mut input, &mut random);
        body(&input);
    }
}

#[test]
fn changed_events_decode_and_encode_or_are_refused() {
    rounds(&events(), bodies::event);
}

#[test]
fn changed_streams_give_the_same_records_in_any_chunks() {
    let mut stream = bytes::BytesMut::new();
    let mut streams: Vec<Vec<u8>> = (1u8..)
        .zip(events())
        .map(|(size, event)| {
            mesos_v1::recordio::encode(&event, &mut stream);
            // The first byte is the length of the chunks.
            [&[size], &stream[..]].concat()
        })
        .collect();
    streams.push(b"\x073\nabc1999999999999999999999999999".to_vec());
    rounds(&streams, bodies::recordio);
}
