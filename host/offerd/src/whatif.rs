//! Experiments with a policy: what would it decide about a waiting task if
//! something were different? Each one is a fresh instance of the code at work and
//! a round made of the live and recent offers, altered in one thing.

use std::sync::Arc;

use offerd_core::Milli;
use offerd_core::ids::JobHandle;
use offerd_core::job::waiting_traits;
use offerd_core::policy::{Round, Waiting};
use offerd_core::resource::Amounts;
use offerd_policy::{Options, Policy, PolicyCode as _, Program};

use crate::admin::api::WhatIf;
use crate::report::chain;

/// Offers whose shortage is tried to be cured, nearest first.
const NEAREST: usize = 3;

/// What it takes to start the code at work once more.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) program: Program,
    pub(crate) options: Options,
}

/// Tries what might help. Blocks for a few calls of the policy.
pub(crate) fn experiment(subject: &Subject, job: JobHandle, round: &Round) -> WhatIf {
    let mut result = WhatIf::default();
    let Some(set) = round.waiting.iter().find(|set| set.job == job).copied() else {
        result.note = "the job has no waiting task in the policy's sight".to_owned();
        return result;
    };
    if round.offers.is_empty() {
        result.note = "there are no offers, live or recent, to try it with".to_owned();
        return result;
    }
    let lab = Lab {
        subject,
        set,
        round,
    };
    match lab.placed(|_, _| {}) {
        Ok(true) => {
            result.note =
                "as things are the policy would place it, on the offers of the latest time"
                    .to_owned();
            return result;
        }
        Ok(false) => {}
        Err(why) => {
            result.note = format!("the policy does not decide: {why}");
            return result;
        }
    }
    lab.smaller(&mut result);
    if set.traits & waiting_traits::CONSTRAINED != 0 {
        lab.attempt(
            &mut result,
            "without its placement constraints",
            |set, _| {
                set.traits &= !waiting_traits::CONSTRAINED;
            },
        );
    }
    let others: u32 = round
        .waiting
        .iter()
        .filter(|other| other.set != set.set && other.role == set.role)
        .map(|other| other.count)
        .fold(0, u32::saturating_add);
    if others > 0 {
        let text = format!("if the {others} other waiting tasks of its role were not there");
        lab.attempt(&mut result, &text, |set, others| {
            others.retain(|other| other.role != set.role);
        });
    }
    let highest = round.waiting.iter().map(|w| w.priority).max().unwrap_or(0);
    if highest > set.priority {
        let text = format!("with priority {}", highest.saturating_add(1));
        lab.attempt(&mut result, &text, |set, _| {
            set.priority = highest.saturating_add(1);
        });
    }
    if result.would_help.is_empty() {
        result.note = "nothing that was tried would get it placed".to_owned();
    }
    result
}

struct Lab<'a> {
    subject: &'a Subject,
    set: Waiting,
    round: &'a Round,
}

impl Lab<'_> {
    /// Whether the policy places at least one task of the set, as altered.
    fn placed(&self, alter: impl FnOnce(&mut Waiting, &mut Vec<Waiting>)) -> Result<bool, String> {
        let mut set = self.set;
        let mut others = self.round.waiting.clone();
        others.retain(|other| other.set != set.set);
        alter(&mut set, &mut others);
        let mut waiting = others;
        waiting.push(set);
        // As the host shows them: larger priority first, older first.
        waiting.sort_by(|a, b| b.priority.cmp(&a.priority).then(a.since.cmp(&b.since)));
        let round = Round {
            waiting,
            ..self.round.clone()
        };
        let options = Options {
            now: round.now,
            ..self.subject.options.clone()
        };
        let mut policy =
            Policy::start(&self.subject.program, options).map_err(|error| chain(&error))?;
        let answer = policy
            .decide(Arc::new(round))
            .result
            .map_err(|e| e.to_string())?;
        Ok(answer
            .placements
            .iter()
            .any(|placement| placement.set == set.set && placement.count > 0))
    }

    fn attempt(
        &self,
        result: &mut WhatIf,
        text: &str,
        alter: impl FnOnce(&mut Waiting, &mut Vec<Waiting>),
    ) {
        match self.placed(alter) {
            Ok(true) => result.would_help.push(text.to_owned()),
            Ok(false) => result.would_not_help.push(text.to_owned()),
            Err(why) => result.would_not_help.push(format!("{text}: {why}")),
        }
    }

    /// With no more than what the nearest offers have.
    fn smaller(&self, result: &mut WhatIf) {
        let needs = self.set.needs;
        let mut short: Vec<Amounts> = self
            .round
            .offers
            .iter()
            .filter(|offer| offer.role == self.set.role && !needs.fits_in(&offer.usable))
            .map(|offer| least(&needs, &offer.usable))
            .collect();
        short.sort_by(|a, b| gap(&needs, a).total_cmp(&gap(&needs, b)));
        short.dedup();
        for smaller in short.into_iter().take(NEAREST) {
            let text = format!("with {}", less(&needs, &smaller));
            let before = result.would_help.len();
            self.attempt(result, &text, |set, _| set.needs = smaller);
            if result.would_help.len() > before {
                return;
            }
        }
    }
}

fn least(a: &Amounts, b: &Amounts) -> Amounts {
    Amounts {
        cpus: a.cpus.min(b.cpus),
        mem: a.mem.min(b.mem),
        disk: a.disk.min(b.disk),
        gpus: a.gpus.min(b.gpus),
        ports: a.ports.min(b.ports),
    }
}

/// The largest share of a resource that is given up.
fn gap(needs: &Amounts, smaller: &Amounts) -> f64 {
    let share = |need: i64, have: i64| {
        if need > 0 {
            (need - have) as f64 / need as f64
        } else {
            0.0
        }
    };
    [
        share(needs.cpus.0, smaller.cpus.0),
        share(needs.mem.0, smaller.mem.0),
        share(needs.disk.0, smaller.disk.0),
        share(needs.gpus.0, smaller.gpus.0),
        share(i64::from(needs.ports), i64::from(smaller.ports)),
    ]
    .into_iter()
    .fold(0.0, f64::max)
}

/// "128 MiB less memory (128 in place of 256)".
fn less(needs: &Amounts, smaller: &Amounts) -> String {
    let mut parts = Vec::new();
    for (name, unit, need, have) in [
        ("cpus", "", needs.cpus, smaller.cpus),
        ("mem", " MiB", needs.mem, smaller.mem),
        ("disk", " MiB", needs.disk, smaller.disk),
        ("gpus", "", needs.gpus, smaller.gpus),
    ] {
        if have < need {
            let gap = Milli(need.0 - have.0);
            parts.push(format!(
                "{gap}{unit} less {name} ({have} in place of {need})"
            ));
        }
    }
    if smaller.ports < needs.ports {
        let gap = needs.ports - smaller.ports;
        parts.push(format!(
            "{gap} fewer ports ({} in place of {})",
            smaller.ports, needs.ports
        ));
    }
    parts.join(" and ")
}
