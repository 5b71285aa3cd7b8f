//! The connection to a Mesos master: translates between the wire and the
//! machine, subscribes, and sends calls in order.
//!
//! The only crate that talks to Mesos. It decides nothing about scheduling;
//! what it knows are rules R1 to R12 of the protocol.

pub mod client;
pub mod codec;
pub mod convert;

pub use client::{Address, Client, Settings, TlsError, Transport, start};
pub use codec::ProtobufCodec;
