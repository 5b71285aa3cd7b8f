//! The thread of a shadow: it decides the rounds that are shown to it and compares
//! its decisions with those that count. All work is done here; the driver spends a
//! message on it, when the calls that came of the round are out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::HashMap;
use offerd_core::ids::{OfferHandle, RoleHandle, SetHandle};
use offerd_core::policy::{Action, Answer, Delta, Failure, Round};
use offerd_core::resource::Amounts;
use offerd_policy::PolicyCode;

use crate::admin::api;
use crate::replay::shown;

/// First and longest rest of one whose instance was ended.
const REST: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// Of a shadow's thread; 0 is that of all others, and 19 the least urgent.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// A round, once the decision that counts is on its way.
pub(crate) struct Shown {
    pub(super) round: Arc<Round>,
    /// Those before it that were not shown.
    pub(super) missed: Vec<Arc<Round>>,
    /// All tables, for one that knows nothing.
    pub(super) tables: Option<Box<Delta>>,
    /// The decision that counts, and what it cost.
    pub(super) active: Arc<Result<Answer, Failure>>,
    pub(super) active_cost: Duration,
}

/// What the thread and the driver both know.
#[derive(Default)]
pub(super) struct Shared {
    /// Rounds that were given to it and are not decided.
    pub(super) waiting: AtomicU32,
    /// Its instance was ended; it gets nothing for a while.
    pub(super) rests: AtomicBool,
    /// The next instance knows nothing.
    pub(super) blank: AtomicBool,
    /// Replaced after each round, so that nobody waits for it.
    status: Mutex<Arc<api::ShadowStatus>>,
}

impl Shared {
    pub(super) fn new(status: api::ShadowStatus) -> Self {
        Self {
            status: Mutex::new(Arc::new(status)),
            ..Self::default()
        }
    }

    pub(super) fn status(&self) -> Arc<api::ShadowStatus> {
        Arc::clone(&self.lock())
    }

    /// Nothing is ever half done in it.
    fn lock(&self) -> MutexGuard<'_, Arc<api::ShadowStatus>> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where cores are scarce, whoever decides comes first.
fn yield_to_others() {
    // Elsewhere a thread has no niceness of its own.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::warn!("a shadow runs at the priority of all others: {error}");
    }
}

