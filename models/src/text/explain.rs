//! What becomes of a text, step by step: for people who tune a lexicon, and for tests.
//!
//! ```
//! use duologue_models::text::{ClauseConfig, English, explain};
//!
//! let line = explain("Dial 9-1-1.", &English::new(), &ClauseConfig::default());
//! assert_eq!(line.spoken, "Dial nine one one.");
//! assert_eq!((line.rules[0].rule, line.rules[0].written.as_str()), ("digits", "9-1-1"));
//! ```

use std::ops::Range;

use super::{Clause, ClauseConfig, ClauseSplitter, Language, SpokenWord, WordKind};

/// A text and all that is made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The words that will be spoken, spelled ones letter by letter, with their punctuation.
    pub spoken: String,
    /// The phonemes, in Kokoro's notation; clauses are parted by a blank.
    pub phonemes: String,
    /// The clauses that a voice is given one by one, with their pauses.
    pub clauses: Vec<Clause>,
    /// The pieces that are not said as they are written, and the rule that read each.
    pub rules: Vec<Reading>,
}

/// A piece of text that a rule read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Its bytes in the text.
    pub source: Range<usize>,
    /// What is written there.
    pub written: String,
    /// What is said for it.
    pub spoken: String,
    /// The rule's name ("phone", "money").
    pub rule: &'static str,
}

/// What becomes of `text` in `language`, cut as `config` says.
pub fn explain(text: &str, language: &dyn Language, config: &ClauseConfig) -> Explanation {
    let mut splitter = ClauseSplitter::new(config.clone());
    splitter.push(text);
    splitter.finish();
    let clauses: Vec<Clause> = std::iter::from_fn(|| splitter.next_clause()).collect();
    let mut all = Explanation {
        spoken: String::new(),
        phonemes: String::new(),
        clauses: Vec::new(),
        rules: Vec::new(),
    };
    for clause in &clauses {
        let words = language.normalise(&clause.text);
        join(&mut all.spoken, &spoken(&words));
        join(&mut all.phonemes, language.phonemes(&words).text());
        readings(&mut all.rules, &clause.text, clause.source.start as usize, &words);
    }
    all.clauses = clauses;
    all
}

/// `words` as one line: spelled words letter by letter ("F B I"), punctuation kept.
pub fn spoken(words: &[SpokenWord]) -> String {
    let mut line = String::new();
    for word in words {
        join(&mut line, &word.before);
        if !word.before.is_empty() {
            line.push_str(&said(word));
        } else {
            join(&mut line, &said(word));
        }
        line.push_str(&word.after);
    }
    line
}

fn said(word: &SpokenWord) -> String {
    if word.kind == WordKind::Word {
        return word.spoken.clone();
    }
    let mut letters = String::new();
    for letter in word.spoken.chars() {
        // A plural's "s" stays with its letter: "C Ds".
        if letter.is_uppercase() && !letters.is_empty() {
            letters.push(' ');
        }
        letters.push(letter);
    }
    letters
}

fn join(line: &mut String, piece: &str) {
    if !line.is_empty() && !piece.is_empty() {
        line.push(' ');
    }
    line.push_str(piece);
}

fn readings(rules: &mut Vec<Reading>, text: &str, start: usize, words: &[SpokenWord]) {
    for group in words.chunk_by(|a, b| a.source == b.source) {
        let source = group[0].source.clone();
        let written = text.get(source.clone()).unwrap_or_default();
        let spoken = group.iter().map(said).collect::<Vec<_>>().join(" ");
        if group[0].rule != "word" || spoken != written {
            let source = source.start + start..source.end + start;
            rules.push(Reading { source, written: written.to_owned(), spoken, rule: group[0].rule });
        }
    }
}
