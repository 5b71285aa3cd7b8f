//! The offers that live, and how long they may be kept.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

use foldhash::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::Instant;
use crate::ids::{AgentHandle, AgentId, InverseOfferHandle, OfferHandle, OfferId, RoleHandle};
use crate::offer::{Agent, AgentInfo, InverseOffer, InverseOfferInfo, Offer, OfferInfo};
use crate::resource::Amounts;

/// Agents that were ever seen. Handles are positions.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Agents {
    list: Vec<Arc<Agent>>,
    by_id: HashMap<AgentId, AgentHandle>,
    /// The most that one offer of the agent had, resource by resource; `None` for one
    /// that has offered nothing or was removed.
    most: Vec<Option<Amounts>>,
}

impl Agents {
    /// The agent's handle, and whether policies must hear of it (it is new, or
    /// has other attributes than before).
    pub(super) fn see(&mut self, info: &AgentInfo) -> (AgentHandle, bool) {
        if let Some(handle) = self.by_id.get(&info.id) {
            if let Some(known) = self.list.get_mut(handle.0 as usize)
                && known.info != *info
            {
                *known = Arc::new(Agent {
                    handle: *handle,
                    info: info.clone(),
                });
                return (*handle, true);
            }
            return (*handle, false);
        }
        let handle = AgentHandle(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        self.list.push(Arc::new(Agent {
            handle,
            info: info.clone(),
        }));
        self.by_id.insert(info.id.clone(), handle);
        (handle, true)
    }

    /// For agents that were named without an offer; all that is known is the id.
    pub(super) fn see_id(&mut self, id: &AgentId) -> (AgentHandle, bool) {
        match self.by_id.get(id) {
            Some(handle) => (*handle, false),
            None => self.see(&AgentInfo {
                id: id.clone(),
                hostname: "".into(),
                region: None,
                zone: None,
                attributes: Vec::new(),
            }),
        }
    }

    pub(super) fn get(&self, handle: AgentHandle) -> Option<&Arc<Agent>> {
        self.list.get(handle.0 as usize)
    }

    pub(super) fn all(&self) -> &[Arc<Agent>] {
        &self.list
    }

    pub(super) fn note_offer(&mut self, agent: AgentHandle, usable: &Amounts) {
        let position = agent.0 as usize;
        if self.most.len() <= position {
            self.most.resize(position + 1, None);
        }
        if let Some(most) = self.most.get_mut(position) {
            *most = Some(most.unwrap_or_default().max(usable));
        }
    }

    /// The agent was removed: what needs a place is no longer compared with it. (Its
    /// handle stays, and so does its name for those who ask about old tasks.)
    pub(super) fn note_removed(&mut self, agent: AgentHandle) {
        if let Some(most) = self.most.get_mut(agent.0 as usize) {
            *most = None;
        }
    }

    /// Those that have offered something and are there.
    pub(super) fn offering(&self) -> impl Iterator<Item = &Arc<Agent>> {
        let there = self.list.iter().zip(&self.most);
        there.filter_map(|(agent, most)| most.as_ref().map(|_| agent))
    }

    /// Why no agent has ever offered enough for these needs; `None` if one has,
    /// or if there was no offer yet.
    pub(super) fn too_large(&self, needs: &Amounts) -> Option<String> {
        let mut offered = self.most.iter().flatten();
        let first = *offered.next()?;
        if self.most.iter().flatten().any(|most| needs.fits_in(most)) {
            return None;
        }
        let most = offered.fold(first, |all, most| all.max(most));
        Some(match needs.shortage(&most) {
            Some(shortage) => format!("larger than any offer so far ({shortage})"),
            None => "larger than any offer so far: no single agent had all that it needs".into(),
        })
    }
}

/// Live offers of one session.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Offers {
    live: BTreeMap<OfferHandle, Arc<Offer>>,
    by_id: HashMap<OfferId, OfferHandle>,
    /// In order of their end, since all leases are equally long.
    leases: VecDeque<(Instant, OfferHandle)>,
    /// How many there are of each role, by its handle.
    of_role: Vec<usize>,
    inverse: BTreeMap<InverseOfferHandle, (Arc<InverseOffer>, Instant)>,
    next: u32,
    next_inverse: u32,
}

