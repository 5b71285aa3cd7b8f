//! How many tasks of a constrained set an agent may still take. Asks the host
//! for many agents at a time, and only for sets and agents that come into
//! question.

use std::collections::hash_map::Entry;

use crate::cluster;
use crate::map::Map;
use crate::types::{Round, Waiting};

/// Agents in the first question about a set; the next ones are twice as large.
/// A set whose constraints are loose mostly needs one small question.
const FIRST_WINDOW: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Allowances {
    sets: Map<u32, Allowance>,
}

#[derive(Debug)]
struct Allowance {
    window: usize,
    /// By agent. A number that has no bound stays `u32::MAX`.
    left: Map<u32, u32>,
}

impl Allowances {
    /// How many more tasks of the set the agent of the offer at this position
    /// may take.
    pub(super) fn left(&mut self, round: &Round, set: &Waiting, at: usize) -> u32 {
        if !set.is_constrained() {
            return u32::MAX;
        }
        let Some(agent) = round.offers.get(at).map(|offer| offer.agent) else {
            return 0;
        };
        let known = self.sets.entry(set.set).or_insert_with(|| Allowance {
            window: FIRST_WINDOW,
            left: Map::default(),
        });
        if let Some(left) = known.left.get(&agent) {
            return *left;
        }
        let mut agents = Vec::with_capacity(known.window);
        for offer in round
            .offers
            .iter()
            .skip(at)
            .filter(|offer| offer.role == set.role)
        {
            if agents.len() >= known.window {
                break;
            }
            if let Entry::Vacant(unknown) = known.left.entry(offer.agent) {
                unknown.insert(0);
                agents.push(offer.agent);
            }
        }
        known.window *= 2;
        for (agent, allowed) in agents.iter().zip(cluster::allowed(set, &agents)) {
            known.left.insert(*agent, allowed);
        }
        known.left.get(&agent).copied().unwrap_or(0)
    }

    pub(super) fn take(&mut self, set: &Waiting, agent: u32, count: u32) {
        let left = self
            .sets
            .get_mut(&set.set)
            .and_then(|known| known.left.get_mut(&agent));
        if let Some(left) = left.filter(|left| **left != u32::MAX) {
            *left = left.saturating_sub(count);
        }
    }
}
