//! Servers over the same models: every client that people already have talks to Duologue.
//!
//! | module | what |
//! |---|---|
//! | [`Engines`] | the models that a configuration names, loaded in the background, shared by every server |
//! | [`Keys`] | who may ask |
//! | [`Slots`] | who may compute, so that speech is not starved by transcription |
//! | [`http`] | OpenAI's REST routes |
//! | [`listen`] | connections: accepted, limited, answered, drained |
//! | [`stella`] | STELLA's speech services over gRPC |
//! | [`wyoming`] | Home Assistant's voice protocol |
//!
//! ```no_run
//! use duologue_server::{Engines, Slots, http, listen};
//! use duologue_setup::Config;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engines = Engines::load(Config::load(None)?, false)?;
//! let router = http::router(engines, Slots::of_this_device(), http::HttpOptions::default());
//! let listener = listen::bind(([127, 0, 0, 1], 8080).into()).await?;
//! listen::serve(listener, router, std::future::pending()).await;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod audio;
mod engines;
mod error;
pub mod http;
mod keys;
pub mod listen;
mod slots;
pub mod stella;
pub mod wyoming;

pub use engines::Engines;
pub use error::{Error, ErrorKind};
pub use keys::Keys;
pub use slots::{Busy, Slot, Slots};
