//! WAV files, whole and broken.

mod bad_input;
pub mod bytes;
mod kinds;
mod properties;
mod writer;
