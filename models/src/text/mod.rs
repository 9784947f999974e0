//! Text to clauses to phonemes: what the mouth does to words before a voice model sees them.
//!
//! ```text
//! streamed text ─ ClauseSplitter ─▶ Clause ─ normalise ─▶ [SpokenWord] ─ phonemes ─▶ Phonemes ─ Vocabulary ─▶ Tokens
//!                      └──────────────────── a Language knows how ─────────────────┘
//! ```
//!
//! Invariant: every step keeps, for every word, the bytes of the text it was spoken from, so that
//! what a listener has heard can be told from the samples that were played. Nothing here fails
//! on bad input: what can't be said is left out.
//!
//! ```
//! use duologue_models::text::{self, English, Vocabulary};
//!
//! let voice = English::new();
//! let phonemes = text::phonemise("Dr. Smith paid $3.50.", &voice);
//! assert!(phonemes.text().ends_with('.'));
//! let tokens = Vocabulary::kokoro().encode(&phonemes);
//! assert_eq!((tokens.ids.first(), tokens.ids.last()), (Some(&0), Some(&0)));
//! ```

pub mod clause;
pub mod english;
mod explain;
pub mod language;
pub mod phonemes;
mod user;
pub mod vocabulary;
mod word;
pub mod written;

pub use clause::{Boundary, Clause, ClauseConfig, ClauseSplitter, ClauseWords, Haste};
pub use english::{English, normalise};
pub use explain::{Explanation, Reading, explain, spoken};
pub use language::Language;
pub use phonemes::{Phonemes, WordPhonemes};
pub use user::UserLexicon;
pub use vocabulary::{TokenMark, Tokens, Vocabulary};
pub use word::{SpokenWord, WordKind};
pub use written::{Piece, WrittenFilter, to_be_spoken};

/// The phonemes of `text` (one clause) in `language`.
///
/// The marks' sources are byte ranges of `text`.
///
/// ```
/// use duologue_models::text::{self, English};
///
/// let phonemes = text::phonemise("hello world", &English::new());
/// assert_eq!(phonemes.words().len(), 2);
/// assert_eq!(phonemes.words()[1].source, 6..11);
/// ```
pub fn phonemise(text: &str, language: &dyn Language) -> Phonemes {
    language.phonemes(&language.normalise(text))
}

#[cfg(test)]
mod tests;
