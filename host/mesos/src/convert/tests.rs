//! Round trips between the machine's types and the wire, and what is said of
//! what can't be converted.

mod arbitrary;
mod calls;
mod events;
mod wrong;