/// Decides and compares until the other end of `rounds` is gone.
pub(super) fn run(mut code: Box<dyn PolicyCode>, rounds: &Receiver<Shown>, shared: &Shared) {
    yield_to_others();
    let mut status = api::ShadowStatus::clone(&shared.status());
    let mut knows_nothing = false;
    let mut failures = 0;
    let mut rest: Option<Instant> = None;
    loop {
        let next = match rest {
            None => rounds.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(end) => rounds.recv_timeout(end.saturating_duration_since(Instant::now())),
        };
        match next {
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                rest = None;
                shared.rests.store(false, Ordering::Release);
            }
            // Given to it before it was known that the instance was ended.
            Ok(shown) if knows_nothing && shown.tables.is_none() => {
                status.skipped += 1;
                *shared.lock() = Arc::new(status.clone());
                shared.waiting.fetch_sub(1, Ordering::AcqRel);
            }
            Ok(shown) => {
                let decided = code.decide(seen(&shown.round, &shown.missed, shown.tables));
                knows_nothing = decided.result.as_ref().is_err_and(Failure::ends_instance);
                if knows_nothing {
                    rest = Some(Instant::now() + pause(failures));
                    failures += 1;
                    shared.blank.store(true, Ordering::Release);
                    shared.rests.store(true, Ordering::Release);
                } else {
                    failures = 0;
                }
                status.active_busy += shown.active_cost.as_secs_f64();
                status.busy += decided.stats.duration.as_secs_f64();
                compare(&mut status, &shown.round, &decided.result, &shown.active);
                *shared.lock() = Arc::new(status.clone());
                shared.waiting.fetch_sub(1, Ordering::AcqRel);
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

fn compare(
    status: &mut api::ShadowStatus,
    round: &Round,
    own: &Result<Answer, Failure>,
    active: &Result<Answer, Failure>,
) {
    status.rounds += 1;
    match own {
        Ok(answer) => {
            status.placed += tasks(answer);
            status.refused += Bounds::of(round).refused(answer);
        }
        Err(failure) => {
            status.failures += 1;
            status.last_failure = Some(failure.to_string());
        }
    }
    if let Ok(answer) = active {
        status.active_placed += tasks(answer);
    }
    if agree(active, own) {
        status.agreed += 1;
    } else if status.first_divergence.is_none() {
        status.first_divergence = Some(api::Divergence {
            round: round.number,
            at: round.now.0 / 1_000_000,
            active: shown(active),
            shadow: shown(own),
        });
    }
}

/// What decisions about a round must respect.
pub(super) struct Bounds {
    offers: HashMap<OfferHandle, (RoleHandle, Amounts)>,
    sets: HashMap<SetHandle, (RoleHandle, Amounts, u32)>,
}

impl Bounds {
    pub(super) fn of(round: &Round) -> Self {
        Self {
            offers: round
                .offers
                .iter()
                .map(|offer| (offer.handle, (offer.role, offer.usable)))
                .collect(),
            sets: round
                .waiting
                .iter()
                .map(|set| (set.set, (set.role, set.needs, set.count)))
                .collect(),
        }
    }

    /// How many placements could not be carried out: unknown or of another role, or
    /// too large. Constraints are not looked at.
    pub(super) fn refused(mut self, answer: &Answer) -> u64 {
        let mut refused = 0;
        for placement in &answer.placements {
            let room = self.offers.get_mut(&placement.offer);
            let set = self.sets.get_mut(&placement.set);
            let (Some((of, room)), Some((role, needs, left))) = (room, set) else {
                refused += 1;
                continue;
            };
            if of != role {
                refused += 1;
                continue;
            }
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
        (Err(a), Err(b)) => a == b,
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

    const TRAPS: u32 = 6;

    /// Shows what it sees; traps in one round.
    struct Candidate(std::sync::mpsc::Sender<Arc<Round>>);

    impl PolicyCode for Candidate {
        fn decide(&mut self, round: Arc<Round>) -> Decided {
            let decided = Decided {
                round: round.number,
                result: match round.number {
                    TRAPS => Err(Failure::Trap("on demand".to_owned())),
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

    #[test]
    fn it_sees_what_it_missed_and_rests_when_it_was_ended() {
        let (rounds, received) = channel();
        let (seen, decided) = channel();
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread =
            std::thread::spawn(move || run(Box::new(Candidate(seen)), &received, &of_thread));
        let show = |round, missed, tables| {
            shared.waiting.fetch_add(1, Ordering::AcqRel);
            let shown = Shown {
                round,
                missed,
                tables,
                active: Arc::new(Ok(Answer::default())),
                active_cost: Duration::from_millis(1),
            };
            rounds.send(shown).unwrap();
        };
        let tables = || {
            Some(Box::new(Delta {
                reset: true,
                ..Delta::default()
            }))
        };

        show(told(2), Vec::new(), tables());
        assert!(decided.recv().unwrap().delta.reset);
        show(told(5), vec![told(3), told(4)], None);
        let all = decided.recv().unwrap();
        assert_eq!((all.number, all.fresh_from), (5, OfferHandle(3)));
        assert_eq!(all.events, [3, 4, 5].map(PolicyEvent::Timer));

        // It traps; what comes without tables then cannot be decided.
        show(told(TRAPS), Vec::new(), None);
        show(told(7), Vec::new(), None);
        assert_eq!(decided.recv().unwrap().number, TRAPS);
        while shared.waiting.load(Ordering::Acquire) > 0 || shared.rests.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        assert!(shared.blank.load(Ordering::Acquire));
        show(told(8), Vec::new(), tables());
        assert_eq!(decided.recv().unwrap().number, 8);

        drop(rounds);
        thread.join().unwrap();
        let status = shared.status();
        assert_eq!((status.rounds, status.agreed), (4, 3));
        assert_eq!((status.failures, status.skipped), (1, 1));
        assert_eq!(status.first_divergence.as_ref().unwrap().round, TRAPS);
    }
}
