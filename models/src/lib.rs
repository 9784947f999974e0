//! Speech models: STT, TTS and turn-detection traits, sherpa-onnx, Kokoro, text and phonemes,
//! the registry, and the built-ins.
#![forbid(unsafe_code)]

mod error;
pub mod kokoro;
pub mod registry;
pub mod stt;
pub mod text;
pub mod tts;
pub mod turn;

pub use error::{Error, ErrorKind};
pub use stt::{Stt, SttStream, Transcript, Word};
pub use tts::{Cancel, SpeakOptions, Speech, Tts, TtsCost, WordMark};
pub use turn::{LastWords, TurnContext, TurnDetector};
