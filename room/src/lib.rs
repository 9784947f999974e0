//! LiveKit rooms as an endpoint of the voice pipeline, and the worker that is dispatched to them.
//!
//! | module | what |
//! |---|---|
//! | [`engine`] | joining rooms: the trait, its plain types, and LiveKit's own engine behind it |
#![forbid(unsafe_code)]

pub mod engine;
mod error;

pub use error::{Error, ErrorKind};
