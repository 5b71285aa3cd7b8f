//! Times and sizes as people write them: `30s`, `7days`, `64MiB`.

use std::time::Duration;

use super::node::Value;
use super::section::{FromNode, NotThat};

const TIMES: &[(&[&str], u64)] = &[
    (&["ms", "millis", "millisecond", "milliseconds"], 1),
    (&["s", "sec", "secs", "second", "seconds"], 1_000),
    (&["m", "min", "mins", "minute", "minutes"], 60_000),
    (&["h", "hour", "hours"], 3_600_000),
    (&["d", "day", "days"], 86_400_000),
    (&["w", "week", "weeks"], 604_800_000),
];

const SIZES: &[(&[&str], u64)] = &[
    (&["B", "bytes"], 1),
    (&["KiB"], 1 << 10),
    (&["MiB"], 1 << 20),
    (&["GiB"], 1 << 30),
];

/// A sum of numbers with units: `500ms`, `90s`, `7days`, `1h 30m`. The units
/// are ms, s, m, h, d, w and their English words.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    sum(text, TIMES).map(Duration::from_millis).ok_or_else(|| {
        format!(
            "'{text}' is no time; write a number with a unit (ms, s, m, h, d, w), such as \
             \"30s\" or \"7days\""
        )
    })
}

/// A sum of numbers with units: `64MiB`, `1GiB`. The units are B, KiB, MiB and
/// GiB.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    sum(text, SIZES).ok_or_else(|| {
        format!(
            "'{text}' is no size; write a number with a unit (B, KiB, MiB, GiB), such as \"64MiB\""
        )
    })
}

/// As [`parse_duration`] reads it.
pub fn show_duration(time: Duration) -> String {
    show(
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        TIMES,
        "0s",
    )
}

/// As [`parse_bytes`] reads it, in one unit with at most one decimal.
pub fn show_bytes(bytes: u64) -> String {
    for (names, factor) in SIZES.iter().rev() {
        if *factor > 1 && bytes >= *factor {
            let name = names.first().copied().unwrap_or_default();
            let value = bytes as f64 / *factor as f64;
            return if bytes.is_multiple_of(*factor) {
                format!("{value}{name}")
            } else {
                format!("{value:.1}{name}")
            };
        }
    }
    format!("{bytes}B")
}

fn show(mut rest: u64, units: &[(&[&str], u64)], zero: &str) -> String {
    let mut text = String::new();
    for (names, factor) in units.iter().rev() {
        let count = rest / factor;
        // Weeks read worse than days.
        if count > 0 && names.first() != Some(&"w") {
            text.push_str(&format!("{count}{}", names.first().copied().unwrap_or("")));
            rest %= factor;
        }
    }
    if text.is_empty() {
        zero.to_owned()
    } else {
        text
    }
}

fn sum(text: &str, units: &[(&[&str], u64)]) -> Option<u64> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at_checked(digits)?;
        let after = after.trim_start();
        let letters = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(letters)?;
        let factor = units
            .iter()
            .find(|(names, _)| names.contains(&unit))
            .map(|(_, factor)| *factor)?;
        let number: u64 = number.parse().ok()?;
        total = total.checked_add(number.checked_mul(factor)?)?;
        rest = after.trim_start();
    }
    Some(total)
}

/// A time in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span(pub(crate) Duration);

impl FromNode for Span {
    const EXPECTED: &'static str = "a time with its unit in quotes, such as \"30s\" or \"7days\"";
    fn from_node(value: &Value) -> Result<Self, NotThat> {
        match value {
            Value::Text(text) => parse_duration(text).map(Self).map_err(NotThat::Value),
            _ => Err(NotThat::Kind),
        }
    }
}

/// A size in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes(pub(crate) u64);

impl FromNode for Bytes {
    const EXPECTED: &'static str = "a size with its unit in quotes, such as \"64MiB\"";
    fn from_node(value: &Value) -> Result<Self, NotThat> {
        match value {
            Value::Text(text) => parse_bytes(text).map(Self).map_err(NotThat::Value),
            _ => Err(NotThat::Kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_shown() {
        for (text, millis, shown) in [
            ("500ms", 500, "500ms"),
            ("30s", 30_000, "30s"),
            ("90s", 90_000, "1m30s"),
            ("1h 30m", 5_400_000, "1h30m"),
            ("1h30m", 5_400_000, "1h30m"),
            ("7days", 604_800_000, "7d"),
            ("7 days", 604_800_000, "7d"),
            ("1w", 604_800_000, "7d"),
            ("0s", 0, "0s"),
        ] {
            let time = parse_duration(text).unwrap();
            assert_eq!(time, Duration::from_millis(millis), "{text}");
            assert_eq!(show_duration(time), shown);
            assert_eq!(parse_duration(shown).unwrap(), time);
        }
        for text in [
            "",
            "7",
            "s",
            "7 fortnights",
            "-1s",
            "1.5s",
            "99999999999999999999s",
        ] {
            assert!(parse_duration(text).unwrap_err().contains("is no time"));
        }
    }

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, bytes, shown) in [
            ("64MiB", 64 << 20, "64MiB"),
            ("1GiB", 1 << 30, "1GiB"),
            ("1536KiB", 1536 << 10, "1.5MiB"),
            ("17B", 17, "17B"),
        ] {
            assert_eq!(parse_bytes(text).unwrap(), bytes);
            assert_eq!(show_bytes(bytes), shown);
        }
        assert!(parse_bytes("64MB").unwrap_err().contains("KiB"));
        assert!(parse_bytes("64").unwrap_err().contains("is no size"));
    }
}
