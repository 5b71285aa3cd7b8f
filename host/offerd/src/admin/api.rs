//! The JSON of the admin API, for the server and for its clients. Jobs and
//! tasks are those of the machine (`offerd_core::machine::view`).

use offerd_core::machine::view::{Counters, PolicyNumbers, RoleStatus};
use serde::{Deserialize, Serialize};

use crate::reading::Mistake;

/// `GET /v1/status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Of this offerd.
    pub version: String,
    pub framework: String,
    pub framework_id: Option<String>,
    pub subscribed: bool,
    pub master: Option<String>,
    pub offers_held: usize,
    pub tasks_waiting: u32,
    pub tasks_live: usize,
    pub roles: Vec<RoleStatus>,
    pub policies: Vec<PolicyStatus>,
    pub counters: Counters,
    /// Whether what happens is being recorded; `None`: it is not to be.
    pub recording: Option<bool>,
    /// Directory of the store, or `memory`.
    pub store: String,
    /// Milliseconds since the epoch.
    pub started: u64,
    /// In seconds.
    pub uptime: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyStatus {
    pub name: String,
    pub roles: Vec<String>,
    pub file: String,
    /// SHA-256 of the file in hex.
    pub digest: String,
    /// As the policy says.
    pub version: String,
    pub summary: String,
    /// `starting` (its first code is being compiled), `active`, `trial` (it has taken
    /// over and is watched closely), `swapping` (other code is on its way) or
    /// `fallback` (the host decides itself).
    pub state: String,
    /// When it took over, in milliseconds since the epoch.
    pub since: u64,
    /// Digest of the one before, to which a roll-back goes.
    pub previous: Option<String>,
    /// Calls so far.
    pub rounds: u32,
    /// Strikes that count, and the latest failure's text.
    pub strikes: u32,
    pub last_failure: Option<String>,
    pub numbers: PolicyNumbers,
    /// The latest swaps, oldest first.
    pub switches: Vec<Switch>,
    /// Times that other code took over since the start, and how many of them the
    /// supervisor wanted: roll-backs and fallbacks.
    pub took_over: u64,
    pub judged: u64,
    /// The latest code that could not take over.
    pub refused: Option<Refused>,
    pub shadows: Vec<ShadowStatus>,
    /// What decides for a part of the demand.
    pub canary: Option<CanaryStatus>,
    /// Instances that were ended and made anew.
    pub restarts: u64,
    /// Seconds spent in it.
    pub busy: f64,
    /// Bytes of linear memory.
    pub memory: usize,
}

/// A candidate beside a policy, and how its decisions compare.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ShadowStatus {
    pub file: String,
    pub digest: String,
    pub version: String,
    /// Milliseconds since the epoch.
    pub since: u64,
    /// Rounds that both decided, and those in which they wanted the same.
    pub rounds: u64,
    pub agreed: u64,
    /// Rounds that came while it was busy with another one.
    pub skipped: u64,
    pub failures: u64,
    pub last_failure: Option<String>,
    /// Tasks placed by it and by the policy at work.
    pub placed: u64,
    pub active_placed: u64,
    /// Its placements that could not have been carried out.
    pub refused: u64,
    /// Seconds spent by it and by the policy at work, in these rounds.
    pub busy: f64,
    pub active_busy: f64,
    pub first_divergence: Option<Divergence>,
}

/// Code that decides for a part of a policy's demand.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CanaryStatus {
    pub file: String,
    pub digest: String,
    pub version: String,
    /// Milliseconds since the epoch.
    pub since: u64,
    /// Percent of the tasks of each job, and jobs of which all tasks are its own.
    pub share: u32,
    pub jobs: Vec<String>,
    pub strikes: u32,
    pub numbers: PolicyNumbers,
    /// Seconds spent in it.
    pub busy: f64,
}

/// Body of `POST /v1/policies/NAME/canary`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryWish {
    /// On the host's machine; absolute.
    pub file: std::path::PathBuf,
    /// Percent of the tasks of each job.
    #[serde(default)]
    pub share: u32,
    /// Jobs of which all tasks are its own.
    #[serde(default)]
    pub jobs: Vec<String>,
}

/// A round that was decided in two ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    pub round: u32,
    /// Milliseconds since the epoch.
    pub at: u64,
    pub active: String,
    pub shadow: String,
}

/// Body of what is done to a shadow.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhichShadow {
    /// How its digest begins; empty for the only one.
    #[serde(default)]
    pub digest: String,
}

/// Other code took over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Switch {
    /// Milliseconds since the epoch.
    pub at: u64,
    /// Digests.
    pub from: String,
    pub to: String,
    pub file: String,
    pub why: String,
    /// Seconds for the cut itself: the state saved and restored.
    pub pause: f64,
    /// Seconds from there to the new one's first answer, the cut among them; 0
    /// until there is one.
    pub undecided: f64,
}

/// Other code could not take over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Milliseconds since the epoch.
    pub at: u64,
    pub why: String,
}

/// Body of `POST /v1/policies/NAME/swap`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swap {
    /// On the host's machine; absolute.
    pub file: std::path::PathBuf,
}

/// `GET /v1/tasks/ID/what-if`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WhatIf {
    /// What would get the task placed, each by itself: "with 128 MiB less mem".
    pub would_help: Vec<String>,
    /// What was tried and would not.
    pub would_not_help: Vec<String>,
    /// Why nothing was tried or found, if so.
    pub note: String,
}

/// Answer to what changes something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// One sentence for each thing done.
    pub done: Vec<String>,
}

/// Body of `POST /v1/jobs/NAME/scale`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    pub count: u32,
}

/// Body of every answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    pub error: Failure,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Failure {
    pub message: String,
    /// One sentence for each reason.
    #[serde(default)]
    pub details: Vec<String>,
    /// The same with positions in the body that was sent, if that was the
    /// trouble.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mistakes: Vec<Mistake>,
}
