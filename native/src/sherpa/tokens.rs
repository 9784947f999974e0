//! `tokens.txt`: one token and its number per line.
//!
//! sherpa-onnx ends the process on a malformed line and throws on a number without a token, so both are checked here.

use std::{collections::BTreeMap, collections::BTreeSet, io, path::Path};

use duologue_fetch::plain;

use crate::error::{Error, ErrorKind, Result};

/// The tokens of a recogniser.
#[derive(Debug)]
pub(super) struct Tokens {
    by_name: BTreeMap<String, i64>,
    numbers: BTreeSet<i64>,
}

impl Tokens {
    /// Reads a file; every line must be `token number`, or a number alone for the token that is a space.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = read_text(path, "tokens file")?;
        let mut tokens = Self { by_name: BTreeMap::new(), numbers: BTreeSet::new() };
        for (at, line) in text.lines().enumerate() {
            let mut fields = line.split_whitespace();
            let (name, number) = match (fields.next(), fields.next(), fields.next()) {
                (None, ..) => continue,
                (Some(number), None, _) => (" ", number),
                (Some(name), Some(number), None) => (name, number),
                _ => return Err(malformed(path, at, line)),
            };
            let number =
                number.parse::<i32>().ok().filter(|n| *n >= 0).ok_or_else(|| malformed(path, at, line))?;
            if !tokens.numbers.insert(number.into()) {
                return Err(Error::model(path, format!("line {}: the number {number} occurs twice", at + 1)));
            }
            tokens.by_name.insert(name.to_owned(), number.into());
        }
        if tokens.numbers.is_empty() {
            return Err(Error::model(path, "holds no tokens; pull the model again"));
        }
        Ok(tokens)
    }

    pub(super) fn get(&self, name: &str) -> Option<i64> {
        self.by_name.get(name).copied()
    }

    /// Checks that each number below `vocabulary` has a token: a model may give any of them.
    pub(super) fn expect_all(&self, vocabulary: i64, path: &Path, model: &Path) -> Result<()> {
        // The numbers are ascending and not negative, so the first that differs from its position is missing.
        let first_gap = self.numbers.iter().zip(0_i64..).find(|&(&number, at)| number != at);
        let known = first_gap.map_or(self.numbers.len() as i64, |(_, at)| at);
        if known >= vocabulary {
            return Ok(());
        }
        Err(Error::model(
            path,
            format!(
                "token {known} is missing, but {} knows {vocabulary}: the two files belong to different models; pull the model again",
                model.display()
            ),
        ))
    }
}

fn malformed(path: &Path, at: usize, line: &str) -> Error {
    let shown: String = line.chars().take(60).collect();
    Error::model(
        path,
        format!(
            "line {} is {shown:?}, but must be a token and its number; is this the model's tokens.txt?",
            at + 1
        ),
    )
}

/// Reads a text file that belongs to a model: a plain file of at most 16 MB.
pub(super) fn read_text(path: &Path, what: &str) -> Result<String> {
    plain::read_text(path, plain::MODEL_TEXT).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Error::new(
            ErrorKind::ModelMissing,
            format!("{what} {} does not exist; pull the model or correct the path", path.display()),
        ),
        io::ErrorKind::InvalidData => Error::model(path, format!("is no text, so it cannot be the {what}")),
        io::ErrorKind::InvalidInput | io::ErrorKind::FileTooLarge => {
            Error::model(path, format!("cannot be the {what}: {e}"))
        }
        _ => Error::io("cannot read", path, &e),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(text: &str) -> Result<Tokens> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Tokens::read(file.path())
    }

    #[test]
    fn gap_is_not_overlooked() {
        let tokens = read("<blk> 0\na 1\nb 3\n").unwrap();
        assert!(tokens.expect_all(2, "t".as_ref(), "m".as_ref()).is_ok());
        assert!(
            tokens.expect_all(3, "t".as_ref(), "m".as_ref()).unwrap_err().to_string().contains("token 2")
        );
    }

    #[test]
    fn model_given_as_tokens_is_refused() {
        for text in ["a b c\n", "a -1\n", "a 1\nb 1\n", "", "\u{8}\u{7}pytorch\n"] {
            assert_eq!(read(text).unwrap_err().kind(), ErrorKind::ModelInvalid, "{text:?}");
        }
    }

    #[test]
    fn space_and_windows_line_ends_are_understood() {
        let tokens = read("<blk> 0\r\n  1\r\n#0 2\r\n").unwrap();
        assert_eq!((tokens.get(" "), tokens.get("#0")), (Some(1), Some(2)));
    }
}
