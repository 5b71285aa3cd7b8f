//! What became of offers that went, for those who ask why a task waits.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::ids::{OfferHandle, PolicyHandle, RoleHandle};
use crate::offer::Offer;
use crate::resource::Amounts;

use super::Machine;

/// Offers of a role that are remembered after they went.
const RECENT: usize = 256;

/// What became of an offer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Fate {
    Accepted {
        policy: PolicyHandle,
        round: u32,
        /// What the tasks left over.
        left: Amounts,
        /// The policy's words for the first of them.
        reason: Option<Arc<str>>,
    },
    Declined {
        policy: PolicyHandle,
        round: u32,
        reason: Option<Arc<str>>,
    },
    Rescinded,
    LeaseEnded,
    PolicyFailed,
    NobodyWaited,
    Claimed,
}

impl Fate {
    pub(super) fn told(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "tasks were launched on it",
            Self::Declined { .. } => "the policy declined it",
            Self::Rescinded => "Mesos took it back",
            Self::LeaseEnded => "the policy left it unanswered for too long",
            Self::PolicyFailed => "the policy failed",
            Self::NobodyWaited => "nobody waited then",
            Self::Claimed => "the policy held it while another role had no offer",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Gone {
    pub(super) offer: Arc<Offer>,
    pub(super) at: Instant,
    pub(super) fate: Fate,
}

impl Gone {
    /// What was left of it for others.
    pub(super) fn room(&self) -> Amounts {
        match self.fate {
            Fate::Accepted { left, .. } => left,
            _ => self.offer.usable,
        }
    }
}

/// The latest offers that went, of each role by its handle, so that a busy role does
/// not push out those of a quiet one.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Recent {
    of_role: Vec<VecDeque<Gone>>,
}

impl Recent {
    fn push(&mut self, gone: Gone) {
        let position = gone.offer.role.0 as usize;
        if self.of_role.len() <= position {
            self.of_role.resize_with(position + 1, VecDeque::new);
        }
        if let Some(recent) = self.of_role.get_mut(position) {
            if recent.len() >= RECENT {
                recent.pop_front();
            }
            recent.push_back(gone);
        }
    }

    /// Newest first.
    pub(super) fn of(&self, role: RoleHandle) -> impl Iterator<Item = &Gone> {
        let recent = self.of_role.get(role.0 as usize);
        recent.into_iter().flat_map(|recent| recent.iter().rev())
    }

    /// Newest first within each role.
    pub(super) fn all(&self) -> impl Iterator<Item = &Gone> {
        self.of_role.iter().flat_map(|recent| recent.iter().rev())
    }
}

impl Machine {
    /// Notes what becomes of an offer that is still in the books.
    pub(super) fn remember(&mut self, handle: OfferHandle, fate: Fate) {
        if let Some(offer) = self.offers.get(handle) {
            self.recent.push(Gone {
                offer: Arc::clone(offer),
                at: self.now,
                fate,
            });
        }
    }
}
