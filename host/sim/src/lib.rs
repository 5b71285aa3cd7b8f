//! A simulated Mesos master: speaks the v1 scheduler API over HTTP as a real
//! master does, and pretends to have agents that run tasks.
//!
//! `cluster` is the model, without IO and with the time as an argument; `http`
//! puts it on a port. Unlike a real master it can be told what goes wrong.

mod accept;
mod allocator;
mod body;
mod calls;
mod checks;
mod cluster;
mod executors;
mod http;
mod maintenance;
mod operations;
mod tasks;

pub use cluster::{AgentSettings, AgentUse, Cluster, Counts};
pub use http::{Settings, Sim};
