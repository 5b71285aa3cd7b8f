//! Judges a policy by what it does: how many strikes it has, and whether one that
//! has just taken over does worse than the one before. Says what is to be done;
//! the driver does it.

use std::collections::VecDeque;
use std::time::Duration;

use offerd_core::Instant;
use offerd_core::machine::view::PolicyNumbers;

/// A strike counts for so long.
const WINDOW: Duration = Duration::from_secs(600);

/// Chances and decisions before anything is made of their numbers.
const ENOUGH: u64 = 20;

/// In its trial a policy may have one decision in ten refused, must place half as
/// many tasks for each chance as the one before, and may let them wait three
/// times as long.
const REFUSED: f64 = 0.1;
const PLACED: f64 = 0.5;
const WAITED: f64 = 3.0;

/// Waiting shorter than this is never too long.
const SHORT_WAIT: f64 = 1_000.0;

/// A trial in which there was too little to decide goes on for so many times its
/// length at the most.
const LONGEST_TRIAL: u32 = 10;

/// Settings of a `[[policy]]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Strikes within ten minutes that a policy may have.
    pub strikes: u32,
    /// How long a policy that has taken over is on trial; zero: not at all.
    pub trial: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            strikes: 5,
            trial: Duration::from_secs(60),
        }
    }
}

/// What is to be done, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The one before decided better.
    RollBack(String),
    /// It has no strikes left.
    GiveUp(String),
}

#[derive(Debug)]
pub(crate) struct Supervisor {
    budget: Budget,
    strikes: VecDeque<Instant>,
    /// The policy's numbers when it took over.
    start: PolicyNumbers,
    seen: PolicyNumbers,
    trial: Option<Trial>,
}

#[derive(Debug)]
struct Trial {
    until: Instant,
    /// The end even if there was too little to decide.
    latest: Instant,
    /// What the one before did in its time.
    before: Done,
}

impl Trial {
    /// Whether enough has been seen, or nothing more is to be expected.
    fn is_over(&self, now: Instant, done: &Done) -> bool {
        let comparable = self.before.0.chances >= ENOUGH;
        let seen = done.0.chances >= ENOUGH || !comparable;
        (self.until <= now && seen) || self.latest <= now
    }
}

/// Part of the numbers of a policy: since it took over.
#[derive(Debug, Clone, Copy, Default)]
struct Done(PolicyNumbers);

impl Done {
    fn between(start: &PolicyNumbers, now: &PolicyNumbers) -> Self {
        Self(PolicyNumbers {
            chances: now.chances - start.chances,
            failures: now.failures - start.failures,
            decisions: now.decisions - start.decisions,
            refused: now.refused - start.refused,
            placed: now.placed - start.placed,
            waited: now.waited - start.waited,
        })
    }

    fn refused_share(&self) -> Option<f64> {
        (self.0.decisions >= ENOUGH).then(|| self.0.refused as f64 / self.0.decisions as f64)
    }

    fn placed_per_chance(&self) -> Option<f64> {
        (self.0.chances >= ENOUGH).then(|| self.0.placed as f64 / self.0.chances as f64)
    }

    /// In milliseconds.
    fn mean_wait(&self) -> Option<f64> {
        (self.0.placed >= ENOUGH).then(|| self.0.waited as f64 / self.0.placed as f64)
    }
}

impl Supervisor {
    pub(crate) fn new(budget: Budget) -> Self {
        Self {
            budget,
            strikes: VecDeque::new(),
            start: PolicyNumbers::default(),
            seen: PolicyNumbers::default(),
            trial: None,
        }
    }

    /// Other code has taken over. `trial`: it is to be compared with the one
    /// before.
    pub(crate) fn took_over(&mut self, now: Instant, numbers: &PolicyNumbers, trial: bool) {
        let before = Done::between(&self.start, numbers);
        self.strikes.clear();
        self.start = *numbers;
        self.seen = *numbers;
        self.trial = None;
        if trial {
            self.begin_trial(now, before.0);
        }
    }

    /// What decides is on trial from now on. `before`: what the one before did in its
    /// time.
    pub(crate) fn begin_trial(&mut self, now: Instant, before: PolicyNumbers) {
        self.trial = (!self.budget.trial.is_zero()).then(|| Trial {
            until: now + self.budget.trial,
            latest: now + self.budget.trial.saturating_mul(LONGEST_TRIAL),
            before: Done(before),
        });
    }

    /// While there is a trial: what the one before did in its time.
    pub(crate) fn trial(&self) -> Option<PolicyNumbers> {
        self.trial.as_ref().map(|trial| trial.before.0)
    }

