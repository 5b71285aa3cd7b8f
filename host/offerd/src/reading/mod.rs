//! Reading what people write, TOML files above all, so that everything that is
//! wrong is said at once, each mistake with its place.
//!
//! A text becomes a tree of [`Node`]s that know where they stand. A [`Section`]
//! walks over one table of it: each key is asked for by name and type, what
//! does not fit goes into the [`Sink`], and what nobody asked for is unknown.
//! What the keys mean is in the modules that ask (`config`, `jobs`).

mod mistakes;
mod node;
mod section;
mod similar;
mod units;

#[cfg(test)]
mod tests;

pub use mistakes::{Mistake, Mistakes};
pub(crate) use mistakes::{Sink, Spot};
pub(crate) use node::{Node, Value};
pub(crate) use section::{Found, Section};
pub(crate) use similar::did_you_mean;
pub(crate) use units::{Bytes, Span};
pub use units::{parse_bytes, parse_duration, show_bytes, show_duration};

/// The tree of a TOML text, or every place where it is not TOML.
pub(crate) fn parse_toml(name: &str, text: &str) -> Result<Node, Mistakes> {
    node::from_toml(text).map_err(|sink| sink.into_mistakes(name, text))
}

/// The tree of a JSON text, or where it stops to be JSON. The nodes have no
/// positions: their paths say where they are.
pub(crate) fn parse_json(name: &str, text: &str) -> Result<Node, Mistakes> {
    node::from_json(name, text)
}
