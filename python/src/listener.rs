//! A stream of sound to utterances: voice activity and recogniser together.

use std::sync::{Mutex, PoisonError};

use duologue_models::stt::SAMPLE_RATE;
use duologue_pipeline::{Heard, Listener};
use duologue_vad::SegmenterConfig;
use pyo3::prelude::*;

use crate::error::raised;
use crate::samples;
use crate::stt::Recogniser;
use crate::vad::Activity;

/// Whether it is final, its text, begin and end in seconds, and its words with theirs.
type Utterance = (bool, String, f64, f64, Vec<(String, f64, f64)>);

/// Utterances in a stream of sound.
#[pyclass(frozen)]
pub struct Utterances(Mutex<Listener>);

impl Utterances {
    fn with(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Listener, &mut dyn FnMut(Heard)) -> Result<(), duologue_pipeline::Error> + Send,
    ) -> PyResult<Vec<Utterance>> {
        py.detach(|| {
            let mut heard = Vec::new();
            let mut listener = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut listener, &mut |one| heard.extend(utterance(one))).map(|()| heard)
        })
        .map_err(raised)
    }
}

#[pymethods]
impl Utterances {
    #[new]
    fn new(py: Python<'_>, stt: &Recogniser, vad: &Activity, rate: u32, pause_ms: u32) -> PyResult<Self> {
        let config = SegmenterConfig { hangover_ms: pause_ms, ..SegmenterConfig::responsive() };
        py.detach(|| {
            let detector = vad.detector().map_err(|error| error.to_string())?;
            Listener::new(&*stt.0, detector, rate, &config).map_err(|error| error.to_string())
        })
        .map(|listener| Self(Mutex::new(listener)))
        .map_err(raised)
    }

    fn push(&self, py: Python<'_>, sound: &Bound<'_, PyAny>) -> PyResult<Vec<Utterance>> {
        let samples = samples::read(sound)?;
        self.with(py, |listener, out| listener.push(&samples, out))
    }

    fn finish(&self, py: Python<'_>) -> PyResult<Vec<Utterance>> {
        self.with(py, |listener, out| listener.finish(out))
    }
}

/// `None` for edges, which the words tell as well.
fn utterance(heard: Heard) -> Option<Utterance> {
    let seconds = |sample: u64| sample as f64 / f64::from(SAMPLE_RATE);
    match heard {
        Heard::Partial { start, text } => Some((false, text, seconds(start), seconds(start), Vec::new())),
        Heard::Final { range, text, words } => {
            let words = words.into_iter();
            let words = words.map(|word| (word.text, seconds(word.span.start), seconds(word.span.end)));
            Some((true, text, seconds(range.start), seconds(range.end), words.collect()))
        }
        _ => None,
    }
}
