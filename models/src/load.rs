//! Models by family: a directory becomes a recogniser, a voice, or a detector.
//!
//! What a directory holds is said by the registry for a model it knows, by `family = "…"` in the
//! directory's own `model.toml`, or else found out from its files. Invariant: a model is never loaded as
//! another family than its own; one that cannot fill the role it was named for is refused with its name,
//! its family, the role, and what to do.
//!
//! ```no_run
//! use duologue_models::load;
//! use duologue_models::registry::{Registry, RegistryOptions};
//!
//! let registry = Registry::new(RegistryOptions::default())?;
//! let quick = load::stt(&registry, "builtin-stt", &Default::default())?;
//! // Partials by one model while somebody speaks, the final transcript by another.
//! let thorough = load::stt(&registry, "builtin-stt+whisper-tiny-en", &Default::default())?;
//! let voice = load::tts(&registry, "./my-voice", &Default::default())?;
//! # Ok::<(), duologue_models::Error>(())
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use duologue_vad::{Energy, Gated, SileroModel, Vad};

use crate::model_toml::ModelToml;
use crate::registry::{ModelDir, Registry};
use crate::stt::{OfflineStt, StreamingStt, SttOptions, TwoPass};
pub use crate::tts::TtsOptions;
use crate::tts::kokoro::{Kokoro, KokoroOptions};
use crate::tts::vits::Vits;
use crate::turn::{LastWords, SmartTurn, TurnDetector};
use crate::wake::WakeWords;
use crate::{Error, ErrorKind, Family, ModelKind, Stt, Tts, probe};

/// Name of the voice activity detector that needs no model.
pub const ENERGY: &str = "energy";
/// Name of the turn detector that needs no model.
pub const LAST_WORDS: &str = "last-words";

/// The recogniser called `name`: of the registry, a directory, or two of them joined by `+`: the first
/// gives partials while somebody speaks, the second the final transcript.
///
/// # Errors
/// As [`Registry::resolve`]; [`ErrorKind::Invalid`] for a model of another role or family;
/// [`ErrorKind::Config`] for an option out of range; [`ErrorKind::Natives`] without the engines.
pub fn stt(registry: &Registry, name: &str, options: &SttOptions) -> Result<Arc<dyn Stt>, Error> {
    let one = |name: &str| stt_dir(&registry.resolve_as(name, ModelKind::Stt)?, options);
    match name.split_once('+').filter(|_| !Path::new(name).is_dir()) {
        None => one(name),
        Some((streaming, offline)) => {
            let first = registry.resolve_as(streaming.trim(), ModelKind::Stt)?;
            let family = stt_family(&first)?;
            if !family.is_streaming() {
                let message = format!(
                    "{}: {family} takes whole utterances, but the model before the + gives the partial transcripts; \
                     put a streaming model there (transducer, zipformer2-ctc, nemo-ctc)",
                    first.name
                );
                return Err(Error::new(ErrorKind::Invalid, message));
            }
            Ok(Arc::new(TwoPass::new(stt_dir(&first, options)?, one(offline.trim())?)))
        }
    }
}

/// The recogniser in a directory.
///
/// # Errors
/// As [`stt`].
pub fn stt_dir(model: &ModelDir, options: &SttOptions) -> Result<Arc<dyn Stt>, Error> {
    probe::foreign(model)?;
    unprobed_stt(model, options)
}

fn unprobed_stt(model: &ModelDir, options: &SttOptions) -> Result<Arc<dyn Stt>, Error> {
    Ok(if stt_family(model)?.is_streaming() {
        Arc::new(StreamingStt::load(&model.dir, options)?)
    } else {
        Arc::new(OfflineStt::load(&model.dir, options)?)
    })
}

/// What kind of recogniser a directory holds, by its files; refuses one that holds none, or another than
/// was said.
fn stt_family(model: &ModelDir) -> Result<Family, Error> {
    let said = said(model)?;
    if let Some(other) = said.or_else(|| obvious(&model.dir)).filter(|f| f.kind() != ModelKind::Stt) {
        // The files of a keyword model are those of a recogniser, with a list beside them.
        if other != Family::Keywords || said.is_some() {
            return Err(unfit(&model.name, other, ModelKind::Stt));
        }
    }
    let found = crate::stt::family(&model.dir)?;
    match said.filter(|said| *said != found) {
        None => Ok(found),
        Some(said) => {
            let message = format!(
                "{}: said to be {said}, but its files are those of {found}; correct `family`, or pull the model again",
                model.name
            );
            Err(Error::new(ErrorKind::Invalid, message))
        }
    }
}

/// The voice called `name`, of the registry or a directory.
///
/// # Errors
/// As [`stt`].
pub fn tts(registry: &Registry, name: &str, options: &TtsOptions) -> Result<Arc<dyn Tts>, Error> {
    tts_dir(&registry.resolve_as(name, ModelKind::Tts)?, options)
}

