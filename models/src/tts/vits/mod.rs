//! VITS as Piper exports it: text-to-speech through our own ONNX session and our own phonemes.
//!
//! A Piper voice is an ONNX file and a `.onnx.json` beside it. It was trained on espeak-ng's phonemes;
//! ours are rewritten into that notation, so that espeak-ng (GPL) is not needed.
//!
//! Invariants: no text makes it panic; a run has at most [`MAX_PHONEMES`] phonemes; every word has its mark,
//! which is **estimated** from typical lengths of phonemes, because the graph tells no durations.
//!
//! Life cycle: [`Vits::load`] reads the files, runs the graph until it is warm, measures its cost and
//! how loud the voice is. Then [`crate::Tts::speak`] from any number of threads.
//!
//! ```no_run
//! use duologue_models::tts::vits::Vits;
//! use duologue_models::{Cancel, SpeakOptions, Tts};
//!
//! let joe = Vits::load("models/en_US-joe-medium".as_ref(), &Default::default())?;
//! let speech = joe.speak("Hello there.", &SpeakOptions::default(), &Cancel::new())?;
//! # Ok::<(), duologue_models::Error>(())
//! ```

mod config;
mod notation;
mod speak;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use duologue_native::onnx::{Session, SessionOptions, TensorView};

use super::cost::{CostModel, Timing};
use super::marks::Lengths;
use super::{Cancel, TtsOptions, level};
use crate::text::{English, Language, Phonemes};
use crate::{Error, ErrorKind};
use config::VoiceConfig;
pub use speak::MAX_PHONEMES;

/// Spoken at load: a short and a long run, in Kokoro's notation.
const WARM_UP: [&str; 2] = ["həlˈO.", "həlˈO, ðˈɛɹ əɡˈɛn, ænd wˈɛlkəm."];

/// A loaded Piper voice. `Send + Sync`: load it once and share it.
pub struct Vits {
    name: String,
    session: Session,
    config: VoiceConfig,
    voices: Vec<String>,
    language: Arc<dyn Language>,
    lengths: Lengths,
    cost: CostModel,
    gain: f32,
}

impl Vits {
    /// Loads the voice in `dir`: one `*.onnx` with its `*.onnx.json`, English.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for a missing directory, file or default voice; [`ErrorKind::Invalid`] for a
    /// damaged file, one of another kind, or a voice of another language; [`ErrorKind::Natives`] if ONNX
    /// Runtime can't be loaded; [`ErrorKind::Io`] or [`ErrorKind::Inference`] if reading or the first run fails.
    pub fn load(dir: &Path, options: &TtsOptions) -> Result<Self, Error> {
        let (model, json) = files(dir)?;
        let config = VoiceConfig::read(&json)?;
        let threads = options.threads.map_or(1, std::num::NonZeroU16::get);
        let session = Session::load(&model, &SessionOptions::with_threads(threads))?;
        check_graph(&session, &model)?;
        let mut voices = config.voices();
        if let Some(wanted) = &options.voice {
            let at = voices.iter().position(|voice| voice == wanted);
            let at = at.ok_or_else(|| no_voice(wanted, &voices))?;
            voices[..=at].rotate_right(1);
        }
        let lengths = config.lengths();
        let nothing = Timing { phonemes: 1, took: Default::default(), audio: Default::default() };
        let mut voice = Self {
            name: model.file_stem().map_or_else(|| "vits".into(), |n| n.to_string_lossy().into_owned()),
            session,
            config,
            voices,
            language: Arc::new(English::new()),
            lengths,
            cost: CostModel::new(nothing, nothing),
            gain: 1.0,
        };
        voice.warm_up()?;
        Ok(voice)
    }

