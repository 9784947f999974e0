//! LiveKit rooms as an endpoint of the voice pipeline, and the worker that is dispatched to them.
//!
//! | module | what |
//! |---|---|
//! | [`session`] | an agent session in a room |
//! | [`endpoint`] | a room as an endpoint of the pipeline |
//! | [`link`] | whom the agent listens to |
//! | [`transcript`], [`publisher`] | what frontends are shown of the speech |
//! | [`preconnect`] | what the user said before the agent was there |
//! | [`engine`] | joining rooms: the trait, its plain types, and LiveKit's own engine behind it |
//! | [`worker`] | a worker that a server dispatches jobs to |
//! | [`dispatch`] | what is asked of a server: dispatching agents, rooms, participants |
//! | [`token`] | keys, and the tokens made of them |
//! | [`openvidu`] | an agent's configuration file, as OpenVidu hands it over |
#![forbid(unsafe_code)]

pub mod dispatch;
pub mod endpoint;
pub mod engine;
mod error;
pub mod link;
pub mod openvidu;
pub mod preconnect;
pub mod publisher;
pub mod session;
mod tls;
pub mod token;
pub mod transcript;
pub mod worker;

pub use error::{Error, ErrorKind};
