//! Who may ask: keys with names, compared so that no timing tells how much of a guess was right.

use std::path::Path;

use sha2::{Digest, Sha256};
use toml::Table;

use crate::{Error, ErrorKind};

/// Largest file of keys, in bytes.
const LARGEST: u64 = 1 << 20;

/// The keys that open a server. Empty, it is open to everybody who reaches it.
///
/// ```
/// use duologue_server::Keys;
///
/// let keys = Keys::default().with("phone", "secret-1")?;
/// assert_eq!(keys.name_of("secret-1"), Some("phone"));
/// assert_eq!(keys.name_of("secret-2"), None);
/// # Ok::<(), duologue_server::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Keys(Vec<(String, [u8; 32])>);

impl Keys {
    /// These keys and another, for the client called `name`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for an empty key, or one that no header can carry.
    pub fn with(mut self, name: &str, key: &str) -> Result<Self, Error> {
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = format!(
                "the key of {name:?} is empty or has characters that no header carries; choose another"
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        self.0.push((name.to_owned(), digest(key)));
        Ok(self)
    }

    /// These keys and those of a TOML file with lines `name = "key"`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the file if it cannot be read or holds anything else.
    pub fn with_file(self, path: &Path) -> Result<Self, Error> {
        let wrong = |what: String| Error::new(ErrorKind::Config, format!("{}: {what}", path.display()));
        let data = std::fs::metadata(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        if !data.is_file() || data.len() > LARGEST {
            return Err(wrong("is no regular file of at most 1 MB".to_owned()));
        }
        let text =
            std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        // The parser's message may show a key.
        let table: Table =
            text.parse().map_err(|_| wrong("is no TOML; write lines like phone = \"KEY\"".to_owned()))?;
        table.iter().try_fold(self, |keys, (name, key)| {
            let key = key.as_str().ok_or_else(|| wrong(format!("{name}: a text in quotes is wanted")))?;
            keys.with(name, key)
        })
    }

    /// Whether anybody may ask.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose key it is.
    pub fn name_of(&self, key: &str) -> Option<&str> {
        let given = digest(key);
        // All are compared whole, whether one fits or not.
        let same = |known: &[u8; 32]| known.iter().zip(&given).fold(0, |any, (a, b)| any | (a ^ b)) == 0;
        self.0.iter().fold(None, |found, (name, known)| if same(known) { Some(name.as_str()) } else { found })
    }
}

/// Keys of any length become alike: a comparison tells nothing of the length, and memory holds no key.
fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_keys_does_not_open_the_server_by_mistake() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys.toml");
        std::fs::write(&file, "phone = \"a\"\ndesk = \"b\"").unwrap();
        let keys = Keys::default().with_file(&file).unwrap();
        assert_eq!((keys.name_of("b"), keys.name_of(""), keys.name_of("ab")), (Some("desk"), None, None));
        for wrong in ["phone = \"\"", "phone = 3", "s3cr3t", "phone = \"a b\""] {
            std::fs::write(&file, wrong).unwrap();
            let error = Keys::default().with_file(&file).err().unwrap();
            assert!(!error.to_string().contains("s3cr3t"), "{error}");
        }
        assert!(Keys::default().with_file(dir.path()).is_err());
    }
}
