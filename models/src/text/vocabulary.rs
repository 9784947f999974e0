//! A voice's table of symbols: phonemes to token ids.
//!
//! A `tokens.txt` has one `symbol id` a line, split at the last space (the space itself is a
//! symbol). Invariant: every id is below [`MAX_TOKENS`] and 0 is the padding. A symbol that the
//! voice does not know is left out and counted, never an error that stops speech.
//!
//! ```
//! use duologue_models::text::{Phonemes, Vocabulary};
//!
//! let mut phonemes = Phonemes::default();
//! phonemes.push_word("", "hˈI", "!", 0..2);
//! let tokens = Vocabulary::kokoro().encode(&phonemes);
//! assert_eq!(tokens.ids, [0, 50, 156, 25, 5, 0]);
//! assert_eq!(tokens.words[0].tokens, 1..4);
//! ```

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use duologue_fetch::plain;

use super::Phonemes;
use crate::{Error, ErrorKind};

/// Most entries of a table, and one more than the highest id: the size of Kokoro's embedding.
pub const MAX_TOKENS: usize = 178;

/// Where one word lies in [`Tokens::ids`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenMark {
    /// Bytes of the clause's text that the word was spoken from.
    pub source: Range<usize>,
    /// Indices of [`Tokens::ids`]; empty if the voice knows none of its symbols.
    pub tokens: Range<usize>,
}

/// What a voice model is fed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// The ids, with the padding 0 at both ends.
    pub ids: Vec<i64>,
    /// The words, in order.
    pub words: Vec<TokenMark>,
    /// Symbols left out because the voice does not know them.
    pub dropped: usize,
}

/// A voice's symbols and their ids.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    ids: HashMap<char, i64>,
}

impl Vocabulary {
    /// The table of Kokoro 82M v1.0, which the built-in voice shares.
    pub fn kokoro() -> Self {
        Self::parse(include_str!("../../data/kokoro.tokens.txt"))
            .expect("invariant: the shipped table is valid")
    }

    /// Reads a `tokens.txt`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if it can't be read; [`ErrorKind::Invalid`] as [`Vocabulary::parse`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        let table = plain::read_text(path, plain::MODEL_TEXT)
            .map_err(|e| Error::new(ErrorKind::Io, format!("can't read {}: {e}", path.display())))?;
        Self::parse(&table).map_err(|e| Error::new(e.kind(), format!("{}: {e}", path.display())))
    }

    /// Reads a table out of memory.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for an empty table, more than [`MAX_TOKENS`] entries, or a line that
    /// is not one character, a space and an id below [`MAX_TOKENS`]; the message names the line.
    pub fn parse(table: &str) -> Result<Self, Error> {
        let mut ids = HashMap::new();
        for (number, line) in table.split('\n').enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            let (symbol, id) = entry(line).ok_or_else(|| {
                let message = format!(
                    "line {}: {line:?} is not one symbol, a space and an id below {MAX_TOKENS}; fetch the voice again",
                    number + 1
                );
                Error::new(ErrorKind::Invalid, message)
            })?;
            ids.insert(symbol, id);
        }
        if ids.is_empty() || ids.len() > MAX_TOKENS {
            let message =
                format!("{} symbols where 1 to {MAX_TOKENS} belong; fetch the voice again", ids.len());
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        Ok(Self { ids })
    }

    /// The id of `symbol`, if the voice knows it.
    pub fn id(&self, symbol: char) -> Option<i64> {
        self.ids.get(&symbol).copied()
    }

    /// The tokens of `phonemes`, padded at both ends.
    pub fn encode(&self, phonemes: &Phonemes) -> Tokens {
        let mut tokens = Tokens { ids: vec![0], ..Tokens::default() };
        let mut words = phonemes.words().iter();
        let mut word = words.next();
        let mut start = 1;
        for (at, symbol) in phonemes.text().char_indices() {
            if word.is_some_and(|w| w.phonemes.start == at) {
                start = tokens.ids.len();
            }
            match self.id(symbol) {
                Some(id) => tokens.ids.push(id),
                None => tokens.dropped += 1,
            }
            if let Some(w) = word.filter(|w| w.phonemes.end == at + symbol.len_utf8()) {
                tokens.words.push(TokenMark { source: w.source.clone(), tokens: start..tokens.ids.len() });
                word = words.next();
            }
        }
        tokens.ids.push(0);
        tokens
    }
}

fn entry(line: &str) -> Option<(char, i64)> {
    let (symbol, id) = line.rsplit_once(' ')?;
    let mut chars = symbol.chars();
    let symbol = chars.next().filter(|_| chars.next().is_none())?;
    let id: i64 = id.parse().ok()?;
    (0..MAX_TOKENS as i64).contains(&id).then_some((symbol, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_space_is_a_symbol_too() {
        let table = Vocabulary::parse("a 1\n  2\nb 3\n").unwrap();
        assert_eq!((table.id(' '), table.id('b')), (Some(2), Some(3)));
        assert_eq!(Vocabulary::kokoro().id(' '), Some(16));
    }

    #[test]
    fn a_damaged_table_is_not_taken_for_a_voice() {
        for bad in ["", "\n\n", "a\n", "a b\n", "ab 3\n", "a 178\n", "a -1\n", "a 1\nnonsense"] {
            let error = Vocabulary::parse(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{bad:?}");
        }
        assert_eq!(Vocabulary::load(Path::new("/nonexistent/tokens.txt")).unwrap_err().kind(), ErrorKind::Io);
    }

    #[test]
    fn an_unknown_symbol_does_not_stop_speech_or_shift_marks() {
        let mut phonemes = Phonemes::default();
        phonemes.push_word("“", "h❓ˈI", "", 0..2);
        phonemes.push_word("", "❓", "", 3..4);
        phonemes.push_word("", "ðˈɛɹ", "!", 5..10);
        let tokens = Vocabulary::kokoro().encode(&phonemes);
        assert_eq!(tokens.dropped, 2);
        assert_eq!(tokens.words.len(), 3);
        assert_eq!(tokens.words[0].tokens, 2..5);
        assert!(tokens.words[1].tokens.is_empty());
        assert_eq!(tokens.words[2].tokens.len(), 4);
        assert_eq!((tokens.ids[0], *tokens.ids.last().unwrap()), (0, 0));
    }
}
