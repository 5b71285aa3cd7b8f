//! A client that knows no more of Mesos than HTTP, RecordIO and JSON, so that
//! it shares no mistake with the code under test.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::{HashSet, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use offerd_sim::{Settings, Sim};
use serde_json::{Value, json};

pub(crate) const PATH: &str = "/api/v1/scheduler";
pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");

/// Longest wait for anything; long, since machines of CI are slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// A simulated master on a runtime of its own.
#[derive(Debug)]
pub(crate) struct Simulated {
    // Dropped before the runtime that it runs on.
    pub(crate) sim: Sim,
    pub(crate) address: String,
    _runtime: tokio::runtime::Runtime,
}

impl Simulated {
    pub(crate) fn start(settings: Settings) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let sim = runtime.block_on(Sim::start(settings)).unwrap();
        Self {
            address: sim.address().to_string(),
            sim,
            _runtime: runtime,
        }
    }
}

/// An answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = |(have, _): &&(String, String)| have.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .find(found)
            .map(|(_, value)| value.as_str())
    }
}

type Headers<'a> = &'a [(&'a str, &'a str)];

fn send(address: &str, method: &str, path: &str, headers: Headers, body: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    socket.write_all(&[head.as_bytes(), body].concat()).unwrap();
    socket
}

fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    match reader.read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line.trim_end().to_owned()),
    }
}

fn head(reader: &mut impl BufRead) -> Reply {
    let status = line(reader).expect("an answer");
    let status = status.split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = Vec::new();
    while let Some(line) = line(reader).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap();
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Reply {
        status,
        headers,
        body: String::new(),
    }
}

/// One request and its whole answer.
pub(crate) fn request(
    address: &str,
    method: &str,
    path: &str,
    headers: Headers,
    body: &[u8],
) -> Reply {
    let mut headers = headers.to_vec();
    headers.push(("Connection", "close"));
    let mut reader = BufReader::new(send(address, method, path, &headers, body));
    let mut reply = head(&mut reader);
    let mut bytes = Vec::new();
    if reply.header("Transfer-Encoding") == Some("chunked") {
        while let Some(chunk) = chunk(&mut reader).filter(|chunk| !chunk.is_empty()) {
            bytes.extend(chunk);
        }
    } else {
        let length = reply
            .header("Content-Length")
            .map_or(0, |n| n.parse().unwrap());
        bytes = vec![0; length];
        reader.read_exact(&mut bytes).unwrap();
    }
    reply.body = String::from_utf8(bytes).unwrap();
    reply
}

/// A chunk; an empty one is the end, `None` a cut.
fn chunk(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let size = usize::from_str_radix(&line(reader)?, 16).ok()?;
    let mut chunk = vec![0; size + 2];
    reader.read_exact(&mut chunk).ok()?;
    chunk.truncate(size);
    Some(chunk)
}

/// What comes on a subscription.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Incoming {
    /// The bytes of a record.
    Record(Vec<u8>),
    /// The stream ended, as HTTP wants it or cut.
    End { clean: bool },
}

fn read_stream(mut reader: BufReader<TcpStream>, out: &Sender<Incoming>) {
    let mut bytes: Vec<u8> = Vec::new();
    let clean = loop {
        match chunk(&mut reader) {
            None => break false,
            Some(chunk) if chunk.is_empty() => break true,
            Some(chunk) => bytes.extend(chunk),
        }
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let length: usize = std::str::from_utf8(&bytes[..end]).unwrap().parse().unwrap();
            let Some(record) = bytes.get(end + 1..end + 1 + length) else {
                break;
            };
            if out.send(Incoming::Record(record.to_vec())).is_err() {
                return;
            }
            bytes.drain(..end + 1 + length);
        }
    };
    let _ = out.send(Incoming::End { clean });
}

/// An open subscription. Closed when dropped.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) reply: Reply,
    socket: TcpStream,
    incoming: Receiver<Incoming>,
}