/// The voice in a directory.
///
/// # Errors
/// As [`stt`].
pub fn tts_dir(model: &ModelDir, options: &TtsOptions) -> Result<Arc<dyn Tts>, Error> {
    match family(model, ModelKind::Tts)? {
        Family::Kokoro => {
            let mut kokoro = KokoroOptions::default();
            (kokoro.threads, kokoro.voice) = (options.threads, options.voice.clone());
            Ok(Arc::new(Kokoro::load(&model.dir, &kokoro)?))
        }
        Family::Vits => Ok(Arc::new(Vits::load(&model.dir, options)?)),
        other => Err(unknown(&model.name, other, ModelKind::Tts)),
    }
}

/// A loaded voice activity detector, from which streams are made.
#[derive(Clone)]
pub enum VadModel {
    /// By energy alone; needs no model.
    Energy,
    /// Silero, asked only about what stands out of the room's quiet.
    Silero(Arc<SileroModel>),
}

impl VadModel {
    /// A fresh detector.
    ///
    /// # Errors
    /// [`ErrorKind::Inference`] if the engine refuses.
    pub fn stream(&self) -> Result<Box<dyn Vad>, Error> {
        Ok(match self {
            Self::Energy => Box::new(Energy::new()),
            Self::Silero(model) => Box::new(Gated::new(
                model.stream().map_err(|error| Error::new(ErrorKind::Inference, error.to_string()))?,
            )),
        })
    }
}

/// The detector called `name`: [`ENERGY`], one of the registry, a directory, or an ONNX file.
///
/// # Errors
/// As [`stt`].
pub fn vad(registry: &Registry, name: &str) -> Result<VadModel, Error> {
    if name == ENERGY {
        return Ok(VadModel::Energy);
    }
    let file = if Path::new(name).is_file() {
        Path::new(name).to_owned()
    } else {
        let model = registry.resolve_as(name, ModelKind::Vad)?;
        match family(&model, ModelKind::Vad)? {
            Family::Silero => graph(&model.dir)?,
            other => return Err(unknown(&model.name, other, ModelKind::Vad)),
        }
    };
    let model =
        SileroModel::load(&file).map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
    Ok(VadModel::Silero(Arc::new(model)))
}

/// The turn detector called `name`: [`LAST_WORDS`], one of the registry, or a directory.
///
/// # Errors
/// As [`stt`].
pub fn turn(registry: &Registry, name: &str) -> Result<Arc<dyn TurnDetector>, Error> {
    if name == LAST_WORDS {
        return Ok(Arc::new(LastWords));
    }
    let model = registry.resolve_as(name, ModelKind::Turn)?;
    match family(&model, ModelKind::Turn)? {
        Family::SmartTurn => Ok(Arc::new(SmartTurn::load(&graph(&model.dir)?)?)),
        other => Err(unknown(&model.name, other, ModelKind::Turn)),
    }
}

/// The keyword model called `name`, of the registry or a directory, with the keywords of its `keywords.txt`.
///
/// # Errors
/// As [`stt`].
pub fn wake(registry: &Registry, name: &str) -> Result<WakeWords, Error> {
    let model = registry.resolve_as(name, ModelKind::Wake)?;
    match family(&model, ModelKind::Wake)? {
        Family::Keywords => {
            probe::foreign(&model)?;
            WakeWords::load(&model.dir)
        }
        other => Err(unknown(&model.name, other, ModelKind::Wake)),
    }
}

/// Loads a recogniser or keyword model and lets it hear `samples`, for [`probe::answer`].
pub(crate) fn try_out(model: &ModelDir, samples: &[f32]) -> Result<(), Error> {
    if family(model, ModelKind::Wake).is_ok() {
        let words = WakeWords::load(&model.dir)?;
        let mut stream = words.stream()?;
        samples.chunks(1_600).try_for_each(|block| stream.push(block).map(drop))?;
        stream.finish()?;
    }
    let mut stream = unprobed_stt(model, &SttOptions::default())?.stream()?;
    samples.chunks(1_600).try_for_each(|block| stream.push(block).map(drop))?;
    stream.finish().map(drop)
}

/// The family of a model that is to fill the role `kind`; never a recogniser's, which [`stt_family`] finds.
fn family(model: &ModelDir, kind: ModelKind) -> Result<Family, Error> {
    let found = match said(model)?.or_else(|| obvious(&model.dir)) {
        Some(family) => family,
        None => match crate::stt::family(&model.dir) {
            Ok(family) => family,
            Err(_) => return Err(unrecognised(model, kind)),
        },
    };
    if found.kind() == kind { Ok(found) } else { Err(unfit(&model.name, found, kind)) }
}

/// The family that the registry or the directory's `model.toml` names.
fn said(model: &ModelDir) -> Result<Option<Family>, Error> {
    match &model.entry {
        Some(entry) => Ok(Some(entry.family)),
        None => Ok(ModelToml::read(&model.dir)?.family),
    }
}

