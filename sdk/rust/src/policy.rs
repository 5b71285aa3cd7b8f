//! What a policy is: a type with a few methods.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::answer::Answer;
use crate::types::Round;

/// Who a policy is. Tools and logs show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub name: String,
    pub version: String,
    /// One sentence: what it does.
    pub summary: String,
}

impl Description {
    /// ```
    /// let who = offerd_sdk::Description::new("first-fit", "1.0.0", "Takes the first offer that fits.");
    /// assert_eq!(who.name, "first-fit");
    /// ```
    pub fn new(name: &str, version: &str, summary: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            summary: summary.to_owned(),
        }
    }
}

/// For policies without settings: any setting is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct NoConfig {}

/// A scheduling policy. [`crate::export_policy!`] makes a component of it.
///
/// A policy must decide the same for the same rounds: use the SDK's clock and
/// random numbers, and [`crate::map::Map`] where order of iteration matters.
pub trait Policy: Sized + 'static {
    /// The policy's settings, read from its `config` table. Derive
    /// `serde::Deserialize`, give defaults with `#[serde(default)]`. A setting
    /// that the type does not have is an error that names the known ones, with
    /// or without `#[serde(deny_unknown_fields)]`. [`NoConfig`] if there are
    /// none; `serde_json::Value` to look at them yourself.
    type Config: DeserializeOwned;

    /// Who this is. Called by tools too: no host functions but the log.
    fn describe() -> Description;

    /// Makes the policy. Called once, before any round.
    ///
    /// # Errors
    /// A text for the operator, if the settings cannot be: name the setting and
    /// what would be right. The policy does not start.
    fn configure(config: Self::Config) -> Result<Self, String>;

    /// One round: looks at what is there and puts decisions into `out`. Offers
    /// that no decision names stay held and are shown again.
    ///
    /// # Errors
    /// A text for the log. What `out` holds is thrown away, the offers of the
    /// round are declined, the policy goes on.
    fn decide(&mut self, round: &Round, out: &mut Answer) -> Result<(), String>;
}

/// What a policy wants to find again after its instance ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// The policy's own version of the layout of `data`.
    pub version: u32,
    /// At most 16 MiB.
    pub data: Vec<u8>,
}

/// A policy with state that outlives its instance. Most need none: what runs
/// and what waits is told by the host. [`crate::export_stateful_policy!`] makes
/// a component of it.
pub trait StatefulPolicy: Policy {
    /// Called between rounds. Must not change what later rounds decide.
    ///
    /// # Errors
    /// A text for the log; the older snapshot stays.
    fn save(&mut self) -> Result<Snapshot, String>;

    /// Called once, after `configure` and before the first round, perhaps with
    /// what another build of the policy saved.
    ///
    /// # Errors
    /// "Cannot use this": the instance is not put to work.
    fn restore(&mut self, snapshot: Snapshot) -> Result<(), String>;
}
