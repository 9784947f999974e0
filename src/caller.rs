//! The built-in caller: speech that ships with the program, for demonstrations, benches and tests.
//!
//! Its lines are in `models/builtin/caller/`, synthesized by the built-ins' recipe with a voice the
//! recogniser was not trained on alone; every word is one the built-in recogniser knows.

use std::path::PathBuf;

use duologue_models::{Error, ErrorKind};
use duologue_pipeline::endpoint::room::Clip;
use duologue_pipeline::wav::WavReader;

use crate::setup;

/// Longest line, in samples.
const LONGEST: usize = 16_000 * 30;
/// What counts as sound when a clip's silent beginning is cut off: −40 dB below its peak.
const ONSET: f32 = 0.01;

/// The line called `name`, for instance `what-time-is-it`.
///
/// # Errors
/// [`ErrorKind::NotFound`] if there is no such line, or the built-ins are not there.
pub fn line(name: &str) -> Result<Clip, Error> {
    let path = path(name)?;
    let read = || -> Result<Clip, duologue_pipeline::Error> {
        let mut reader = WavReader::open(&path)?;
        let samples = reader.read_to_end(LONGEST)?;
        Clip::new(samples, reader.spec().rate)
    };
    read().map_err(|error| {
        Error::new(ErrorKind::NotFound, format!("the built-in caller's line {name:?}: {error}"))
    })
}

/// Where the line called `name` is.
///
/// # Errors
/// [`ErrorKind::NotFound`] if the built-ins are not there.
pub fn path(name: &str) -> Result<PathBuf, Error> {
    Ok(setup::registry(true)?.caller()?.join(format!("{name}.wav")))
}

/// `clip` without its silent beginning, at most `seconds` long.
///
/// # Errors
/// As [`Clip::new`].
pub fn trimmed(clip: &Clip, seconds: f32) -> Result<Clip, duologue_pipeline::Error> {
    let samples = clip.samples();
    let peak = samples.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
    let onset = samples.iter().position(|x| x.abs() > peak * ONSET).unwrap_or(0);
    let end = samples.len().min(onset + (seconds * clip.rate() as f32) as usize);
    Clip::new(&samples[onset..end], clip.rate())
}
