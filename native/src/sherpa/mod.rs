//! Recognisers of sherpa-onnx 2.0.1: streaming, whole utterances, and key words.
//!
//! - [`OnlineRecognizer`] hears while somebody speaks; [`OfflineRecognizer`] hears a whole utterance at once; [`KeywordSpotter`] waits for
//!   given phrases. Each is `Send + Sync`: load it once and share it. Streams are cheap, `Send`, and owned by one thread.
//! - Audio is mono `f32` in ±1 at [`SAMPLE_RATE`].
//! - sherpa-onnx ends the process where a model, a tokens file or a phrase is not what it expects. So every file is checked before it is
//!   loaded, and what it would refuse is an [`Error`](crate::Error) of kind [`ModelInvalid`](crate::ErrorKind::ModelInvalid) instead.
//!
//! ```no_run
//! use duologue_native::sherpa::{OnlineConfig, OnlineModel, OnlineRecognizer};
//!
//! # fn main() -> Result<(), duologue_native::Error> {
//! let model = OnlineModel::NemoCtc { model: "stt.int8.onnx".into() };
//! let recognizer = OnlineRecognizer::new(&OnlineConfig::new(model, "stt.tokens.txt"))?;
//! let mut stream = recognizer.stream()?;
//! stream.accept(&[0.0; 16_000])?;
//! stream.decode_ready();
//! println!("{}", stream.result().text);
//! # Ok(())
//! # }
//! ```

mod check;
#[rustfmt::skip]
pub(crate) mod ffi;
mod keyword;
mod offline;
mod online;
mod phrases;
mod raw;
mod states;
mod tokens;

pub use keyword::{Detection, KeywordConfig, KeywordSpotter, KeywordStream};
pub use offline::{OfflineConfig, OfflineModel, OfflineRecognizer, OfflineResult, WhisperTask};
pub use online::{
    Decoding, Hotwords, OnlineConfig, OnlineModel, OnlineRecognizer, OnlineResult, OnlineStream,
};

/// Samples per second of all audio that goes in.
pub const SAMPLE_RATE: u32 = 16_000;
