//! Words for calls that ended badly: which limit, what trapped, where in the
//! guest, and what it logged last.

use std::fmt::Write as _;

use offerd_core::policy::Failure;
use wasmtime::{Trap, WasmBacktrace};

use crate::host::{Host, Phase};
use crate::limits::{Limits, Refused, SNAPSHOT_BYTES, WASM_STACK, show_bytes, show_duration};
use crate::options::StartError;
use crate::text;

/// Frames shown of a guest's backtrace.
pub(crate) const FRAMES: usize = 20;

/// Longest line about a failure.
const LINE_BYTES: usize = 500;

/// What wasmtime says when a guest passes more than `Limits::transfer`; its
/// type is private.
const TRANSFER_EXHAUSTED: &str = "fuel allocated for hostcalls has been exhausted";

/// How a call ended an instance, with the text for people over several lines.
#[derive(Debug)]
pub(crate) enum Stop {
    Deadline(String),
    Other(String),
}

impl Stop {
    /// In a call that has an answer.
    pub(crate) fn failure(self) -> Failure {
        match self {
            Self::Deadline(text) => Failure::Deadline(text),
            Self::Other(text) => Failure::Trap(text),
        }
    }

    /// In the start of an instance.
    pub(crate) fn at_start(self, policy: String) -> StartError {
        match self {
            Self::Deadline(text) => StartError::Late { policy, text },
            Self::Other(text) => StartError::Stopped { policy, text },
        }
    }

    /// With something before the text.
    pub(crate) fn of_round(self, number: u32) -> Self {
        let with = |text| format!("round {number}: {text}");
        match self {
            Self::Deadline(text) => Self::Deadline(with(text)),
            Self::Other(text) => Self::Other(with(text)),
        }
    }
}

/// Why the instance of `host` ended.
pub(crate) fn explain(error: &wasmtime::Error, host: &Host, limits: &Limits) -> Stop {
    let mut explained = format!("{} {}", host.phase.name(), what(error, host, limits));
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>()
        && !backtrace.frames().is_empty()
    {
        explained.push_str("\nbacktrace of the policy:");
        // Names of functions and files are the policy's.
        for line in backtrace.to_string().lines().skip(1) {
            let line = text::one_line(line.to_owned(), LINE_BYTES);
            let _ = write!(explained, "\n{line}");
        }
    }
    let mut recent = host.log.recent().peekable();
    if recent.peek().is_some() {
        explained.push_str("\nits last log lines:");
        for line in recent {
            let _ = write!(explained, "\n  {line}");
        }
    }
    if error.downcast_ref::<Trap>() == Some(&Trap::Interrupt) {
        Stop::Deadline(explained)
    } else {
        Stop::Other(explained)
    }
}

fn what(error: &wasmtime::Error, host: &Host, limits: &Limits) -> String {
    let trap = error.downcast_ref::<Trap>();
    let Some(refused) = host.meter.refused() else {
        return cause(error, trap, host, limits);
    };
    let refused = match refused {
        Refused::Memory { had, wanted } => format!(
            "reached the memory limit of {}: it had {} and asked for {}",
            show_bytes(limits.memory),
            show_bytes(had),
            show_bytes(wanted)
        ),
        Refused::Table { wanted } => {
            format!("asked for tables of {wanted} elements, which is over the limit")
        }
    };
    match (trap, host.phase) {
        // Guests abort when they get no memory, and are not made at all when they
        // get none to begin with.
        (Some(Trap::UnreachableCodeReached), _) | (None, Phase::Instantiate) => refused,
        // It may have gone on well without.
        _ => {
            let cause = cause(error, trap, host, limits);
            format!("{cause}; before that, it {refused}")
        }
    }
}

fn cause(error: &wasmtime::Error, trap: Option<&Trap>, host: &Host, limits: &Limits) -> String {
    match trap {
        Some(Trap::Interrupt) => format!(
            "ran past its deadline of {}",
            show_duration(deadline(host.phase, limits))
        ),
        Some(Trap::StackOverflow) => format!(
            "used up its stack of {}: too deep a recursion",
            show_bytes(WASM_STACK)
        ),
        Some(Trap::UnreachableCodeReached) => {
            "aborted (a panic, a failed assertion or an uncaught exception)".to_owned()
        }
        Some(trap) => format!("trapped: {trap}"),
        None => {
            let root = error.root_cause().to_string();
            if root.contains(TRANSFER_EXHAUSTED) {
                format!(
                    "passed more than {} to the host at once",
                    show_bytes(transfer(host.phase, limits))
                )
            } else {
                format!("failed: {}", text::one_line(root, LINE_BYTES))
            }
        }
    }
}

pub(crate) fn deadline(phase: Phase, limits: &Limits) -> std::time::Duration {
    match phase {
        Phase::Decide => limits.deadline,
        Phase::Instantiate | Phase::Describe | Phase::Configure | Phase::Restore | Phase::Save => {
            limits.startup
        }
    }
}

pub(crate) fn transfer(phase: Phase, limits: &Limits) -> usize {
    match phase {
        // Room for the record around the bytes.
        Phase::Save => SNAPSHOT_BYTES + 1024,
        Phase::Instantiate
        | Phase::Describe
        | Phase::Configure
        | Phase::Restore
        | Phase::Decide => limits.transfer,
    }
}
