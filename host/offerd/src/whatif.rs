//! Experiments with a policy: what would it decide about a waiting task if
//! something were different? Each one is a fresh instance of the code at work and
//! a round made of the live and recent offers, altered in one thing.

use std::sync::Arc;

use offerd_core::Milli;
use offerd_core::ids::JobHandle;
use offerd_core::job::{JobSpec, JobView, waiting_traits};
use offerd_core::machine::Experiment;
use offerd_core::policy::{Round, Waiting};
use offerd_core::resource::Amounts;
use offerd_policy::{Decided, Options, Policy, PolicyCode as _, Program, StartError};

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

impl Subject {
    /// What a fresh instance decides about a round.
    pub(crate) fn decide(&self, round: Arc<Round>) -> Result<Decided, StartError> {
        let options = Options {
            now: round.now,
            ..self.options.clone()
        };
        Ok(Policy::start(&self.program, options)?.decide(round))
    }
}

/// Tries what might help. Blocks for a few calls of the policy.
pub(crate) fn experiment(subject: &Subject, case: &Experiment) -> WhatIf {
    let mut result = WhatIf::default();
    let mut sets = case.round.waiting.iter();
    let Some(set) = sets.find(|set| set.job == case.job).copied() else {
        result.note = "the job has no waiting task in the policy's sight".to_owned();
        return result;
    };
    if case.round.offers.is_empty() && case.elsewhere.is_empty() {
        result.note = "there are no offers, live or recent, to try it with".to_owned();
        return result;
    }
    let lab = Lab { subject, set, case };
    match lab.placed(|_| {}) {
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
        let text = "without its placement constraints";
        lab.attempt(&mut result, text, |scene| {
            scene.set.traits &= !waiting_traits::CONSTRAINED;
            scene.free_of_constraints(case.job);
        });
    }
    let others: u32 = case
        .round
        .waiting
        .iter()
        .filter(|other| other.set != set.set && other.role == set.role)
        .map(|other| other.count)
        .fold(0, u32::saturating_add);
    if others > 0 {
        let text = format!("if the {others} other waiting tasks of its role were not there");
        lab.attempt(&mut result, &text, |scene| {
            scene.others.retain(|other| other.role != set.role);
        });
    }
    let highest = case.round.waiting.iter().map(|w| w.priority).max();
    let highest = highest.unwrap_or(0);
    if highest > set.priority {
        let text = format!("with priority {}", highest.saturating_add(1));
        lab.attempt(&mut result, &text, |scene| {
            scene.set.priority = highest.saturating_add(1);
        });
    }
    if !case.elsewhere.is_empty() {
        let text = "if its role were offered what other roles have or had on other agents";
        lab.attempt(&mut result, text, |scene| {
            // What it takes the place of may have been in the policy's sight too.
            let moved = |handle| case.elsewhere.iter().any(|offer| offer.handle == handle);
            scene.round.offers.retain(|offer| !moved(offer.handle));
            scene.round.offers.extend_from_slice(&case.elsewhere);
            scene.round.offers.sort_by_key(|offer| offer.handle);
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
    case: &'a Experiment,
}

/// What is altered before the policy decides.
struct Scene {
    set: Waiting,
    /// The other waiting sets.
    others: Vec<Waiting>,
    /// All but its waiting sets.
    round: Round,
}

impl Scene {
    /// The policy asks the host what constraints allow, so they go from there too.
    fn free_of_constraints(&mut self, job: JobHandle) {
        for view in &mut self.round.delta.jobs {
            if view.handle == job {
                let mut spec = JobSpec::clone(&view.spec);
                spec.constraints.clear();
                *view = Arc::new(JobView {
                    spec: Arc::new(spec),
                    ..JobView::clone(view)
                });
            }
        }
    }
}

impl Lab<'_> {
    /// Whether the policy places at least one task of the set, as altered.
    fn placed(&self, alter: impl FnOnce(&mut Scene)) -> Result<bool, String> {
        let mut scene = Scene {
            set: self.set,
            others: self.case.round.waiting.clone(),
            round: self.case.round.clone(),
        };
        scene.others.retain(|other| other.set != self.set.set);
        alter(&mut scene);
        let mut round = scene.round;
        round.waiting = scene.others;
        round.waiting.push(scene.set);
        // As the host shows them: larger priority first, older first.
        round
            .waiting
            .sort_by(|a, b| b.priority.cmp(&a.priority).then(a.since.cmp(&b.since)));
        let decided = self.subject.decide(Arc::new(round));
        let answer = decided
            .map_err(|error| chain(&error))?
            .result
            .map_err(|failure| failure.to_string())?;
        Ok(answer
            .placements
            .iter()
            .any(|placement| placement.set == self.set.set && placement.count > 0))
    }

    fn attempt(&self, result: &mut WhatIf, text: &str, alter: impl FnOnce(&mut Scene)) {
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
            .case
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
            self.attempt(result, &text, |scene| scene.set.needs = smaller);
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
