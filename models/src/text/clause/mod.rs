//! Streamed text to clauses: what the mouth synthesizes at once.
//!
//! The first clause is short, so that sound comes soon; each later one may be longer than the one
//! before, as the audio in hand buys time. Clauses end with sentences where they can, else at
//! commas, dashes and conjunctions, else between words; only text without a blank is cut blindly.
//!
//! Invariants: the clauses' texts, put together, are the streamed text; how the stream is chopped
//! into deltas changes nothing (only [`ClauseSplitter::flush`] and [`ClauseSplitter::hasten`] do); no clause costs more than
//! [`HARD_LIMIT`] by the splitter's estimate. Time is linear in the text's length.
//!
//! Life cycle: `push` text as it comes and take every `next_clause`; `hasten` when the listener waits, `flush` when the stream
//! stalls; `finish` once at its end, take the rest, and the splitter is as new.
//!
//! ```
//! use duologue_models::text::{Boundary, ClauseConfig, ClauseSplitter};
//!
//! let mut splitter = ClauseSplitter::new(ClauseConfig::default());
//! for delta in ["Sure, Dr. Smi", "th. The next tr", "ain leaves at 10:45 a.m. sharp."] {
//!     splitter.push(delta);
//! }
//! let first = splitter.next_clause().unwrap();
//! assert_eq!((first.text.as_str(), first.boundary), ("Sure, Dr. Smith. ", Boundary::Sentence));
//! assert!(splitter.next_clause().is_none());
//! splitter.finish();
//! let last = splitter.next_clause().unwrap();
//! assert_eq!(last.text, "The next train leaves at 10:45 a.m. sharp.");
//! assert_eq!(last.source.start, first.source.end);
//! ```

mod boundary;
mod config;
mod safe;
mod splitter;
#[cfg(test)]
mod tests;
mod words;

use std::ops::Range;
use std::time::Duration;

pub use config::ClauseConfig;
pub use splitter::ClauseSplitter;
pub use words::ClauseWords;

/// Most estimated phonemes of a clause, come what may; well below the 510 that Kokoro takes, as
/// the estimate may be too low. [`super::Phonemes::chunks`] is the guarantee behind it.
pub const HARD_LIMIT: usize = 300;

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
    /// Inside a run without blanks that is too long for any model.
    Forced,
    /// The text stalled and what was there was asked for.
    Flush,
    /// The text ended.
    End,
}

/// Where a clause may end although it is not complete; see [`ClauseSplitter::hasten`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Haste {
    /// Where another phrase begins: before "for ten minutes", not before "messages".
    Phrases,
    /// Between any two words that do not belong together.
    Words,
}

/// One piece of streamed text to be spoken at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The text as it came, blanks included. It may hold nothing to say (a lone emoji at the end).
    pub text: String,
    /// Its bytes in the whole streamed text: a word's place in the stream is its
    /// [`super::SpokenWord::source`] plus `source.start`.
    pub source: Range<u64>,
    /// Why it ends.
    pub boundary: Boundary,
    /// Silence that belongs between its last word and the next clause.
    pub pause_after: Duration,
    /// Estimated phonemes, for planning; the true number comes from [`super::phonemise`].
    pub phonemes: usize,
    /// Whether it is the first of the stream.
    pub first: bool,
}
