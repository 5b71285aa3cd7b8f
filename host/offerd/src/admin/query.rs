//! What stands behind the `?` of an address.

use offerd_core::machine::view::TaskFilter;

/// Tasks in one answer, at most. To make and write so many takes some tens of
/// milliseconds, in which the loop waits.
pub(super) const MOST_TASKS: usize = 10_000;

/// Which tasks `GET /v1/tasks?...` asks for.
pub(super) fn tasks(query: Option<&str>) -> Result<TaskFilter, String> {
    let mut filter = TaskFilter {
        limit: MOST_TASKS,
        ..TaskFilter::default()
    };
    let pairs = query.unwrap_or_default().split('&');
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value);
        match key {
            "job" => filter.job = Some(value),
            "state" => filter.state = Some(state(&value)),
            "after" => filter.after = Some(value),
            "limit" => filter.limit = limit(&value)?,
            _ => {
                return Err(format!(
                    "'{key}' cannot be asked for; tasks are chosen by job, state, after and limit"
                ));
            }
        }
    }
    Ok(filter)
}

/// As Mesos names it; `running` is short for `TASK_RUNNING`.
fn state(text: &str) -> String {
    let name = text.to_ascii_uppercase();
    if name == "WAITING" || name.starts_with("TASK_") {
        name
    } else {
        format!("TASK_{name}")
    }
}

fn limit(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(limit @ 1..=MOST_TASKS) => Ok(limit),
        _ => Err(format!(
            "the limit is '{text}'; write a number from 1 to {MOST_TASKS}"
        )),
    }
}

/// Percent-decoding of one part of a path or of a query.
pub(super) fn decode(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%'
            && let [high, low, after @ ..] = tail
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            bytes.push(high * 16 + low);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// Percent-encoding, the other way round.
pub(super) fn encode(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_understood() {
        let all = tasks(None).unwrap();
        assert_eq!(all, tasks(Some("")).unwrap());
        assert_eq!((all.job, all.limit), (None, MOST_TASKS));
        let some = tasks(Some("job=a%20b&state=running&after=a.b.1&limit=7")).unwrap();
        assert_eq!(
            some,
            TaskFilter {
                job: Some("a b".to_owned()),
                state: Some("TASK_RUNNING".to_owned()),
                after: Some("a.b.1".to_owned()),
                limit: 7,
            }
        );
        let state = |query| tasks(Some(query)).unwrap().state.unwrap();
        assert_eq!(state("state=waiting"), "WAITING");
        assert_eq!(state("state=TASK_LOST"), "TASK_LOST");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (query, part) in [
            ("jobs=a", "'jobs' cannot be asked for"),
            ("limit=0", "the limit is '0'; write a number from 1"),
            ("limit=10001", "to 10000"),
            ("limit", "the limit is ''"),
        ] {
            let why = tasks(Some(query)).unwrap_err();
            assert!(why.contains(part), "{query}: {why}");
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for text in ["", "a.b-1", "a b&c=d%", "ü/?"] {
            assert_eq!(decode(&encode(text)), text);
        }
        assert_eq!(decode("%4"), "%4");
        assert_eq!(decode("%zz"), "%zz");
    }
}
