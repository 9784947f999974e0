//! The built-in caller: speech that ships with the program, for demonstrations, benches and tests.
//!
//! Its lines are in `models/builtin/caller/`, synthesized by the built-ins' recipe with a voice the
//! recogniser was not trained on alone; every word is one the built-in recogniser knows.

use std::path::PathBuf;

use duologue_models::{Error, ErrorKind};
use duologue_pipeline::endpoint::simulated::Clip;
use duologue_pipeline::wav::WavReader;

/// Longest line, in samples.
const LONGEST: usize = 16_000 * 30;

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
    Ok(crate::registry(true)?.caller()?.join(format!("{name}.wav")))
}
