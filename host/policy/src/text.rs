//! Texts of policies, made fit to be shown: bounded, and without characters that
//! would do something to a terminal or pass for lines of the host.

use std::fmt::Write as _;

/// Begins each further line of a text, so that none looks like one of the host.
const FURTHER: &str = "\n  | ";

/// At most `limit` bytes of a text, cut between characters and marked.
pub(crate) fn shorten(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
        text.push('…');
    }
    text
}

/// A text for one line of at most about `limit` bytes.
pub(crate) fn one_line(text: String, limit: usize) -> String {
    shown(shorten(text, limit), "\\n")
}

/// A text of any number of lines, of at most about `limit` bytes.
pub(crate) fn lines(text: String, limit: usize) -> String {
    shown(shorten(text, limit), FURTHER)
}

/// Characters that do not show themselves are written as escapes.
fn shown(text: String, line_end: &str) -> String {
    if !text.contains(is_hidden) {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push_str(line_end),
            '\t' => shown.push('\t'),
            hidden if is_hidden(hidden) => {
                let _ = write!(shown, "{}", hidden.escape_unicode());
            }
            plain => shown.push(plain),
        }
    }
    shown
}

/// Control characters, and those that end lines or turn the direction of text.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}')
        || ('\u{202a}'..='\u{202e}').contains(&character)
        || ('\u{2066}'..='\u{2069}').contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(shorten("äöü".to_owned(), 6), "äöü");
        assert_eq!(shorten("äöü".to_owned(), 5), "äö…");
    }

    #[test]
    fn what_would_deceive_is_shown() {
        let plain = "grün\tis plain ☃";
        assert_eq!(one_line(plain.to_owned(), 100), plain);
        assert_eq!(
            one_line("\u{1b}[2Ja\r\nb\u{9b}\u{202e}".to_owned(), 100),
            r"\u{1b}[2Ja\u{d}\nb\u{9b}\u{202e}"
        );
        assert_eq!(lines("one\ntwo\u{7}".to_owned(), 100), "one\n  | two\\u{7}");
    }
}
