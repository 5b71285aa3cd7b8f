//! Finds room for waiting tasks in the offers of a round, and keeps books on
//! what is left while placements are made.
//!
//! A search looks at few offers, not at all: offers stand in order in blocks
//! that know the most that is left in them, offers with no room for anything
//! that waits are dropped, and a need that found nothing once finds nothing
//! again. So a thousand offers and a thousand waiting sets cost little more
//! than reading both. The books live for one round.

mod allowances;
mod score;
mod shelf;

use allowances::Allowances;
use score::Score;
pub use score::Weights;
use shelf::{Keys, Shelf};

use crate::amounts::Amounts;
use crate::handles::{AgentHandle, OfferHandle};
use crate::map::Map;
use crate::types::{Offer, Round, Waiting};

/// So many failed needs are remembered in each group.
const HOPELESS: usize = 8;

/// Which of the offers that fit is taken first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order {
    /// The one that arrived first.
    Arrival,
    /// The one with the least room: best fit. Fills agents up and keeps others
    /// free for large tasks.
    Tightest(Weights),
    /// The one with the most room: spreads tasks.
    Roomiest(Weights),
}

/// Room for tasks on an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    pub offer: OfferHandle,
    pub agent: AgentHandle,
    /// Position of the offer in `round.offers`.
    pub at: usize,
    /// How many tasks; at least 1.
    pub count: u32,
}

impl From<&Spot> for OfferHandle {
    fn from(spot: &Spot) -> Self {
        spot.offer
    }
}

impl From<Spot> for OfferHandle {
    fn from(spot: Spot) -> Self {
        spot.offer
    }
}

impl From<&Spot> for AgentHandle {
    fn from(spot: &Spot) -> Self {
        spot.agent
    }
}

/// What is left of each offer of a round.
///
/// Knows roles (a task only goes to offers of its role) and placement
/// constraints (asks the host, once and for many agents at a time).
///
/// ```
/// # use offerd_sdk::prelude::*;
/// # fn decide(round: &Round, out: &mut Answer) {
/// let mut fitter = Fitter::new(round, Order::Arrival);
/// for set in &round.waiting {
///     for spot in fitter.fill(set) {
///         out.place(spot, set, spot.count).because("the first offer with room");
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Fitter<'r> {
    round: &'r Round,
    order: Order,
    /// By position in `round.offers`.
    left: Vec<Amounts>,
    /// Keys of the offers on the shelves, by position.
    keys: Vec<f64>,
    /// Index into `groups` by position; `usize::MAX`: on no shelf.
    group_of: Vec<usize>,
    groups: Vec<Group>,
    /// From role and group to index into `groups`.
    index: Map<u64, usize>,
    allowances: Allowances,
}

#[derive(Debug)]
struct Group {
    /// The least that any waiting set of the role needs, resource by resource.
    least: Amounts,
    score: Score,
    shelf: Shelf,
    /// Needs that found no room. Room only shrinks within a round.
    hopeless: Vec<Amounts>,
}

/// What waits in a role and what there is for it.
struct Role {
    role: u32,
    least: Amounts,
    most: Amounts,
    total: Amounts,
}

impl<'r> Fitter<'r> {
    /// All offers of a role in one order.
    pub fn new(round: &'r Round, order: Order) -> Self {
        Self::grouped(round, order, |_, _| Some(0))
    }

    /// Offers in groups, to search one group at a time with
    /// [`Self::next_in`]. `group` gets position and offer; offers for which it
    /// says `None` are left out. The same group number in two roles is two
    /// groups.
    pub fn grouped(
        round: &'r Round,
        order: Order,
        mut group: impl FnMut(usize, &Offer) -> Option<u32>,
    ) -> Self {
        let count = if round.waiting.is_empty() {
            0
        } else {
            round.offers.len()
        };
        let mut fitter = Self {
            round,
            order,
            left: round.offers.iter().map(Offer::amounts).collect(),
            keys: vec![0.0; count],
            group_of: vec![usize::MAX; count],
            groups: Vec::new(),
            index: Map::default(),
            allowances: Allowances::default(),
        };
        if count == 0 {
            return fitter;
        }
        let roles = roles(round);
        let mut sorted: Vec<Keys> = Vec::new();
        for (at, offer) in round.offers.iter().enumerate() {
            let Some(role) = roles.iter().find(|role| role.role == offer.role) else {
                continue;
            };
            let amounts = offer.amounts();
            if !amounts.fits(&role.least) {
                continue;
            }
            let Some(group) = group(at, offer) else {
                continue;
            };
            let index = *fitter
                .index
                .entry(group_key(offer.role, group))
                .or_insert_with(|| {
                    fitter.groups.push(Group {
                        least: role.least,
                        score: Score::new(order, &role.most, &role.total),
                        shelf: Shelf::default(),
                        hopeless: Vec::new(),
                    });
                    sorted.push(Keys::default());
                    fitter.groups.len() - 1
                });
            let (Some(group), Some(keys)) = (fitter.groups.get(index), sorted.get_mut(index))
            else {
                continue;
            };
            let key = key(order, &group.score, at, &amounts);
            keys.push(key, at);
            if let (Some(to), Some(of)) = (fitter.keys.get_mut(at), fitter.group_of.get_mut(at)) {
                *to = key;
                *of = index;
            }
        }
        for (group, keys) in fitter.groups.iter_mut().zip(sorted) {
            group.shelf = Shelf::new(keys, order != Order::Arrival, &fitter.left);
        }
        fitter
    }

    /// What is left of the offer at this position of `round.offers`.
    pub fn left(&self, at: usize) -> Amounts {
        self.left.get(at).copied().unwrap_or(Amounts::ZERO)
    }

