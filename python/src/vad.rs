//! Voice activity.

use std::sync::{Mutex, PoisonError};

use duologue_pipeline::resample::Resampler;
use duologue_setup::{Config, Models};
use duologue_vad::{Detector, SAMPLE_RATE, SegmenterConfig, Vad, VadEvent};
use pyo3::prelude::*;

use crate::error::raised;
use crate::samples;

/// Whether it is a start, and when, in seconds.
type Edge = (bool, f64);

/// The name of a detector whose model is in order.
#[pyclass(frozen)]
pub struct Activity {
    name: String,
    offline: bool,
}

#[pymethods]
impl Activity {
    #[new]
    fn new(py: Python<'_>, name: &str, offline: bool) -> PyResult<Self> {
        py.detach(|| duologue_setup::vad(name, offline)).map_err(raised)?;
        Ok(Self { name: name.to_owned(), offline })
    }

    fn stream(&self, py: Python<'_>, rate: u32) -> PyResult<ActivityStream> {
        let vad = py.detach(|| duologue_setup::vad(&self.name, self.offline)).map_err(raised)?;
        let detector = Detector::new(vad, &SegmenterConfig::responsive()).map_err(raised)?;
        let resampler = Resampler::new(rate, SAMPLE_RATE).map_err(raised)?;
        Ok(ActivityStream(Mutex::new(Detecting { detector, resampler })))
    }
}

struct Detecting {
    detector: Detector<Box<dyn Vad>>,
    resampler: Resampler,
}

/// Detection in one stream of sound.
#[pyclass(frozen)]
pub struct ActivityStream(Mutex<Detecting>);

#[pymethods]
impl ActivityStream {
    fn push(&self, py: Python<'_>, sound: &Bound<'_, PyAny>) -> PyResult<Vec<Edge>> {
        let samples = samples::read(sound)?;
        py.detach(|| {
            let Detecting { detector, resampler } =
                &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let mut heard = Vec::new();
            resampler.process(&samples, &mut |some| heard.extend_from_slice(some));
            let mut edges = Vec::new();
            detector.push(&heard, &mut |event| edges.push(edge(event))).map(|()| edges)
        })
        .map_err(raised)
    }

    fn finish(&self, py: Python<'_>) -> PyResult<Vec<Edge>> {
        py.detach(|| {
            let mut detecting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let mut edges = Vec::new();
            detecting.detector.finish(&mut |event| edges.push(edge(event))).map(|()| edges)
        })
        .map_err(raised)
    }
}

fn edge(event: VadEvent) -> Edge {
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
