//! Streamed text to clauses: what the mouth synthesizes at once.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

/// Why a clause ends where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Boundary {
    /// A sentence, line or paragraph ends.
    Sentence,
    /// A comma, semicolon, colon, dash or closing bracket.
    Phrase,
    /// Between two words, because the clause got long.
    Word,
    /// Inside a word that is too long for any model.
    Forced,
    /// The text stalled and what was there was asked for.
    Flush,
    /// The text ended.
    End,
}

/// One piece of streamed text to be spoken at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The text as it came, blanks included; may hold nothing to say.
    pub text: String,
    /// Its bytes in the whole streamed text: a word's place in the stream is its
    /// [`super::SpokenWord::source`] plus `source.start`.
    pub source: Range<u64>,
    /// Why it ends.
    pub boundary: Boundary,
    /// Silence that belongs between its last word and the next clause.
    pub pause_after: Duration,
    /// Whether it is the first of the stream.
    pub first: bool,
}

/// Sizes of clauses, in phonemes (symbols of the phoneme string).
#[derive(Clone, Debug, PartialEq)]
pub struct ClauseConfig {
    /// Aim for the first clause, which decides when the first sound comes.
    pub first_clause_phonemes: usize,
    /// How much longer than the one before a clause may be, until `max_phonemes` is reached.
    pub growth: f32,
    /// Aim for the longest clause.
    pub max_phonemes: usize,
    /// No clause is shorter, except where the text ends or is flushed.
    pub min_phonemes: usize,
}

impl Default for ClauseConfig {
    fn default() -> Self {
        Self { first_clause_phonemes: 50, growth: 2.0, max_phonemes: 200, min_phonemes: 6 }
    }
}

/// Cuts streamed text into clauses.
///
/// Life cycle: `push` text as it comes and take every `next_clause`; `flush` when the stream
/// stalls; `finish` once at its end, then take the remaining clauses.
#[derive(Debug)]
pub struct ClauseSplitter {
    pending: String,
    start: u64,
    ready: VecDeque<Clause>,
}

impl ClauseSplitter {
    /// A splitter at the start of a stream.
    pub fn new(_config: ClauseConfig) -> Self {
        Self { pending: String::new(), start: 0, ready: VecDeque::new() }
    }

    /// More text.
    pub fn push(&mut self, text: &str) {
        for c in text.chars() {
            self.pending.push(c);
            if matches!(c, '.' | '!' | '?') {
                self.emit(Boundary::Sentence);
            }
        }
    }

    /// The next clause that is complete, if any; more may follow after another `push`.
    pub fn next_clause(&mut self) -> Option<Clause> {
        self.ready.pop_front()
    }

    /// The stream stalls: gives out the whole words so far.
    pub fn flush(&mut self) {
        self.emit(Boundary::Flush);
    }

    /// The stream has ended: gives out the rest. The next `push` starts a new stream.
    pub fn finish(&mut self) {
        self.emit(Boundary::End);
    }

    fn emit(&mut self, boundary: Boundary) {
        let text = std::mem::take(&mut self.pending);
        if text.is_empty() {
            return;
        }
        let source = self.start..self.start + text.len() as u64;
        let first = self.start == 0;
        self.start = source.end;
        self.ready.push_back(Clause { text, source, boundary, pause_after: Duration::ZERO, first });
    }
}
