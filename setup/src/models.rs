//! Models by name: from a [`Config`] to a pipeline that is ready to start.
//!
//! ```no_run
//! use duologue_setup::config::Config;
//! use duologue_setup::Models;
//!
//! let config = Config::load(None)?;
//! let models = Models::load(&config, false)?;
//! let builder = models.builder(config.pipeline.clone())?;
//! # let _ = builder;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::sync::Arc;

use duologue_models::load::{self, TtsOptions, VadModel};
use duologue_models::registry::{Registry, RegistryOptions};
use duologue_models::wake::WakeWords;
use duologue_models::{Error, ErrorKind, Stt, Tts, TurnDetector};
use duologue_pipeline::{
    Builder, Error as PipelineError, ErrorKind as PipelineErrorKind, Listener, PipelineConfig,
};
use duologue_vad::Vad;

use crate::config::Config;

pub use duologue_models::load::ENERGY;

/// Loaded models, shared by any number of pipelines.
pub struct Models {
    /// The recogniser.
    pub stt: Arc<dyn Stt>,
    /// The voice model.
    pub tts: Arc<dyn Tts>,
    /// The turn detector.
    pub turn: Arc<dyn TurnDetector>,
    vad: VadModel,
}

/// A recogniser and a detector, for work without a voice.
pub struct Listening {
    /// The recogniser.
    pub stt: Arc<dyn Stt>,
    vad: VadModel,
}

impl Models {
    /// Loads what `config` names, all at the same time; fetches the engines on first use unless
    /// `offline`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown name; [`ErrorKind::Natives`] if the engines cannot be
    /// had; [`ErrorKind::Invalid`] for a damaged model.
    pub fn load(config: &Config, offline: bool) -> Result<Self, Error> {
        let registry = registry(offline)?;
        natives(offline)?;
        std::thread::scope(|scope| {
            let tts = scope.spawn(|| tts(&registry, &config.tts));
            let vad = scope.spawn(|| vad_model(&registry, &config.vad));
            let turn = scope.spawn(|| load::turn(&registry, &turn_name(&config.turn)));
            let stt = stt(&registry, config)?;
            Ok(Self { stt, tts: join(tts)?, turn: join(turn)?, vad: join(vad)? })
        })
    }

    /// Loads only what listening needs.
    ///
    /// # Errors
    /// As [`Models::load`].
    pub fn load_listening(config: &Config, offline: bool) -> Result<Listening, Error> {
        let registry = registry(offline)?;
        natives(offline)?;
        Ok(Listening { stt: stt(&registry, config)?, vad: vad_model(&registry, &config.vad)? })
    }

    /// Loads only what speaking needs.
    ///
    /// # Errors
    /// As [`Models::load`].
    pub fn load_speaking(config: &Config, offline: bool) -> Result<Arc<dyn Tts>, Error> {
        let registry = registry(offline)?;
        natives(offline)?;
        tts(&registry, &config.tts)
    }

    /// A pipeline of these models.
    ///
    /// # Errors
    /// As [`Models::vad`].
    pub fn builder(&self, config: PipelineConfig) -> Result<Builder, Error> {
        let builder = Builder::new(Arc::clone(&self.stt), Arc::clone(&self.tts), self.vad.stream()?);
        Ok(builder.turn_detector(Arc::clone(&self.turn)).config(config))
    }

    /// A fresh voice activity detector.
    ///
    /// # Errors
    /// [`ErrorKind::Inference`] if the engine refuses.
    pub fn vad(&self) -> Result<Box<dyn Vad>, Error> {
        self.vad.stream()
    }

    /// What makes listeners to voices beside the one that an agent talks with: others in a room. It takes
    /// the rate of their sound, in Hz.
    pub fn listeners(&self) -> impl Fn(u32) -> Result<Listener, PipelineError> + Send + Sync + 'static {
        let (stt, vad) = (Arc::clone(&self.stt), self.vad.clone());
        move |rate| {
            let vad = vad
                .stream()
                .map_err(|error| PipelineError::new(PipelineErrorKind::Model, error.to_string()))?;
            Listener::new(&*stt, vad, rate, &Listener::recording())
        }
    }
}

impl Listening {
    /// A fresh voice activity detector.
    ///
    /// # Errors
    /// As [`Models::vad`].
    pub fn vad(&self) -> Result<Box<dyn Vad>, Error> {
        self.vad.stream()
    }
}

/// The detector called `name`: `energy`, a name out of the registry, or a file.
///
/// # Errors
/// As [`Models::load`].
pub fn vad(name: &str, offline: bool) -> Result<Box<dyn Vad>, Error> {
    if name != ENERGY {
        natives(offline)?;
    }
    vad_model(&registry(offline)?, name)?.stream()
}

/// The keyword model called `name`: a name out of the registry, or a directory.
///
/// # Errors
/// As [`Models::load`].
pub fn wake(name: &str, offline: bool) -> Result<WakeWords, Error> {
    let registry = registry(offline)?;
    natives(offline)?;
    load::wake(&registry, name)
}

/// The registry, which opens no socket if `offline`.
///
/// # Errors
/// As [`Registry::new`].
pub fn registry(offline: bool) -> Result<Registry, Error> {
    Registry::new(RegistryOptions { offline, ..RegistryOptions::default() })
}

/// Loads the engines, fetching them on first use unless `offline`.
fn natives(offline: bool) -> Result<(), Error> {
    duologue_native::load_with(&duologue_native::LoadOptions::offline(offline))
        .map_err(|error| Error::new(ErrorKind::Natives, error.to_string()))?;
    Ok(())
}

fn stt(registry: &Registry, config: &Config) -> Result<Arc<dyn Stt>, Error> {
    load::stt(registry, &named(&config.stt, "builtin-stt"), &config.recogniser)
}

fn tts(registry: &Registry, name: &str) -> Result<Arc<dyn Tts>, Error> {
    load::tts(registry, &named(name, "builtin-tts"), &TtsOptions::default())
}

fn vad_model(registry: &Registry, name: &str) -> Result<VadModel, Error> {
    load::vad(registry, &named(name, "silero-vad"))
}

/// `builtin` and `silero` are short for the one model of their kind, also as one of two joined by `+`.
fn named(name: &str, short_for: &str) -> String {
    let long = |part: &str| match part {
        "builtin" | "silero" => short_for.to_owned(),
        other => other.to_owned(),
    };
    name.split('+').map(long).collect::<Vec<_>>().join("+")
}

/// `smart-turn` is short for the one model of its kind.
fn turn_name(name: &str) -> String {
    if name == "smart-turn" { "smart-turn-v3".to_owned() } else { name.to_owned() }
}

fn join<T>(thread: std::thread::ScopedJoinHandle<'_, Result<T, Error>>) -> Result<T, Error> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
