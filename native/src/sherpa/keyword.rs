//! Waiting for given phrases.

use std::{path::PathBuf, ptr::NonNull, sync::Arc};

use super::{
    check::{TransducerFiles, online_transducer},
    ffi,
    online::{OnlineModel, StreamHandle, check_threads, features, model_config},
    phrases::check_keywords,
    raw::{Strings, copy_text, refused, slice},
    tokens::{Tokens, read_text},
};
use crate::{
    error::{Error, Result, opaque_debug},
    library,
};

/// A spotter's configuration.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct KeywordConfig {
    /// The encoder of a streaming transducer.
    pub encoder: PathBuf,
    /// Its decoder.
    pub decoder: PathBuf,
    /// Its joiner.
    pub joiner: PathBuf,
    /// Its `tokens.txt`.
    pub tokens: PathBuf,
    /// One key word per line: the model's tokens, optionally `:score`, `#threshold` and `@name`, as in `▁HE LL O #0.3 @HELLO`.
    pub keywords: String,
    /// Threads per inference, at least 1. Default 1.
    pub num_threads: u16,
    /// Bonus per token of a key word without a score. Default 1.
    pub score: f32,
    /// Probability from which a key word without a threshold counts, 0 to 1. Default 0.25.
    pub threshold: f32,
    /// Sequences kept at each step. Default 4.
    pub max_active_paths: u16,
}

impl KeywordConfig {
    /// A configuration with defaults for everything but the files and the key words.
    pub fn new(
        encoder: impl Into<PathBuf>,
        decoder: impl Into<PathBuf>,
        joiner: impl Into<PathBuf>,
        tokens: impl Into<PathBuf>,
        keywords: impl Into<String>,
    ) -> Self {
        Self {
            encoder: encoder.into(),
            decoder: decoder.into(),
            joiner: joiner.into(),
            tokens: tokens.into(),
            keywords: keywords.into(),
            num_threads: 1,
            score: 1.0,
            threshold: 0.25,
            max_active_paths: 4,
        }
    }

    /// Takes the key words from a file.
    ///
    /// # Errors
    /// [`ErrorKind::ModelMissing`](crate::ErrorKind::ModelMissing), [`ErrorKind::ModelInvalid`](crate::ErrorKind::ModelInvalid).
    pub fn keywords_file(mut self, path: &std::path::Path) -> Result<Self> {
        self.keywords = read_text(path, "key word file")?;
        Ok(self)
    }
}

/// A loaded key word spotter. Clones share it.
#[derive(Clone)]
pub struct KeywordSpotter(Arc<Handle>);

struct Handle {
    pointer: NonNull<ffi::SherpaOnnxKeywordSpotter>,
    /// Seconds of audio per step.
    chunk: f64,
}

// SAFETY: as for a recogniser: it is not changed after it was made, and everything that changes belongs to a stream.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made by `new`, destroyed once, and every stream of it (each holds an `Arc`) is gone.
        unsafe { sherpa().SherpaOnnxDestroyKeywordSpotter(self.pointer.as_ptr()) };
    }
}

fn sherpa() -> &'static ffi::SherpaOnnx {
    library::loaded().sherpa()
}

impl KeywordSpotter {
    /// Checks files and key words and loads the model. Loads the libraries first if need be (see [`load`](crate::load)).
    ///
    /// # Errors
    /// [`ErrorKind::ModelMissing`](crate::ErrorKind::ModelMissing), [`ErrorKind::ModelInvalid`](crate::ErrorKind::ModelInvalid),
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for a key word or a number that does not fit, and whatever
    /// [`load`](crate::load) says.
    pub fn new(config: &KeywordConfig) -> Result<Self> {
        check_threads(config.num_threads)?;
        if config.max_active_paths == 0 {
            return Err(Error::argument("max_active_paths is 0; give at least 1"));
        }
        if !(0.0..=1.0).contains(&config.threshold) || !config.score.is_finite() {
            return Err(Error::argument(format!(
                "threshold {} must be within 0 and 1, score {} a number",
                config.threshold, config.score
            )));
        }
        let files =
            TransducerFiles { encoder: &config.encoder, decoder: &config.decoder, joiner: &config.joiner };
        let found = online_transducer(&files, &config.tokens)?;
        if found.chunk == 0 {
            return Err(Error::model(&config.encoder, "is a NeMo transducer; key words need one of icefall"));
        }
        check_keywords(&config.keywords, &Tokens::read(&config.tokens)?, &config.tokens)?;
        let sherpa = library::load()?.sherpa();
        let mut strings = Strings::default();
        let model = OnlineModel::Transducer {
            encoder: config.encoder.clone(),
            decoder: config.decoder.clone(),
            joiner: config.joiner.clone(),
        };
        // An empty line would become a key word without tokens.
        let keywords: String =
            config.keywords.lines().filter(|l| !l.trim().is_empty()).flat_map(|l| [l, "\n"]).collect();
        let c = ffi::SherpaOnnxKeywordSpotterConfig {
            feat_config: features(&found),
            model_config: model_config(&model, &config.tokens, config.num_threads, &found, &mut strings)?,
            max_active_paths: config.max_active_paths.into(),
            num_trailing_blanks: 1,
            keywords_score: config.score,
            keywords_threshold: config.threshold,
            keywords_buf: strings.text(&keywords)?,
            keywords_buf_size: keywords.len() as i32,
            ..Default::default()
        };
        // SAFETY: every pointer in `c` is null or leads into `strings`, which outlives the call; sherpa-onnx copies what it keeps.
        let pointer = unsafe { sherpa.SherpaOnnxCreateKeywordSpotter(&c) };
        let pointer =
            NonNull::new(pointer.cast_mut()).ok_or_else(|| refused("key word model", &config.encoder))?;
        Ok(Self(Arc::new(Handle { pointer, chunk: found.chunk as f64 * 0.01 })))
    }

