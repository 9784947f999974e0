//! How long clauses are.

use std::time::Duration;

use super::{ClauseWords, HARD_LIMIT};
use crate::{Error, ErrorKind};

/// Speech of one phoneme symbol, blanks and marks included: 60 symbols are about 4.15 s of Kokoro.
const SPOKEN_PER_PHONEME: Duration = Duration::from_millis(69);

/// Sizes of clauses, in phonemes (symbols of the phoneme string), and pauses between them.
#[derive(Clone, Debug, PartialEq)]
pub struct ClauseConfig {
    /// Aim for the first clause, which decides when the first sound comes; 10 to `max_phonemes`.
    pub first_clause_phonemes: usize,
    /// How much longer than the aim before an aim may be, until `max_phonemes`; at least 1.
    pub growth: f32,
    /// Aim for the longest clause; at most 200, beyond which Kokoro fades.
    pub max_phonemes: usize,
    /// No clause is shorter, except where the text ends or is flushed; Kokoro clips shorter ones.
    pub min_phonemes: usize,
    /// Pause after a sentence.
    pub sentence_pause: Duration,
    /// Pause after a comma, dash or the like.
    pub phrase_pause: Duration,
    /// Pause after a paragraph, heading or list item.
    pub paragraph_pause: Duration,
    /// What the language of the text tells about where a clause may end; American English by default.
    pub words: &'static ClauseWords,
}

impl Default for ClauseConfig {
    fn default() -> Self {
        Self {
            first_clause_phonemes: 50,
            growth: 1.5,
            max_phonemes: 200,
            min_phonemes: 6,
            sentence_pause: Duration::from_millis(300),
            phrase_pause: Duration::from_millis(120),
            paragraph_pause: Duration::from_millis(450),
            words: &crate::text::english::CLAUSE_WORDS,
        }
    }
}

impl ClauseConfig {
    /// Sizes for a device that synthesizes one phoneme in `per_phoneme` and shall give the first
    /// sound within `first_audio` of the first clause: as long as that allows, and growing no
    /// faster than the audio in hand covers.
    ///
    /// ```
    /// use std::time::Duration;
    /// use duologue_models::text::ClauseConfig;
    ///
    /// let fast = ClauseConfig::for_speed(Duration::from_millis(2), Duration::from_millis(200));
    /// let slow = ClauseConfig::for_speed(Duration::from_millis(48), Duration::from_millis(900));
    /// assert_eq!((fast.first_clause_phonemes, slow.first_clause_phonemes), (100, 18));
    /// ```
    pub fn for_speed(per_phoneme: Duration, first_audio: Duration) -> Self {
        let per_phoneme = per_phoneme.as_secs_f32().max(1e-6);
        let first = (first_audio.as_secs_f32() / per_phoneme) as usize;
        let growth = SPOKEN_PER_PHONEME.as_secs_f32() / per_phoneme;
        let default = Self::default();
        Self {
            first_clause_phonemes: first.clamp(15, default.max_phonemes),
            growth: growth.clamp(1.0, 3.0),
            ..default
        }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], naming the key.
    pub fn validate(&self) -> Result<(), Error> {
        let wrong = |message: String| Err(Error::new(ErrorKind::Config, message));
        if !(50..=HARD_LIMIT * 2 / 3).contains(&self.max_phonemes) {
            return wrong(format!(
                "max_phonemes = {}: must be 50 to {}",
                self.max_phonemes,
                HARD_LIMIT * 2 / 3
            ));
        }
        if !(10..=self.max_phonemes).contains(&self.first_clause_phonemes) {
            let given = self.first_clause_phonemes;
            return wrong(format!("first_clause_phonemes = {given}: must be 10 to {}", self.max_phonemes));
        }
        if self.min_phonemes > self.first_clause_phonemes {
            return wrong(format!(
                "min_phonemes = {}: must not exceed first_clause_phonemes",
                self.min_phonemes
            ));
        }
        if !(1.0..=10.0).contains(&self.growth) {
            return wrong(format!("growth = {}: must be 1 to 10", self.growth));
        }
        Ok(())
    }

    /// The aim of the clause number `index`, from 0.
    pub(super) fn aim(&self, index: usize) -> usize {
        let max = self.max_phonemes.clamp(10, HARD_LIMIT * 2 / 3);
        let mut aim = self.first_clause_phonemes.clamp(10, max) as f32;
        for _ in 0..index.min(64) {
            aim = (aim * self.growth.max(1.0)).min(max as f32);
        }
        aim as usize
    }
}
