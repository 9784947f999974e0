//! LiveKit rooms as an endpoint of the voice pipeline, and the worker that is dispatched to them.
//!
//! | module | what |
//! |---|---|
//! | [`dispatch`] | what is asked of a server: dispatching agents, rooms, participants |
//! | [`engine`] | joining rooms: the trait, its plain types, and LiveKit's own engine behind it |
//! | [`openvidu`] | an agent's configuration file, as OpenVidu hands it over |
//! | [`token`] | keys, and the tokens made of them |
//! | [`worker`] | a worker that a server dispatches jobs to |
#![forbid(unsafe_code)]

pub mod dispatch;
pub mod engine;
mod error;
pub mod openvidu;
mod tls;
pub mod token;
pub mod worker;

pub use error::{Error, ErrorKind};
