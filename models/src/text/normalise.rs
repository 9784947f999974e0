//! Written text to spoken words, each with the bytes it came from.

use std::ops::Range;

/// How a [`SpokenWord`] is to be said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WordKind {
    /// As a word.
    #[default]
    Word,
    /// Letter by letter, but for a trailing lower-case `s` or `'s` ("FBI", "CDs").
    Spelled,
}

/// One word as it is to be said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpokenWord {
    /// The word: letters and inner apostrophes, in its written case.
    pub spoken: String,
    /// Bytes of the original text that it is spoken from. In order; two words' ranges are either
    /// the same (both spoken from one "42") or disjoint.
    pub source: Range<usize>,
    /// How to say it.
    pub kind: WordKind,
    /// Punctuation right before it: opening quotes and parentheses.
    pub before: String,
    /// Punctuation right after it, out of `; : , . ! ? — … ” )`.
    pub after: String,
}

/// The words to speak for `text`. Never fails; linear in the length of `text`.
pub fn normalise(text: &str) -> Vec<SpokenWord> {
    let mut words = Vec::new();
    let mut at = 0;
    for piece in text.split(' ') {
        let core = piece.trim_matches(|c: char| !c.is_alphanumeric());
        if !core.is_empty() {
            let start = at + piece.find(core).unwrap_or(0);
            let after = piece[start - at + core.len()..].to_owned();
            let source = start..start + core.len();
            words.push(SpokenWord { spoken: core.to_owned(), source, after, ..SpokenWord::default() });
        }
        at += piece.len() + 1;
    }
    words
}
