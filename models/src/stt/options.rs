//! How a recogniser is loaded: [`SttOptions`].

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::model_toml::check;

/// How to load and run a recogniser; what is not set here is taken from the model's `model.toml`, then
/// from the model itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SttOptions {
    /// Threads per inference, `1..=64`.
    pub threads: u16,
    /// Sequences that a beam search keeps, `1..=32`; 0 decodes greedily. Transducers only.
    pub paths: Option<u16>,
    /// Subtracted from the score of "nothing is said"; above 0 fewer words are missed and more invented.
    pub blank_penalty: Option<f32>,
    /// Silence, in ms, that `finish` appends so that the last word is written; at most 5000.
    pub tail_ms: Option<u32>,
}

impl Default for SttOptions {
    /// One thread; the rest as the model says.
    fn default() -> Self {
        Self { threads: 1, paths: None, blank_penalty: None, tail_ms: None }
    }
}

impl SttOptions {
    /// Checks every key.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Config`], naming the first key that is out of range, as `stt.<key>`.
    pub fn validate(&self) -> Result<(), Error> {
        check("stt.", self.threads, self.paths, self.blank_penalty, self.tail_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_wrong_key_is_not_left_unnamed() {
        for (key, options) in [
            ("stt.threads", SttOptions { threads: 0, ..SttOptions::default() }),
            ("stt.paths", SttOptions { paths: Some(1_000), ..SttOptions::default() }),
            ("stt.blank_penalty", SttOptions { blank_penalty: Some(f32::NAN), ..SttOptions::default() }),
            ("stt.tail_ms", SttOptions { tail_ms: Some(60_000), ..SttOptions::default() }),
        ] {
            let error = options.validate().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(key), "{error}");
        }
        SttOptions::default().validate().unwrap();
    }
}
