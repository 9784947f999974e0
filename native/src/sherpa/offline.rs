//! Recognition of whole utterances.

use std::{
    path::{Path, PathBuf},
    ptr::NonNull,
    sync::Arc,
};

use super::{
    SAMPLE_RATE,
    check::{self, Found, TransducerFiles},
    ffi,
    online::{check_threads, features},
    raw::{Strings, copy_text, copy_texts, length, refused, slice},
};
use crate::{
    error::{Error, ErrorKind, Result, opaque_debug},
    library,
};

/// What Whisper does with what it hears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhisperTask {
    /// Writes it down.
    #[default]
    Transcribe,
    /// Translates it to English.
    Translate,
}

/// Which kind of model, and its files.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OfflineModel {
    /// OpenAI's Whisper; at most 30 s at once.
    Whisper {
        /// The encoder.
        encoder: PathBuf,
        /// The decoder.
        decoder: PathBuf,
        /// Language code such as `en`; `None` to detect it.
        language: Option<String>,
        /// Transcribe or translate.
        task: WhisperTask,
    },
    /// Moonshine in its first format.
    MoonshineV1 {
        /// The preprocessor.
        preprocessor: PathBuf,
        /// The encoder.
        encoder: PathBuf,
        /// The decoder for the first step.
        uncached_decoder: PathBuf,
        /// The decoder for later steps.
        cached_decoder: PathBuf,
    },
    /// Moonshine in its second format.
    MoonshineV2 {
        /// The encoder.
        encoder: PathBuf,
        /// The decoder for all steps.
        merged_decoder: PathBuf,
    },
    /// A transducer of NeMo, such as Parakeet.
    NemoTransducer {
        /// The encoder.
        encoder: PathBuf,
        /// The decoder.
        decoder: PathBuf,
        /// The joiner.
        joiner: PathBuf,
    },
    /// A transducer of icefall.
    Transducer {
        /// The encoder.
        encoder: PathBuf,
        /// The decoder.
        decoder: PathBuf,
        /// The joiner.
        joiner: PathBuf,
    },
    /// SenseVoice.
    SenseVoice {
        /// The model.
        model: PathBuf,
        /// `zh`, `en`, `ja`, `ko` or `yue`; `None` to detect it.
        language: Option<String>,
        /// Write numbers as figures, with punctuation.
        inverse_text_normalization: bool,
    },
    /// A zipformer with a CTC head.
    ZipformerCtc {
        /// The model.
        model: PathBuf,
    },
    /// A CTC model of NeMo.
    NemoCtc {
        /// The model.
        model: PathBuf,
    },
}

impl OfflineModel {
    fn check(&self, tokens: &Path) -> Result<Found> {
        match self {
            Self::Whisper { encoder, decoder, language, .. } => {
                check::whisper(encoder, decoder, language.as_deref(), tokens)
            }
            Self::MoonshineV1 { preprocessor, encoder, uncached_decoder, cached_decoder } => {
                check::moonshine_v1([preprocessor, encoder, uncached_decoder, cached_decoder], tokens)
            }
            Self::MoonshineV2 { encoder, merged_decoder } => {
                check::moonshine_v2(encoder, merged_decoder, tokens)
            }
            Self::NemoTransducer { encoder, decoder, joiner } => {
                check::offline_nemo_transducer(&TransducerFiles { encoder, decoder, joiner }, tokens)
            }
            Self::Transducer { encoder, decoder, joiner } => {
                check::offline_transducer(&TransducerFiles { encoder, decoder, joiner }, tokens)
            }
            Self::SenseVoice { model, language, .. } => {
                check_language(language.as_deref(), &["zh", "en", "ja", "ko", "yue"])?;
                check::sense_voice(model, tokens)
            }
            Self::ZipformerCtc { model } => check::offline_zipformer_ctc(model, tokens),
            Self::NemoCtc { model } => check::offline_nemo_ctc(model, tokens),
        }
    }

