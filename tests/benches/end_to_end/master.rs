//! A master that only offers and counts: no books, no allocator. It sends a
//! burst, waits until each offer of it was answered, and sends the next.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use mesos_v1 as wire;
use mesos_v1::scheduler as api;
use prost::Message as _;

use crate::offer::offer;

pub(crate) struct Master {
    listener: TcpListener,
    pub(crate) address: String,
    burst: usize,
}

pub(crate) struct Session {
    events: TcpStream,
    calls: TcpStream,
    burst: usize,
    /// Bytes of calls that are not complete.
    pending: Vec<u8>,
    record: Vec<u8>,
    next_offer: usize,
}

pub(crate) struct Run {
    pub(crate) elapsed: Duration,
    /// Of each burst, from its last byte to its last answer.
    pub(crate) bursts: Vec<Duration>,
}

impl Master {
    pub(crate) fn bind(burst: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        Self {
            listener,
            address,
            burst,
        }
    }

    /// Takes the subscription and the connection for calls, and the REVIVE and
    /// the like that come before the first offer.
    pub(crate) fn accept(self) -> Session {
        let mut first = self.listener.accept().unwrap().0;
        first.set_nodelay(true).unwrap();
        let mut bytes = Vec::new();
        while request(&bytes).is_none() {
            read(&mut first, &mut bytes);
        }
        first
            .write_all(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: \
                  application/x-protobuf\r\nMesos-Stream-Id: stream\r\n\r\n",
            )
            .unwrap();
        let calls = self.listener.accept().unwrap().0;
        calls.set_nodelay(true).unwrap();
        let mut session = Session {
            events: first,
            calls,
            burst: self.burst,
            pending: Vec::new(),
            record: Vec::new(),
            next_offer: 0,
        };
        session.send(&api::Event {
            r#type: Some(api::event::Type::Subscribed as i32),
            subscribed: Some(api::event::Subscribed {
                framework_id: wire::FrameworkId {
                    value: "framework".into(),
                },
                heartbeat_interval_seconds: Some(3600.0),
                ..api::event::Subscribed::default()
            }),
            ..api::Event::default()
        });
        session
    }
}

impl Session {
    /// `pause`: before each burst; it does not count.
    pub(crate) fn run(&mut self, bursts: usize, pause: Duration) -> Run {
        let mut times = Vec::with_capacity(bursts);
        let mut total = Duration::ZERO;
        for _ in 0..bursts {
            let event = self.offers();
            self.encode(&event);
            std::thread::sleep(pause);
            let started = Instant::now();
            let record = std::mem::take(&mut self.record);
            self.events.write_all(&record).unwrap();
            self.record = record;
            let mut answered = 0;
            while answered < self.burst {
                answered += self.answers();
            }
            times.push(started.elapsed());
            total += started.elapsed();
        }
        assert!(
            self.pending.is_empty(),
            "more was answered than was offered"
        );
        Run {
            elapsed: total,
            bursts: times,
        }
    }

    /// Takes what calls have come, and counts the offers in them.
    fn answers(&mut self) -> usize {
        read(&mut self.calls, &mut self.pending);
        let mut offers = 0;
        let mut taken = 0;
        let mut calls = 0;
        while let Some((body, end)) = request(&self.pending[taken..]) {
            offers += offers_in(&self.pending[taken + body..taken + end]);
            taken += end;
            calls += 1;
        }
        self.pending.drain(..taken);
        let answer = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".repeat(calls);
        self.calls.write_all(answer.as_bytes()).unwrap();
        offers
    }

    fn send(&mut self, event: &api::Event) {
        self.encode(event);
        self.events.write_all(&self.record).unwrap();
    }

    /// One record as one chunk.
    fn encode(&mut self, event: &api::Event) {
        let body = event.encode_to_vec();
        let length = body.len().to_string();
        self.record.clear();
        let chunk = length.len() + 1 + body.len();
        self.record
            .extend_from_slice(format!("{chunk:x}\r\n{length}\n").as_bytes());
        self.record.extend_from_slice(&body);
        self.record.extend_from_slice(b"\r\n");
    }

    /// Half of them have room for a task.
    fn offers(&mut self) -> api::Event {
        let offers = (0..self.burst)
            .map(|position| {
                self.next_offer += 1;
                offer(self.next_offer, position)
            })
            .collect();
        api::Event {
            r#type: Some(api::event::Type::Offers as i32),
            offers: Some(api::event::Offers { offers }),
            ..api::Event::default()
        }
    }
}

fn read(stream: &mut TcpStream, into: &mut Vec<u8>) {
    let old = into.len();
    into.resize(old + (256 << 10), 0);
    let got = stream.read(&mut into[old..]).unwrap();
    assert!(got > 0, "the scheduler went away");
    into.truncate(old + got);
}

/// Where the body of the first request begins and ends, if all of it is here.
fn request(bytes: &[u8]) -> Option<(usize, usize)> {
    const KEY: &[u8] = b"content-length: ";
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let at = bytes[..head]
        .windows(KEY.len())
        .position(|window| window.eq_ignore_ascii_case(KEY))
        .unwrap();
    let digits = bytes[at + KEY.len()..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let length = digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
    let body = head + 4;
    (bytes.len() >= body + length).then_some((body, body + length))
}

/// Offers that a call answers. Reads only as much of it as it must.
fn offers_in(call: &[u8]) -> usize {
    const ACCEPT: u32 = 4;
    const DECLINE: u32 = 5;
    const OFFER_IDS: u32 = 1;
    let count = |message: &[u8]| {
        fields(message)
            .filter(|(number, _)| *number == OFFER_IDS)
            .count()
    };
    fields(call)
        .filter(|(number, _)| [ACCEPT, DECLINE].contains(number))
        .map(|(_, message)| count(message))
        .sum()
}

/// Numbers of the fields of a message, with the bytes of those that have some.
fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let key = varint(&mut bytes);
        let number = u32::try_from(key >> 3).unwrap();
        let length = match key & 7 {
            0 => {
                varint(&mut bytes);
                0
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)).unwrap(),
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (value, rest) = bytes.split_at(length);
        bytes = rest;
        Some((number, value))
    })
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (byte, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}
