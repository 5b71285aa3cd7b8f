//! The only place where wire messages and the machine's types meet.

mod framework;
mod from_wire;
mod launch;
mod offers;
mod plain;
mod to_wire;

pub use framework::FrameworkSettings;
pub(crate) use framework::decode;
pub(crate) use from_wire::list;
pub use from_wire::{EventError, event, heartbeat_interval, offer_info, resource};
pub use launch::Encoder;
pub use to_wire::{call, offer, wire_resource};

#[cfg(test)]
mod tests;
