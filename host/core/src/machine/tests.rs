//! The machine among a pretended master, ledger and policy.

mod decisions;
mod jobs;
mod properties;
mod routing;
mod sessions;
mod world;
