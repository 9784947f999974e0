//! A clause's phonemes and where each word lies in them.
//!
//! [`Phonemes`] is built once by a [`super::Language`] and read by a voice. Invariant: marks are in
//! order, do not overlap, and lie on character boundaries of [`Phonemes::text`].
//!
//! ```
//! use duologue_models::text::Phonemes;
//!
//! let mut phonemes = Phonemes::default();
//! phonemes.push_word("", "həlˈO", ",", 0..5);
//! phonemes.push_word("", "wˈɜɹld", ".", 7..12);
//! assert_eq!(phonemes.text(), "həlˈO, wˈɜɹld.");
//! assert_eq!(phonemes.words()[0].phonemes, 0.."həlˈO".len());
//! ```

use std::ops::Range;

/// Every symbol that a language may write: what a voice must have been trained on.
///
/// The notation is Kokoro's: stress marks `ˈ ˌ` right before the vowel, diphthongs `A I O W Y`, `ʧ ʤ`,
/// `T` for a flapped t, `ᵊ` and `ᵻ` for the weakest vowels, `ɹ`, one space between words, punctuation
/// kept.
pub const SYMBOLS: &str = " !\",.:;?—…“”()ˈˌAIOTWYbdfhijklmnpstuvwzæðŋɑɔəɛɜɡɪɹʃʊʌʒʤʧθᵊᵻ";

/// Where one spoken word lies in [`Phonemes::text`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordPhonemes {
    /// Bytes of the clause's text that the word was spoken from. Words spoken from one token
    /// ("42") share one range.
    pub source: Range<usize>,
    /// Bytes of [`Phonemes::text`] that say it, without punctuation and spaces.
    pub phonemes: Range<usize>,
}

/// Phonemes in Kokoro's notation: one character a symbol, one space between words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phonemes {
    text: String,
    words: Vec<WordPhonemes>,
}

impl Phonemes {
    /// Appends a word said as `phonemes` between the punctuation `before` and `after`; a word
    /// without phonemes leaves only its punctuation.
    pub fn push_word(&mut self, before: &str, phonemes: &str, after: &str, source: Range<usize>) {
        let silent = before.is_empty() && phonemes.is_empty();
        if !self.text.is_empty() && !silent {
            self.text.push(' ');
        }
        self.text.push_str(before);
        let start = self.text.len();
        self.text.push_str(phonemes);
        if !phonemes.is_empty() {
            self.words.push(WordPhonemes { source, phonemes: start..self.text.len() });
        }
        self.text.push_str(after);
    }

    /// The symbols.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The words, in order.
    pub fn words(&self) -> &[WordPhonemes] {
        &self.words
    }

    /// Number of symbols, spaces and punctuation included: what a model's limit counts.
    pub fn len(&self) -> usize {
        self.text.chars().count()
    }

    /// The same in pieces of at most `limit` symbols (at least 1), parted between words where that
    /// is possible: so that no text whatever overfills a model. The marks' sources stay.
    ///
    /// ```
    /// use duologue_models::text::{English, phonemise};
    ///
    /// let phonemes = phonemise("one two three", &English::new());
    /// let chunks = phonemes.chunks(9);
    /// let texts: Vec<&str> = chunks.iter().map(|chunk| chunk.text()).collect();
    /// assert_eq!(texts, ["wˈʌn tˈu", "θɹˈi"]);
    /// ```
    pub fn chunks(&self, limit: usize) -> Vec<Phonemes> {
        let limit = limit.max(1);
        let mut chunks = Vec::new();
        let mut start = 0;
        while start < self.text.len() {
            let rest = &self.text[start..];
            let end = rest.char_indices().nth(limit).map_or(self.text.len(), |(at, _)| start + at);
            let whole = end == self.text.len() || self.text[end..].starts_with(' ');
            let end = if whole { end } else { self.text[start..end].rfind(' ').map_or(end, |at| start + at) };
            chunks.push(self.slice(start..end));
            start = end + usize::from(self.text[end..].starts_with(' '));
        }
        chunks
    }

    fn slice(&self, range: Range<usize>) -> Phonemes {
        let first = self.words.partition_point(|word| word.phonemes.end <= range.start);
        let inside = self.words[first..].iter().take_while(|word| word.phonemes.start < range.end);
        let words = inside.map(|word| WordPhonemes {
            source: word.source.clone(),
            phonemes: word.phonemes.start.max(range.start) - range.start
                ..word.phonemes.end.min(range.end) - range.start,
        });
        Phonemes { words: words.collect(), text: self.text[range].to_owned() }
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}
