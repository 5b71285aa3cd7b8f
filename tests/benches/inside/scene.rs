//! A machine with a job that waits, and the event that it waits for.

use bytes::Bytes;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use mesos_v1::scheduler as api;
use offerd_core::event::Event;
use offerd_core::ids::{FrameworkId, PolicyHandle};
use offerd_core::job::{JobKind, JobSpec};
use offerd_core::machine::{
    Input, Ledger, Machine, PolicySettings, Request, Session, Settings, Ticket,
};
use offerd_core::policy::Round;
use offerd_core::resource::Amounts;
use offerd_core::{Effect, Instant, Milli};
use offerd_mesos::ProtobufCodec;
use offerd_mesos::convert::{Encoder, FrameworkSettings, event};
use offerd_policy::{Options, Policy, PolicyCode, Runtime};
use prost::Message as _;

use crate::offer::offer;

const SESSION: Session = Session(1);
const NOW: Instant = Instant::from_millis(1_700_000_000_000);

/// A policy of target/guests at work.
pub(crate) fn guest(name: &str) -> Box<dyn PolicyCode> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| Runtime::new(None).unwrap());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
    let program = runtime.load(&folder.join(format!("{name}.wasm"))).unwrap();
    let options = Options {
        roles: vec!["bench".into()],
        ..Options::new(name, &program)
    };
    Box::new(Policy::start(&program, options).unwrap())
}

pub(crate) struct Scene {
    machine: Machine,
    record: Bytes,
    framework: FrameworkSettings,
    encoder: Encoder,
    id: FrameworkId,
    out: Vec<u8>,
}

impl Scene {
    /// Half of the offers have room for one task.
    pub(crate) fn new(offers: usize) -> Self {
        let policies = vec![PolicySettings {
            name: "bench".into(),
            roles: vec!["bench".into()],
        }];
        let mut effects = Vec::new();
        let codec = Arc::new(ProtobufCodec);
        let ledger = Ledger::default();
        let mut machine = Machine::new(Settings::new(policies), ledger, codec, NOW, &mut effects);
        let id = FrameworkId::from("framework");
        let subscribed = Event::Subscribed {
            framework_id: id.clone(),
            master: "master".into(),
        };
        let request = Request::Submit(vec![job(u32::try_from(offers).unwrap())]);
        machine.handle_all(
            NOW,
            [
                Input::Master {
                    session: SESSION,
                    event: subscribed,
                },
                Input::Operator {
                    ticket: Ticket(1),
                    request,
                },
            ],
            &mut effects,
        );
        // The round about the job alone.
        let round = round_in(&mut effects).unwrap();
        machine.handle(
            NOW,
            Input::Answered {
                policy: PolicyHandle(0),
                round: round.number,
                result: Ok(Default::default()).into(),
            },
            &mut effects,
        );
        Self {
            machine,
            record: record(offers).into(),
            framework: FrameworkSettings::new("bench", "root", vec!["bench".into()]),
            encoder: Encoder::default(),
            id,
            out: Vec::with_capacity(1 << 20),
        }
    }

    /// The round that the event makes.
    pub(crate) fn round(&mut self) -> Round {
        let mut effects = Vec::new();
        let event = event(&self.record).unwrap();
        self.machine.handle(
            NOW,
            Input::Master {
                session: SESSION,
                event,
            },
            &mut effects,
        );
        round_in(&mut effects).unwrap()
    }

    /// From the event's bytes to those of all calls; gives their number.
    pub(crate) fn run(&mut self, code: &mut dyn PolicyCode) -> usize {
        let round = self.round();
        let decided = code.decide(round.into());
        let mut effects = Vec::new();
        let answered = Input::Answered {
            policy: PolicyHandle(0),
            round: decided.round,
            result: decided.result.into(),
        };
        self.machine.handle(NOW, answered, &mut effects);
        self.out.clear();
        for effect in effects {
            if let Effect::Send { call: wanted, .. } = effect {
                self.encoder
                    .encode(&wanted, &self.id, &self.framework, &mut self.out);
            }
        }
        self.out.len()
    }
}

fn round_in(effects: &mut Vec<Effect>) -> Option<Round> {
    effects.drain(..).find_map(|effect| match effect {
        Effect::Invoke { round, .. } => Some(*round),
        _ => None,
    })
}

fn job(count: u32) -> JobSpec {
    JobSpec {
        name: "bench".into(),
        role: "bench".into(),
        kind: JobKind::Batch,
        count,
        needs: Amounts {
            cpus: Milli(1000),
            mem: Milli(32_000),
            ..Amounts::default()
        },
        command: "sleep 1000".into(),
        shell: true,
        arguments: Vec::new(),
        env: Vec::new(),
        uris: Vec::new(),
        user: None,
        priority: 0,
        constraints: Vec::new(),
        retries: 0,
        kill_grace: None,
        labels: Vec::new(),
    }
}

fn record(count: usize) -> Vec<u8> {
    api::Event {
        r#type: Some(api::event::Type::Offers as i32),
        offers: Some(api::event::Offers {
            offers: (0..count).map(|number| offer(number, number)).collect(),
        }),
        ..api::Event::default()
    }
    .encode_to_vec()
}
