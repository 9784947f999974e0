//! Speech-to-text: the [`Stt`] and [`SttStream`] traits and what they return.
//!
//! An [`Stt`] is a loaded model, shared between threads; an [`SttStream`] is one utterance's
//! decoding, cheap and owned by one thread. Life cycle of a stream: `push` audio, read `partial`
//! whenever wanted, `finish` once at the end of the utterance, then `reset` before the next.
//!
//! [`StreamingStt`] hears while somebody speaks; [`OfflineStt`] takes whole utterances and answers at the
//! end; [`TwoPass`] joins one of each. [`crate::load`] tells by a model's family which one it is for.

mod hotwords;
mod model_dir;
mod offline;
mod options;
mod streaming;
mod two_pass;
mod words;

use std::ops::Range;
use std::path::Path;

pub use offline::OfflineStt;
pub use options::SttOptions;
pub use streaming::StreamingStt;
pub use two_pass::TwoPass;

use crate::{Error, Family};

/// Rate, in Hz, of the audio pushed into a stream.
pub const SAMPLE_RATE: u32 = 16_000;

/// The family of the recogniser in `dir`, found out from its files.
///
/// # Errors
/// [`crate::ErrorKind::NotFound`] if there is none; [`crate::ErrorKind::Invalid`] for files of another kind.
pub(crate) fn family(dir: &Path) -> Result<Family, Error> {
    Ok(model_dir::ModelDir::open(dir)?.found.family())
}

/// One recognised word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word as recognised.
    pub text: String,
    /// When the recogniser wrote it: samples at [`SAMPLE_RATE`] since the stream's start (or last
    /// reset), sorted, without overlaps. It was spoken up to about 0.3 s earlier.
    pub span: Range<u64>,
}

/// What has been recognised so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// The whole text, normalised to lower case unless the model writes cases itself; may be empty.
    pub text: String,
    /// The words with their places, where the model gives them; otherwise empty.
    pub words: Vec<Word>,
    /// How many stretches the model says are words it does not know; they are not in `text`.
    pub unknown: usize,
}

impl Transcript {
    /// Whether no word was recognised.
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// A loaded streaming recogniser.
pub trait Stt: Send + Sync {
    /// A fresh stream.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Inference`] if the engine refuses.
    fn stream(&self) -> Result<Box<dyn SttStream>, Error>;

    /// The model's name, for people and logs.
    fn name(&self) -> &str;
}

/// The decoding of one utterance.
pub trait SttStream: Send {
    /// Hears `samples` (mono, [`SAMPLE_RATE`], ±1.0) and decodes what is ready.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Inference`] if the engine fails; `reset` and carry on.
    fn push(&mut self, samples: &[f32]) -> Result<(), Error>;

    /// What has been recognised so far; may still change.
    fn partial(&self) -> Transcript;

    /// Ends the utterance and returns its final transcript.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Inference`] if the engine fails.
    fn finish(&mut self) -> Result<Transcript, Error>;

    /// Forgets everything; the next `push` starts a new utterance at sample 0.
    fn reset(&mut self);
}
