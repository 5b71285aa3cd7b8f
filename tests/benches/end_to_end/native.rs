//! The baseline: a scheduler that decodes offers, accepts those with room with
//! one launch each, declines the rest in one call, and does nothing else. No
//! jobs, no checks, no books, no policy.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use bytes::Bytes;
use mesos_v1 as wire;
use mesos_v1::recordio::Decoder;
use mesos_v1::scheduler as api;
use prost::Message as _;

const HEAD: &str = "POST /api/v1/scheduler HTTP/1.1\r\nHost: master\r\nContent-Type: \
                    application/x-protobuf\r\nAccept: application/x-protobuf\r\n\
                    Mesos-Stream-Id: stream\r\nContent-Length: ";

pub(crate) fn run(master: &str) {
    let mut events = TcpStream::connect(master).unwrap();
    let subscribe = api::Call {
        r#type: Some(api::call::Type::Subscribe as i32),
        ..api::Call::default()
    };
    let mut out = Vec::new();
    request(&subscribe, &mut out);
    events.write_all(&out).unwrap();
    let mut chunks = Chunks::default();
    chunks.head(&mut events);
    let mut calls = TcpStream::connect(master).unwrap();
    calls.set_nodelay(true).unwrap();
    // Answers are read elsewhere, so that neither side blocks the other.
    let mut answers = calls.try_clone().unwrap();
    std::thread::spawn(move || {
        let mut nothing = vec![0; 64 << 10];
        while answers.read(&mut nothing).is_ok_and(|got| got > 0) {}
    });
    let mut decoder = Decoder::new(256 << 20);
    let mut task = 0;
    while let Some(bytes) = chunks.next(&mut events) {
        decoder.push(bytes);
        while let Some(record) = decoder.next_record().unwrap() {
            let event = api::Event::decode(record).unwrap();
            out.clear();
            answer(event, &mut task, &mut out);
            calls.write_all(&out).unwrap();
        }
    }
}

fn request(call: &api::Call, out: &mut Vec<u8>) {
    out.extend_from_slice(HEAD.as_bytes());
    out.extend_from_slice(call.encoded_len().to_string().as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
    call.encode(out).unwrap();
}

fn answer(event: api::Event, task: &mut u64, out: &mut Vec<u8>) {
    let mut declined = Vec::new();
    for offer in event.offers.into_iter().flat_map(|offers| offers.offers) {
        if cpus(&offer) < 1.0 {
            declined.push(offer.id);
            continue;
        }
        *task += 1;
        request(&accept(offer, *task), out);
    }
    if !declined.is_empty() {
        let call = api::Call {
            framework_id: Some(wire::FrameworkId {
                value: "framework".into(),
            }),
            r#type: Some(api::call::Type::Decline as i32),
            decline: Some(api::call::Decline {
                offer_ids: declined,
                filters: Some(wire::Filters {
                    refuse_seconds: Some(60.0),
                }),
            }),
            ..api::Call::default()
        };
        request(&call, out);
    }
}

fn cpus(offer: &wire::Offer) -> f64 {
    let cpus = offer
        .resources
        .iter()
        .filter(|resource| resource.name == "cpus");
    cpus.filter_map(|resource| resource.scalar.as_ref())
        .map(|scalar| scalar.value)
        .sum()
}

fn accept(offer: wire::Offer, task: u64) -> api::Call {
    let resource = |name: &str, value: f64| wire::Resource {
        name: name.into(),
        r#type: wire::value::Type::Scalar as i32,
        scalar: Some(wire::value::Scalar { value }),
        allocation_info: offer.allocation_info.clone(),
        ..wire::Resource::default()
    };
    let info = wire::TaskInfo {
        name: "bench".into(),
        task_id: wire::TaskId {
            value: format!("bench.abcdefgh.{task}"),
        },
        agent_id: offer.agent_id.clone(),
        resources: vec![resource("cpus", 1.0), resource("mem", 32.0)],
        command: Some(wire::CommandInfo {
            shell: Some(true),
            value: Some("sleep 1000".into()),
            ..wire::CommandInfo::default()
        }),
        ..wire::TaskInfo::default()
    };
    api::Call {
        framework_id: Some(wire::FrameworkId {
            value: "framework".into(),
        }),
        r#type: Some(api::call::Type::Accept as i32),
        accept: Some(api::call::Accept {
            offer_ids: vec![offer.id],
            operations: vec![wire::offer::Operation {
                r#type: Some(wire::offer::operation::Type::Launch as i32),
                launch: Some(wire::offer::operation::Launch {
                    task_infos: vec![info],
                }),
                ..wire::offer::Operation::default()
            }],
            filters: Some(wire::Filters {
                refuse_seconds: Some(60.0),
            }),
        }),
        ..api::Call::default()
    }
}

/// The chunked body of the subscription.
#[derive(Default)]
struct Chunks {
    pending: Vec<u8>,
    taken: usize,
}

impl Chunks {
    fn head(&mut self, stream: &mut TcpStream) {
        loop {
            if let Some(end) = self.find(b"\r\n\r\n") {
                self.taken += end + 4;
                return;
            }
            assert!(self.more(stream));
        }
    }

    fn next(&mut self, stream: &mut TcpStream) -> Option<Bytes> {
        loop {
            if let Some(line) = self.find(b"\r\n") {
                let digits = &self.pending[self.taken..self.taken + line];
                let digits = std::str::from_utf8(digits).unwrap();
                let length = usize::from_str_radix(digits, 16).unwrap();
                let start = self.taken + line + 2;
                if self.pending.len() >= start + length + 2 {
                    self.taken = start + length + 2;
                    return Some(Bytes::copy_from_slice(&self.pending[start..start + length]));
                }
            }
            if !self.more(stream) {
                return None;
            }
        }
    }

    fn find(&self, wanted: &[u8]) -> Option<usize> {
        let rest = &self.pending[self.taken..];
        // A chunk's length stands at the very beginning.
        rest.windows(wanted.len())
            .position(|window| window == wanted)
    }

    fn more(&mut self, stream: &mut TcpStream) -> bool {
        self.pending.drain(..self.taken);
        self.taken = 0;
        let old = self.pending.len();
        self.pending.resize(old + (1 << 20), 0);
        let got = stream.read(&mut self.pending[old..]).unwrap_or(0);
        self.pending.truncate(old + got);
        got > 0
    }
}
