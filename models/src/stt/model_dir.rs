//! What kind of recogniser lies in a directory, and which file is what.
//!
//! Known layouts are sherpa-onnx's: `encoder*`, `decoder*`, `joiner*` (transducers), `model*.onnx`
//! (CTC, SenseVoice), Whisper's and Moonshine's, each with a `tokens.txt`. Of a file and its `.int8`
//! twin the latter is taken (of a transducer's decoder the former: it is small, and int8 costs accuracy). A `model.toml` may name
//! the files. What a file holds is found out from its metadata, never from its name alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use duologue_native::onnx_file::inspect;
use duologue_native::sherpa::{OfflineModel, OnlineModel, WhisperTask};

use crate::model_toml::ModelToml;
use crate::{Error, ErrorKind, Family};

/// A model's files, by how it hears.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    /// While somebody speaks; with the frames (10 ms) the model takes at once.
    Online { model: OnlineModel, window: u32 },
    /// Whole utterances.
    Offline { model: OfflineModel },
}

/// A recogniser's directory.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ModelDir {
    pub name: String,
    pub found: Found,
    pub tokens: PathBuf,
    pub toml: ModelToml,
}

impl Found {
    /// The family of the model.
    pub(super) fn family(&self) -> Family {
        match self {
            Self::Online { model: OnlineModel::Zipformer2Ctc { .. }, .. } => Family::Zipformer2Ctc,
            Self::Online { model: OnlineModel::NemoCtc { .. }, .. } => Family::NemoCtc,
            // The engine's lists of models are open; what this file makes beside these are transducers.
            Self::Online { .. } => Family::Transducer,
            Self::Offline { model } => match model {
                OfflineModel::NemoTransducer { .. } => Family::NemoTransducer,
                OfflineModel::NemoCtc { .. } => Family::OfflineNemoCtc,
                OfflineModel::ZipformerCtc { .. } => Family::ZipformerCtc,
                OfflineModel::Whisper { .. } => Family::Whisper,
                OfflineModel::MoonshineV1 { .. } | OfflineModel::MoonshineV2 { .. } => Family::Moonshine,
                OfflineModel::SenseVoice { .. } => Family::SenseVoice,
                _ => Family::OfflineTransducer,
            },
        }
    }
}

impl ModelDir {
    /// Looks at a directory.
    pub(super) fn open(dir: &Path) -> Result<Self, Error> {
        let listing = Listing::read(dir)?;
        let toml = ModelToml::read(dir)?;
        let found = listing.find(&toml)?;
        let tokens = listing.tokens(&toml)?;
        let name = toml.name.clone().unwrap_or_else(|| directory_name(dir));
        Ok(Self { name, found, tokens, toml })
    }
}

/// Which of a file's twins to take.
#[derive(Clone, Copy, PartialEq)]
enum Prefer {
    Int8,
    Plain,
}

struct Listing<'a> {
    dir: &'a Path,
    names: Vec<String>,
}

type Metadata = BTreeMap<String, String>;

