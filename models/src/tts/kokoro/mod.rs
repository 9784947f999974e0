//! Kokoro: text-to-speech through our own ONNX session.
//!
//! Any graph with Kokoro's signature is served: Kokoro-82M in every published export (float and quantized)
//! and the built-in voice. Unlike sherpa-onnx's wrapper a run can be cancelled inside, gives word
//! marks, and is sized by what it costs on this device.
//!
//! Invariants: no text makes it panic; a run never has more than [`MAX_PHONEMES`] phonemes (the graph takes 510);
//! the audio begins and ends with speech; every word has its mark.
//!
//! Life cycle: [`Kokoro::load`] reads the graph, the voices' names and the default voice, runs
//! the graph until it is warm and measures its cost. Then [`Tts::speak`](crate::Tts::speak) from any number of threads.
//!
//! Word marks come from the graph's durations. Exports without them (kokoro-onnx's among them) get marks that
//! are **estimated** from typical lengths of phonemes.
//!
//! ```no_run
//! use duologue_models::tts::kokoro::{Kokoro, KokoroOptions};
//! use duologue_models::{Cancel, SpeakOptions, Tts};
//!
//! let kokoro = Kokoro::load("models/kokoro-v1.0".as_ref(), &KokoroOptions::default())?;
//! let speech = kokoro.speak("Hello there.", &SpeakOptions::default(), &Cancel::new())?;
//! for mark in &speech.marks {
//!     println!("bytes {:?} are spoken in samples {:?}", mark.source, mark.samples);
//! }
//! # Ok::<(), duologue_models::Error>(())
//! ```

mod files;
mod graph;
mod model;
mod names;
mod plan;
mod signature;
mod speak;
mod voices;

pub use files::ModelFiles;
pub use model::{Kokoro, KokoroOptions};
pub use plan::{MAX_PHONEMES, MIN_PHONEMES};
pub use voices::{KOKORO_ROWS, STYLE_WIDTH, Style, TableHint, Voices};
