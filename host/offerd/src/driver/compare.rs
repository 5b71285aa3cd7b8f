//! The thread of a shadow: it decides the rounds that are shown to it and compares
//! its decisions with those that count. All work is done here; whoever decides, and
//! the driver, spend a message on it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::HashMap;
use offerd_core::ids::{OfferHandle, SetHandle};
use offerd_core::policy::{Action, Answer, Delta, Failure, Round};
use offerd_core::resource::Amounts;
use offerd_policy::PolicyCode;

use crate::admin::api;
use crate::replay::shown;

/// First and longest rest of one whose instance was ended.
const REST: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// The decision that counts.
pub(super) struct Active {
    pub(super) round: u32,
    pub(super) result: Result<Answer, Failure>,
    pub(super) cost: Duration,
}

pub(super) enum Message {
    Show {
        round: Arc<Round>,
        /// Those before it that were not shown.
        missed: Vec<Arc<Round>>,
        /// All tables, for one that knows nothing.
        tables: Option<Box<Delta>>,
    },
    Decided(Arc<Active>),
}

/// What the thread and the driver both know.
#[derive(Default)]
pub(super) struct Shared {
    /// A round is with it, or it rests.
    pub(super) busy: AtomicBool,
    /// Its instance was ended; the next one knows nothing.
    pub(super) blank: AtomicBool,
    status: Mutex<api::ShadowStatus>,
}

impl Shared {
    pub(super) fn new(status: api::ShadowStatus) -> Self {
        Self {
            status: Mutex::new(status),
            ..Self::default()
        }
    }

    /// Nothing is ever half done in it.
    pub(super) fn status(&self) -> MutexGuard<'_, api::ShadowStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Decides and compares until the other end of `messages` is gone.
pub(super) fn run(mut code: Box<dyn PolicyCode>, messages: &Receiver<Message>, shared: &Shared) {
    let mut own: Option<Own> = None;
    let mut failures = 0;
    let mut rest: Option<Instant> = None;
    loop {
        let message = match rest {
            None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(end) => messages.recv_timeout(end.saturating_duration_since(Instant::now())),
        };
        match message {
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                rest = None;
                shared.busy.store(false, Ordering::Release);
            }
            Ok(Message::Show {
                round,
                missed,
                tables,
            }) => {
                let seen = seen(&round, &missed, tables);
                drop(missed);
                let decided = code.decide(seen);
                if matches!(decided.result, Err(Failure::Trap(_) | Failure::Host(_))) {
                    shared.blank.store(true, Ordering::Release);
                    rest = Some(Instant::now() + pause(failures));
                    failures += 1;
                } else {
                    failures = 0;
                    shared.busy.store(false, Ordering::Release);
                }
                own = Some(Own {
                    round,
                    result: decided.result,
                    cost: decided.stats.duration,
                });
            }
            Ok(Message::Decided(active)) => {
                if let Some(own) = own.take().filter(|own| own.round.number == active.round) {
                    compare(&mut shared.status(), &own, &active);
                }
            }
        }
    }
}

/// The round as the shadow sees it.
fn seen(round: &Arc<Round>, missed: &[Arc<Round>], tables: Option<Box<Delta>>) -> Arc<Round> {
    match tables {
        Some(tables) => Arc::new(Round {
            delta: *tables,
            ..Round::clone(round)
        }),
        None if missed.is_empty() => Arc::clone(round),
        None => Arc::new(round.after(missed)),
    }
}

fn pause(failures: u32) -> Duration {
    let (first, longest) = REST;
    first.saturating_mul(1 << failures.min(16)).min(longest)
}

/// What the shadow decided.
struct Own {
    round: Arc<Round>,
    result: Result<Answer, Failure>,
    cost: Duration,
}

fn compare(status: &mut api::ShadowStatus, own: &Own, active: &Active) {
    status.rounds += 1;
    status.active_busy += active.cost.as_secs_f64();
    status.busy += own.cost.as_secs_f64();
    match &own.result {
        Ok(answer) => {
            status.placed += tasks(answer);
            status.refused += Bounds::of(&own.round).refused(answer);
        }
        Err(failure) => {
            status.failures += 1;
            status.last_failure = Some(failure.to_string());
        }
    }
    if let Ok(answer) = &active.result {
        status.active_placed += tasks(answer);
    }
    if agree(&active.result, &own.result) {
        status.agreed += 1;
    } else if status.first_divergence.is_none() {
        status.first_divergence = Some(api::Divergence {
            round: active.round,
            at: own.round.now.0 / 1_000_000,
            active: shown(&active.result),
            shadow: shown(&own.result),
        });
    }
}

/// What decisions about a round must respect.
struct Bounds {
    offers: HashMap<OfferHandle, Amounts>,
    sets: HashMap<SetHandle, (Amounts, u32)>,
}

impl Bounds {
    fn of(round: &Round) -> Self {
        Self {
            offers: round
                .offers
                .iter()
                .map(|offer| (offer.handle, offer.usable))
                .collect(),
            sets: round
                .waiting
                .iter()
                .map(|set| (set.set, (set.needs, set.count)))
                .collect(),
        }
    }