impl Stream {
    /// Sends a SUBSCRIBE call, whatever `body` is, and reads the answer's head.
    pub(crate) fn open(address: &str, headers: Headers, body: &[u8]) -> Self {
        let socket = send(address, "POST", PATH, headers, body);
        let mut reader = BufReader::new(socket.try_clone().unwrap());
        let reply = head(&mut reader);
        socket.set_read_timeout(None).unwrap();
        let (sender, incoming) = channel();
        std::thread::spawn(move || read_stream(reader, &sender));
        Self {
            reply,
            socket,
            incoming,
        }
    }

    pub(crate) fn next(&self) -> Incoming {
        self.incoming
            .recv_timeout(PATIENCE)
            .expect("something on the stream")
    }

    /// The next record, of a stream in JSON.
    pub(crate) fn event(&self) -> Value {
        match self.next() {
            Incoming::Record(record) => serde_json::from_slice(&record).unwrap(),
            end @ Incoming::End { .. } => panic!("the stream ended: {end:?}"),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// A subscribed framework.
#[derive(Debug)]
pub(crate) struct Framework {
    address: String,
    pub(crate) id: String,
    pub(crate) stream_id: String,
    pub(crate) stream: Stream,
    /// Events that came while others were waited for.
    aside: VecDeque<Value>,
    /// Of updates that came on this stream.
    uuids: HashSet<String>,
}

/// FrameworkInfo with the capabilities that frameworks of today have.
pub(crate) fn framework_info(name: &str, role: &str) -> Value {
    json!({
        "name": name, "user": "root", "roles": [role], "principal": "me",
        "capabilities": [
            {"type": "MULTI_ROLE"}, {"type": "RESERVATION_REFINEMENT"},
            {"type": "PARTITION_AWARE"}, {"type": "TASK_KILLING_STATE"},
        ],
    })
}

impl Framework {
    pub(crate) fn subscribe(address: &str, call: &Value) -> Self {
        let stream = Stream::open(address, &[JSON], call.to_string().as_bytes());
        assert_eq!(stream.reply.status, 200, "{:?}", stream.reply);
        let subscribed = stream.event();
        assert_eq!(subscribed["type"], "SUBSCRIBED", "{subscribed}");
        let id = subscribed["subscribed"]["framework_id"]["value"]
            .as_str()
            .unwrap();
        Self {
            address: address.to_owned(),
            id: id.to_owned(),
            stream_id: stream.reply.header("Mesos-Stream-Id").unwrap().to_owned(),
            stream,
            aside: VecDeque::from([subscribed.clone()]),
            uuids: HashSet::new(),
        }
    }

    /// A new framework with one role.
    pub(crate) fn new(address: &str, name: &str, role: &str) -> Self {
        let info = framework_info(name, role);
        let call = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}});
        Self::subscribe(address, &call)
    }

    /// The call with the framework's id, and `body` under the call's own name.
    pub(crate) fn body(&self, kind: &str, body: &Value) -> Value {
        let mut call = json!({"type": kind, "framework_id": {"value": self.id}});
        if !body.is_null() {
            call[kind.to_lowercase()] = body.clone();
        }
        call
    }

    pub(crate) fn call(&self, kind: &str, body: &Value) -> Reply {
        self.post(
            &[JSON, ("Mesos-Stream-Id", &self.stream_id)],
            self.body(kind, body).to_string().as_bytes(),
        )
    }

    pub(crate) fn post(&self, headers: Headers, body: &[u8]) -> Reply {
        request(&self.address, "POST", PATH, headers, body)
    }

    /// The next event, but for updates that came before: both masters send again what
    /// is not acknowledged within ten seconds, which a slow machine may take.
    fn event(&mut self) -> Value {
        loop {
            let event = self.stream.event();
            match event["update"]["status"]["uuid"].as_str() {
                Some(uuid) if !self.uuids.insert(uuid.to_owned()) => {}
                _ => return event,
            }
        }
    }

