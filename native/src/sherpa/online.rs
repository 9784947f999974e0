//! Streaming recognition.

use std::{
    path::{Path, PathBuf},
    ptr::NonNull,
    sync::Arc,
};

use super::{
    SAMPLE_RATE,
    check::{self, Found, TransducerFiles},
    ffi,
    phrases::{check_bpe_vocabulary, check_hotwords},
    raw::{Strings, copy_text, copy_texts, length, refused, slice},
};
use crate::{
    error::{Error, ErrorKind, Result, opaque_debug},
    library,
};

/// Which kind of model, and its files.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnlineModel {
    /// A transducer of icefall (zipformer, zipformer2, conformer, LSTM) or of NeMo.
    Transducer {
        /// The encoder.
        encoder: PathBuf,
        /// The decoder (predictor).
        decoder: PathBuf,
        /// The joiner.
        joiner: PathBuf,
    },
    /// A streaming zipformer2 with a CTC head.
    Zipformer2Ctc {
        /// The model.
        model: PathBuf,
    },
    /// A streaming CTC model in NeMo's format, such as Duologue's built-in recogniser.
    NemoCtc {
        /// The model.
        model: PathBuf,
    },
}

impl OnlineModel {
    fn check(&self, tokens: &Path) -> Result<Found> {
        match self {
            Self::Transducer { encoder, decoder, joiner } => {
                check::online_transducer(&TransducerFiles { encoder, decoder, joiner }, tokens)
            }
            Self::Zipformer2Ctc { model } => check::online_zipformer2_ctc(model, tokens),
            Self::NemoCtc { model } => check::online_nemo_ctc(model, tokens),
        }
    }

    fn main_file(&self) -> &Path {
        match self {
            Self::Transducer { encoder: file, .. }
            | Self::Zipformer2Ctc { model: file }
            | Self::NemoCtc { model: file } => file,
        }
    }
}

/// How tokens are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decoding {
    /// The best token at each step.
    #[default]
    Greedy,
    /// The best sequence among a few; transducers only, needed for hot words.
    ModifiedBeam {
        /// Sequences kept at each step, at least 1; 4 is usual.
        max_active_paths: u16,
    },
}

/// Phrases to prefer; transducers with [`Decoding::ModifiedBeam`] only.
#[derive(Clone, Debug, PartialEq)]
pub struct Hotwords {
    /// One phrase per line, written as the model writes (often in capitals), optionally with ` :score` at its end.
    pub phrases: String,
    /// Bonus per token for phrases without a score; 1.5 is usual.
    pub score: f32,
    /// The model's `bpe.vocab`; `None` for models whose tokens are Chinese characters.
    pub bpe_vocabulary: Option<PathBuf>,
}

/// A recogniser's configuration.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OnlineConfig {
    /// The model's files.
    pub model: OnlineModel,
    /// Its `tokens.txt`.
    pub tokens: PathBuf,
    /// Threads per inference, at least 1. Default 1.
    pub num_threads: u16,
    /// How tokens are chosen. Default greedy.
    pub decoding: Decoding,
    /// Phrases to prefer.
    pub hotwords: Option<Hotwords>,
    /// Subtracted from the blank's score; above 0 fewer words are missed and more are invented. Default 0.
    pub blank_penalty: f32,
}

impl OnlineConfig {
    /// A configuration with defaults for everything but the files.
    pub fn new(model: OnlineModel, tokens: impl Into<PathBuf>) -> Self {
        Self {
            model,
            tokens: tokens.into(),
            num_threads: 1,
            decoding: Decoding::Greedy,
            hotwords: None,
            blank_penalty: 0.0,
        }
    }

