//! The audio pipeline: rings, echo cancellation, ear, mouth, conversation core, endpoints.
#![forbid(unsafe_code)]

pub mod capture;
pub mod core;
pub mod ear;
pub mod echo;
pub mod endpoint;
mod error;
pub mod playback;
pub mod reference;
pub mod resample;
pub mod wav;

pub use error::{Error, ErrorKind};
