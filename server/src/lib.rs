//! Servers over the same models: every client that people already have talks to Duologue.
//!
//! | module | what |
//! |---|---|
//! | [`Engines`] | the models that a configuration names, loaded in the background, shared by every server |
//! | [`wyoming`] | Home Assistant's voice protocol |
#![forbid(unsafe_code)]

mod engines;
mod error;
pub mod wyoming;

pub use engines::Engines;
pub use error::{Error, ErrorKind};
