//! LiveKit rooms as an endpoint of the voice pipeline, and the worker that is dispatched to them.
//!
//! | module | what |
//! |---|---|
//! | [`engine`] | joining rooms: the trait, its plain types |
//! | [`session`] | an agent session in a room |
//! | [`endpoint`] | a room as an endpoint of the pipeline |
//! | [`link`] | whom the agent listens to |
//! | [`transcript`], [`publisher`] | what frontends are shown of the speech |
//! | [`preconnect`] | what the user said before the agent was there |
#![forbid(unsafe_code)]

pub mod endpoint;
pub mod engine;
mod error;
pub mod link;
pub mod preconnect;
pub mod publisher;
pub mod session;
pub mod transcript;

pub use error::{Error, ErrorKind};
