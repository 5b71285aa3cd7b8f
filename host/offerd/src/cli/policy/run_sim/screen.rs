//! Where the view is shown: on a terminal it is drawn again in its place, and news pass
//! above it; elsewhere each line that is new is written once.

use std::collections::HashSet;
use std::io::{self, IsTerminal as _, Write as _};

use super::view::Seen;

pub(super) enum Screen {
    /// What is drawn now.
    Terminal(Vec<String>),
    /// The lines of the last look.
    Lines(HashSet<String>),
}

impl Screen {
    pub(super) fn new() -> Self {
        if io::stdout().is_terminal() {
            Self::Terminal(Vec::new())
        } else {
            Self::Lines(HashSet::new())
        }
    }

    /// Something that stays.
    pub(super) fn say(&mut self, text: &str) {
        match self {
            Self::Terminal(drawn) => put(&draw(drawn.len(), &[text.to_owned()], drawn)),
            Self::Lines(_) => println!("{text}"),
        }
    }

    /// What is to be seen from now on.
    pub(super) fn show(&mut self, seen: &Seen) {
        match self {
            Self::Terminal(drawn) => {
                let lines = seen.table();
                put(&draw(drawn.len(), &[], &lines));
                *drawn = lines;
            }
            Self::Lines(known) => {
                let lines = seen.lines();
                for line in lines.iter().filter(|line| !known.contains(*line)) {
                    println!("{line}");
                }
                *known = lines.into_iter().collect();
            }
        }
    }
}

/// The characters that replace so many lines by news and a picture. Lines of the picture
/// that are too long are cut by the terminal: folded, they would take more room than is
/// known here.
fn draw(replaced: usize, news: &[String], picture: &[String]) -> String {
    let mut text = match replaced {
        0 => String::new(),
        up => format!("\x1b[{up}A\r\x1b[J"),
    };
    for line in news {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str("\x1b[?7l");
    for line in picture {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str("\x1b[?7h");
    text
}

fn put(text: &str) {
    print!("{text}");
    // What cannot be shown now is drawn with the next look.
    drop(io::stdout().flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_replaces_the_one_before_and_news_stay_above() {
        let picture = ["a".to_owned(), "b".to_owned()];
        assert_eq!(draw(0, &[], &picture), "\x1b[?7la\nb\n\x1b[?7h");
        assert_eq!(
            draw(2, &["built".to_owned()], &picture),
            "\x1b[2A\r\x1b[Jbuilt\n\x1b[?7la\nb\n\x1b[?7h"
        );
    }
}
