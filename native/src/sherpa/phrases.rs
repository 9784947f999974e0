//! Hot words and key words, checked before sherpa-onnx sees them: it ends the process on a token or a number it does not know.

use std::path::Path;

use super::tokens::{Tokens, read_text};
use crate::error::{Error, Result};

/// Checks key words: one per line, each a list of the model's tokens, optionally with `:score`, `#threshold` and `@name`.
pub(super) fn check_keywords(text: &str, table: &Tokens, tokens: &Path) -> Result<()> {
    let mut any = false;
    for line in text.lines() {
        let mut found = 0;
        for word in line.split_whitespace() {
            if table.get(word).is_some() {
                found += 1;
            } else if let Some(number) = word.strip_prefix([':', '#']) {
                check_number(number, line)?;
            } else if !word.starts_with('@') {
                return Err(Error::argument(format!(
                    "key word {line:?}: {word:?} is not a token of {}; write it as that model's tokens, such as \"▁HE LL O @HELLO\"",
                    tokens.display()
                )));
            }
        }
        if found == 0 && !line.trim().is_empty() {
            return Err(Error::argument(format!("key word {line:?} has no tokens")));
        }
        any |= found > 0;
    }
    if any { Ok(()) } else { Err(Error::argument("no key word is given")) }
}

/// Checks hot words: one phrase per line, optionally with ` :score` at its end.
pub(super) fn check_hotwords(text: &str) -> Result<()> {
    for line in text.lines() {
        let mut words = line.split_whitespace().peekable();
        if words.peek().is_some_and(|first| first.starts_with(':')) {
            return Err(Error::argument(format!("hot word {line:?} has a score but no words")));
        }
        while let Some(word) = words.next() {
            let Some(number) = word.strip_prefix(':') else { continue };
            if words.peek().is_some() {
                return Err(Error::argument(format!("hot word {line:?}: the score must come last")));
            }
            check_number(number, line)?;
        }
    }
    Ok(())
}

/// Checks a vocabulary of byte pairs: `piece score` per line.
pub(super) fn check_bpe_vocabulary(path: &Path) -> Result<()> {
    let text = read_text(path, "BPE vocabulary")?;
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let score = line.rsplit(['\t', ' ']).next().unwrap_or_default();
        if score.parse::<f32>().is_err() || score.len() == line.len() {
            return Err(Error::model(
                path,
                format!(
                    "line {} must be a piece and its score; this must be the model's bpe.vocab, not bpe.model",
                    at + 1
                ),
            ));
        }
    }
    Ok(())
}

fn check_number(number: &str, line: &str) -> Result<()> {
    match number.parse::<f32>() {
        Ok(n) if n.is_finite() => Ok(()),
        _ => Err(Error::argument(format!("{line:?}: {number:?} is no number"))),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn keywords(text: &str) -> Result<()> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all("<blk> 0\n▁HE 1\nLL 2\nO 3\n".as_bytes()).unwrap();
        check_keywords(text, &Tokens::read(file.path()).unwrap(), file.path())
    }

    #[test]
    fn bad_key_word_does_not_reach_sherpa() {
        assert!(keywords("▁HE LL O :1.5 #0.35 @HELLO\n").is_ok());
        for bad in ["", "hello", "▁HE LL O :x", "▁HE #", "@HELLO", ":1.0", "▁HE :nan"] {
            assert!(keywords(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn bad_hot_word_does_not_reach_sherpa() {
        assert!(check_hotwords("LIVE KIT :2.0\nDUOLOGUE\n\n").is_ok());
        for bad in ["A :x", ":2.0", "A :2.0 B", "A :"] {
            assert!(check_hotwords(bad).is_err(), "{bad:?}");
        }
    }
}
