//! A word as it is to be said: what a language's normaliser makes of text.

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
    /// Punctuation right after it: at most one of `; : , . ! ? — …`, then closing quotes and
    /// parentheses.
    pub after: String,
    /// Name of the rule that read it ("phone", "money", "word"); for people who tune a language.
    pub rule: &'static str,
}
