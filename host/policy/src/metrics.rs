//! Counters and gauges that a policy shows to operators (`metrics`). They
//! belong to the policy, not to an instance: a restart keeps them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Names that one policy can have; more are dropped and counted (wit/).
const NAMES: usize = 256;
/// Longest name (wit/).
const NAME_BYTES: usize = 64;

/// A policy's own numbers. Shared between the policy's thread, which writes,
/// and whoever shows them.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Values>);

#[derive(Debug, Default)]
struct Values {
    values: BTreeMap<String, Metric>,
    dropped: u64,
}

/// A name is a counter or a gauge by its first use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    Counter(f64),
    Gauge(f64),
}

/// All numbers at one moment, sorted by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetricsSnapshot {
    pub values: Vec<(String, Metric)>,
    /// Calls that were dropped: a bad name, a negative amount, NaN, a counter
    /// used as a gauge, or too many names.
    pub dropped: u64,
}

impl Metrics {
    pub fn snapshot(&self) -> MetricsSnapshot {
        let values = self.lock();
        MetricsSnapshot {
            values: values
                .values
                .iter()
                .map(|(name, metric)| (name.clone(), *metric))
                .collect(),
            dropped: values.dropped,
        }
    }

    pub(crate) fn count(&self, name: &str, amount: f64) {
        // Not `amount < 0.0`: NaN must fail the test.
        if amount >= 0.0 && amount.is_finite() {
            self.update(name, Metric::Counter(0.0), |metric| match metric {
                Metric::Counter(total) => {
                    *total += amount;
                    true
                }
                Metric::Gauge(_) => false,
            });
        } else {
            self.drop_one();
        }
    }

    pub(crate) fn gauge(&self, name: &str, value: f64) {
        if value.is_nan() {
            self.drop_one();
        } else {
            self.update(name, Metric::Gauge(0.0), |metric| match metric {
                Metric::Gauge(current) => {
                    *current = value;
                    true
                }
                Metric::Counter(_) => false,
            });
        }
    }

    fn update(&self, name: &str, new: Metric, set: impl Fn(&mut Metric) -> bool) {
        let mut values = self.lock();
        let room = values.values.len() < NAMES;
        let done = match values.values.get_mut(name) {
            Some(metric) => set(metric),
            None if room && is_name(name) => {
                let mut metric = new;
                let done = set(&mut metric);
                values.values.insert(name.to_owned(), metric);
                done
            }
            None => false,
        };
        if !done {
            values.dropped += 1;
        }
    }

    fn drop_one(&self) {
        self.lock().dropped += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Values> {
        // Each update leaves the values whole, so a panic elsewhere is no reason
        // to stop.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `[a-z][a-z0-9_]{0,63}`
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= NAME_BYTES
        && bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_good_calls_and_counts_the_rest() {
        let metrics = Metrics::default();
        metrics.count("placed", 2.0);
        metrics.count("placed", 3.0);
        metrics.gauge("load_1", 0.5);
        metrics.gauge("load_1", f64::NAN);
        metrics.gauge("placed", 1.0);
        metrics.count("placed", -1.0);
        metrics.count("placed", f64::NAN);
        metrics.count("placed", f64::INFINITY);
        for bad in ["", "Placed", "1st", "a-b", "_a", "ä", &"a".repeat(65)] {
            metrics.count(bad, 1.0);
        }
        let snapshot = metrics.snapshot();
        assert_eq!(
            snapshot.values,
            [
                ("load_1".to_owned(), Metric::Gauge(0.5)),
                ("placed".to_owned(), Metric::Counter(5.0)),
            ]
        );
        assert_eq!(snapshot.dropped, 12);
    }

    #[test]
    fn takes_256_names() {
        let metrics = Metrics::default();
        for n in 0..300 {
            metrics.gauge(&format!("n{n}"), 1.0);
        }
        let snapshot = metrics.snapshot();
        assert_eq!((snapshot.values.len(), snapshot.dropped), (256, 44));
    }
}
