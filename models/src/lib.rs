//! Speech models: STT, TTS and turn-detection traits, sherpa-onnx, Kokoro, text and phonemes,
//! the registry, and the built-ins.
#![forbid(unsafe_code)]

mod error;
mod family;
pub mod load;
mod model_toml;
pub mod probe;
pub mod registry;
pub mod stt;
pub mod text;
pub mod tts;
pub mod turn;
pub mod wake;

pub use error::{Error, ErrorKind};
pub use family::{Family, ModelKind};
pub use stt::{Stt, SttStream, Transcript, Word};
pub use tts::{Cancel, Piece, SpeakOptions, Speech, Tts, TtsCost, WordMark};
pub use turn::{LastWords, SmartTurn, TurnDetector, TurnStream};
