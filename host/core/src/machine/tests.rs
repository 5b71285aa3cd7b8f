//! The machine among a pretended master, ledger and policy.

mod decisions;
mod jobs;
mod properties;
mod reach;
mod routing;
mod sessions;
mod spread;
mod why;
mod world;
