//! LiveKit rooms as an endpoint of the voice pipeline, and the worker that is dispatched to them.
//!
//! | module | what |
//! |---|---|
#![forbid(unsafe_code)]

mod error;

pub use error::{Error, ErrorKind};
