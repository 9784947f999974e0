//! American English: how its text is read, how its words sound, where its clauses end.
//!
//! ```
//! use duologue_models::text::{English, Language};
//!
//! let english = English::new();
//! let words = english.normalise("I read the record; now record the water level.");
//! let phonemes = english.phonemes(&words);
//! assert_eq!(phonemes.text(), "ˌI ɹˈid ðə ɹˈɛkəɹd; nˈW ɹəkˈɔɹd ðə wˈɔTəɹ lˈɛvᵊl.");
//! ```

mod clause;
mod g2p;
pub(crate) mod normalise;

use g2p::Pronouncer;

pub(crate) use clause::CLAUSE_WORDS;
pub use normalise::{SMALL_NUMBERS, TENS, normalise};

use super::{ClauseWords, Language, Phonemes, SpokenWord, UserLexicon};

/// American English out of a compact dictionary, with rules for unknown words.
///
/// Costs no start-up worth naming: the dictionary is read in place.
#[derive(Clone, Debug)]
pub struct English {
    sounds: Pronouncer,
}

impl Default for English {
    fn default() -> Self {
        Self::new()
    }
}

impl English {
    /// The shipped dictionary and rules.
    pub fn new() -> Self {
        Self { sounds: Pronouncer::new() }
    }

    /// The same with the user's pronunciations before all others.
    #[must_use]
    pub fn with_user_lexicon(mut self, user: UserLexicon) -> Self {
        self.sounds.set_user_lexicon(user);
        self
    }
}

impl Language for English {
    fn tag(&self) -> &'static str {
        "en-US"
    }

    fn normalise(&self, text: &str) -> Vec<SpokenWord> {
        normalise(text)
    }

    fn phonemes(&self, words: &[SpokenWord]) -> Phonemes {
        self.sounds.phonemes(words)
    }

    fn clause_words(&self) -> &'static ClauseWords {
        &CLAUSE_WORDS
    }
}