    fn check(&self) -> Result<Found> {
        check_threads(self.num_threads)?;
        let transducer = matches!(self.model, OnlineModel::Transducer { .. });
        let beam = match self.decoding {
            Decoding::Greedy => false,
            Decoding::ModifiedBeam { max_active_paths: 0 } => {
                return Err(Error::argument("max_active_paths is 0; give at least 1"));
            }
            Decoding::ModifiedBeam { .. } if !transducer => {
                return Err(Error::argument("CTC models decode greedily only; set decoding to Greedy"));
            }
            Decoding::ModifiedBeam { .. } => true,
        };
        if !self.blank_penalty.is_finite() {
            return Err(Error::argument(format!(
                "blank_penalty is {}, which is no number",
                self.blank_penalty
            )));
        }
        if let Some(hotwords) = &self.hotwords {
            if !beam {
                return Err(Error::argument("hot words need a transducer with decoding ModifiedBeam"));
            }
            check_hotwords(&hotwords.phrases)?;
            if let Some(vocabulary) = &hotwords.bpe_vocabulary {
                check_bpe_vocabulary(vocabulary)?;
            }
        }
        self.model.check(&self.tokens)
    }
}

pub(super) fn check_threads(threads: u16) -> Result<()> {
    if threads == 0 { Err(Error::argument("num_threads is 0; give at least 1")) } else { Ok(()) }
}

/// Fills the part of a configuration that names a streaming model; the result points into `strings`.
pub(super) fn model_config(
    model: &OnlineModel,
    tokens: &Path,
    threads: u16,
    found: &Found,
    strings: &mut Strings,
) -> Result<ffi::SherpaOnnxOnlineModelConfig> {
    let mut c = ffi::SherpaOnnxOnlineModelConfig {
        tokens: strings.path(tokens)?,
        num_threads: threads.into(),
        provider: strings.text("cpu")?,
        model_type: strings.text(found.model_type)?,
        ..Default::default()
    };
    match model {
        OnlineModel::Transducer { encoder, decoder, joiner } => {
            c.transducer.encoder = strings.path(encoder)?;
            c.transducer.decoder = strings.path(decoder)?;
            c.transducer.joiner = strings.path(joiner)?;
        }
        OnlineModel::Zipformer2Ctc { model } => c.zipformer2_ctc.model = strings.path(model)?,
        OnlineModel::NemoCtc { model } => c.nemo_ctc.model = strings.path(model)?,
    }
    Ok(c)
}

pub(super) fn features(found: &Found) -> ffi::SherpaOnnxFeatureConfig {
    ffi::SherpaOnnxFeatureConfig { sample_rate: SAMPLE_RATE as i32, feature_dim: found.features }
}

/// The C functions; by the time somebody holds a recogniser they are loaded.
fn sherpa() -> &'static ffi::SherpaOnnx {
    library::loaded().sherpa()
}

/// A loaded streaming model. Clones share it.
#[derive(Clone)]
pub struct OnlineRecognizer(Arc<Handle>);

struct Handle {
    pointer: NonNull<ffi::SherpaOnnxOnlineRecognizer>,
    hotwords: bool,
}

// SAFETY: sherpa-onnx's own server decodes different streams of one recogniser on many threads: a recogniser is not changed after it was
// made, ONNX Runtime's sessions may be run by many threads, and everything that changes belongs to a stream.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made by `new`, destroyed once, and every stream of it (each holds an `Arc`) is gone.
        unsafe { sherpa().SherpaOnnxDestroyOnlineRecognizer(self.pointer.as_ptr()) };
    }
}

