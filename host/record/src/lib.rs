//! Recordings: everything that went into the machine, in order and with its time,
//! and all that is needed to go through it again.
//!
//! A recording is a file that stands for itself. It begins with the machine as it
//! was and how each policy was started; then come the inputs, answers of policies
//! among them. What policies saw is not in it: the machine makes the same rounds
//! of the same inputs. This crate knows the format and writes files beside the
//! loop; it runs nothing.

mod component;
mod cut;
mod entry;
mod file;
mod folder;
mod output;
mod redact;
mod start;
mod writer;

pub use component::ComponentError;
pub use cut::{Cut, CutError, cut};
pub use entry::{Code, Entry, PolicySetup, Recorded, Start, State};
pub use file::{ReadError, Reader};
pub use folder::{Folder, Found};
pub use redact::redacted_result;
pub use start::MachineError;
pub use writer::{Limits, Recorder};
