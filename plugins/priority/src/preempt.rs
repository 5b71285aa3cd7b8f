//! Chooses which tasks die for others.
//!
//! For each waiting task: the agent where the least is lost. What is being
//! killed already counts as room, so that a task is not killed for twice.

use std::cmp::Reverse;

use offerd_sdk::cluster;
use offerd_sdk::map::Map;
use offerd_sdk::prelude::*;

use crate::Settings;

/// What an agent could give to one role.
#[derive(Debug, Default)]
struct Place {
    /// Free now or as soon as kills are done.
    room: Amounts,
    /// Tasks that may be killed: lowest priority first, newest first.
    victims: Vec<Task>,
}

/// Where a waiting task could go.
struct Choice {
    place: (u32, u32),
    /// So many of the first victims must die.
    victims: usize,
    /// Highest priority among them, then their number: less is better.
    loss: (i32, usize),
}

/// The books of one round.
#[derive(Debug)]
pub(crate) struct Preemption<'a> {
    settings: &'a Settings,
    /// By role and agent, in order of first mention.
    places: Vec<((u32, u32), Place)>,
    kills_left: u32,
}

impl<'a> Preemption<'a> {
    pub(crate) fn new(settings: &'a Settings, round: &Round, fitter: &Fitter<'_>) -> Self {
        let mut books = Books::default();
        for (at, offer) in round.offers.iter().enumerate() {
            books.place(offer.role, offer.agent).room += fitter.left(at);
        }
        let mut dying = 0;
        for task in cluster::tasks() {
            let place = books.place(task.role, task.agent);
            if task.is_being_killed() {
                dying += 1;
                place.room += task.amounts();
            } else if task.job != u32::MAX {
                // Only tasks of jobs wait again when they are killed.
                place.victims.push(task);
            }
        }
        for (_, place) in &mut books.places {
            place
                .victims
                .sort_by_key(|task| (task.priority, Reverse(task.task)));
        }
        Self {
            settings,
            places: books.places,
            kills_left: settings.at_once.saturating_sub(dying),
        }
    }

    /// Kills for up to `count` tasks of a set.
    pub(crate) fn make_room(&mut self, set: &Waiting, count: u32, out: &mut Answer) {
        let allowed = self.allowed(set);
        let mut taken: Map<u32, u32> = Map::default();
        for _ in 0..count {
            let choice = self
                .places
                .iter()
                .filter(|((role, agent), _)| {
                    let limit = allowed.get(agent).copied().unwrap_or(u32::MAX);
                    *role == set.role && taken.get(agent).copied().unwrap_or(0) < limit
                })
                .filter_map(|(at, place)| self.choice(*at, place, set))
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
        let agents: Vec<u32> = self.places.iter().map(|((_, agent), _)| *agent).collect();
        let allowed = cluster::allowed(set, &agents);
        agents.into_iter().zip(allowed).collect()
    }

    fn choice(&self, at: (u32, u32), place: &Place, set: &Waiting) -> Option<Choice> {
        let need = set.needs();
        let mut room = place.room;
        let mut victims = 0;
        let mut highest = i32::MIN;
        while !room.fits(&need) {
            let next = place.victims.get(victims)?;
            if next.priority > set.priority.saturating_sub(self.settings.gap) {
                return None;
            }
            room += next.amounts();
            highest = next.priority;
            victims += 1;
        }
        let affordable = u32::try_from(victims).is_ok_and(|victims| victims <= self.kills_left);
        affordable.then_some(Choice {
            place: at,
            victims,
            loss: (highest, victims),
        })
    }

    fn carry_out(&mut self, choice: &Choice, set: &Waiting, out: &mut Answer) {
        let Some((_, place)) = self.places.iter_mut().find(|(at, _)| *at == choice.place) else {
            return;
        };
        for task in place.victims.drain(..choice.victims) {
            place.room += task.amounts();
            self.kills_left = self.kills_left.saturating_sub(1);
            out.kill(&task).because(format!(
                "makes room for a task of priority {}, its own is {}",
                set.priority, task.priority
            ));
        }
        place.room = place.room.minus(&set.needs());
    }
}

#[derive(Debug, Default)]
struct Books {
    places: Vec<((u32, u32), Place)>,
    index: Map<(u32, u32), usize>,
}

impl Books {
    fn place(&mut self, role: u32, agent: u32) -> &mut Place {
        let at = (role, agent);
        let next = self.places.len();
        let index = *self.index.entry(at).or_insert(next);
        if index == next {
            self.places.push((at, Place::default()));
        }
        // The index was made right here.
        #[expect(
            clippy::indexing_slicing,
            reason = "index is at most the last position"
        )]
        &mut self.places[index].1
    }
}
