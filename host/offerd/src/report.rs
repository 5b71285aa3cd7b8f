//! How errors are printed: what failed, then why, one level a line.

use std::error::Error;

/// The error and its sources, each on a line of its own. A source that its
/// parent has already said is left out.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let line = inner.to_string();
        if !text.ends_with(&line) {
            text.push_str("\n  because: ");
            text.push_str(&line.replace('\n', "\n  "));
        }
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the outer")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn each_level_once() {
        let error = Outer(std::io::Error::other("the inner\nin two lines"));
        assert_eq!(
            chain(&error),
            "the outer\n  because: the inner\n  in two lines"
        );
    }
}
