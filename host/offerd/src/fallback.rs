//! What decides when a policy cannot: code of the host that is always there.

use std::sync::Arc;

use offerd_core::job::waiting_traits;
use offerd_core::policy::{Answer, DeclineRest, Millis, Placement, Round};
use offerd_core::resource::Amounts;
use offerd_policy::{CallStats, Decided, PolicyCode};
use serde::{Deserialize, Serialize};

/// `fallback` of a `[[policy]]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fallback {
    /// All offers go back; tasks that run go on.
    #[default]
    Decline,
    /// Each waiting task to the first offer with room.
    FirstFit,
}

impl Fallback {
    pub(crate) const NAMES: [&str; 2] = ["decline", "first-fit"];

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "decline" => Some(Self::Decline),
            "first-fit" => Some(Self::FirstFit),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Decline => "decline",
            Self::FirstFit => "first-fit",
        }
    }
}

impl PolicyCode for Fallback {
    fn decide(&mut self, round: Arc<Round>) -> Decided {
        let mut answer = Answer {
            rest: Some(DeclineRest {
                refuse: Millis::HOSTS_CHOICE,
                reason: 1,
            }),
            reasons: vec![format!("the fallback '{}' decides", self.name())],
            ..Answer::default()
        };
        if *self == Self::FirstFit {
            answer.placements = first_fit(&round);
        }
        Decided {
            round: round.number,
            result: Ok(answer),
            stats: CallStats::default(),
        }
    }
}

/// Placement constraints are left to the machine, which refuses what they do not
/// allow: of a constrained job one task goes to each offer.
fn first_fit(round: &Round) -> Vec<Placement> {
    let mut left: Vec<Amounts> = round.offers.iter().map(|offer| offer.usable).collect();
    let mut placements = Vec::new();
    for set in &round.waiting {
        let constrained = set.traits & waiting_traits::CONSTRAINED != 0;
        let mut wanted = set.count;
        for (offer, left) in round.offers.iter().zip(&mut left) {
            if wanted == 0 {
                break;
            }
            if offer.role != set.role {
                continue;
            }
            let mut count = 0;
            while count < wanted && set.needs.fits_in(left) {
                take(left, &set.needs);
                count += 1;
                if constrained {
                    break;
                }
            }
            if count > 0 {
                wanted -= count;
                placements.push(Placement {
                    offer: offer.handle,
                    set: set.set,
                    count,
                    reason: 1,
                });
            }
        }
    }
    placements
}

fn take(left: &mut Amounts, needs: &Amounts) {
    left.cpus -= needs.cpus;
    left.mem -= needs.mem;
    left.disk -= needs.disk;
    left.gpus -= needs.gpus;
    left.ports = left.ports.saturating_sub(needs.ports);
}
