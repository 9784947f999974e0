//! Text to clauses to phonemes: what the mouth does to words before a voice model sees them.
//!
//! ```text
//! streamed text ─ ClauseSplitter ─▶ Clause ─ normalise ─▶ [SpokenWord] ─ G2p ─▶ Phonemes ─ Vocabulary ─▶ Tokens
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
pub mod g2p;
pub mod normalise;
pub mod phonemes;
pub mod vocabulary;

pub use clause::{Boundary, Clause, ClauseConfig, ClauseSplitter, Haste};
pub use g2p::{English, G2p, UserLexicon};
pub use normalise::{SpokenWord, WordKind, normalise};
pub use phonemes::{Phonemes, WordPhonemes};
pub use vocabulary::{TokenMark, Tokens, Vocabulary};

/// The phonemes of `text` (one clause): [`normalise()`], then `g2p`.
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
pub fn phonemise(text: &str, g2p: &dyn G2p) -> Phonemes {
    g2p.phonemes(&normalise(text))
}

#[cfg(test)]
mod tests;