    /// The next event of the type. Others are kept for later.
    pub(crate) fn next(&mut self, kind: &str) -> Value {
        let kept = self.aside.iter().position(|event| event["type"] == kind);
        if let Some(event) = kept.and_then(|position| self.aside.remove(position)) {
            return event;
        }
        let limit = Instant::now() + PATIENCE;
        loop {
            let event = self.event();
            if event["type"] == kind {
                return event;
            }
            self.aside.push_back(event);
            assert!(
                Instant::now() < limit,
                "no {kind} came, but {:?}",
                self.aside
            );
        }
    }

    /// Events of the type that came already.
    pub(crate) fn take(&mut self, kind: &str) -> Vec<Value> {
        let (taken, rest) = self
            .aside
            .drain(..)
            .partition(|event| event["type"] == kind);
        self.aside = rest;
        Vec::from_iter::<VecDeque<Value>>(taken)
    }

    /// The offers of the next OFFERS event.
    pub(crate) fn offers(&mut self) -> Vec<Value> {
        let event = self.next("OFFERS");
        event["offers"]["offers"].as_array().unwrap().clone()
    }

    /// The status of the next UPDATE event.
    pub(crate) fn update(&mut self) -> Value {
        self.next("UPDATE")["update"]["status"].clone()
    }

    pub(crate) fn acknowledge(&self, status: &Value) -> Reply {
        let body = json!({
            "agent_id": status["agent_id"], "task_id": status["task_id"], "uuid": status["uuid"],
        });
        self.call("ACKNOWLEDGE", &body)
    }

    /// All events up to the answer to a question that is asked now: what the
    /// master had to say before. The answer itself is not among them.
    pub(crate) fn so_far(&mut self) -> Vec<Value> {
        let nobody = format!("nobody-{}", self.aside.len());
        let tasks = json!({"tasks": [{"task_id": {"value": nobody}}]});
        assert_eq!(self.call("RECONCILE", &tasks).status, 202);
        loop {
            let event = self.event();
            if event["update"]["status"]["task_id"]["value"] == nobody.as_str() {
                return self.aside.drain(..).collect();
            }
            self.aside.push_back(event);
        }
    }
}

/// `value` with ids as text.
pub(crate) fn id(value: &Value) -> &str {
    value["value"].as_str().unwrap_or_default()
}

/// Amount of a scalar in resources, all kinds of it together.
pub(crate) fn amount(resources: &Value, name: &str) -> f64 {
    let resources = resources.as_array().into_iter().flatten();
    resources
        .filter(|resource| resource["name"] == name)
        .filter_map(|resource| resource["scalar"]["value"].as_f64())
        .sum()
}

/// Scalars as a task has them, allocated to the role.
pub(crate) fn scalars(role: &str, cpus: f64, mem: f64) -> Value {
    let scalar = |name: &str, value: f64| {
        json!({
            "name": name, "type": "SCALAR", "scalar": {"value": value},
            "allocation_info": {"role": role},
        })
    };
    json!([scalar("cpus", cpus), scalar("mem", mem)])
}

/// TaskInfo of a shell command.
pub(crate) fn task(offer: &Value, name: &str, command: &str) -> Value {
    let role = offer["allocation_info"]["role"].as_str().unwrap();
    json!({
        "name": name, "task_id": {"value": name}, "agent_id": offer["agent_id"],
        "resources": scalars(role, 0.1, 32.0),
        "command": {"value": command},
    })
}

/// ACCEPT with one LAUNCH.
pub(crate) fn launch(offer: &Value, tasks: &[Value]) -> Value {
    json!({
        "offer_ids": [offer["id"]],
        "operations": [{"type": "LAUNCH", "launch": {"task_infos": tasks}}],
        "filters": {"refuse_seconds": 0.0},
    })
}
