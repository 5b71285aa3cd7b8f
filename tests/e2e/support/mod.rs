//! Clusters, hosts, and waiting for conditions.

mod cluster;
mod host;
mod other;
mod program;

pub(crate) use cluster::{CPUS, Cluster, Real, sim_settings};
pub(crate) use host::{Host, guest, policy, setup};
pub(crate) use other::Other;
pub(crate) use program::{Running, ends_well, offerd, output, signal, within};

use std::time::Duration;

/// Long enough for a busy machine; only a test that fails waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

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

/// Whether the compilers of a language are set up, which `cargo xtask test` does.
pub(crate) fn toolchains(language: offerd_toolchain::Language) -> bool {
    let found = std::env::var_os("OFFERD_TOOLCHAINS")
        .is_some_and(|folder| offerd_toolchain::Toolchains::at(folder).has(language));
    if !found {
        assert!(
            std::env::var_os("OFFERD_CI").is_none(),
            "in CI the toolchain for {language} must be there"
        );
        eprintln!("SKIPPED: no toolchain for {language}; run `cargo xtask test`");
    }
    found
}
