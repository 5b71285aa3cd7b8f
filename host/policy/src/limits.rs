//! What a policy may use: time, memory, tables, and the size of its answers.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// Stack of the guest's functions. Recursion past it traps.
pub(crate) const WASM_STACK: usize = 512 * 1024;

/// Elements of all tables of one component. The largest known honest user, a
/// Python policy, has about 20,000.
const TABLE_ELEMENTS: usize = 200_000;

/// Core instances, tables and memories of one component. The largest known honest
/// user, a Python policy, has 38 instances.
const INSTANCES: usize = 100;

/// Bytes that each core instance may take of the host's own memory
/// (`contract/weight.rs`); with the bound on instances, 200 MiB in all. The largest
/// known honest user, a Go policy, takes 0.7 MiB.
pub(crate) const INSTANCE_BYTES: usize = 2 * 1024 * 1024;

/// Largest state that `save` may give (wit/).
pub(crate) const SNAPSHOT_BYTES: usize = 16 * 1024 * 1024;

/// Limits on one policy. All but `startup` are per call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// For one `decide`; past it the instance is ended.
    pub deadline: Duration,
    /// For `describe`, `configure`, `save` and `restore` each. Long, since
    /// interpreters load their modules then.
    pub startup: Duration,
    /// Bytes of linear memory, all memories of the component together.
    pub memory: usize,
    /// Bytes that one call may pass to the host: an answer, a log line, the
    /// argument of a question.
    pub transfer: usize,
    /// Entries of each list of an answer.
    pub decisions: usize,
    pub log_lines: u32,
    pub log_line_bytes: usize,
    /// How many times as long a call may really take. More than once in replays
    /// alone: a slower machine must not end what was not ended then, and the
    /// policy must be told the same limits.
    pub patience: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_millis(250),
            startup: Duration::from_secs(10),
            memory: 64 * 1024 * 1024,
            transfer: 8 * 1024 * 1024,
            decisions: 100_000,
            log_lines: 100,
            log_line_bytes: 4096,
            patience: 1,
        }
    }
}

/// Counts what one store allocates.
#[derive(Debug)]
pub(crate) struct Meter {
    memory_limit: usize,
    /// Bytes of linear memory in use.
    memory: usize,
    table_elements: usize,
    refused: Option<Refused>,
}

/// The first limit that a guest ran into. Guests mostly abort then, and the
/// trap says nothing about the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Had, and asked for, in bytes.
    Memory {
        had: usize,
        wanted: usize,
    },
    Table {
        wanted: usize,
    },
}

impl Meter {
    pub(crate) fn new(memory_limit: usize) -> Self {
        Self {
            memory_limit,
            memory: 0,
            table_elements: 0,
            refused: None,
        }
    }

    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    pub(crate) fn refused(&self) -> Option<Refused> {
        self.refused
    }

    pub(crate) fn begin_call(&mut self) {
        self.refused = None;
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if total > self.memory_limit {
            self.refused.get_or_insert(Refused::Memory {
                had: self.memory,
                wanted: total,
            });
            return Ok(false);
        }
        self.memory = total;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self
            .table_elements
            .saturating_add(desired.saturating_sub(current));
        if total > TABLE_ELEMENTS {
            self.refused.get_or_insert(Refused::Table { wanted: total });
            return Ok(false);
        }
        self.table_elements = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        INSTANCES
    }

    fn tables(&self) -> usize {
        INSTANCES
    }

    fn memories(&self) -> usize {
        INSTANCES
    }
}

/// `250 ms`, `10 s`
pub(crate) fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis >= 1000 && millis.is_multiple_of(1000) {
        format!("{} s", millis / 1000)
    } else {
        format!("{millis} ms")
    }
}

/// `64 MiB`, `1.5 MiB`, `192 KiB`
pub(crate) fn show_bytes(bytes: usize) -> String {
    const KIB: usize = 1024;
    const MIB: usize = 1024 * KIB;
    if bytes >= MIB {
        let tenths = (bytes / (MIB / 10)).max(10);
        match (tenths / 10, tenths % 10) {
            (whole, 0) => format!("{whole} MiB"),
            (whole, part) => format!("{whole}.{part} MiB"),
        }
    } else if bytes >= KIB {
        format!("{} KiB", bytes / KIB)
    } else {
        format!("{bytes} bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_count_together_and_the_first_refusal_is_kept() {
        let mut meter = Meter::new(100);
        assert!(meter.memory_growing(0, 60, None).unwrap());
        assert!(meter.memory_growing(0, 30, None).unwrap());
        assert!(!meter.memory_growing(60, 80, None).unwrap());
        assert!(!meter.memory_growing(60, 1000, None).unwrap());
        assert_eq!(meter.memory(), 90);
        assert_eq!(
            meter.refused(),
            Some(Refused::Memory {
                had: 90,
                wanted: 110
            })
        );
        meter.begin_call();
        assert_eq!(meter.refused(), None);
    }

    #[test]
    fn prints_sizes_and_times() {
        assert_eq!(show_bytes(64 << 20), "64 MiB");
        assert_eq!(show_bytes((1 << 20) + (1 << 19)), "1.5 MiB");
        assert_eq!(show_bytes(1 << 20), "1 MiB");
        assert_eq!(show_bytes(2048), "2 KiB");
        assert_eq!(show_bytes(7), "7 bytes");
        assert_eq!(show_duration(Duration::from_millis(250)), "250 ms");
        assert_eq!(show_duration(Duration::from_secs(10)), "10 s");
        assert_eq!(show_duration(Duration::from_millis(1500)), "1500 ms");
    }
}
