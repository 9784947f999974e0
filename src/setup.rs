//! Models by name: from a [`Config`] to a pipeline that is ready to start.
//!
//! ```no_run
//! use duologue::config::Config;
//! use duologue::setup::Models;
//!
//! let config = Config::load(None)?;
//! let models = Models::load(&config, false)?;
//! let builder = models.builder(config.pipeline.clone())?;
//! # let _ = builder;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use duologue_models::kokoro::{Kokoro, KokoroOptions};
use duologue_models::registry::{ModelKind, Registry, RegistryOptions};
use duologue_models::stt::{SherpaStt, SttOptions};
use duologue_models::{Error, ErrorKind, LastWords, Stt, Tts};
use duologue_pipeline::{
    Builder, Error as PipelineError, ErrorKind as PipelineErrorKind, Listener, PipelineConfig,
};
use duologue_vad::{Energy, Gated, SileroModel, Vad};

use crate::config::Config;

/// Name of the voice activity detector that needs no model.
pub const ENERGY: &str = "energy";

/// Loaded models, shared by any number of pipelines.
pub struct Models {
    /// The recogniser.
    pub stt: Arc<dyn Stt>,
    /// The voice model.
    pub tts: Arc<dyn Tts>,
    vad: VadModel,
}

/// A recogniser and a detector, for work without a voice.
pub struct Listening {
    /// The recogniser.
    pub stt: Arc<dyn Stt>,
    vad: VadModel,
}

#[derive(Clone)]
enum VadModel {
    Energy,
    Silero(Arc<SileroModel>),
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
            let stt = stt(&registry, &config.stt)?;
            Ok(Self { stt, tts: join(tts)?, vad: join(vad)? })
        })
    }

    /// Loads only what listening needs.
    ///
    /// # Errors
    /// As [`Models::load`].
    pub fn load_listening(config: &Config, offline: bool) -> Result<Listening, Error> {
        let registry = registry(offline)?;
        natives(offline)?;
        Ok(Listening { stt: stt(&registry, &config.stt)?, vad: vad_model(&registry, &config.vad)? })
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

    /// A pipeline of these models, with the text-based turn detector.
    ///
    /// # Errors
    /// As [`Models::vad`].
    pub fn builder(&self, config: PipelineConfig) -> Result<Builder, Error> {
        let builder = Builder::new(Arc::clone(&self.stt), Arc::clone(&self.tts), self.vad.stream()?);
        Ok(builder.turn_detector(Box::new(LastWords)).config(config))
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

impl VadModel {
    fn stream(&self) -> Result<Box<dyn Vad>, Error> {
        Ok(match self {
            Self::Energy => Box::new(Energy::new()),
            Self::Silero(model) => Box::new(Gated::new(model.stream().map_err(vad_error)?)),
        })
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

/// The registry, which opens no socket if `offline`.
///
/// # Errors
/// As [`Registry::new`].
pub fn registry(offline: bool) -> Result<Registry, Error> {
    Registry::new(RegistryOptions { offline, ..RegistryOptions::default() })
}

/// Loads the engines, fetching them on first use unless `offline`.
fn natives(offline: bool) -> Result<(), Error> {
    let options = duologue_native::LoadOptions { offline, ..Default::default() };
    duologue_native::load_with(&options)
        .map_err(|error| Error::new(ErrorKind::Natives, error.to_string()))?;
    Ok(())
}

fn stt(registry: &Registry, name: &str) -> Result<Arc<dyn Stt>, Error> {
    let model = registry.resolve_as(named(name, "builtin-stt"), ModelKind::Stt)?;
    Ok(Arc::new(SherpaStt::load(&model.dir, &SttOptions::default())?))
}

fn tts(registry: &Registry, name: &str) -> Result<Arc<dyn Tts>, Error> {
    let model = registry.resolve_as(named(name, "builtin-tts"), ModelKind::Tts)?;
    Ok(Arc::new(Kokoro::load(&model.dir, &KokoroOptions::default())?))
}

fn vad_model(registry: &Registry, name: &str) -> Result<VadModel, Error> {
    if name == ENERGY {
        return Ok(VadModel::Energy);
    }
    let file = if Path::new(name).is_file() {
        Path::new(name).to_owned()
    } else {
        graph(&registry.resolve_as(named(name, "silero-vad"), ModelKind::Vad)?.dir)?
    };
    let model = SileroModel::load(&file).map_err(vad_error)?;
    Ok(VadModel::Silero(Arc::new(model)))
}

/// The one ONNX file in `dir`.
fn graph(dir: &Path) -> Result<PathBuf, Error> {
    let files = std::fs::read_dir(dir).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut graphs = files.filter(|path| path.extension().is_some_and(|ext| ext == "onnx"));
    graphs
        .next()
        .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("{}: holds no .onnx file", dir.display())))
}

fn vad_error(error: duologue_vad::Error) -> Error {
    Error::new(ErrorKind::Invalid, error.to_string())
}

/// `builtin` and `silero` are short for the one model of their kind.
fn named<'a>(name: &'a str, short_for: &'a str) -> &'a str {
    match name {
        "builtin" | "silero" => short_for,
        other => other,
    }
}

fn join<T>(thread: std::thread::ScopedJoinHandle<'_, Result<T, Error>>) -> Result<T, Error> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
