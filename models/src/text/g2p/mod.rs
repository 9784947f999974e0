//! Words to phonemes: the [`G2p`] seam and its default, [`English`].
//!
//! The notation is Kokoro's (American): stress marks `ˈ ˌ` right before the vowel, diphthongs
//! `A I O W Y`, `ʧ ʤ`, `T` for a flapped t, `ᵊ` and `ᵻ` for the weakest vowels, `ɹ`, one space
//! between words, punctuation kept. All symbols that [`English`] writes are in [`SYMBOLS`].
//!
//! ```
//! use duologue_models::text::{English, G2p, normalise};
//!
//! let words = normalise("I read the record; now record the water level.");
//! let phonemes = English::new().phonemes(&words);
//! assert_eq!(phonemes.text(), "ˌI ɹˈid ðə ɹˈɛkəɹd; nˈW ɹəkˈɔɹd ðə wˈɔTəɹ lˈɛvəl.");
//! ```

mod english;
mod homographs;
mod letters;
mod lexicon;
mod spelling;
#[cfg(test)]
mod tests;
mod user;

pub use english::English;
pub use user::UserLexicon;

use super::{Phonemes, SpokenWord};

/// Every symbol that [`English`] may write: what a voice must have been trained on.
pub const SYMBOLS: &str = " !\",.:;?—…“”()ˈˌAIOTWYbdfhijklmnpstuvwzæðŋɑɔəɛɜɡɪɹʃʊʌʒʤʧθᵊᵻ";

/// Turns spoken words into phonemes in Kokoro's notation.
///
/// Loaded once and shared. It never fails: a word it can't say is guessed, spelled or left out.
pub trait G2p: Send + Sync {
    /// The phonemes of one clause's words, with their punctuation and sources.
    fn phonemes(&self, words: &[SpokenWord]) -> Phonemes;
}