    /// A new stream.
    ///
    /// # Errors
    /// [`ErrorKind::Runtime`](crate::ErrorKind::Runtime) if sherpa-onnx gives none.
    pub fn stream(&self) -> Result<KeywordStream> {
        // SAFETY: a live spotter.
        let stream = unsafe { sherpa().SherpaOnnxCreateKeywordStream(self.0.pointer.as_ptr()) };
        Ok(KeywordStream { stream: StreamHandle::new(stream)?, spotter: self.clone(), steps: 0, base: 0.0 })
    }
}

opaque_debug!(KeywordSpotter, KeywordStream);

/// A key word that was heard.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// Its `@name`, or its tokens joined.
    pub keyword: String,
    /// When its first token was heard, in seconds of audio given to the stream.
    pub time: f64,
}

/// Audio that is being listened to. `Send`; one thread at a time.
pub struct KeywordStream {
    // Destroyed before the spotter it belongs to.
    stream: StreamHandle,
    spotter: KeywordSpotter,
    /// Steps since the stream began.
    steps: u64,
    /// Seconds of audio before the last reset, from which sherpa-onnx counts.
    base: f64,
}

impl KeywordStream {
    /// Gives it samples (mono, ±1, [`SAMPLE_RATE`](super::SAMPLE_RATE)). Cheap: runs no model.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) after [`input_finished`](Self::input_finished).
    pub fn accept(&mut self, samples: &[f32]) -> Result<()> {
        self.stream.accept(samples)
    }

    /// Runs the model on all audio there is and returns the first key word that it hears, or `None` when it has heard all. Call it until it
    /// returns `None`.
    pub fn next_detection(&mut self) -> Option<Detection> {
        let spotter = self.spotter.0.pointer.as_ptr().cast_const();
        let stream = self.stream.as_ptr();
        // SAFETY: a live spotter and a live stream of it.
        while unsafe { sherpa().SherpaOnnxIsKeywordStreamReady(spotter, stream) } == 1 {
            // SAFETY: as above, and it is ready.
            unsafe { sherpa().SherpaOnnxDecodeKeywordStream(spotter, stream) };
            self.steps += 1;
            if let Some(detection) = self.result() {
                // SAFETY: as above. Without it the same key word would be reported again.
                unsafe { sherpa().SherpaOnnxResetKeywordStream(spotter, stream) };
                self.base = self.steps as f64 * self.spotter.0.chunk;
                return Some(detection);
            }
        }
        None
    }

    /// Says that no more audio comes, so that the last frames become ready.
    pub fn input_finished(&mut self) {
        self.stream.finish();
    }

    fn result(&self) -> Option<Detection> {
        // SAFETY: a live spotter and a live stream of it. The result is read before it is destroyed; its arrays hold `count` entries.
        unsafe {
            let raw =
                sherpa().SherpaOnnxGetKeywordResult(self.spotter.0.pointer.as_ptr(), self.stream.as_ptr());
            let r = raw.as_ref()?;
            let first = slice(r.timestamps.cast_const(), r.count).first().copied().unwrap_or_default();
            let time = self.base + f64::from(first);
            let detection = Detection { keyword: copy_text(r.keyword), time };
            sherpa().SherpaOnnxDestroyKeywordResult(raw);
            (!detection.keyword.is_empty()).then_some(detection)
        }
    }
}
