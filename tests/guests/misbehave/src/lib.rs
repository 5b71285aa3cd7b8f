//! A policy that does what no policy should, on demand. Its config says what
//! and where, for example `{"decide": "loop"}`; the keys are the exports
//! `configure`, `decide`, `save` and `restore`. Without a key an export behaves.

wit_bindgen::generate!({ path: "../../../wit", world: "stateful-policy" });

use std::cell::RefCell;
use std::hint::black_box;

use exports::offerd::policy::state::{Guest as State, Snapshot};
use offerd::policy::types::{
    Accept, Action, CreateDisk, Decline, DiskKind, Event, Kill, MesosResource, Operation,
    Placement, Range, ReasonedAction, ResourceOperation, ResourceRequest, ResourceValue,
    ShrinkVolume, Timer,
};
use offerd::policy::{clock, cluster, logging, metrics, random};

struct Policy;

thread_local! {
    static CONFIG: RefCell<String> = const { RefCell::new(String::new()) };
    static ROUNDS: RefCell<u32> = const { RefCell::new(0) };
    static LEAKED: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

impl Guest for Policy {
    fn describe() -> Description {
        Description {
            name: "misbehave".to_owned(),
            version: "0.0.1".to_owned(),
            summary: "Does what no policy should".to_owned(),
        }
    }

    fn configure(config: String) -> Result<(), String> {
        std::panic::set_hook(Box::new(|info| {
            logging::log(logging::Level::Error, &format!("panic hook: {info}"));
        }));
        CONFIG.set(config.split_whitespace().collect());
        act(&behaviour("configure"))
    }

    fn decide(round: Round) -> Result<Answer, String> {
        ROUNDS.with_borrow_mut(|rounds| *rounds += 1);
        let behaviour = behaviour("decide");
        act(&behaviour)?;
        let mut answer = Answer {
            placements: Vec::new(),
            declines: Vec::new(),
            kills: Vec::new(),
            actions: Vec::new(),
            rest: None,
            leftover: -1.0,
            reasons: Vec::new(),
        };
        match behaviour.as_str() {
            "many-placements" => answer.placements = vec![placement(0, 0, 1); 200_000],
            "large-answer" => answer.reasons = vec!["r".repeat(1 << 20); 20],
            "giant-answer" => answer.reasons = same_text(1 << 20, 1024),
            "false-length" => answer.reasons = same_text(1 << 30, 1),
            "deceive" => answer.reasons.push(DECEIVING.to_owned()),
            "grab" => grab(&round, &mut answer),
            "invalid" => {
                let refused: Vec<&str> = round.events.iter().filter_map(refusal).collect();
                if !refused.is_empty() {
                    return Err(refused.join("\n"));
                }
                invalid(&round, &mut answer);
            }
            "nonsense" => nonsense(&mut answer),
            "bad-values" => answer.actions = bad_values(),
            "count-rounds" => {
                let rounds = ROUNDS.with_borrow(|rounds| *rounds);
                answer.reasons.push(format!("rounds: {rounds}"));
            }
            "unknown-handles" => answer.reasons = ask_for_unknown(&round),
            "random" => {
                let numbers = (random::next_u32(), random::next_u32(), random::next_f64());
                answer
                    .reasons
                    .push(format!("{numbers:?} at {}", clock::now()));
            }
            _ => {}
        }
        Ok(answer)
    }
}

impl State for Policy {
    fn save() -> Result<Snapshot, String> {
        let behaviour = behaviour("save");
        act(&behaviour)?;
        let data = match behaviour.as_str() {
            "large" => vec![7; 17 << 20],
            "full" => vec![7; 16 << 20],
            _ => ROUNDS.with_borrow(|rounds| rounds.to_le_bytes().to_vec()),
        };
        Ok(Snapshot { version: 3, data })
    }

    fn restore(snapshot: Snapshot) -> Result<(), String> {
        act(&behaviour("restore"))?;
        let data = <[u8; 4]>::try_from(snapshot.data.as_slice())
            .map_err(|_| format!("{} bytes are not 4", snapshot.data.len()))?;
        ROUNDS.set(u32::from_le_bytes(data));
        Ok(())
    }
}

/// The value of a key of the config, without a JSON parser.
fn behaviour(export: &str) -> String {
    CONFIG.with_borrow(|config| {
        let key = format!("\"{export}\":\"");
        let value = config.split_once(&key).map(|(_, rest)| rest);
        let value = value.and_then(|rest| rest.split('"').next());
        value.unwrap_or_default().to_owned()
    })
}

/// What can go wrong in any export.
fn act(behaviour: &str) -> Result<(), String> {
    match behaviour {
        "loop" => loop {
            black_box(());
        },
        "calls" => loop {
            black_box(cluster::tasks());
        },
        "bomb" => {
            let mut kept = Vec::new();
            loop {
                kept.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        // A little more each round.
        "leak" => LEAKED.with_borrow_mut(|leaked| leaked.push(vec![1; 2 << 20])),
        "recurse" => {
            black_box(dig(0));
        }
        // Goes on well without the memory that it does not get.
        "refused-recurse" => {
            black_box(core::arch::wasm32::memory_grow(0, 1 << 15));
            black_box(dig(0));
        }
        "panic" => panic!("on demand"),
        "panic-once" => {
            // The state that outlives the instance says whether it was done.
            if ROUNDS.with_borrow(|rounds| *rounds) == 2 {
                panic!("on demand");
            }
        }
        "error" => return Err("this is the policy's own text".to_owned()),
        "large-error" => return Err("e".repeat(1 << 20)),
        "huge-error" => return Err("e".repeat(20 << 20)),
        "flood" => {
            for line in 0..1_000 {
                logging::log(logging::Level::Info, &format!("line {line}"));
            }
        }
        "deceive" => {
            logging::log(logging::Level::Warn, DECEIVING);
            return Err(DECEIVING.to_owned());
        }
        "long-line" => logging::log(logging::Level::Info, &"ä".repeat(100_000)),
        "huge-line" => logging::log(logging::Level::Info, &"l".repeat(20 << 20)),
        "many-agents" => {
            cluster::allowed(0, &vec![0; 1_000_000]);
        }
        "metrics" => {
            metrics::count("good", 1.0);
            metrics::count("Bad", 1.0);
            metrics::gauge("depth", 2.5);
            metrics::count("good", f64::NAN);
        }
        _ => {}
    }
    Ok(())
}

/// Clears a terminal, and looks like a line of the host's log.
const DECEIVING: &str = "\u{1b}[2J\n2026-11-01T00:00:00Z  INFO all is well";

/// One text so many times; it may claim to be longer than all memory. Whoever is
/// given it must not look at it, nor free it.
fn same_text(length: usize, times: usize) -> Vec<String> {
    let text = Box::leak(vec![b't'; 1 << 20].into_boxed_slice());
    let same = || {
        // SAFETY: there is none: this is the point. It only goes to the host.
        unsafe { String::from_raw_parts(text.as_ptr().cast_mut(), length, length) }
    };
    std::iter::repeat_with(same).take(times).collect()
}

#[inline(never)]
#[expect(unconditional_recursion, reason = "the point of it")]
fn dig(depth: u64) -> u64 {
    let here = black_box([depth; 64]);
    dig(depth + 1) + here[usize::try_from(depth % 64).unwrap_or_default()]
}

/// Well-formed, and wrong in each part.
fn nonsense(answer: &mut Answer) {
    answer.placements.push(Placement {
        offer: u32::MAX,
        set: 77,
        count: u32::MAX,
        reason: 99,
    });
    answer.declines.push(Decline {
        offer: 12345,
        refuse: f64::NAN,
        reason: 0,
    });
    answer.kills.push(Kill {
        task: u32::MAX,
        grace: f64::NEG_INFINITY,
        reason: u32::MAX,
    });
    answer.actions.push(ReasonedAction {
        action: Action::Timer(Timer {
            number: 1,
            after: f64::INFINITY,
        }),
        reason: 0,
    });
    answer.leftover = f64::NAN;
}

/// Handles are numbers that others get too; those of this policy are left alone.
fn foreign(own: &[u32]) -> impl Iterator<Item = u32> {
    (0..200).filter(move |handle| !own.contains(handle))
}

/// Whatever can be done with offers, tasks and jobs, with those of other roles.
fn grab(round: &Round, answer: &mut Answer) {
    let offers: Vec<u32> = round.offers.iter().map(|offer| offer.offer).collect();
    let sets: Vec<u32> = round.waiting.iter().map(|waiting| waiting.set).collect();
    let tasks: Vec<u32> = cluster::tasks().iter().map(|task| task.task).collect();
    for offer in foreign(&offers) {
        answer.declines.push(decline(offer));
        let set = sets.first().copied().unwrap_or_default();
        answer.placements.push(placement(offer, set, 1));
        answer.actions.push(unreasoned(Action::Accept(Accept {
            offers: vec![offer],
            operations: Vec::new(),
            refuse: -1.0,
        })));
    }
    for set in foreign(&sets) {
        if let Some(offer) = offers.first() {
            answer.placements.push(placement(*offer, set, 1));
        }
    }
    for task in foreign(&tasks) {
        answer.kills.push(kill(task));
    }
}

/// With a task and something that waits: every kind of decision, wrong with handles
/// that live. Of them, one kill and the first of too many placements can be done.
fn invalid(round: &Round, answer: &mut Answer) {
    let (Some(offer), Some(waiting)) = (round.offers.first(), round.waiting.first()) else {
        return;
    };
    let Some(task) = cluster::tasks().first().map(|task| task.task) else {
        answer
            .placements
            .push(placement(offer.offer, waiting.set, 1));
        return;
    };
    answer.kills = vec![kill(task), kill(task), kill(u32::MAX)];
    answer.placements = vec![
        placement(offer.offer, u32::MAX, 1),
        placement(offer.offer, waiting.set, 0),
        placement(u32::MAX, waiting.set, 1),
        placement(offer.offer, waiting.set, u32::MAX),
    ];
    answer.declines = vec![decline(offer.offer), decline(u32::MAX)];
    answer.actions = bad_values();
}

fn refusal(event: &Event) -> Option<&str> {
    match event {
        Event::Refused(refusal) => Some(&refusal.why),
        _ => None,
    }
}

fn placement(offer: u32, set: u32, count: u32) -> Placement {
    Placement {
        offer,
        set,
        count,
        reason: 0,
    }
}

fn decline(offer: u32) -> Decline {
    Decline {
        offer,
        refuse: 0.0,
        reason: 0,
    }
}

fn kill(task: u32) -> Kill {
    Kill {
        task,
        grace: -1.0,
        reason: 0,
    }
}

fn unreasoned(action: Action) -> ReasonedAction {
    ReasonedAction { action, reason: 0 }
}

/// Actions with values that the contract does not allow.
fn bad_values() -> Vec<ReasonedAction> {
    let scalar = |value| resource("cpus", ResourceValue::Scalar(value));
    let accept = |operation| {
        Action::Accept(Accept {
            offers: vec![0],
            operations: vec![operation],
            refuse: -1.0,
        })
    };
    let reserve = |resource| {
        accept(Operation::Unreserve(ResourceOperation {
            id: None,
            resources: vec![resource],
        }))
    };
    let backwards = ResourceValue::Ranges(vec![Range { begin: 9, end: 1 }]);
    [
        reserve(scalar(-1.0)),
        reserve(scalar(0.5)),
        reserve(scalar(f64::NAN)),
        reserve(resource("ports", backwards)),
        accept(Operation::ShrinkVolume(ShrinkVolume {
            id: None,
            volume: scalar(1.0),
            subtract: f64::INFINITY,
        })),
        accept(Operation::CreateDisk(CreateDisk {
            id: None,
            source: scalar(1.0),
            target: DiskKind::Raw,
            target_profile: None,
        })),
        Action::Request(vec![ResourceRequest {
            agent: 0,
            resources: vec![scalar(-3.0)],
        }]),
    ]
    .map(unreasoned)
    .into()
}

fn resource(name: &str, value: ResourceValue) -> MesosResource {
    MesosResource {
        name: name.to_owned(),
        value,
        reservations: Vec::new(),
        disk: None,
        revocable: false,
        shared: false,
        provider: None,
    }
}

/// Everything that can be asked, about things that do not exist.
fn ask_for_unknown(round: &Round) -> Vec<String> {
    let none = u32::MAX;
    vec![
        format!("{:?}", cluster::get_agent(none).is_none()),
        format!("{:?}", cluster::get_offer(none).is_none()),
        format!("{:?}", cluster::get_offer_json(none).is_none()),
        format!("{:?}", cluster::get_job(none).is_none()),
        format!("{:?}", cluster::get_task(none).is_none()),
        format!("{:?}", cluster::get_task_details(none).is_none()),
        format!("{:?}", cluster::find_task("nobody").is_none()),
        format!("{:?}", cluster::allowed(none, &[0, none]).is_empty()),
        format!("{:?}", cluster::tasks_of_job(none).is_empty()),
        format!("{:?}", cluster::tasks_on_agent(none).is_empty()),
        format!(
            "{:?}",
            cluster::column("nothing") == vec![0.0; round.offers.len()]
        ),
    ]
}

export!(Policy);