    /// The offer that comes first in the order and has room for at least one
    /// task of the set. Takes nothing.
    pub fn next(&mut self, set: &Waiting) -> Option<Spot> {
        self.search(0, set, None)
    }

    /// As [`Self::next`], in one group.
    pub fn next_in(&mut self, group: u32, set: &Waiting) -> Option<Spot> {
        self.search(group, set, None)
    }

    /// As [`Self::next`], only of offers for which `good` holds.
    pub fn next_where(&mut self, set: &Waiting, good: &dyn Fn(&Offer) -> bool) -> Option<Spot> {
        self.search(0, set, Some(good))
    }

    /// Takes room for `count` tasks of the set at a spot.
    pub fn take(&mut self, spot: &Spot, set: &Waiting, count: u32) {
        let Some(left) = self.left.get_mut(spot.at) else {
            return;
        };
        *left = left.minus(&set.needs().times(count));
        if set.is_constrained() {
            self.allowances.take(set, spot.agent.0, count);
        }
        let group = self
            .group_of
            .get(spot.at)
            .and_then(|group| self.groups.get_mut(*group));
        let (Some(group), Some(old)) = (group, self.keys.get_mut(spot.at)) else {
            return;
        };
        let new = key(self.order, &group.score, spot.at, left);
        let stays = left.fits(&group.least);
        if new != *old || !stays {
            group.shelf.remove(*old, spot.at);
            *old = new;
            if stays {
                group.shelf.insert(new, spot.at, left);
            }
        }
    }

    /// Takes room for all tasks of the set, offer by offer, until all have a
    /// place or nothing fits. Stop early and the rest is not taken.
    pub fn fill<'f, 's>(&'f mut self, set: &'s Waiting) -> Fill<'f, 'r, 's> {
        let wanted = set.count;
        Fill {
            fitter: self,
            set,
            wanted,
            good: None,
        }
    }

    /// As [`Self::fill`], only on offers for which `good` holds.
    pub fn fill_where<'f, 's>(
        &'f mut self,
        set: &'s Waiting,
        good: &'s dyn Fn(&Offer) -> bool,
    ) -> Fill<'f, 'r, 's> {
        let wanted = set.count;
        Fill {
            fitter: self,
            set,
            wanted,
            good: Some(good),
        }
    }

    fn search(
        &mut self,
        group: u32,
        set: &Waiting,
        good: Option<&dyn Fn(&Offer) -> bool>,
    ) -> Option<Spot> {
        let index = *self.index.get(&group_key(set.role, group))?;
        let group = self.groups.get_mut(index)?;
        let need = set.needs();
        if group.hopeless.iter().any(|hopeless| need.fits(hopeless)) {
            return None;
        }
        let bounds = match self.order {
            Order::Arrival => (f64::NEG_INFINITY, f64::INFINITY),
            // An offer with less room by score than the need cannot fit it.
            Order::Tightest(_) => (group.score.of(&need), f64::INFINITY),
            Order::Roomiest(_) => (f64::NEG_INFINITY, -group.score.of(&need)),
        };
        let (round, allowances) = (self.round, &mut self.allowances);
        let plain = good.is_none() && !set.is_constrained();
        let found = group.shelf.find(&need, bounds, &self.left, |at| {
            plain
                || (good.is_none_or(|good| round.offers.get(at).is_some_and(good))
                    && allowances.left(round, set, at) > 0)
        });
        let Some(at) = found else {
            if plain && group.hopeless.len() < HOPELESS {
                group.hopeless.push(need);
            }
            return None;
        };
        let offer = round.offers.get(at)?;
        let count = self
            .left
            .get(at)?
            .capacity(&need)
            .min(allowances.left(round, set, at));
        Some(Spot {
            offer: offer.into(),
            agent: offer.into(),
            at,
            count,
        })
    }
}

/// Places for the tasks of one set; see [`Fitter::fill`].
pub struct Fill<'f, 'r, 's> {
    fitter: &'f mut Fitter<'r>,
    set: &'s Waiting,
    wanted: u32,
    good: Option<&'s dyn Fn(&Offer) -> bool>,
}

impl std::fmt::Debug for Fill<'_, '_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fill")
            .field("set", self.set)
            .field("wanted", &self.wanted)
            .finish()
    }
}

impl Iterator for Fill<'_, '_, '_> {
    type Item = Spot;

    fn next(&mut self) -> Option<Spot> {
        if self.wanted == 0 {
            return None;
        }
        let mut spot = self.fitter.search(0, self.set, self.good)?;
        spot.count = spot.count.min(self.wanted);
        self.fitter.take(&spot, self.set, spot.count);
        self.wanted -= spot.count;
        Some(spot)
    }
}

fn group_key(role: u32, group: u32) -> u64 {
    (u64::from(role) << 32) | u64::from(group)
}

/// Where an offer stands among the others of its group: smaller comes first.
fn key(order: Order, score: &Score, at: usize, left: &Amounts) -> f64 {
    match order {
        Order::Arrival => at as f64,
        Order::Tightest(_) => score.of(left),
        Order::Roomiest(_) => -score.of(left),
    }
}

/// The roles in which something waits.
fn roles(round: &Round) -> Vec<Role> {
    let mut roles: Vec<Role> = Vec::new();
    for set in &round.waiting {
        let need = set.needs();
        match roles.iter_mut().find(|role| role.role == set.role) {
            Some(role) => {
                role.least = role.least.min(&need);
                role.most = role.most.max(&need);
            }
            None => roles.push(Role {
                role: set.role,
                least: need,
                most: need,
                total: Amounts::ZERO,
            }),
        }
    }
    for offer in &round.offers {
        if let Some(role) = roles.iter_mut().find(|role| role.role == offer.role) {
            role.total += offer.amounts();
        }
    }
    roles
}

#[cfg(test)]
mod tests;