impl<'a> Listing<'a> {
    fn read(dir: &'a Path) -> Result<Self, Error> {
        let failed = |e: std::io::Error| {
            let kind =
                if e.kind() == std::io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Io };
            Error::new(
                kind,
                format!("model directory {}: {e}; correct the path, or pull the model", dir.display()),
            )
        };
        let mut names = Vec::new();
        for entry in fs::read_dir(dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.path().is_file() {
                names.extend(entry.file_name().into_string().ok());
            }
        }
        names.sort();
        Ok(Self { dir, names })
    }

    fn find(&self, toml: &ModelToml) -> Result<Found, Error> {
        if let Some(preprocessor) = self.pick(None, "preprocess", Prefer::Plain)? {
            return self.moonshine_v1(preprocessor);
        }
        if let Some(merged_decoder) = self.pick(None, "decoder_model_merged", Prefer::Plain)? {
            let encoder = self.need(None, "encoder_model", Prefer::Plain)?;
            return Ok(Found::Offline { model: OfflineModel::MoonshineV2 { encoder, merged_decoder } });
        }
        if let Some(joiner) = self.pick(toml.joiner.as_deref(), "joiner", Prefer::Int8)? {
            return self.transducer(toml, joiner);
        }
        for role in ["model", "ctc"] {
            if let Some(model) = self.pick(toml.model.as_deref(), role, Prefer::Int8)? {
                return one_file(model, toml);
            }
        }
        if let Some(encoder) = self.pick(toml.encoder.as_deref(), "encoder", Prefer::Int8)? {
            return self.whisper(toml, encoder);
        }
        let holds =
            if self.names.is_empty() { "it is empty".into() } else { format!("it holds {}", self.shown()) };
        let message = format!(
            "{}: no recogniser here: expected encoder, decoder and joiner (*.onnx), or model*.onnx, with tokens.txt, but {holds}",
            self.dir.display()
        );
        Err(Error::new(ErrorKind::NotFound, message))
    }

    fn transducer(&self, toml: &ModelToml, joiner: PathBuf) -> Result<Found, Error> {
        let encoder = self.need(toml.encoder.as_deref(), "encoder", Prefer::Int8)?;
        let decoder = self.need(toml.decoder.as_deref(), "decoder", Prefer::Plain)?;
        let summary = inspect(&encoder)?;
        if summary.outputs.len() < 2 {
            let message = format!(
                "{}: not an encoder (it gives {} output); check that no two files are swapped, or pull the model again",
                encoder.display(),
                summary.outputs.len()
            );
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        if let Some(window) = window(&summary.metadata) {
            return Ok(Found::Online { model: OnlineModel::Transducer { encoder, decoder, joiner }, window });
        }
        let model = if summary.metadata.contains_key("pred_hidden") {
            OfflineModel::NemoTransducer { encoder, decoder, joiner }
        } else {
            OfflineModel::Transducer { encoder, decoder, joiner }
        };
        Ok(Found::Offline { model })
    }

    fn whisper(&self, toml: &ModelToml, encoder: PathBuf) -> Result<Found, Error> {
        if !metadata(&encoder)?.contains_key("n_text_layer") {
            let message = format!(
                "{}: an encoder ({}) without a joiner, and not Whisper's; is the joiner missing?",
                self.dir.display(),
                file_name(&encoder)
            );
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let decoder = self.need(toml.decoder.as_deref(), "decoder", Prefer::Int8)?;
        let (language, task) = (toml.language.clone(), WhisperTask::Transcribe);
        Ok(Found::Offline { model: OfflineModel::Whisper { encoder, decoder, language, task } })
    }

    fn moonshine_v1(&self, preprocessor: PathBuf) -> Result<Found, Error> {
        let model = OfflineModel::MoonshineV1 {
            preprocessor,
            encoder: self.need(None, "encode", Prefer::Int8)?,
            uncached_decoder: self.need(None, "uncached_decode", Prefer::Int8)?,
            cached_decoder: self.need(None, "cached_decode", Prefer::Int8)?,
        };
        Ok(Found::Offline { model })
    }

    fn tokens(&self, toml: &ModelToml) -> Result<PathBuf, Error> {
        if let Some(named) = &toml.tokens {
            return self.named(named, "tokens");
        }
        let fits: Vec<&String> = self.names.iter().filter(|name| name.ends_with("tokens.txt")).collect();
        match fits.as_slice() {
            [one] => Ok(self.dir.join(one)),
            _ if fits.iter().any(|name| *name == "tokens.txt") => Ok(self.dir.join("tokens.txt")),
            [] => Err(self.missing("tokens.txt")),
            _ => Err(self.ambiguous("tokens", &fits)),
        }
    }

    fn need(&self, named: Option<&str>, role: &str, prefer: Prefer) -> Result<PathBuf, Error> {
        self.pick(named, role, prefer)?.ok_or_else(|| self.missing(&format!("{role}*.onnx")))
    }

    /// The file for a role: the one `model.toml` names, or the only one whose name fits.
    fn pick(&self, named: Option<&str>, role: &str, prefer: Prefer) -> Result<Option<PathBuf>, Error> {
        if let Some(named) = named {
            return self.named(named, role).map(Some);
        }
        let fits: Vec<&String> = self.names.iter().filter(|name| plays(name, role)).collect();
        let int8 = |name: &&&String| name.contains(".int8.");
        let (small, plain): (Vec<&String>, Vec<&String>) = fits.iter().partition(int8);
        let best = match prefer {
            Prefer::Int8 if !small.is_empty() => small,
            Prefer::Plain if plain.is_empty() => small,
            _ => plain,
        };
        match best.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(self.dir.join(one))),
            several => Err(self.ambiguous(role, several)),
        }
    }

    fn named(&self, name: &str, key: &str) -> Result<PathBuf, Error> {
        if self.names.iter().any(|known| known == name) {
            return Ok(self.dir.join(name));
        }
        let message =
            format!("{}: model.toml says {key} = {name:?}, but there is no such file", self.dir.display());
        Err(Error::new(ErrorKind::NotFound, message))
    }

    fn missing(&self, what: &str) -> Error {
        let message =
            format!("{}: no {what}; it holds {}; pull the model again", self.dir.display(), self.shown());
        Error::new(ErrorKind::NotFound, message)
    }

    fn ambiguous(&self, role: &str, names: &[&String]) -> Error {
        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        let message = format!(
            "{}: several files may be the {role}: {}; let model.toml say {role} = \"…\"",
            self.dir.display(),
            names.join(", ")
        );
        Error::new(ErrorKind::Config, message)
    }

    fn shown(&self) -> String {
        let first: Vec<&str> = self.names.iter().take(8).map(String::as_str).collect();
        let more = if self.names.len() > first.len() { ", …" } else { "" };
        first.join(", ") + more
    }
}

