//! Voice activity detection: the Vad trait, Silero, energy, and the segmenter
#![forbid(unsafe_code)]
