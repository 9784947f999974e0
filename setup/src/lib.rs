//! From settings to what runs: `duologue.toml` and the environment, models by name, the configured agent.
//!
//! The command line, servers and other languages stand on this crate. It reads no command line and sets up no log.
//!
//! ```no_run
//! use duologue_setup::{Config, Models};
//!
//! let config = Config::load(None)?;
//! let models = Models::load(&config, false)?;
//! let builder = models.builder(config.pipeline.clone())?;
//! # let _ = builder;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`config`] | `duologue.toml` and the environment: [`Config`] |
//! | [`Models`] | the models that a [`Config`] names, loaded, and pipelines of them |
//! | `configured` | the agent of the tables `[agent]` and `[llm]` (feature `agent`; `llm` and `mcp` for servers) |
//! | [`appliance`] | a small offline agent for demonstrations |
//! | [`caller`] | the speech of the demonstration's caller |
#![forbid(unsafe_code)]

pub mod appliance;
pub mod caller;
pub mod config;
#[cfg(feature = "agent")]
pub mod configured;
mod models;

pub use config::{Config, ConfigError, Section};
pub use models::{ENERGY, Listening, Models, registry, vad, wake};
