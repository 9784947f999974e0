//! Voices.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use duologue_models::{Cancel, SpeakOptions, Tts};
use duologue_pipeline::offline::{self, SpeechStream};
use duologue_setup::{Config, Models};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::raised;
use crate::samples::to_pcm;

/// Pieces that wait for a slow reader; then the voice waits.
const PIECES: usize = 8;
/// Pieces of text that wait to be spoken.
const DELTAS: usize = 1_024;
/// How long a wait lasts before signals are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A loaded voice model.
#[pyclass(frozen)]
pub struct Voice(Arc<dyn Tts>);

#[pymethods]
impl Voice {
    #[new]
    fn new(py: Python<'_>, model: &str, offline: bool) -> PyResult<Self> {
        let mut config = Config::default();
        config.tts = model.to_owned();
        py.detach(|| Models::load_speaking(&config, offline)).map(Self).map_err(raised)
    }

    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    #[getter]
    fn sample_rate(&self) -> u32 {
        self.0.sample_rate()
    }

    #[getter]
    fn voices(&self) -> Vec<String> {
        self.0.voices().to_vec()
    }

    fn speak(&self, text: String, voice: String, speed: f32) -> PyResult<Speaking> {
        let tts = Arc::clone(&self.0);
        let (sender, pieces) = bounded(PIECES);
        let cancel = Cancel::new();
        let stop = cancel.clone();
        let speak = move || {
            let options = SpeakOptions { voice, speed };
            let seconds = |at: usize| at as f64 / f64::from(tts.sample_rate());
            let spoken = offline::speak_in_pieces(&*tts, &text, &options, &stop, &mut |piece| {
                let words = piece.marks.iter().map(|mark| {
                    let word = text.get(mark.source.clone()).unwrap_or_default().to_owned();
                    (word, seconds(mark.samples.start), seconds(mark.samples.end))
                });
                let made = Made { pcm: to_pcm(&piece.samples), words: words.collect() };
                // An error means that nobody listens any more.
                if sender.send(Ok(made)).is_err() {
                    stop.cancel();
                }
            });
            if let (Err(error), false) = (spoken, stop.is_cancelled()) {
                let _ = sender.send(Err(error.to_string()));
            }
        };
        std::thread::Builder::new().name("duologue-speak".into()).spawn(speak).map_err(raised)?;
        Ok(Speaking { pieces: Mutex::new(Some(pieces)), cancel })
    }

    /// Speaks text that is still coming: where it goes, and the speech.
    fn speak_text(&self, voice: String, speed: f32) -> PyResult<(TextSink, Speaking)> {
        let tts = Arc::clone(&self.0);
        let (sender, pieces) = bounded(PIECES);
        let (text, deltas) = bounded::<String>(DELTAS);
        let cancel = Cancel::new();
        let stop = cancel.clone();
        let speak = move || {
            let whole = Mutex::new(String::new());
            let lock = || whole.lock().unwrap_or_else(PoisonError::into_inner);
            let deltas =
                deltas.into_iter().take_while(|_| !stop.is_cancelled()).inspect(|delta| *lock() += delta);
            let rate = f64::from(tts.sample_rate());
            let mut stream = SpeechStream::new(Arc::clone(&tts), deltas, SpeakOptions { voice, speed });
            let mut said = 0;
            loop {
                let begun = said;
                let seconds = |at: usize| (begun + at) as f64 / rate;
                let spoken = stream.speak_next(&stop, &mut |piece| {
                    said += piece.samples.len();
                    let words = piece.marks.iter().map(|mark| {
                        let word = lock().get(mark.source.clone()).unwrap_or_default().to_owned();
                        (word, seconds(mark.samples.start), seconds(mark.samples.end))
                    });
                    let made = Made { pcm: to_pcm(&piece.samples), words: words.collect() };
                    // An error means that nobody listens any more.
                    if sender.send(Ok(made)).is_err() {
                        stop.cancel();
                    }
                });
                let told = match spoken {
                    None => return,
                    Some(_) if stop.is_cancelled() => return,
                    Some(Ok(())) => continue,
                    Some(Err(error)) => sender.send(Err(error.to_string())),
                };
                if told.is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("duologue-speak".into()).spawn(speak).map_err(raised)?;
        Ok((TextSink(Mutex::new(Some(text))), Speaking { pieces: Mutex::new(Some(pieces)), cancel }))
    }
}

/// Where text that is still coming goes.
#[pyclass(frozen)]
pub struct TextSink(Mutex<Option<Sender<String>>>);

#[pymethods]
impl TextSink {
    /// Adds text; `False` if it has to wait. Text that nobody speaks any more is left out.
    fn push(&self, text: String) -> bool {
        let sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sink.as_ref().is_none_or(|sink| !matches!(sink.try_send(text), Err(TrySendError::Full(_))))
    }

    /// No more comes.
    fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

struct Made {
    pcm: Vec<u8>,
    words: Vec<(String, f64, f64)>,
}

/// A piece of speech: 16-bit samples, and its words with their begin and end in seconds.
type Piece<'py> = (Bound<'py, PyBytes>, Vec<(String, f64, f64)>);

/// Speech as it is made; what is dropped is spoken no further.
#[pyclass(frozen)]
pub struct Speaking {
    /// `None` once it was cancelled.
    pieces: Mutex<Option<Receiver<Result<Made, String>>>>,
    cancel: Cancel,
}

impl Speaking {
    fn pieces(&self) -> Option<Receiver<Result<Made, String>>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[pymethods]
impl Speaking {
    /// The next piece; `None` at the end, and after `cancel`.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Option<Piece<'py>>> {
        loop {
            let Some(pieces) = self.pieces() else { return Ok(None) };
            match py.detach(|| pieces.recv_timeout(LOOK)) {
                Ok(Ok(Made { pcm, words })) => return Ok(Some((PyBytes::new(py, &pcm), words))),
                Ok(Err(error)) => return Err(raised(error)),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            }
        }
    }

    fn cancel(&self) {
        self.cancel.cancel();
        *self.pieces.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Drop for Speaking {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}
