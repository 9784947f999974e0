//! Recognisers.

use std::sync::{Arc, Mutex, PoisonError};

use duologue_models::stt::{SAMPLE_RATE, SttOptions};
use duologue_models::{Stt, SttStream, Transcript};
use duologue_pipeline::offline;
use duologue_pipeline::resample::Resampler;
use duologue_setup::{Config, Models};
use pyo3::prelude::*;

use crate::error::raised;
use crate::samples;

/// Text, and each word with its begin and end in seconds.
type Heard = (String, Vec<(String, f64, f64)>);

fn heard(transcript: Transcript) -> Heard {
    let seconds = |sample: u64| sample as f64 / f64::from(SAMPLE_RATE);
    let words = transcript.words.into_iter();
    let words = words.map(|word| (word.text, seconds(word.span.start), seconds(word.span.end)));
    (transcript.text, words.collect())
}

/// A loaded recogniser.
#[pyclass(frozen)]
pub struct Recogniser(pub Arc<dyn Stt>);

#[pymethods]
impl Recogniser {
    #[new]
    fn new(py: Python<'_>, model: &str, offline: bool, hotwords: Vec<String>) -> PyResult<Self> {
        let mut config = Config::default();
        config.stt = model.to_owned();
        config.recogniser = SttOptions { hotwords, ..SttOptions::default() };
        let models = py.detach(|| Models::load_listening(&config, offline)).map_err(raised)?;
        Ok(Self(models.stt))
    }

    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    fn transcribe(&self, py: Python<'_>, sound: &Bound<'_, PyAny>, rate: u32) -> PyResult<Heard> {
        let samples = samples::read(sound)?;
        py.detach(|| offline::transcribe(&*self.0, &samples, rate)).map(heard).map_err(raised)
    }

    fn stream(&self, py: Python<'_>, rate: u32) -> PyResult<RecogniserStream> {
        let stream = py.detach(|| self.0.stream()).map_err(raised)?;
        let resampler = Resampler::new(rate, SAMPLE_RATE).map_err(raised)?;
        Ok(RecogniserStream(Mutex::new(Decoding { stream, resampler })))
    }
}

struct Decoding {
    stream: Box<dyn SttStream>,
    resampler: Resampler,
}

/// The decoding of one utterance.
#[pyclass(frozen)]
pub struct RecogniserStream(Mutex<Decoding>);

impl RecogniserStream {
    /// Runs `work` without the interpreter.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Decoding) -> Result<T, duologue_models::Error> + Send,
    ) -> PyResult<T> {
        py.detach(|| work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))).map_err(raised)
    }
}

#[pymethods]
impl RecogniserStream {
    fn push(&self, py: Python<'_>, sound: &Bound<'_, PyAny>) -> PyResult<String> {
        let samples = samples::read(sound)?;
        self.with(py, |Decoding { stream, resampler }| {
            let mut heard = Vec::new();
            resampler.process(&samples, &mut |some| heard.extend_from_slice(some));
            stream.push(&heard)?;
            Ok(stream.partial().text)
        })
    }

    fn finish(&self, py: Python<'_>) -> PyResult<Heard> {
        self.with(py, |Decoding { stream, resampler }| {
            let mut rest = Vec::new();
            resampler.flush(&mut |some| rest.extend_from_slice(some));
            stream.push(&rest)?;
            stream.finish()
        })
        .map(heard)
    }

    fn reset(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |Decoding { stream, resampler }| {
            stream.reset();
            resampler.reset();
            Ok(())
        })
    }
}