impl OnlineRecognizer {
    /// Checks the files and loads the model. Loads the libraries first if need be (see [`load`](crate::load)).
    ///
    /// # Errors
    /// [`ErrorKind::ModelMissing`], [`ErrorKind::ModelInvalid`], [`ErrorKind::InvalidArgument`], and whatever [`load`](crate::load) says.
    pub fn new(config: &OnlineConfig) -> Result<Self> {
        let found = config.check()?;
        let sherpa = library::load()?.sherpa();
        let mut strings = Strings::default();
        let mut c = ffi::SherpaOnnxOnlineRecognizerConfig {
            feat_config: features(&found),
            model_config: model_config(
                &config.model,
                &config.tokens,
                config.num_threads,
                &found,
                &mut strings,
            )?,
            decoding_method: strings.text("greedy_search")?,
            max_active_paths: 4,
            blank_penalty: config.blank_penalty,
            ..Default::default()
        };
        if let Decoding::ModifiedBeam { max_active_paths } = config.decoding {
            c.decoding_method = strings.text("modified_beam_search")?;
            c.max_active_paths = max_active_paths.into();
        }
        if let Some(hotwords) = &config.hotwords {
            c.hotwords_score = hotwords.score;
            c.hotwords_buf = strings.text(&hotwords.phrases)?;
            c.hotwords_buf_size = hotwords.phrases.len() as i32;
            let (unit, vocabulary) = match &hotwords.bpe_vocabulary {
                Some(path) => ("bpe", strings.path(path)?),
                None => ("cjkchar", std::ptr::null()),
            };
            c.model_config.modeling_unit = strings.text(unit)?;
            c.model_config.bpe_vocab = vocabulary;
        }
        // SAFETY: every pointer in `c` is null or leads into `strings`, which outlives the call; sherpa-onnx copies what it keeps.
        let pointer = unsafe { sherpa.SherpaOnnxCreateOnlineRecognizer(&c) };
        let pointer =
            NonNull::new(pointer.cast_mut()).ok_or_else(|| refused("model", config.model.main_file()))?;
        Ok(Self(Arc::new(Handle { pointer, hotwords: config.hotwords.is_some() })))
    }

    /// A new stream.
    ///
    /// # Errors
    /// [`ErrorKind::Runtime`] if sherpa-onnx gives none.
    pub fn stream(&self) -> Result<OnlineStream> {
        // SAFETY: a live recogniser.
        self.wrap(unsafe { sherpa().SherpaOnnxCreateOnlineStream(self.0.pointer.as_ptr()) })
    }

    /// A new stream that prefers these phrases besides the recogniser's own; as [`Hotwords::phrases`], without slashes.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if the recogniser was made without [`Hotwords`], or a phrase is malformed.
    pub fn stream_with_hotwords(&self, phrases: &str) -> Result<OnlineStream> {
        if !self.0.hotwords {
            return Err(Error::argument(
                "the recogniser was made without hot words; set OnlineConfig::hotwords",
            ));
        }
        check_hotwords(phrases)?;
        let mut strings = Strings::default();
        let phrases = strings.text(phrases)?;
        // SAFETY: a live recogniser and a string that outlives the call.
        self.wrap(unsafe {
            sherpa().SherpaOnnxCreateOnlineStreamWithHotwords(self.0.pointer.as_ptr(), phrases)
        })
    }

    fn wrap(&self, stream: *const ffi::SherpaOnnxOnlineStream) -> Result<OnlineStream> {
        Ok(OnlineStream { recognizer: self.clone(), stream: StreamHandle::new(stream)? })
    }
}

/// An owned stream, of a recogniser or of a key word spotter.
pub(super) struct StreamHandle {
    pointer: NonNull<ffi::SherpaOnnxOnlineStream>,
    finished: bool,
}

// SAFETY: a stream is plain memory that one thread at a time uses; it is not `Sync`.
unsafe impl Send for StreamHandle {}

impl StreamHandle {
    pub(super) fn new(pointer: *const ffi::SherpaOnnxOnlineStream) -> Result<Self> {
        let pointer = NonNull::new(pointer.cast_mut()).ok_or_else(|| {
            Error::new(ErrorKind::Runtime, "sherpa-onnx made no stream; standard error says why")
        })?;
        Ok(Self { pointer, finished: false })
    }

    pub(super) fn as_ptr(&self) -> *const ffi::SherpaOnnxOnlineStream {
        self.pointer.as_ptr()
    }

