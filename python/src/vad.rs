//! Voice activity.

use std::sync::{Mutex, PoisonError};

use duologue_models::load::{self, VadModel};
use duologue_pipeline::resample::Resampler;
use duologue_setup::{Config, Models};
use duologue_vad::{SAMPLE_RATE, Segmenter, SegmenterConfig, Vad, VadEvent};
use pyo3::prelude::*;

use crate::error::raised;
use crate::samples;

/// What one frame of the detector's showed: the probability of speech, and what it decided: whether it is a start,
/// and when, in seconds.
type Frame = (f32, Vec<(bool, f64)>);

/// A loaded detector.
#[pyclass(frozen)]
pub struct Activity(VadModel);

impl Activity {
    /// A fresh stream of it; costs little.
    pub fn detector(&self) -> Result<Box<dyn Vad>, duologue_models::Error> {
        self.0.stream()
    }
}

#[pymethods]
impl Activity {
    #[new]
    fn new(py: Python<'_>, name: &str, offline: bool) -> PyResult<Self> {
        py.detach(|| {
            // It fetches and loads the engines, if need be.
            drop(duologue_setup::vad(name, offline)?);
            let name = if name == "silero" { "silero-vad" } else { name };
            load::vad(&duologue_setup::registry(offline)?, name)
        })
        .map(Self)
        .map_err(raised)
    }

    fn stream(&self, py: Python<'_>, rate: u32) -> PyResult<ActivityStream> {
        let vad = py.detach(|| self.detector()).map_err(raised)?;
        let segmenter = Segmenter::new(&SegmenterConfig::responsive(), vad.frame_len()).map_err(raised)?;
        let resampler = Resampler::new(rate, SAMPLE_RATE).map_err(raised)?;
        Ok(ActivityStream(Mutex::new(Detecting { vad, segmenter, resampler, waiting: Vec::new() })))
    }
}

struct Detecting {
    vad: Box<dyn Vad>,
    segmenter: Segmenter,
    resampler: Resampler,
    waiting: Vec<f32>,
}

impl Detecting {
    fn hear(&mut self, samples: &[f32]) -> Result<Vec<Frame>, duologue_vad::Error> {
        let Self { vad, segmenter, resampler, waiting } = self;
        resampler.process(samples, &mut |some| waiting.extend_from_slice(some));
        let length = vad.frame_len();
        let whole = waiting.len() / length * length;
        let frames = waiting[..whole].chunks(length).map(|frame| {
            let probability = vad.predict(frame)?;
            Ok((probability, segmenter.push(probability).map(edge).collect()))
        });
        let frames = frames.collect();
        waiting.drain(..whole);
        frames
    }
}

/// Detection in one stream of sound.
#[pyclass(frozen)]
pub struct ActivityStream(Mutex<Detecting>);

impl ActivityStream {
    fn lock(&self) -> std::sync::MutexGuard<'_, Detecting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl ActivityStream {
    fn push(&self, py: Python<'_>, sound: &Bound<'_, PyAny>) -> PyResult<Vec<Frame>> {
        let samples = samples::read(sound)?;
        py.detach(|| self.lock().hear(&samples)).map_err(raised)
    }

    fn finish(&self) -> Vec<(bool, f64)> {
        self.lock().segmenter.finish().map(edge).into_iter().collect()
    }

    fn reset(&self) {
        let mut detecting = self.lock();
        detecting.vad.reset();
        detecting.segmenter.reset(0);
        detecting.resampler.reset();
        detecting.waiting.clear();
    }

    /// Seconds of a frame.
    #[getter]
    fn frame(&self) -> f64 {
        self.lock().vad.frame_len() as f64 / f64::from(SAMPLE_RATE)
    }
}

fn edge(event: VadEvent) -> (bool, f64) {
    let seconds = |sample: u64| sample as f64 / f64::from(SAMPLE_RATE);
    match event {
        VadEvent::SpeechStarted { at, .. } => (true, seconds(at)),
        VadEvent::SpeechEnded { at, .. } => (false, seconds(at)),
    }
}

/// Models of every kind, for a pipeline.
pub fn models(stt: &str, tts: &str, vad: &str, offline: bool) -> Result<(Config, Models), String> {
    let mut config = Config::default();
    (config.stt, config.tts, config.vad) = (stt.to_owned(), tts.to_owned(), vad.to_owned());
    let models = Models::load(&config, offline).map_err(|error| error.to_string())?;
    Ok((config, models))
}
