//! How a recogniser is loaded: [`SttOptions`].

use serde::{Deserialize, Serialize};

use super::hotwords;
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
    /// Words and phrases to prefer: names, streets, products; at most 1,000 of at most 100 characters. They need
    /// a streaming transducer, which then decodes by beam search (4 paths, if `paths` does not say otherwise).
    pub hotwords: Vec<String>,
    /// What each token of a hotword adds to the score of a sequence, `0.0..=10.0`. 1.5 is usual; more invents them.
    pub hotword_score: f32,
}

impl Default for SttOptions {
    /// One thread and no hotwords; the rest as the model says.
    fn default() -> Self {
        Self {
            threads: 1,
            paths: None,
            blank_penalty: None,
            tail_ms: None,
            hotwords: Vec::new(),
            hotword_score: 1.5,
        }
    }
}

impl SttOptions {
    /// Checks every key.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Config`], naming the first key that is out of range, as `recogniser.<key>`.
    pub fn validate(&self) -> Result<(), Error> {
        check("recogniser.", self.threads, self.paths, self.blank_penalty, self.tail_ms)?;
        hotwords::check(&self.hotwords, self.hotword_score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_wrong_key_is_not_left_unnamed() {
        for (key, options) in [
            ("recogniser.threads", SttOptions { threads: 0, ..SttOptions::default() }),
            ("recogniser.paths", SttOptions { paths: Some(1_000), ..SttOptions::default() }),
            (
                "recogniser.blank_penalty",
                SttOptions { blank_penalty: Some(f32::NAN), ..SttOptions::default() },
            ),
            ("recogniser.tail_ms", SttOptions { tail_ms: Some(60_000), ..SttOptions::default() }),
            ("recogniser.hotwords", SttOptions { hotwords: vec![" ".into()], ..SttOptions::default() }),
            ("recogniser.hotwords", SttOptions { hotwords: vec!["a\nb".into()], ..SttOptions::default() }),
            ("recogniser.hotwords", SttOptions { hotwords: vec!["a :9".into()], ..SttOptions::default() }),
            ("recogniser.hotwords", SttOptions { hotwords: vec!["a".repeat(101)], ..SttOptions::default() }),
            ("recogniser.hotword_score", SttOptions { hotword_score: f32::NAN, ..SttOptions::default() }),
        ] {
            let error = options.validate().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(key), "{error}");
        }
        SttOptions::default().validate().unwrap();
    }
}
