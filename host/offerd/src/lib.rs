//! The offerd service: command line, configuration, job files, the driver loop,
//! the admin API and telemetry.
//!
//! This crate puts the others together and decides nothing about offers or
//! tasks: that is the machine's (offerd-core) and the policies'.

pub mod config;
pub mod jobs;
pub mod reading;
pub mod telemetry;