/// The family of a directory whose files' names tell it.
fn obvious(dir: &Path) -> Option<Family> {
    let names: Vec<String> = entries(dir)
        .into_iter()
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_lowercase()))
        .collect();
    let any = |fits: &dyn Fn(&str) -> bool| names.iter().any(|name| fits(name));
    let onnx = |name: &str| name.ends_with(".onnx");
    if any(&|n| n.ends_with(".onnx.json")) {
        return Some(Family::Vits);
    }
    if any(&|n| n == "voices" || n.starts_with("voices") && (n.ends_with(".bin") || n.ends_with(".npz"))) {
        return Some(Family::Kokoro);
    }
    if any(&|n| n == "keywords.txt") && any(&|n| n.starts_with("joiner") && onnx(n)) {
        return Some(Family::Keywords);
    }
    if any(&|n| n.contains("silero") && onnx(n)) {
        return Some(Family::Silero);
    }
    any(&|n| n.starts_with("smart-turn") && onnx(n)).then_some(Family::SmartTurn)
}

/// The one ONNX file in `dir`.
fn graph(dir: &Path) -> Result<PathBuf, Error> {
    let mut graphs =
        entries(dir).into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "onnx"));
    graphs.next().ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            format!("{}: holds no .onnx file; pull the model again", dir.display()),
        )
    })
}

/// The directory's entries by name; none if it cannot be read, which whoever opens its files says.
fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(dir).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.sort();
    found
}

fn families(kind: ModelKind) -> String {
    Family::of(kind).map(|family| family.to_string()).collect::<Vec<_>>().join(", ")
}

fn unfit(name: &str, found: Family, kind: ModelKind) -> Error {
    let (is, other) = (found.kind().noun(), found.kind());
    let message = format!(
        "{name} is {is} (family {found}), but {} is wanted for {kind}; name it for {other}, or a model of one of these \
         families for {kind}: {}",
        kind.noun(),
        families(kind)
    );
    Error::new(ErrorKind::Invalid, message)
}

fn unknown(name: &str, found: Family, kind: ModelKind) -> Error {
    let message = format!(
        "{name}: this program cannot load models of the family {found} for {kind} yet; `duologue models list` shows others"
    );
    Error::new(ErrorKind::Invalid, message)
}

fn unrecognised(model: &ModelDir, kind: ModelKind) -> Error {
    let message = format!(
        "{}: nothing in {} tells what model it is, and {} is wanted for {kind}; write model.toml there with \
         family = \"…\", one of: {}",
        model.name,
        model.dir.display(),
        kind.noun(),
        families(kind)
    );
    Error::new(ErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(files: &[(&str, &str)]) -> (tempfile::TempDir, ModelDir) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let model = ModelDir { name: "mine".into(), dir: dir.path().into(), entry: None };
        (dir, model)
    }

    #[test]
    fn a_directory_tells_its_family() {
        for (files, expected) in [
            (&["en_US-joe-medium.onnx", "en_US-joe-medium.onnx.json"][..], Family::Vits),
            (&["kokoro-v1.0.onnx", "voices-v1.0.bin"], Family::Kokoro),
            (&["encoder.onnx", "decoder.onnx", "joiner.onnx", "keywords.txt"], Family::Keywords),
            (&["silero_vad_16k_op15.onnx"], Family::Silero),
            (&["smart-turn-v3.2-cpu.onnx"], Family::SmartTurn),
        ] {
            let files: Vec<_> = files.iter().map(|name| (*name, "")).collect();
            let (_dir, model) = directory(&files);
            assert_eq!(obvious(&model.dir), Some(expected));
        }
    }

    #[test]
    fn a_model_of_another_role_is_refused_with_its_name_family_role_and_remedy() {
        let (_voice, voice) = directory(&[("joe.onnx", ""), ("joe.onnx.json", "{}")]);
        let (_said, said) = directory(&[("model.onnx", ""), ("model.toml", "family = \"silero\"")]);
        for (model, family, is) in
            [(&voice, "vits", "a voice"), (&said, "silero", "a voice activity detector")]
        {
            let error = stt_dir(model, &SttOptions::default()).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            for part in ["mine", family, is, "a recogniser", "stt", "transducer, zipformer2-ctc"] {
                assert!(error.to_string().contains(part), "{error}");
            }
        }
        let error = tts_dir(&said, &TtsOptions::default()).err().unwrap().to_string();
        assert!(error.contains("name it for vad") && error.contains("kokoro"), "{error}");
    }

    #[test]
    fn a_directory_that_tells_nothing_is_not_guessed() {
        let (_dir, model) = directory(&[("notes.txt", "")]);
        let error = tts_dir(&model, &TtsOptions::default()).err().unwrap();
        assert!(error.to_string().contains("model.toml"), "{error}");
        assert_eq!(stt_dir(&model, &SttOptions::default()).err().unwrap().kind(), ErrorKind::NotFound);
    }
}
