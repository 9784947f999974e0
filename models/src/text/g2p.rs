//! Words to phonemes: the [`G2p`] seam and its default, [`English`].

use super::{Phonemes, SpokenWord};

/// Turns spoken words into phonemes in Kokoro's notation.
///
/// Loaded once and shared. It never fails: a word it can't say is guessed, spelled or left out.
pub trait G2p: Send + Sync {
    /// The phonemes of one clause's words, with their punctuation and sources.
    fn phonemes(&self, words: &[SpokenWord]) -> Phonemes;
}

/// American English out of a compact lexicon, with letter-to-sound rules for unknown words.
#[derive(Debug, Default)]
pub struct English {}

impl English {
    /// The shipped lexicon.
    pub fn new() -> Self {
        Self::default()
    }
}

impl G2p for English {
    fn phonemes(&self, words: &[SpokenWord]) -> Phonemes {
        let mut phonemes = Phonemes::default();
        for word in words {
            phonemes.push_word(&word.before, &word.spoken.to_lowercase(), &word.after, word.source.clone());
        }
        phonemes
    }
}
