//! Streaming recognition on sherpa-onnx.
//!
//! [`StreamingStt`] is a loaded model; its streams decode whatever chunks are complete as audio comes in.
//! Invariants: a stream after `reset` gives the same transcript for the same audio as a fresh one;
//! text is in lower case unless the model writes cases; tokens for unknown words never reach it.
//!
//! Life cycle of a stream: as [`SttStream`] says; after `finish` it takes audio again only after `reset`.
//!
//! ```no_run
//! use duologue_models::stt::{StreamingStt, Stt, SttOptions};
//!
//! let stt = StreamingStt::load("models/zipformer-en-20m".as_ref(), &SttOptions::default())?;
//! let mut stream = stt.stream()?;
//! stream.push(&[0.0; 320])?;
//! println!("{} …", stream.partial().text);
//! println!("{}", stream.finish()?.text);
//! # Ok::<(), duologue_models::Error>(())
//! ```

use std::borrow::Cow;
use std::path::Path;

use duologue_native::sherpa::{Decoding, OnlineConfig, OnlineRecognizer, OnlineStream};

use super::hotwords;
use super::model_dir::{Found, ModelDir};
use super::options::SttOptions;
use super::words::{Style, transcript};
use super::{Stt, SttStream, Transcript};
use crate::{Error, ErrorKind, Family};

/// Silence beyond the model's window, in ms, that lets it write the last word: models write up to
/// about 0.3 s after they heard.
const LATE_MS: u32 = 320;
/// Silence appended at a time, 40 ms.
const SILENCE: [f32; 640] = [0.0; 640];

/// A streaming recogniser of sherpa-onnx: a transducer (zipformer, NeMo), or a CTC model of
/// zipformer2 or NeMo, such as the built-in one.
#[derive(Clone)]
pub struct StreamingStt {
    name: String,
    recognizer: OnlineRecognizer,
    style: Style,
    /// Silence, in samples, that `finish` appends.
    tail: usize,
}

impl StreamingStt {
    /// Loads the model in `dir`; what kind it is, and which file is what, is found out.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for a missing directory or file; [`ErrorKind::Invalid`] for a damaged,
    /// swapped or unfit one; [`ErrorKind::Config`] for an option out of range or an ambiguous
    /// directory; [`ErrorKind::Natives`] if the shared libraries cannot be loaded.
    pub fn load(dir: &Path, options: &SttOptions) -> Result<Self, Error> {
        options.validate()?;
        let found = ModelDir::open(dir)?;
        let family = found.found.family();
        let Found::Online { model, window } = found.found else {
            let message =
                format!("{}: a model for whole utterances, where a streaming one is wanted", dir.display());
            return Err(Error::new(ErrorKind::Invalid, message));
        };
        let mut config = OnlineConfig::new(model, &found.tokens);
        config.num_threads = options.threads;
        config.blank_penalty = options.blank_penalty.or(found.toml.blank_penalty).unwrap_or(0.0);
        if let Some(paths) = options.paths.or(found.toml.paths).filter(|&paths| paths > 0) {
            config.decoding = Decoding::ModifiedBeam { max_active_paths: paths };
        }
        if family != Family::Transducer {
            hotwords::refuse(options, &found.name, family)?;
        }
        let vocabulary = hotwords::give(&mut config, options, &found.tokens)?;
        let recognizer = OnlineRecognizer::new(&config).map_err(|e| loading(e, dir))?;
        drop(vocabulary);
        let style = Style::read(&found.tokens)?;
        let tail_ms = options.tail_ms.or(found.toml.tail_ms).unwrap_or(window * 10 + LATE_MS);
        Ok(Self { name: found.name, recognizer, style, tail: tail_ms as usize * 16 })
    }

    fn fresh(&self) -> Result<OnlineStream, Error> {
        Ok(self.recognizer.stream()?)
    }
}

impl Stt for StreamingStt {
    fn stream(&self) -> Result<Box<dyn SttStream>, Error> {
        let stream = Some(self.fresh()?);
        Ok(Box::new(SherpaStream { model: self.clone(), stream, latest: Transcript::default(), heard: 0 }))
    }

    fn name(&self) -> &str {
        &self.name
    }
}

struct SherpaStream {
    model: StreamingStt,
    /// `None` after `finish`, until the next `reset`.
    stream: Option<OnlineStream>,
    latest: Transcript,
    /// Samples pushed since the start.
    heard: u64,
}

impl SherpaStream {
    fn look(&mut self) {
        let Some(stream) = &self.stream else { return };
        let result = stream.result();
        self.latest =
            transcript(self.model.style, &result.tokens, &result.timestamps, &result.text, self.heard);
    }
}

impl SttStream for SherpaStream {
    fn push(&mut self, samples: &[f32]) -> Result<(), Error> {
        let Some(stream) = &mut self.stream else {
            let message = "the utterance was finished; reset the stream before the next";
            return Err(Error::new(ErrorKind::Inference, message));
        };
        stream.accept(&finite(samples))?;
        self.heard += samples.len() as u64;
        if stream.decode_ready() > 0 {
            self.look();
        }
        Ok(())
    }

    fn partial(&self) -> Transcript {
        self.latest.clone()
    }

    fn finish(&mut self) -> Result<Transcript, Error> {
        let Some(stream) = &mut self.stream else { return Ok(self.latest.clone()) };
        if self.heard > 0 {
            for start in (0..self.model.tail).step_by(SILENCE.len()) {
                stream.accept(&SILENCE[..SILENCE.len().min(self.model.tail - start)])?;
            }
            stream.input_finished();
            stream.decode_ready();
            self.look();
        }
        self.stream = None;
        Ok(self.latest.clone())
    }

    fn reset(&mut self) {
        self.latest = Transcript::default();
        self.heard = 0;
        // A new stream, since sherpa-onnx's own reset keeps audio and states. Were none to be had,
        // `push` would say so.
        self.stream = self.model.fresh().ok();
    }
}

/// Samples without NaN and infinities: one would spoil the model's state for good.
pub(super) fn finite(samples: &[f32]) -> Cow<'_, [f32]> {
    if samples.iter().all(|x| x.is_finite()) {
        return Cow::Borrowed(samples);
    }
    Cow::Owned(samples.iter().map(|&x| if x.is_finite() { x } else { 0.0 }).collect())
}

/// An error of loading, where a wrong argument is a wrong configuration.
pub(super) fn loading(error: duologue_native::Error, dir: &Path) -> Error {
    if error.kind() == duologue_native::ErrorKind::InvalidArgument {
        return Error::new(ErrorKind::Config, format!("{}: {error}", dir.display()));
    }
    error.into()
}
