//! The audio pipeline: rings, echo cancellation, ear, mouth, conversation core, endpoints.
//!
//! ```text
//! endpoint ─ capture ─▶ ear ─▶ scribe ─┐
//!     ▲                  ▲             ▼
//!     │                  │        conversation core ─▶ responder
//!     └─ playback ◀──────┴── mouth ◀───┘◀──────────────────┘
//! ```
//!
//! [`Builder`] takes models and a [`Responder`]; [`Builder::start`] runs them on an endpoint,
//! [`Builder::simulate`] in simulated time.
#![forbid(unsafe_code)]

mod assembly;
mod audio_pipeline;
pub mod capture;
mod clip;
pub mod core;
mod director;
pub mod ear;
pub mod echo;
pub mod endpoint;
mod error;
mod events;
mod handle;
mod listener;
pub mod mouth;
pub mod offline;
mod past;
pub mod playback;
mod player;
pub mod reference;
pub mod resample;
mod respond;
mod say;
pub mod scribe;
mod simulation;
mod stages;
pub mod wav;

pub use assembly::{Builder, PipelineConfig, VoiceConfig};
pub use audio_pipeline::AudioPipeline;
pub use clip::Clip;
pub use error::{Error, ErrorKind};
pub use events::{Events, Stamped};
pub use handle::{Handle, Losses, SayStream};
pub use listener::{Heard, Listener};
pub use respond::{
    REPLY_CAPACITY, REPLY_PATIENCE, Reply, ReplyError, ReplyState, ReplyWatch, Responder, UserTurn,
};
pub use say::{SayHandle, SayOutcome};
pub use simulation::{STEP, Simulation};