    /// How many placements could not be carried out.
    fn refused(mut self, answer: &Answer) -> u64 {
        let mut refused = 0;
        for placement in &answer.placements {
            let room = self.offers.get_mut(&placement.offer);
            let set = self.sets.get_mut(&placement.set);
            let (Some(room), Some((needs, left))) = (room, set) else {
                refused += 1;
                continue;
            };
            for _ in 0..placement.count {
                if *left == 0 || !needs.fits_in(room) {
                    refused += 1;
                    break;
                }
                *left -= 1;
                room.cpus -= needs.cpus;
                room.mem -= needs.mem;
                room.disk -= needs.disk;
                room.gpus -= needs.gpus;
                room.ports -= needs.ports;
            }
        }
        refused
    }
}

fn tasks(answer: &Answer) -> u64 {
    answer.placements.iter().map(|p| u64::from(p.count)).sum()
}

/// Whether two answers ask for the same, whatever their order and words.
fn agree(a: &Result<Answer, Failure>, b: &Result<Answer, Failure>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => wanted(a) == wanted(b),
        (Err(_), Err(_)) => true,
        _ => false,
    }
}

type Wanted<'a> = (
    BTreeMap<(OfferHandle, SetHandle), u32>,
    Vec<OfferHandle>,
    Vec<u32>,
    Vec<&'a Action>,
    bool,
);

fn wanted(answer: &Answer) -> Wanted<'_> {
    let mut placements = BTreeMap::new();
    for placement in &answer.placements {
        *placements
            .entry((placement.offer, placement.set))
            .or_default() += placement.count;
    }
    let mut declines: Vec<OfferHandle> = answer.declines.iter().map(|d| d.offer).collect();
    declines.sort();
    let mut kills: Vec<u32> = answer.kills.iter().map(|kill| kill.task.0).collect();
    kills.sort_unstable();
    let actions = answer.actions.iter().map(|(action, _)| action).collect();
    (placements, declines, kills, actions, answer.rest.is_some())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use offerd_core::policy::PolicyEvent;
    use offerd_policy::{CallStats, Decided};

    use super::*;

    /// Shows what it sees; traps in round 3.
    struct Candidate(std::sync::mpsc::Sender<Arc<Round>>);

    impl PolicyCode for Candidate {
        fn decide(&mut self, round: Arc<Round>) -> Decided {
            let decided = Decided {
                round: round.number,
                result: match round.number {
                    3 => Err(Failure::Trap("on demand".to_owned())),
                    _ => Ok(Answer::default()),
                },
                stats: CallStats::default(),
            };
            self.0.send(round).unwrap();
            decided
        }
    }

    fn told(number: u32) -> Arc<Round> {
        Arc::new(Round {
            number,
            now: offerd_core::Instant::from_millis(u64::from(number)),
            offers: Vec::new(),
            fresh_from: OfferHandle(number),
            waiting: Vec::new(),
            updates: Vec::new(),
            rescinded: Vec::new(),
            events: vec![PolicyEvent::Timer(number)],
            delta: Delta::default(),
        })
    }

    fn active(round: u32) -> Message {
        Message::Decided(Arc::new(Active {
            round,
            result: Ok(Answer::default()),
            cost: Duration::from_millis(1),
        }))
    }

    #[test]
    fn it_sees_what_it_missed_and_rests_when_it_was_ended() {
        let (messages, received) = channel();
        let (seen, shown) = channel();
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread =
            std::thread::spawn(move || run(Box::new(Candidate(seen)), &received, &of_thread));
        let show = |round, missed, tables| {
            shared.busy.store(true, Ordering::Release);
            let show = Message::Show {
                round,
                missed,
                tables,
            };
            messages.send(show).unwrap();
            shown.recv().unwrap()
        };
        let free = || {
            while shared.busy.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
        };

        let full = Box::new(Delta {
            reset: true,
            ..Delta::default()
        });
        assert!(show(told(2), Vec::new(), Some(full)).delta.reset);
        messages.send(active(2)).unwrap();
        free();

        show(told(3), Vec::new(), None);
        messages.send(active(3)).unwrap();
        free();
        assert!(
            shared.blank.load(Ordering::Acquire),
            "its next instance needs all tables"
        );

        let all = show(told(6), vec![told(4), told(5)], None);
        assert_eq!((all.number, all.fresh_from), (6, OfferHandle(4)));
        assert_eq!(all.events, [4, 5, 6].map(PolicyEvent::Timer));
        // The decision of a round that it was not shown means nothing to it.
        messages.send(active(5)).unwrap();
        show(told(7), Vec::new(), None);
        messages.send(active(7)).unwrap();
        drop(messages);
        thread.join().unwrap();
        let status = shared.status();
        assert_eq!((status.rounds, status.agreed, status.failures), (3, 2, 1));
        let divergence = status.first_divergence.as_ref().unwrap();
        assert_eq!(divergence.round, 3);
    }
}
