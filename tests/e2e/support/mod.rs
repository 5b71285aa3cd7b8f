//! Clusters, hosts, and waiting for conditions.

mod cluster;
mod host;
mod other;

pub(crate) use cluster::{CPUS, Cluster, Real, sim_settings};
pub(crate) use host::{Host, guest, policy, setup};
pub(crate) use other::Other;

use std::time::Duration;

/// Long enough for a busy machine; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until a condition holds, and gives what was found. `what` names it in
/// the message of a test that waited in vain.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let started = tokio::time::Instant::now();
    loop {
        looks.tick().await;
        match look().await {
            Ok(found) => return found,
            Err(last) => assert!(
                started.elapsed() < PATIENCE,
                "waited in vain until {what}; the last look found: {last}"
            ),
        }
    }
}
