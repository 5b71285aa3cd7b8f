//! The sentences of an answer, each kept once.

use crate::map::Map;

#[derive(Debug, Default)]
pub(super) struct Reasons {
    texts: Vec<String>,
    /// Number of the sentence that was used last: mostly it is used again.
    last: u32,
    numbers: Map<String, u32>,
}

impl Reasons {
    /// Position of a sentence plus one, as decisions name it; 0 for an empty
    /// one.
    pub(super) fn index(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let last = self
            .last
            .checked_sub(1)
            .and_then(|at| self.texts.get(at as usize));
        if last.is_some_and(|last| last == text) {
            return self.last;
        }
        self.last = match self.numbers.get(text) {
            Some(number) => *number,
            None => {
                self.texts.push(text.to_owned());
                let number = u32::try_from(self.texts.len()).unwrap_or(0);
                self.numbers.insert(text.to_owned(), number);
                number
            }
        };
        self.last
    }

    pub(super) fn into_texts(self) -> Vec<String> {
        self.texts
    }
}