    fn main_file(&self) -> &Path {
        match self {
            Self::Whisper { encoder: file, .. }
            | Self::MoonshineV1 { encoder: file, .. }
            | Self::MoonshineV2 { encoder: file, .. }
            | Self::NemoTransducer { encoder: file, .. }
            | Self::Transducer { encoder: file, .. }
            | Self::SenseVoice { model: file, .. }
            | Self::ZipformerCtc { model: file }
            | Self::NemoCtc { model: file } => file,
        }
    }

    fn fill(&self, c: &mut ffi::SherpaOnnxOfflineModelConfig, strings: &mut Strings) -> Result<()> {
        match self {
            Self::Whisper { encoder, decoder, language, task } => {
                c.whisper.encoder = strings.path(encoder)?;
                c.whisper.decoder = strings.path(decoder)?;
                c.whisper.language = strings.text(language.as_deref().unwrap_or_default())?;
                c.whisper.task = strings.text(match task {
                    WhisperTask::Transcribe => "transcribe",
                    WhisperTask::Translate => "translate",
                })?;
                // As sherpa-onnx's own tools do: take the default padding.
                c.whisper.tail_paddings = -1;
            }
            Self::MoonshineV1 { preprocessor, encoder, uncached_decoder, cached_decoder } => {
                c.moonshine.preprocessor = strings.path(preprocessor)?;
                c.moonshine.encoder = strings.path(encoder)?;
                c.moonshine.uncached_decoder = strings.path(uncached_decoder)?;
                c.moonshine.cached_decoder = strings.path(cached_decoder)?;
            }
            Self::MoonshineV2 { encoder, merged_decoder } => {
                c.moonshine.encoder = strings.path(encoder)?;
                c.moonshine.merged_decoder = strings.path(merged_decoder)?;
            }
            Self::NemoTransducer { encoder, decoder, joiner }
            | Self::Transducer { encoder, decoder, joiner } => {
                c.transducer.encoder = strings.path(encoder)?;
                c.transducer.decoder = strings.path(decoder)?;
                c.transducer.joiner = strings.path(joiner)?;
            }
            Self::SenseVoice { model, language, inverse_text_normalization } => {
                c.sense_voice.model = strings.path(model)?;
                c.sense_voice.language = strings.text(language.as_deref().unwrap_or("auto"))?;
                c.sense_voice.use_itn = (*inverse_text_normalization).into();
            }
            Self::ZipformerCtc { model } => c.zipformer_ctc.model = strings.path(model)?,
            Self::NemoCtc { model } => c.nemo_ctc.model = strings.path(model)?,
        }
        Ok(())
    }
}

fn check_language(language: Option<&str>, known: &[&str]) -> Result<()> {
    match language {
        Some(language) if !known.contains(&language) => Err(Error::argument(format!(
            "language {language:?} is unknown to the model; it knows {}",
            known.join(", ")
        ))),
        _ => Ok(()),
    }
}

/// A recogniser's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OfflineConfig {
    /// The model's files.
    pub model: OfflineModel,
    /// Its `tokens.txt`.
    pub tokens: PathBuf,
    /// Threads per inference, at least 1. Default 1.
    pub num_threads: u16,
}

impl OfflineConfig {
    /// A configuration with defaults for everything but the files.
    pub fn new(model: OfflineModel, tokens: impl Into<PathBuf>) -> Self {
        Self { model, tokens: tokens.into(), num_threads: 1 }
    }
}

/// What was recognised.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct OfflineResult {
    /// The text.
    pub text: String,
    /// The tokens it is made of.
    pub tokens: Vec<String>,
    /// When each token was heard, in seconds; empty if the model does not say.
    pub timestamps: Vec<f32>,
    /// The language, if the model says it.
    pub language: String,
}

/// A loaded model for whole utterances. Clones share it.
#[derive(Clone)]
pub struct OfflineRecognizer(Arc<Handle>);

struct Handle(NonNull<ffi::SherpaOnnxOfflineRecognizer>);

// SAFETY: a recogniser is not changed after it was made, ONNX Runtime's sessions may be run by many threads, and everything that changes
// belongs to a stream, which here lives within one call.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made by `new`, destroyed once.
        unsafe { sherpa().SherpaOnnxDestroyOfflineRecognizer(self.0.as_ptr()) };
    }
}

fn sherpa() -> &'static ffi::SherpaOnnx {
    library::loaded().sherpa()
}

