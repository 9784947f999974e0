//! The seam for a language: how its text is read, how its words sound, where its clauses end.

use std::sync::Arc;

use super::{ClauseWords, English, Phonemes, SpokenWord};

/// One spoken language.
///
/// Loaded once and shared. It never fails: a word it can't say is guessed, spelled or left out. To add
/// a language, make a folder beside `english/` that implements this.
pub trait Language: Send + Sync {
    /// Its BCP 47 tag: "en-US".
    fn tag(&self) -> &'static str;

    /// The words to speak for `text`, one clause or more, each with the bytes it came from. Linear in
    /// the length of `text`.
    fn normalise(&self, text: &str) -> Vec<SpokenWord>;

    /// The phonemes of one clause's words, with their punctuation and sources, in Kokoro's notation
    /// (see [`super::phonemes::SYMBOLS`]).
    fn phonemes(&self, words: &[SpokenWord]) -> Phonemes;

    /// What its words tell about where a clause may end.
    fn clause_words(&self) -> &'static ClauseWords;
}

/// The tags of the languages that are here.
pub const TAGS: &[&str] = &["en-US"];

/// The language with this BCP 47 tag; the region may be left out ("en").
///
/// ```
/// use duologue_models::text::language;
///
/// assert_eq!(language::by_tag("en").map(|english| english.tag()), Some("en-US"));
/// assert!(language::by_tag("tlh").is_none());
/// ```
pub fn by_tag(tag: &str) -> Option<Arc<dyn Language>> {
    match tag.split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
        "en" => Some(Arc::new(English::new())),
        _ => None,
    }
}

/// The tag of the language that a Kokoro voice speaks, by its first letter ("af_heart": American
/// English).
pub fn of_voice(voice: &str) -> Option<&'static str> {
    let mut letters = voice.chars();
    let (first, second, third) = (letters.next()?, letters.next()?, letters.next()?);
    match (first, second, third) {
        ('a' | 'b', 'f' | 'm', '_') => Some("en-US"),
        _ => None,
    }
}