    /// Runs the graph until it is warm, times a short and a long run, and sets the voice's level.
    fn warm_up(&mut self) -> Result<(), Error> {
        let runs = WARM_UP.map(|text| {
            let mut phonemes = Phonemes::default();
            phonemes.push_word("", text, "", 0..1);
            self.config.encode(&phonemes)
        });
        let mut timings = Vec::new();
        let mut loudest = None;
        for run in [&runs[0], &runs[0], &runs[1]] {
            let start = Instant::now();
            let samples = self.run(&run.ids, 0, 1.0, &Cancel::new())?;
            timings.push(Timing::since(start, run.phonemes, samples.len(), self.config.rate));
            loudest = level::loudness(&samples, self.config.rate);
        }
        self.cost = CostModel::new(timings[1], timings[2]);
        self.gain = loudest.map_or(1.0, level::gain);
        Ok(())
    }

    /// Runs the graph; the samples are as it gave them.
    fn run(&self, ids: &[i64], speaker: i64, speed: f32, cancel: &Cancel) -> Result<Vec<f32>, Error> {
        let (shape, length) = ([1, ids.len() as i64], [ids.len() as i64]);
        let [noise, slowness, noise_w] = self.config.scales;
        let (scales, speaker) = ([noise, slowness / speed, noise_w], [speaker]);
        let mut inputs = vec![
            ("input", TensorView::i64(&shape, ids)),
            ("input_lengths", TensorView::i64(&[1], &length)),
            ("scales", TensorView::f32(&[3], &scales)),
        ];
        if self.session.inputs().iter().any(|input| input.name == "sid") {
            inputs.push(("sid", TensorView::i64(&[1], &speaker)));
        }
        let outputs = self.session.run(&inputs, &["output"], cancel)?;
        let samples = outputs.first().and_then(|audio| audio.f32s()).unwrap_or_default();
        if samples.iter().any(|sample| !sample.is_finite()) {
            let message = format!("{}: gave samples that are no numbers; pull the model again", self.name);
            return Err(Error::new(ErrorKind::Inference, message));
        }
        Ok(samples.to_vec())
    }
}

/// The graph and its description: the only pair in `dir`, by name the first of several.
fn files(dir: &Path) -> Result<(PathBuf, PathBuf), Error> {
    let entries = std::fs::read_dir(dir).map_err(|error| {
        Error::new(
            ErrorKind::NotFound,
            format!("{}: {error}; correct the path, or pull the model", dir.display()),
        )
    })?;
    let mut descriptions: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".onnx.json"))
        .collect();
    descriptions.sort();
    let missing = |what: String| Error::new(ErrorKind::NotFound, format!("{what}; pull the model again"));
    let json = descriptions.into_iter().next();
    let json = json.ok_or_else(|| missing(format!("{}: no *.onnx.json of a Piper voice", dir.display())))?;
    let model = json.with_extension("");
    if !model.is_file() {
        return Err(missing(format!("{}: not there, but its description is", model.display())));
    }
    Ok((model, json))
}

fn check_graph(session: &Session, model: &Path) -> Result<(), Error> {
    let has = |name: &&str| session.inputs().iter().any(|input| input.name == **name);
    let missing = ["input", "input_lengths", "scales"].iter().find(|name| !has(name));
    let extra = session.inputs().len() > 4 || !session.outputs().iter().any(|output| output.name == "output");
    if missing.is_none() && !extra {
        return Ok(());
    }
    let names: Vec<&str> = session.inputs().iter().map(|input| input.name.as_str()).collect();
    let message = format!(
        "{}: not a Piper voice: it takes {}, where input, input_lengths, scales (and sid) belong; pull the model again",
        model.display(),
        names.join(", ")
    );
    Err(Error::new(ErrorKind::Invalid, message))
}

fn no_voice(name: &str, voices: &[String]) -> Error {
    let shown: Vec<&str> = voices.iter().take(8).map(String::as_str).collect();
    let message = format!("no voice {name:?}; there are {}: {}", voices.len(), shown.join(", "));
    Error::new(ErrorKind::NotFound, message)
}
