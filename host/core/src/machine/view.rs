//! What people may see of the machine: plain data for lists and status pages.
//! The field names are those of the JSON that the service prints.

use serde::{Deserialize, Serialize};

/// One job (`offerd job list --json`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobStatus {
    pub name: String,
    pub role: String,
    /// `service` or `batch`.
    pub kind: String,
    /// `waiting`, `running`, `killing`, `finished`, `failed` or `killed`.
    pub state: String,
    pub priority: i32,
    /// Wanted number of tasks.
    pub count: u32,
    /// Tasks that wait for a place.
    pub waiting: u32,
    /// Launched and not running yet.
    pub staging: u32,
    pub running: u32,
    pub finished: u32,
    pub failed: u32,
    /// Why the tasks wait or the job failed, as far as the host knows.
    pub reason: Option<String>,
}

/// One task (`offerd task list --json`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSummary {
    pub id: String,
    /// Empty for a task that belongs to no job.
    pub job: String,
    pub role: String,
    /// As Mesos names it; `WAITING` for one that has not been launched.
    pub state: String,
    /// Agent id; empty while it waits.
    pub agent: String,
    /// Host name of the agent, if it is known.
    pub hostname: String,
    /// Mesos's message or the policy's reason.
    pub reason: String,
    /// Milliseconds since the epoch.
    pub since: u64,
}

/// The state of a task that has not been launched.
pub(super) const WAITING: &str = "WAITING";

/// Which tasks a list has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFilter {
    /// Only those of this job.
    pub job: Option<String>,
    /// Only those in this state, as in [`TaskSummary`].
    pub state: Option<String>,
    /// Only those that come after the one with this id.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

impl Default for TaskFilter {
    /// All tasks.
    fn default() -> Self {
        Self {
            job: None,
            state: None,
            after: None,
            limit: usize::MAX,
        }
    }
}

/// `offerd why TASK --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Why {
    pub task: String,
    pub job: String,
    /// As in [`TaskSummary`].
    pub state: String,
    /// The answer in a sentence.
    pub verdict: String,
    /// What happened to it, oldest first.
    pub steps: Vec<Step>,
    /// Of a task that waits: live and recent offers to its role, live ones and
    /// those that miss least first.
    pub candidates: Vec<Candidate>,
    /// The offer that misses least, and what it lacks.
    pub nearest: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Milliseconds since the epoch.
    pub at: u64,
    pub text: String,
    /// Whose decision it was, of which version, and in which of its rounds.
    pub policy: Option<String>,
    pub version: Option<String>,
    pub round: Option<u32>,
}

/// An offer that might have been taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub offer: String,
    /// Host name of the agent.
    pub host: String,
    /// When it came, or went if it is not live; milliseconds since the epoch.
    pub at: u64,
    pub live: bool,
    /// By how much of what the task needs the offer is too small: 0 it fits, 0.25
    /// a quarter of a resource is missing. `None`: constraints forbid it, however
    /// large it is.
    pub missing: Option<f64>,
    /// The host's own judgement.
    pub says: String,
    /// What became of it.
    pub became: String,
    /// Who decided that or has it now, in which round, and in its words.
    pub policy: Option<String>,
    pub round: Option<u32>,
    pub policy_says: Option<String>,
}

/// Part of `offerd status --json` that the machine knows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Status {
    pub framework_id: Option<String>,
    pub subscribed: bool,
    pub master: Option<String>,
    pub offers_held: usize,
    pub tasks_waiting: u32,
    pub tasks_live: usize,
    pub roles: Vec<RoleStatus>,
    pub policies: Vec<PolicyStatus>,
    pub counters: Counters,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleStatus {
    pub name: String,
    pub suppressed: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyStatus {
    pub name: String,
    pub roles: Vec<String>,
    pub rounds: u32,
    /// Failures since the last good answer, and the latest one's text.
    pub strikes: u32,
    pub last_failure: Option<String>,
    pub numbers: PolicyNumbers,
}

/// What a policy's answers came to, counted since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PolicyNumbers {
    /// Rounds that showed offers and waiting tasks that might fit.
    pub chances: u64,
    /// Rounds that ended without an answer.
    pub failures: u64,
    pub decisions: u64,
    pub refused: u64,
    /// Tasks launched, and the milliseconds that they had waited since the code that
    /// placed them began to decide, added up.
    pub placed: u64,
    pub waited: u64,
}

/// Counted since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    pub offers_received: u64,
    pub offers_accepted: u64,
    pub offers_declined: u64,
    pub offers_rescinded: u64,
    pub offers_lease_ended: u64,
    pub tasks_launched: u64,
    pub updates_received: u64,
    pub updates_acknowledged: u64,
    pub decisions_refused: u64,
    pub kills_sent: u64,
    pub unknown_events: u64,
    pub sessions: u64,
}