/// Whether a file may play a role: `encoder.onnx`, `encoder-epoch-99.int8.onnx`, `tiny.en-encoder.onnx`.
fn plays(name: &str, role: &str) -> bool {
    let model = name.ends_with(".onnx") || name.ends_with(".ort");
    let stem = name.split_once(role);
    let begins = stem.is_some_and(|(before, after)| {
        (before.is_empty() || before.ends_with('-'))
            && (after.is_empty() || after.starts_with(['.', '-', '_']))
    });
    model && begins
}

/// A model that is one file.
fn one_file(model: PathBuf, toml: &ModelToml) -> Result<Found, Error> {
    let metadata = metadata(&model)?;
    let kind = metadata.get("model_type").map_or("", String::as_str);
    let window = window(&metadata);
    if let Some(window) = window.filter(|_| metadata.contains_key("cache_last_channel_dim1")) {
        return Ok(Found::Online { model: OnlineModel::NemoCtc { model }, window });
    }
    if let Some(window) = window {
        return Ok(Found::Online { model: OnlineModel::Zipformer2Ctc { model }, window });
    }
    let model = if metadata.contains_key("lfr_window_size") {
        let language = toml.language.clone();
        OfflineModel::SenseVoice { model, language, inverse_text_normalization: true }
    } else if kind.starts_with("EncDec") {
        OfflineModel::NemoCtc { model }
    } else if kind.starts_with("zipformer") {
        OfflineModel::ZipformerCtc { model }
    } else {
        let said =
            if kind.is_empty() { "nothing of its kind".into() } else { format!("model_type = {kind}") };
        let message = format!(
            "{}: not a recogniser that is known here (its metadata says {said}); a CTC model of zipformer or NeMo is wanted",
            model.display()
        );
        return Err(Error::new(ErrorKind::Invalid, message));
    };
    Ok(Found::Offline { model })
}

/// Frames a streaming model takes at once; `None` if it does not stream.
fn window(metadata: &Metadata) -> Option<u32> {
    let number = |key: &str| metadata.get(key)?.parse().ok().filter(|n| (1..10_000).contains(n));
    let icefall = metadata.get("decode_chunk_len").and(number("T"));
    icefall.or_else(|| metadata.get("chunk_shift").and(number("window_size")))
}

fn metadata(path: &Path) -> Result<Metadata, Error> {
    Ok(inspect(path)?.metadata)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn directory_name(dir: &Path) -> String {
    file_name(dir.canonicalize().as_deref().unwrap_or(dir))
}

#[cfg(test)]
#[path = "model_dir_tests.rs"]
mod tests;