/// Below one analysis window (25 ms) there is nothing to recognise, and some models fail on it.
const SHORTEST: usize = 400;

impl OfflineRecognizer {
    /// Checks the files and loads the model. Loads the libraries first if need be (see [`load`](crate::load)).
    ///
    /// # Errors
    /// [`ErrorKind::ModelMissing`], [`ErrorKind::ModelInvalid`], [`ErrorKind::InvalidArgument`], and whatever [`load`](crate::load) says.
    pub fn new(config: &OfflineConfig) -> Result<Self> {
        check_threads(config.num_threads)?;
        let found = config.model.check(&config.tokens)?;
        let sherpa = library::load()?.sherpa();
        let mut strings = Strings::default();
        let mut c = ffi::SherpaOnnxOfflineRecognizerConfig {
            feat_config: features(&found),
            decoding_method: strings.text("greedy_search")?,
            max_active_paths: 4,
            ..Default::default()
        };
        c.model_config.tokens = strings.path(&config.tokens)?;
        c.model_config.num_threads = config.num_threads.into();
        c.model_config.provider = strings.text("cpu")?;
        c.model_config.model_type = strings.text(found.model_type)?;
        config.model.fill(&mut c.model_config, &mut strings)?;
        // SAFETY: every pointer in `c` is null or leads into `strings`, which outlives the call; sherpa-onnx copies what it keeps.
        let pointer = unsafe { sherpa.SherpaOnnxCreateOfflineRecognizer(&c) };
        let pointer =
            NonNull::new(pointer.cast_mut()).ok_or_else(|| refused("model", config.model.main_file()))?;
        Ok(Self(Arc::new(Handle(pointer))))
    }

    /// Recognises an utterance (mono, ±1, [`SAMPLE_RATE`]). Any number of threads may call it at once. It cannot be cancelled.
    ///
    /// # Errors
    /// [`ErrorKind::Runtime`], [`ErrorKind::InvalidArgument`] for more than 2^31 samples.
    pub fn decode(&self, samples: &[f32]) -> Result<OfflineResult> {
        if samples.len() < SHORTEST {
            return Ok(OfflineResult::default());
        }
        let n = length(samples)?;
        let stream = Stream::new(self)?;
        // SAFETY: a live recogniser, a live stream of it, and `n` samples, which sherpa-onnx copies. The result is read before it is
        // destroyed; its arrays hold `count` entries.
        unsafe {
            sherpa().SherpaOnnxAcceptWaveformOffline(
                stream.0.as_ptr(),
                SAMPLE_RATE as i32,
                samples.as_ptr(),
                n,
            );
            sherpa().SherpaOnnxDecodeOfflineStream(self.0.0.as_ptr(), stream.0.as_ptr());
            let raw = sherpa().SherpaOnnxGetOfflineStreamResult(stream.0.as_ptr());
            let r =
                raw.as_ref().ok_or_else(|| Error::new(ErrorKind::Runtime, "sherpa-onnx gave no result"))?;
            let result = OfflineResult {
                text: copy_text(r.text),
                tokens: copy_texts(r.tokens_arr, r.count),
                timestamps: slice(r.timestamps.cast_const(), r.count).to_vec(),
                language: copy_text(r.lang),
            };
            sherpa().SherpaOnnxDestroyOfflineRecognizerResult(raw);
            Ok(result)
        }
    }
}

opaque_debug!(OfflineRecognizer);

/// One utterance; destroyed however the call that made it ends.
struct Stream(NonNull<ffi::SherpaOnnxOfflineStream>);

impl Stream {
    fn new(recognizer: &OfflineRecognizer) -> Result<Self> {
        // SAFETY: a live recogniser.
        let stream = unsafe { sherpa().SherpaOnnxCreateOfflineStream(recognizer.0.0.as_ptr()) };
        NonNull::new(stream.cast_mut())
            .map(Self)
            .ok_or_else(|| Error::new(ErrorKind::Runtime, "sherpa-onnx made no stream"))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: owned, destroyed once.
        unsafe { sherpa().SherpaOnnxDestroyOfflineStream(self.0.as_ptr()) };
    }
}