impl Offers {
    pub(super) fn add(
        &mut self,
        info: OfferInfo,
        agent: AgentHandle,
        role: RoleHandle,
        now: Instant,
        lease: Duration,
    ) -> Arc<Offer> {
        let handle = OfferHandle(self.next);
        self.next = self.next.wrapping_add(1);
        let usable = Amounts::usable(&info.resources);
        let traits = info.traits();
        let offer = Arc::new(Offer {
            handle,
            agent,
            role,
            usable,
            traits,
            since: now,
            info,
        });
        self.by_id.insert(offer.info.id.clone(), handle);
        self.live.insert(handle, Arc::clone(&offer));
        self.leases.push_back((now + lease, handle));
        let position = role.0 as usize;
        if self.of_role.len() <= position {
            self.of_role.resize(position + 1, 0);
        }
        if let Some(count) = self.of_role.get_mut(position) {
            *count += 1;
        }
        offer
    }

    pub(super) fn get(&self, handle: OfferHandle) -> Option<&Arc<Offer>> {
        self.live.get(&handle)
    }

    /// Handle of the next offer to come.
    pub(super) fn next_handle(&self) -> OfferHandle {
        OfferHandle(self.next)
    }

    pub(super) fn remove(&mut self, handle: OfferHandle) -> Option<Arc<Offer>> {
        let offer = self.live.remove(&handle)?;
        self.by_id.remove(&offer.info.id);
        if let Some(count) = self.of_role.get_mut(offer.role.0 as usize) {
            *count = count.saturating_sub(1);
        }
        Some(offer)
    }

    pub(super) fn find(&self, id: &OfferId) -> Option<OfferHandle> {
        self.by_id.get(id).copied()
    }

    /// In order of arrival.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Offer>> {
        self.live.values()
    }

    /// Those with this handle or a larger one, in order of arrival.
    pub(super) fn from(&self, handle: OfferHandle) -> impl Iterator<Item = &Arc<Offer>> {
        self.live.range(handle..).map(|(_, offer)| offer)
    }

    pub(super) fn len(&self) -> usize {
        self.live.len()
    }

    pub(super) fn len_of_role(&self, role: RoleHandle) -> usize {
        self.of_role.get(role.0 as usize).copied().unwrap_or(0)
    }

    /// Offers whose lease has ended; they stay in the books till removed.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<OfferHandle> {
        let mut overdue = Vec::new();
        while let Some((end, handle)) = self.leases.front().copied() {
            let live = self.live.contains_key(&handle);
            if live && end > now {
                break;
            }
            self.leases.pop_front();
            if live {
                overdue.push(handle);
            }
        }
        overdue
    }

    /// When the next lease ends. May name a moment at which nothing ends.
    pub(super) fn next_lease(&self) -> Option<Instant> {
        let offer = self
            .leases
            .front()
            .map(|(end, _)| *end)
            .filter(|_| !self.live.is_empty());
        let inverse = self.inverse.values().map(|(_, end)| *end).min();
        super::io::earliest(offer, inverse)
    }

    pub(super) fn add_inverse(
        &mut self,
        info: InverseOfferInfo,
        agent: AgentHandle,
        now: Instant,
        lease: Duration,
    ) -> Arc<InverseOffer> {
        let handle = InverseOfferHandle(self.next_inverse);
        self.next_inverse = self.next_inverse.wrapping_add(1);
        let offer = Arc::new(InverseOffer {
            handle,
            agent,
            info,
        });
        self.inverse
            .insert(handle, (Arc::clone(&offer), now + lease));
        offer
    }

    pub(super) fn inverse(&self, handle: InverseOfferHandle) -> Option<&InverseOffer> {
        self.inverse.get(&handle).map(|(offer, _)| offer.as_ref())
    }

    pub(super) fn remove_inverse(
        &mut self,
        handle: InverseOfferHandle,
    ) -> Option<Arc<InverseOffer>> {
        self.inverse.remove(&handle).map(|(offer, _)| offer)
    }

    pub(super) fn remove_inverse_by_id(&mut self, id: &OfferId) -> Option<Arc<InverseOffer>> {
        let handle = self
            .inverse
            .values()
            .find(|(o, _)| o.info.id == *id)
            .map(|(o, _)| o.handle)?;
        self.remove_inverse(handle)
    }

    pub(super) fn overdue_inverse(&mut self, now: Instant) -> Vec<Arc<InverseOffer>> {
        let handles: Vec<_> = self
            .inverse
            .iter()
            .filter(|(_, (_, end))| *end <= now)
            .map(|(handle, _)| *handle)
            .collect();
        handles
            .into_iter()
            .filter_map(|handle| self.remove_inverse(handle))
            .collect()
    }

    /// The session ended: all are void (R23). Handles go on counting.
    pub(super) fn clear(&mut self) {
        self.live.clear();
        self.by_id.clear();
        self.leases.clear();
        self.of_role.clear();
        self.inverse.clear();
    }
}
