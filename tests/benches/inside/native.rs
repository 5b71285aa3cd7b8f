//! The guest `minimal` again, compiled into the host and working on its own
//! structs: what a policy costs without WebAssembly.

use std::sync::Arc;

use offerd_core::policy::{Answer, Placement, Round};
use offerd_core::resource::Amounts;
use offerd_policy::{CallStats, Decided, PolicyCode};

pub(crate) struct Native;

impl PolicyCode for Native {
    fn decide(&mut self, round: Arc<Round>) -> Decided {
        let mut left: Vec<Amounts> = round.offers.iter().map(|offer| offer.usable).collect();
        let mut answer = Answer::default();
        for set in &round.waiting {
            let mut wanted = set.count;
            for (offer, left) in round.offers.iter().zip(&mut left) {
                if wanted == 0 {
                    break;
                }
                let mut count = 0;
                while offer.role == set.role && count < wanted && set.needs.fits_in(left) {
                    left.cpus -= set.needs.cpus;
                    left.mem -= set.needs.mem;
                    left.disk -= set.needs.disk;
                    left.gpus -= set.needs.gpus;
                    left.ports -= set.needs.ports;
                    count += 1;
                }
                if count > 0 {
                    wanted -= count;
                    answer.placements.push(Placement {
                        offer: offer.handle,
                        set: set.set,
                        count,
                        reason: 0,
                    });
                }
            }
        }
        Decided {
            round: round.number,
            result: Ok(answer),
            stats: CallStats::default(),
        }
    }
}
