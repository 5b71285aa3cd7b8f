//! Jobs: what users submit.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{JobHandle, JobName, Role, RoleHandle, SetHandle};
use crate::resource::{Amounts, Label};

mod constraint;
pub use constraint::{Constraint, ConstraintError};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Keeps `count` tasks running until it is killed.
    Service,
    /// Runs `count` tasks to their end.
    Batch,
}

/// A file for the task's sandbox, fetched by the agent before the start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Uri {
    pub value: String,
    pub executable: bool,
    pub extract: bool,
    pub cache: bool,
    pub output_file: Option<String>,
}

/// A checked job. The file format and its messages are in the service crate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSpec {
    pub name: JobName,
    pub role: Role,
    pub kind: JobKind,
    /// Number of tasks.
    pub count: u32,
    pub needs: Amounts,
    /// A shell command, or the program if `shell` is false.
    pub command: String,
    pub shell: bool,
    /// Arguments (with the program's name first) if `shell` is false.
    pub arguments: Vec<String>,
    pub env: Vec<(String, String)>,
    pub uris: Vec<Uri>,
    /// Unix user; `None`: the framework's.
    pub user: Option<String>,
    pub priority: i32,
    pub constraints: Vec<Constraint>,
    /// How often a failed task of a batch job is run again.
    pub retries: u32,
    /// Nanoseconds between the polite and the hard signal; `None`: Mesos's
    /// default (3 s).
    pub kill_grace: Option<u64>,
    pub labels: Vec<Label>,
}

/// A job as policies see it (`job-details` of the contract).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    pub handle: JobHandle,
    pub set: SetHandle,
    pub role: RoleHandle,
    pub spec: Arc<JobSpec>,
}

impl JobSpec {
    /// Without what may be secret: the command line, its arguments, the values of
    /// the environment, and where files come from.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let hidden = || "redacted".to_owned();
        // All fields by name: of a new one somebody has to think.
        let Self {
            name,
            role,
            kind,
            count,
            needs,
            command: _,
            shell,
            arguments,
            env,
            uris,
            user,
            priority,
            constraints,
            retries,
            kill_grace,
            labels,
        } = self.clone();
        Self {
            name,
            role,
            kind,
            count,
            needs,
            command: hidden(),
            shell,
            arguments: arguments.iter().map(|_| hidden()).collect(),
            env: env.into_iter().map(|(key, _)| (key, hidden())).collect(),
            uris: uris
                .into_iter()
                .map(|uri| Uri {
                    value: hidden(),
                    output_file: uri.output_file.map(|_| hidden()),
                    ..uri
                })
                .collect(),
            user,
            priority,
            constraints,
            retries,
            kill_grace,
            labels,
        }
    }
}

/// Bits of `waiting.traits` in the contract.
pub mod waiting_traits {
    pub const CONSTRAINED: u32 = 1;
    pub const SERVICE: u32 = 2;
    pub const RETRY: u32 = 4;
}
