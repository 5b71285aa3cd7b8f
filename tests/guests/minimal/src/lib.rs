//! The smallest policy that does something: places each waiting task on the
//! first offer with room. Imports nothing and has no state; also the guest of
//! the host's benchmarks.

wit_bindgen::generate!({ path: "../../../wit", world: "policy" });

use offerd::policy::types::{Offer, Placement, Waiting};

struct Policy;

impl Guest for Policy {
    fn describe() -> Description {
        Description {
            name: "minimal".to_owned(),
            version: "1.2.3".to_owned(),
            summary: "First fit without anything else".to_owned(),
        }
    }

    fn configure(_config: String) -> Result<(), String> {
        Ok(())
    }

    fn decide(mut round: Round) -> Result<Answer, String> {
        let mut placements = Vec::new();
        for waiting in &round.waiting {
            let mut left = waiting.count;
            for offer in &mut round.offers {
                if left == 0 {
                    break;
                }
                let count = place(waiting, left, offer);
                if count > 0 {
                    left -= count;
                    placements.push(Placement {
                        offer: offer.offer,
                        set: waiting.set,
                        count,
                        reason: 0,
                    });
                }
            }
        }
        Ok(Answer {
            placements,
            declines: Vec::new(),
            kills: Vec::new(),
            actions: Vec::new(),
            rest: None,
            leftover: -1.0,
            reasons: Vec::new(),
        })
    }
}

/// Takes room for as many tasks as fit, at most `left`.
fn place(waiting: &Waiting, left: u32, offer: &mut Offer) -> u32 {
    if offer.role != waiting.role {
        return 0;
    }
    let mut count = 0;
    while count < left
        && offer.cpus >= waiting.cpus
        && offer.mem >= waiting.mem
        && offer.disk >= waiting.disk
        && offer.gpus >= waiting.gpus
        && offer.ports >= waiting.ports
    {
        offer.cpus -= waiting.cpus;
        offer.mem -= waiting.mem;
        offer.disk -= waiting.disk;
        offer.gpus -= waiting.gpus;
        offer.ports -= waiting.ports;
        count += 1;
    }
    count
}

export!(Policy);
