//! "Did you mean ...?": the known name nearest to one that was written.

/// `did you mean 'masters'?`, if a candidate is near enough.
pub(crate) fn did_you_mean<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let written = written.to_lowercase();
    // A third of the letters may be wrong, at least one.
    let furthest = (written.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(&written, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= furthest)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| format!("did you mean '{candidate}'?"))
}

/// Number of letters to insert, remove, replace or swap with the neighbour.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last_a = None;
    for (i, ca) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let at = |row: &[usize], k: usize| row.get(k).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&row, j) + usize::from(ca != *cb);
            let mut best = replaced.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let previous = j.checked_sub(1).and_then(|k| b.get(k));
            if last_a == Some(*cb) && previous == Some(&ca) {
                best = best.min(at(&before, j.saturating_sub(1)) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
        last_a = Some(ca);
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        for (a, b, edits) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("abc", "ab", 1),
            ("abc", "abcd", 1),
            ("kitten", "sitting", 3),
            ("", "abc", 3),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
            assert_eq!(distance(b, a), edits, "{b} {a}");
        }
    }

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["masters", "name", "roles", "mem"];
        let meant = |text| did_you_mean(text, known);
        assert_eq!(meant("master").unwrap(), "did you mean 'masters'?");
        assert_eq!(meant("rolse").unwrap(), "did you mean 'roles'?");
        assert_eq!(meant("Mem").unwrap(), "did you mean 'mem'?");
        assert_eq!(meant("colour"), None);
    }
}
