//! English words to phonemes: dictionary, homographs, endings, letter-to-sound rules.

mod homographs;
mod letters;
mod lexicon;
mod pronounce;
mod spelling;
#[cfg(test)]
mod tests;

pub(super) use pronounce::Pronouncer;

/// Whether the dictionary has `word`, in lower case.
pub(super) fn is_word(word: &str) -> bool {
    static WORDS: std::sync::LazyLock<lexicon::Lexicon> = std::sync::LazyLock::new(lexicon::Lexicon::shipped);
    WORDS.get(word).is_some()
}