    /// A canary begins beside a policy, whose numbers are `usual`. It is on trial for
    /// as long as it decides; how much it places says nothing, since it depends on
    /// its share.
    pub(crate) fn begins_beside(
        &mut self,
        now: Instant,
        own: &PolicyNumbers,
        usual: &PolicyNumbers,
    ) {
        self.took_over(now, own, true);
        if let Some(trial) = &mut self.trial {
            trial.until = Instant(u64::MAX);
            trial.latest = Instant(u64::MAX);
            trial.before = Done(PolicyNumbers {
                chances: 0,
                ..*usual
            });
        }
    }

    /// The part of a policy's numbers that came since this code took over.
    pub(crate) fn since_start(&self, numbers: &PolicyNumbers) -> PolicyNumbers {
        Done::between(&self.start, numbers).0
    }

    /// Another budget from here on.
    pub(crate) fn set_budget(&mut self, budget: Budget) {
        self.budget = budget;
    }

    pub(crate) fn on_trial(&self, now: Instant) -> bool {
        let done = Done::between(&self.start, &self.seen);
        let trial = self.trial.as_ref();
        trial.is_some_and(|trial| !trial.is_over(now, &done))
    }

    /// Strikes that count.
    pub(crate) fn strikes(&self) -> u32 {
        u32::try_from(self.strikes.len()).unwrap_or(u32::MAX)
    }

    /// To be called after each round, with the policy's numbers. Without a version to
    /// go back to (`can_go_back`) there is nothing to compare with.
    pub(crate) fn judge(
        &mut self,
        now: Instant,
        numbers: &PolicyNumbers,
        can_go_back: bool,
    ) -> Option<Verdict> {
        // One that is over is not judged by what came after it.
        let done = Done::between(&self.start, &self.seen);
        self.trial.take_if(|trial| trial.is_over(now, &done));
        let latest = Done::between(&self.seen, numbers);
        self.seen = *numbers;
        while self
            .strikes
            .front()
            .is_some_and(|at| now.since(*at) > WINDOW)
        {
            self.strikes.pop_front();
        }
        // An answer of which most is refused is as bad as none.
        let nonsense = latest.0.decisions > 0 && latest.0.refused * 2 > latest.0.decisions;
        if latest.0.failures > 0 || nonsense {
            self.strikes.push_back(now);
        }
        let done = Done::between(&self.start, numbers);
        let struck = self.strikes();
        if let Some(trial) = &self.trial
            && can_go_back
            && let Some(why) = worse(&trial.before, &done, struck)
        {
            return Some(Verdict::RollBack(why));
        }
        (struck > self.budget.strikes).then(|| {
            Verdict::GiveUp(format!(
                "{struck} strikes (failures, and answers that were mostly refused) within {} \
                 minutes; {} are allowed",
                WINDOW.as_secs() / 60,
                self.budget.strikes
            ))
        })
    }
}

