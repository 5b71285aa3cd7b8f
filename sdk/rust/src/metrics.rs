//! Numbers that the policy shows to operators, labelled with its name. Names
//! match `[a-z][a-z0-9_]{0,63}`; the host drops others.

use crate::host::metrics;

/// Adds to a counter. The host drops negative amounts and NaN.
pub fn count(name: &str, amount: f64) {
    metrics::count(name, amount);
}

/// Sets a gauge.
pub fn gauge(name: &str, value: f64) {
    metrics::gauge(name, value);
}
