//! The machine at the beginning of a recording, in its binary form. That form and
//! what the machine does are those of one version of offerd.

use offerd_core::Instant;
use offerd_core::machine::Machine;

use crate::entry::{PolicySetup, Start};

/// Of the whole program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    #[error("the recording was made by offerd {0}; this is {VERSION}, which may decide otherwise")]
    Version(String),
    #[error("the machine in the recording cannot be read")]
    Read(#[source] postcard::Error),
    #[error("the machine cannot be written")]
    Write(#[source] postcard::Error),
}

impl Start {
    /// The start of a recording by this program.
    ///
    /// # Errors
    /// The machine has no binary form, which would be a mistake in its types.
    pub fn new(
        now: Instant,
        machine: &Machine,
        policies: Vec<PolicySetup>,
    ) -> Result<Self, MachineError> {
        Ok(Self {
            version: VERSION.to_owned(),
            redacted: false,
            now,
            machine: postcard::to_allocvec(machine).map_err(MachineError::Write)?,
            policies,
        })
    }

    /// The machine as it was, without its codec.
    ///
    /// # Errors
    /// It is that of another version.
    pub fn machine(&self) -> Result<Machine, MachineError> {
        if self.version != VERSION {
            return Err(MachineError::Version(self.version.clone()));
        }
        postcard::from_bytes(&self.machine).map_err(MachineError::Read)
    }
}
