//! The offerd service: command line, configuration, job files, the driver loop,
//! the admin API and telemetry.
//!
//! This crate puts the others together and decides nothing about offers or
//! tasks: that is the machine's (offerd-core) and the policies'.

pub mod admin;
pub mod cli;
mod clock;
pub mod config;
mod demo;
mod driver;
mod fallback;
pub mod jobs;
mod kept;
mod ledger;
pub mod policies;
pub mod reading;
pub mod replay;
pub mod report;
pub mod scenario;
pub mod service;
mod supervisor;
pub mod telemetry;
mod watch;
mod whatif;