/// Why a policy on trial is worse than the one before.
fn worse(before: &Done, done: &Done, strikes: u32) -> Option<String> {
    if strikes > 1 {
        return Some(format!("{strikes} strikes in its trial"));
    }
    if let Some(share) = done.refused_share()
        && share > REFUSED
        && before
            .refused_share()
            .is_none_or(|usual| share > usual * 2.0)
    {
        let percent = share * 100.0;
        return Some(format!(
            "{percent:.0} % of its decisions were refused in its trial"
        ));
    }
    if let (Some(usual), Some(placed)) = (before.placed_per_chance(), done.placed_per_chance())
        && placed < usual * PLACED
    {
        return Some(format!(
            "it placed {placed:.2} tasks a round in its trial; the one before placed {usual:.2}"
        ));
    }
    if let (Some(usual), Some(wait)) = (before.mean_wait(), done.mean_wait())
        && wait > SHORT_WAIT.max(usual * WAITED)
    {
        return Some(format!(
            "tasks waited {:.1} s in its trial; with the one before {:.1} s",
            wait / 1000.0,
            usual / 1000.0
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_millis(1_000_000);

    fn numbers(
        chances: u64,
        decisions: u64,
        refused: u64,
        placed: u64,
        waited: u64,
    ) -> PolicyNumbers {
        PolicyNumbers {
            chances,
            failures: 0,
            decisions,
            refused,
            placed,
            waited,
        }
    }

    fn failed(failures: u64) -> PolicyNumbers {
        PolicyNumbers {
            failures,
            ..PolicyNumbers::default()
        }
    }

    /// After a good policy that placed 100 tasks in 50 rounds, another on trial.
    fn trial() -> Supervisor {
        let mut supervisor = Supervisor::new(Budget::default());
        supervisor.took_over(START, &numbers(50, 100, 0, 100, 10_000), true);
        supervisor
    }

    #[test]
    fn strikes_are_counted_within_the_window() {
        let mut supervisor = Supervisor::new(Budget {
            strikes: 2,
            ..Budget::default()
        });
        let mut now = START;
        for count in 1..20 {
            assert_eq!(supervisor.judge(now, &failed(count), true), None);
            now = now + Duration::from_secs(301);
        }
        assert_eq!(supervisor.judge(now, &failed(20), true), None);
        let verdict = supervisor.judge(now, &failed(21), true);
        let Some(Verdict::GiveUp(why)) = verdict else {
            panic!("{verdict:?}");
        };
        assert!(why.starts_with("3 strikes"), "{why}");
    }

    #[test]
    fn answers_that_are_mostly_refused_are_strikes() {
        let mut supervisor = Supervisor::new(Budget {
            strikes: 0,
            ..Budget::default()
        });
        assert_eq!(supervisor.judge(START, &numbers(1, 4, 2, 2, 0), true), None);
        assert!(
            supervisor
                .judge(START, &numbers(2, 8, 5, 3, 0), true)
                .is_some()
        );
    }

    fn rolled_back(supervisor: &mut Supervisor, numbers: &PolicyNumbers) -> String {
        match supervisor.judge(START + Duration::from_secs(30), numbers, true) {
            Some(Verdict::RollBack(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_trial_ends_when_too_much_goes_wrong() {
        let why = rolled_back(&mut trial(), &numbers(70, 130, 4, 126, 12_000));
        assert!(why.contains("13 % of its decisions"), "{why}");
        let why = rolled_back(&mut trial(), &numbers(70, 110, 0, 110, 11_000));
        assert!(why.contains("placed 0.50 tasks a round"), "{why}");
        let why = rolled_back(&mut trial(), &numbers(60, 130, 0, 130, 100_000));
        assert!(why.contains("waited 3.0 s"), "{why}");
        let mut twice = trial();
        let mut bad = numbers(50, 100, 0, 100, 10_000);
        bad.failures = 1;
        assert_eq!(twice.judge(START, &bad, true), None);
        bad.failures = 2;
        assert!(rolled_back(&mut twice, &bad).contains("2 strikes"));
    }

    #[test]
    fn a_trial_that_goes_well_passes() {
        let mut supervisor = trial();
        let good = numbers(100, 200, 1, 199, 20_000);
        assert_eq!(
            supervisor.judge(START + Duration::from_secs(30), &good, true),
            None
        );
        assert!(supervisor.on_trial(START + Duration::from_secs(30)));
        let late = START + Duration::from_secs(61);
        let mut bad = good;
        bad.failures = 2;
        assert_eq!(supervisor.judge(late, &bad, true), None);
        assert!(!supervisor.on_trial(late));
    }

    #[test]
    fn a_trial_goes_on_until_there_was_something_to_decide() {
        let mut supervisor = trial();
        let idle = numbers(69, 100, 0, 100, 10_000);
        let late = START + Duration::from_secs(300);
        assert_eq!(supervisor.judge(late, &idle, true), None);
        assert!(supervisor.on_trial(late));
        let later = START + Duration::from_secs(400);
        let lazy = numbers(70, 100, 0, 100, 10_000);
        let verdict = supervisor.judge(later, &lazy, true);
        assert!(matches!(verdict, Some(Verdict::RollBack(_))), "{verdict:?}");

        let mut supervisor = trial();
        let end = START + Duration::from_secs(600);
        assert_eq!(supervisor.judge(end, &idle, true), None);
        assert_eq!(supervisor.judge(end, &lazy, true), None, "it has ended");
    }

    #[test]
    fn without_a_way_back_only_the_budget_counts() {
        let mut supervisor = trial();
        let mut bad = numbers(50, 100, 0, 100, 10_000);
        let strikes = u64::from(Budget::default().strikes);
        for failures in 1..=strikes {
            bad.failures = failures;
            assert_eq!(supervisor.judge(START, &bad, false), None);
        }
        bad.failures = strikes + 1;
        let verdict = supervisor.judge(START, &bad, false);
        assert!(matches!(verdict, Some(Verdict::GiveUp(_))), "{verdict:?}");
    }
}
