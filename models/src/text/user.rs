//! A user's own pronunciations, which go before every other.
//!
//! One `word phonemes` a line, in Kokoro's notation; `#` starts a comment. A word written with a
//! capital counts for that spelling only, a word in lower case for all.
//!
//! ```
//! use duologue_models::text::{English, UserLexicon, phonemise};
//!
//! let words = UserLexicon::parse("# our product\nDuologue dˈuəlˌɔɡ\n")?;
//! let phonemes = phonemise("Duologue!", &English::new().with_user_lexicon(words));
//! assert_eq!(phonemes.text(), "dˈuəlˌɔɡ!");
//! # Ok::<(), duologue_models::Error>(())
//! ```

use std::collections::HashMap;
use std::path::Path;

use duologue_fetch::plain;

use crate::{Error, ErrorKind};

/// Pronunciations that override the shipped ones.
#[derive(Clone, Debug, Default)]
pub struct UserLexicon {
    words: HashMap<String, String>,
}

impl UserLexicon {
    /// Reads a lexicon out of memory.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a line that is not a word and its phonemes; the message names it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut lexicon = Self::default();
        for (number, line) in text.lines().enumerate() {
            let entry = line.split('#').next().unwrap_or_default().trim();
            if entry.is_empty() {
                continue;
            }
            let (word, phonemes) = entry.split_once(char::is_whitespace).ok_or_else(|| {
                let message =
                    format!("user lexicon, line {}: write `word phonemes`, not {entry:?}", number + 1);
                Error::new(ErrorKind::Config, message)
            })?;
            lexicon.insert(word, phonemes.trim());
        }
        Ok(lexicon)
    }

    /// Reads a lexicon file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if it can't be read; [`ErrorKind::Config`] as [`UserLexicon::parse`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = plain::read_text(path, plain::MODEL_TEXT)
            .map_err(|e| Error::new(ErrorKind::Io, format!("can't read {}: {e}", path.display())))?;
        Self::parse(&text).map_err(|e| Error::new(e.kind(), format!("{}: {e}", path.display())))
    }

    /// Adds or replaces one word.
    pub fn insert(&mut self, word: &str, phonemes: &str) {
        self.words.insert(word.to_owned(), phonemes.to_owned());
    }

    /// The phonemes of `word`: as it is spelled, or else in lower case.
    pub(crate) fn get(&self, word: &str) -> Option<&str> {
        self.words.get(word).or_else(|| self.words.get(&word.to_lowercase())).map(String::as_str)
    }
}
