//! Chooses which tasks die for others, and keeps what they leave for those.
//!
//! For each waiting task: the agent where the least is lost. It gets a claim on
//! that agent until it is placed there: what tasks of other sets would take is
//! kept free, nobody else dies for it, and what the dead leave counts as room
//! until Mesos offers it.

use std::cmp::Reverse;

use offerd_sdk::cluster;
use offerd_sdk::map::{Map, Set};
use offerd_sdk::prelude::*;

use crate::Settings;

/// How long after the last death Mesos may take to offer what is free.
const PATIENCE_MS: f64 = 10_000.0;

/// A role on an agent.
type Place = (u32, u32);

/// A task that waits for others to die.
#[derive(Debug)]
struct Claim {
    place: Place,
    set: u32,
    priority: i32,
    need: Amounts,
    /// Who dies for it, and what they leave.
    dying: Vec<(u32, Amounts)>,
    /// Void then. Put off while somebody dies.
    until: f64,
}

/// All claims, kept between rounds.
#[derive(Debug, Default)]
pub(crate) struct Claims(Vec<Claim>);

impl Claims {
    /// Drops claims of sets that wait no more, and of those whose time is over.
    pub(crate) fn refresh(&mut self, round: &Round, alive: &Set<u32>) {
        for claim in &mut self.0 {
            if claim.dying.iter().any(|(task, _)| alive.contains(task)) {
                claim.until = round.now + PATIENCE_MS;
            }
        }
        let mut waiting: Map<u32, u32> = round
            .waiting
            .iter()
            .map(|set| (set.set, set.count))
            .collect();
        self.0.retain(|claim| {
            let left = waiting.get_mut(&claim.set).filter(|left| **left > 0);
            let Some(left) = left.filter(|_| round.now < claim.until) else {
                return false;
            };
            *left -= 1;
            true
        });
    }

    /// Whether a set must leave an offer to others.
    pub(crate) fn bar(&self, set: &Waiting, offer: &Offer) -> bool {
        self.0.iter().any(|claim| {
            claim.place == (offer.role, offer.agent)
                && claim.set != set.set
                && claim.priority > set.priority
        })
    }

