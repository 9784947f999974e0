//! Duologue: an on-device voice pipeline for agents. It hears, lets your agent think, and speaks, in
//! one process, with no cloud.
//!
//! ```no_run
//! use duologue::config::Config;
//! use duologue::pipeline::{Reply, UserTurn};
//! use duologue::pipeline::endpoint::{Duplex, Paced, WavSink, WavSource};
//! use duologue::setup::Models;
//!
//! let config = Config::load(None)?;
//! let models = Models::load(&config, false)?;
//! let file = Duplex::new(WavSource::open("caller.wav")?, WavSink::create("agent.wav", 48_000)?)?;
//! let pipeline = models
//!     .builder(config.pipeline)?
//!     .responder(|turn: UserTurn, reply: Reply| {
//!         let _ = reply.text(&format!("You said: {}.", turn.text));
//!     })
//!     .start(Box::new(Paced::real_time(file)))?;
//! let events = pipeline.events();
//! while pipeline.ended().is_none() {
//!     if let Some(event) = events.next_within(std::time::Duration::from_secs(1)) {
//!         println!("{event:?}");
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`setup`] | models by name, and a pipeline of them |
//! | [`config`] | `duologue.toml` and the environment |
//! | [`pipeline`] | the pipeline itself: endpoints, events, handles, simulation |
//! | [`models`] | speech models: traits, loaders, registry, text |
//! | [`vad`] | voice activity detection |
//! | [`native`] | the shared libraries |
//! | [`appliance`] | a small offline agent for demonstrations |
//! | [`caller`] | the speech of the demonstration's caller |
//! | [`timeline`] | a conversation as a picture |
//! | [`terminal`] | standard output and error, without panics and without obeying what models write |
//! | `devices` | microphones and speakers (feature `devices`) |
//! | `agent` | agents, sessions, tools, language models, history (feature `agent`) |
//! | `configured` | an agent out of settings (feature `agent`) |
//! | `console` | an agent on the command line, typed or spoken (feature `agent`) |
//! | `eval` | scripted models, scenarios, assertions, spoken tests (feature `agent`) |
//! | `triage` | who answers a caller, how far a request is, when a person takes over (feature `triage`) |
//! | `room` | LiveKit rooms, and the worker that is dispatched to them (feature `room`) |
//! | `server` | servers over the models (feature `serve`) |
#![forbid(unsafe_code)]

#[cfg(feature = "agent")]
pub mod console;
pub mod terminal;
pub mod timeline;

#[cfg(feature = "agent")]
pub use duologue_agent::facade as agent;
#[cfg(feature = "devices")]
pub use duologue_devices as devices;
#[cfg(feature = "agent")]
pub use duologue_eval as eval;
pub use duologue_models as models;
pub use duologue_native as native;
pub use duologue_pipeline as pipeline;
#[cfg(feature = "room")]
pub use duologue_room as room;
#[cfg(feature = "serve")]
pub use duologue_server as server;
pub use duologue_setup as setup;
#[cfg(feature = "agent")]
pub use duologue_setup::configured;
pub use duologue_setup::{appliance, caller, config};
#[cfg(feature = "triage")]
pub use duologue_triage as triage;
pub use duologue_vad as vad;