    pub(super) fn accept(&mut self, samples: &[f32]) -> Result<()> {
        // sherpa-onnx would end the process.
        if self.finished {
            return Err(Error::argument("the stream's input is finished; make a new stream"));
        }
        let n = length(samples)?;
        if n > 0 {
            // SAFETY: a live stream and `n` samples, which sherpa-onnx copies; the rate is the same in every call.
            unsafe {
                sherpa().SherpaOnnxOnlineStreamAcceptWaveform(
                    self.as_ptr(),
                    SAMPLE_RATE as i32,
                    samples.as_ptr(),
                    n,
                )
            };
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) {
        if !self.finished {
            // SAFETY: a live stream.
            unsafe { sherpa().SherpaOnnxOnlineStreamInputFinished(self.as_ptr()) };
        }
        self.finished = true;
    }
}

impl Drop for StreamHandle {
    fn drop(&mut self) {
        // SAFETY: owned, destroyed once.
        unsafe { sherpa().SherpaOnnxDestroyOnlineStream(self.as_ptr()) };
    }
}

opaque_debug!(OnlineRecognizer, OnlineStream);

/// What a stream has recognised since its last reset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OnlineResult {
    /// The text.
    pub text: String,
    /// The tokens it is made of.
    pub tokens: Vec<String>,
    /// When each token was heard, in seconds since the last reset; empty if the model does not say.
    pub timestamps: Vec<f32>,
}

/// One stretch of audio that is being recognised. `Send`; one thread at a time.
pub struct OnlineStream {
    // Destroyed before the recogniser it belongs to.
    stream: StreamHandle,
    recognizer: OnlineRecognizer,
}

impl OnlineStream {
    /// Gives it samples (mono, ±1, [`SAMPLE_RATE`]). Cheap: computes features, runs no model.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] after [`input_finished`](Self::input_finished).
    pub fn accept(&mut self, samples: &[f32]) -> Result<()> {
        self.stream.accept(samples)
    }

    /// Whether there is enough audio for one [`step`](Self::step).
    pub fn is_ready(&self) -> bool {
        // SAFETY: a live recogniser and a live stream of it.
        unsafe { sherpa().SherpaOnnxIsOnlineStreamReady(self.raw(), self.stream.as_ptr()) == 1 }
    }

    /// Runs the model on one chunk if there is enough audio, and says whether it did. Between steps a caller may look whether it is still
    /// wanted.
    pub fn step(&mut self) -> bool {
        if !self.is_ready() {
            return false;
        }
        // SAFETY: a live recogniser and a live stream of it, which is ready.
        unsafe { sherpa().SherpaOnnxDecodeOnlineStream(self.raw(), self.stream.as_ptr()) };
        true
    }

    /// Runs the model on all audio there is, and says how many chunks that were.
    pub fn decode_ready(&mut self) -> usize {
        std::iter::from_fn(|| self.step().then_some(())).count()
    }

    /// What was recognised since the last reset.
    pub fn result(&self) -> OnlineResult {
        // SAFETY: a live recogniser and a live stream of it. The result is read before it is destroyed; its arrays hold `count` entries.
        unsafe {
            let raw = sherpa().SherpaOnnxGetOnlineStreamResult(self.raw(), self.stream.as_ptr());
            let Some(r) = raw.as_ref() else { return OnlineResult::default() };
            let result = OnlineResult {
                text: copy_text(r.text),
                tokens: copy_texts(r.tokens_arr, r.count),
                timestamps: slice(r.timestamps.cast_const(), r.count).to_vec(),
            };
            sherpa().SherpaOnnxDestroyOnlineRecognizerResult(raw);
            result
        }
    }

    /// Forgets what was recognised and begins a new utterance. Audio that was given and not yet decoded stays.
    pub fn reset(&mut self) {
        // SAFETY: a live recogniser and a live stream of it.
        unsafe { sherpa().SherpaOnnxOnlineStreamReset(self.raw(), self.stream.as_ptr()) };
    }

    /// Says that no more audio comes, so that the last frames become ready. Give some silence first (0.5 s) so that the model sees the end
    /// of the last word.
    pub fn input_finished(&mut self) {
        self.stream.finish();
    }

    /// The recogniser it belongs to.
    pub fn recognizer(&self) -> &OnlineRecognizer {
        &self.recognizer
    }

    fn raw(&self) -> *const ffi::SherpaOnnxOnlineRecognizer {
        self.recognizer.0.pointer.as_ptr()
    }
}
