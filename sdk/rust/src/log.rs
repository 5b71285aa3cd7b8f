//! Log lines. They appear in the host's log with the policy's name.
//!
//! Use the macros [`crate::error!`], [`crate::warn!`], [`crate::info!`],
//! [`crate::debug!`] and [`crate::trace!`]; they write nothing and format
//! nothing when the host does not keep the level.

use std::fmt;

pub use crate::bindings::policy::offerd::policy::logging::Level;
use crate::host::logging;

/// Whether the host keeps lines of this level.
pub fn enabled(level: Level) -> bool {
    logging::enabled(level)
}

/// Writes a line if the host keeps the level. The macros call this.
pub fn write(level: Level, message: fmt::Arguments<'_>) {
    if logging::enabled(level) {
        match message.as_str() {
            Some(text) => logging::log(level, text),
            None => logging::log(level, &message.to_string()),
        }
    }
}

/// Writes an error line.
#[macro_export]
macro_rules! error {
    ($($message:tt)+) => { $crate::log::write($crate::log::Level::Error, ::std::format_args!($($message)+)) };
}

/// Writes a warning.
#[macro_export]
macro_rules! warn {
    ($($message:tt)+) => { $crate::log::write($crate::log::Level::Warn, ::std::format_args!($($message)+)) };
}

/// Writes a line for operators.
#[macro_export]
macro_rules! info {
    ($($message:tt)+) => { $crate::log::write($crate::log::Level::Info, ::std::format_args!($($message)+)) };
}

/// Writes a line for the policy's author.
#[macro_export]
macro_rules! debug {
    ($($message:tt)+) => { $crate::log::write($crate::log::Level::Debug, ::std::format_args!($($message)+)) };
}

/// Writes a line for the policy's author who wants to know all.
#[macro_export]
macro_rules! trace {
    ($($message:tt)+) => { $crate::log::write($crate::log::Level::Trace, ::std::format_args!($($message)+)) };
}
