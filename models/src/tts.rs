//! Text-to-speech: the [`Tts`] trait and what it returns.
//!
//! A [`Tts`] is a loaded model, shared between threads. It speaks one clause at a time, checks
//! [`Cancel`] while it runs, and says where each word lies in the samples it returns.

use std::ops::Range;

use crate::Error;
pub use duologue_native::Cancel;

/// Where one word of a clause lies in its audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordMark {
    /// Bytes of the clause's text that this word was spoken from.
    pub source: Range<usize>,
    /// Samples of [`Speech::samples`] in which it is spoken. Marks are sorted and do not overlap.
    pub samples: Range<usize>,
}

/// One synthesized clause.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Speech {
    /// Mono samples at [`Tts::sample_rate`], ±1.0.
    pub samples: Vec<f32>,
    /// The words, in order.
    pub marks: Vec<WordMark>,
}

/// How to speak.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeakOptions {
    /// A name out of [`Tts::voices`]; empty means the model's first voice.
    pub voice: String,
    /// Tempo, `0.5..=2.0`; 1.0 is the voice's own.
    pub speed: f32,
}

impl Default for SpeakOptions {
    fn default() -> Self {
        Self { voice: String::new(), speed: 1.0 }
    }
}

/// A loaded voice model.
pub trait Tts: Send + Sync {
    /// Rate, in Hz, of the samples returned by [`Tts::speak`].
    fn sample_rate(&self) -> u32;

    /// The voices' names, the default first; never empty.
    fn voices(&self) -> &[String];

    /// The model's name, for people and logs.
    fn name(&self) -> &str;

    /// Speaks `text`: one clause, at most about 200 phonemes; longer text is an error, never a
    /// crash. Text without anything to say gives empty speech.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Cancelled`] soon after `cancel.cancel()`, also inside a run;
    /// [`crate::ErrorKind::NotFound`] for an unknown voice; [`crate::ErrorKind::Config`] for a
    /// speed out of range or text too long; [`crate::ErrorKind::Inference`] if the engine fails.
    fn speak(&self, text: &str, options: &SpeakOptions, cancel: &Cancel) -> Result<Speech, Error>;
}
