//! Where log lines of policies go, and how many of them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use crate::text;

/// Lines kept in memory to explain a failure (a panic hook's text, mostly).
const RECENT: usize = 8;

/// Levels of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl LogLevel {
    /// From the lowest to the highest.
    pub const ALL: [Self; 5] = [
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
    ];
}

/// Takes the lines of one policy.
pub trait LogSink: Send + Sync {
    /// Whether lines of this level are kept.
    fn enabled(&self, level: LogLevel) -> bool;
    /// Fit to be shown: bounded, further lines indented, control characters as
    /// escapes.
    fn line(&self, level: LogLevel, message: &str);
    /// This many lines of a round were over the limit.
    fn dropped(&self, lines: u32);
}

/// Lines go to the host's own log (`tracing`, target `policy`), with the
/// policy's name and digest.
#[derive(Debug, Clone)]
pub struct HostLog {
    pub policy: String,
    pub digest: String,
}

impl LogSink for HostLog {
    fn enabled(&self, level: LogLevel) -> bool {
        match level {
            LogLevel::Trace => tracing::enabled!(target: "policy", tracing::Level::TRACE),
            LogLevel::Debug => tracing::enabled!(target: "policy", tracing::Level::DEBUG),
            LogLevel::Info => tracing::enabled!(target: "policy", tracing::Level::INFO),
            LogLevel::Warn => tracing::enabled!(target: "policy", tracing::Level::WARN),
            LogLevel::Error => tracing::enabled!(target: "policy", tracing::Level::ERROR),
        }
    }

    fn line(&self, level: LogLevel, message: &str) {
        let Self { policy, digest } = self;
        match level {
            LogLevel::Trace => tracing::trace!(target: "policy", policy, digest, "{message}"),
            LogLevel::Debug => tracing::debug!(target: "policy", policy, digest, "{message}"),
            LogLevel::Info => tracing::info!(target: "policy", policy, digest, "{message}"),
            LogLevel::Warn => tracing::warn!(target: "policy", policy, digest, "{message}"),
            LogLevel::Error => tracing::error!(target: "policy", policy, digest, "{message}"),
        }
    }

    fn dropped(&self, lines: u32) {
        let Self { policy, digest } = self;
        tracing::warn!(
            target: "policy",
            policy,
            digest,
            lines,
            "the policy logged more than its limit for one round; {lines} lines were dropped"
        );
    }
}

/// The log of one instance, with its limits.
pub(crate) struct Log {
    sink: Arc<dyn LogSink>,
    line_limit: u32,
    byte_limit: usize,
    lines: u32,
    dropped: u32,
    recent: VecDeque<String>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("lines", &self.lines)
            .field("dropped", &self.dropped)
            .finish_non_exhaustive()
    }
}

impl Log {
    pub(crate) fn new(sink: Arc<dyn LogSink>, line_limit: u32, byte_limit: usize) -> Self {
        Self {
            sink,
            line_limit,
            byte_limit,
            lines: 0,
            dropped: 0,
            recent: VecDeque::new(),
        }
    }

    pub(crate) fn begin_call(&mut self) {
        self.lines = 0;
        self.dropped = 0;
        self.recent.clear();
    }

    pub(crate) fn end_call(&self) {
        if self.dropped > 0 {
            self.sink.dropped(self.dropped);
        }
    }

    /// Lines kept and lines dropped in the last call.
    pub(crate) fn counts(&self) -> (u32, u32) {
        (self.lines, self.dropped)
    }

    pub(crate) fn enabled(&self, level: LogLevel) -> bool {
        self.sink.enabled(level)
    }

    /// The last lines of this call, those over the limit too.
    pub(crate) fn recent(&self) -> impl Iterator<Item = &str> {
        self.recent.iter().map(String::as_str)
    }

    pub(crate) fn line(&mut self, level: LogLevel, message: String) {
        let message = text::lines(message, self.byte_limit);
        if self.lines < self.line_limit {
            self.lines += 1;
            if self.sink.enabled(level) {
                self.sink.line(level, &message);
            }
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(message);
    }
}
