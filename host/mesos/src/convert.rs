//! The only place where wire messages and the machine's types meet.

mod framework;
mod from_wire;
mod launch;
mod offers;
mod plain;
mod resources;
mod to_wire;

pub use framework::FrameworkSettings;
pub(crate) use framework::decode;
pub(crate) use from_wire::list;
pub use from_wire::{EventError, event, event_and_left_out, heartbeat_interval, offer_info};
pub use launch::Encoder;
pub use resources::resource;
pub use to_wire::{call, offer, wire_resource};

#[cfg(test)]
mod tests;