    /// Tasks of a set were placed: as many claims are met, those on the same
    /// agent first.
    pub(crate) fn met(&mut self, set: u32, agent: u32, count: u32) {
        for _ in 0..count {
            let here = self
                .0
                .iter()
                .position(|c| c.set == set && c.place.1 == agent);
            match here.or_else(|| self.0.iter().position(|claim| claim.set == set)) {
                Some(at) => {
                    self.0.remove(at);
                }
                None => return,
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When the next claim is void, in milliseconds from `now`.
    pub(crate) fn void_in(&self, now: f64) -> Option<f64> {
        self.0
            .iter()
            .map(|claim| claim.until - now)
            .min_by(f64::total_cmp)
    }

    fn of(&self, set: u32) -> u32 {
        let count = self.0.iter().filter(|claim| claim.set == set).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

/// What an agent could give to one role.
#[derive(Debug, Default)]
struct Room {
    /// Free now or as soon as those that die are dead, less what is claimed.
    free: Amounts,
    /// Tasks that may be killed: lowest priority first, newest first.
    victims: Vec<Task>,
}

/// Where a waiting task could go.
struct Choice {
    place: Place,
    /// So many of the first victims must die.
    victims: usize,
    /// Highest priority among them, then their number: less is better.
    loss: (i32, usize),
}

/// The books of one round.
#[derive(Debug)]
pub(crate) struct Preemption<'a> {
    settings: &'a Settings,
    claims: &'a mut Claims,
    now: f64,
    /// In order of first mention.
    rooms: Vec<(Place, Room)>,
    kills_left: u32,
}

impl<'a> Preemption<'a> {
    pub(crate) fn new(
        settings: &'a Settings,
        claims: &'a mut Claims,
        round: &Round,
        tasks: Vec<Task>,
        fitter: &Fitter<'_>,
    ) -> Self {
        let mut books = Books::default();
        for (at, offer) in round.offers.iter().enumerate() {
            books.room((offer.role, offer.agent)).free += fitter.left(at);
        }
        let alive: Set<u32> = tasks.iter().map(|task| task.task).collect();
        let mut dying = 0;
        for task in tasks {
            let room = books.room((task.role, task.agent));
            if task.is_being_killed() {
                dying += 1;
                room.free += task.amounts();
            } else if task.job != u32::MAX {
                // Only tasks of jobs wait again when they are killed.
                room.victims.push(task);
            }
        }
        for claim in &claims.0 {
            let room = books.room(claim.place);
            for (task, left) in &claim.dying {
                if !alive.contains(task) {
                    room.free += *left;
                }
            }
        }
        for claim in &claims.0 {
            let room = books.room(claim.place);
            room.free = room.free.minus(&claim.need);
        }
        for (_, room) in &mut books.rooms {
            room.victims
                .sort_by_key(|task| (task.priority, Reverse(task.task)));
        }
        Self {
            settings,
            claims,
            now: round.now,
            rooms: books.rooms,
            kills_left: settings.at_once.saturating_sub(dying),
        }
    }

    /// Kills for up to `count` tasks of a set, less those that have a claim.
    pub(crate) fn make_room(&mut self, set: &Waiting, count: u32, out: &mut Answer) {
        let allowed = self.allowed(set);
        let mut taken: Map<u32, u32> = Map::default();
        for _ in self.claims.of(set.set)..count {
            let choice = self
                .rooms
                .iter()
                .filter(|((role, agent), _)| {
                    let limit = allowed.get(agent).copied().unwrap_or(u32::MAX);
                    *role == set.role && taken.get(agent).copied().unwrap_or(0) < limit
                })
                .filter_map(|(place, room)| self.choice(*place, room, set))
                .min_by_key(|choice| choice.loss);
            let Some(choice) = choice else {
                return;
            };
            self.carry_out(&choice, set, out);
            *taken.entry(choice.place.1).or_insert(0) += 1;
        }
    }

    /// How many tasks of a constrained set each agent may take.
    fn allowed(&self, set: &Waiting) -> Map<u32, u32> {
        if !set.is_constrained() {
            return Map::default();
        }
        let agents: Vec<u32> = self.rooms.iter().map(|((_, agent), _)| *agent).collect();
        let allowed = cluster::allowed(set, &agents);
        agents.into_iter().zip(allowed).collect()
    }

    fn choice(&self, place: Place, room: &Room, set: &Waiting) -> Option<Choice> {
        let need = set.needs();
        let mut free = room.free;
        let mut victims = 0;
        let mut highest = i32::MIN;
        while !free.fits(&need) {
            let next = room.victims.get(victims)?;
            if next.priority > set.priority.saturating_sub(self.settings.gap) {
                return None;
            }
            free += next.amounts();
            highest = next.priority;
            victims += 1;
        }
        let affordable = u32::try_from(victims).is_ok_and(|victims| victims <= self.kills_left);
        affordable.then_some(Choice {
            place,
            victims,
            loss: (highest, victims),
        })
    }

    fn carry_out(&mut self, choice: &Choice, set: &Waiting, out: &mut Answer) {
        let found = self
            .rooms
            .iter_mut()
            .find(|(place, _)| *place == choice.place);
        let Some((_, room)) = found else {
            return;
        };
        let mut dying = Vec::new();
        for task in room.victims.drain(..choice.victims) {
            room.free += task.amounts();
            self.kills_left = self.kills_left.saturating_sub(1);
            dying.push((task.task, task.amounts()));
            out.kill(&task).because(format!(
                "makes room for a task of priority {}, its own is {}",
                set.priority, task.priority
            ));
        }
        room.free = room.free.minus(&set.needs());
        self.claims.0.push(Claim {
            place: choice.place,
            set: set.set,
            priority: set.priority,
            need: set.needs(),
            dying,
            until: self.now + PATIENCE_MS,
        });
    }
}

#[derive(Debug, Default)]
struct Books {
    rooms: Vec<(Place, Room)>,
    index: Map<Place, usize>,
}

impl Books {
    fn room(&mut self, place: Place) -> &mut Room {
        let next = self.rooms.len();
        let index = *self.index.entry(place).or_insert(next);
        if index == next {
            self.rooms.push((place, Room::default()));
        }
        #[expect(
            clippy::indexing_slicing,
            reason = "the index is at most the last position"
        )]
        &mut self.rooms[index].1
    }
}
