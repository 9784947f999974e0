//! WAV files as source and sink.
//!
//! Invariant: a file of any length is streamed in bounded memory. A file whose rate is not a
//! multiple of 100 Hz (22,050 Hz, say) is converted to 48 kHz on the way, so that every block is
//! 10 ms exactly.
//!
//! Life cycle: [`WavSource::open`] and [`WavSink::create`] → [`super::Duplex`] → blocks →
//! [`Sink::finish`]. What is wrong with the input is logged when it is met, and kept in
//! [`WavSource::warnings`].
//!
//! ```no_run
//! use duologue_pipeline::endpoint::{Duplex, WavSink, WavSource};
//! # fn main() -> Result<(), duologue_pipeline::Error> {
//! let endpoint = Duplex::new(WavSource::open("question.wav")?, WavSink::create("answer.wav", 24_000)?)?;
//! # Ok(())
//! # }
//! ```

use super::{Flow, Sink, Source};
use crate::Error;
use crate::resample::Resampler;
use crate::wav::{Warning, WavReader, WavWriter};
use std::collections::VecDeque;
use std::path::Path;

/// Rate of a file whose own rate does not divide into blocks of 10 ms.
const COMMON_RATE: u32 = 48_000;

/// Plays a WAV file into the pipeline, all channels mixed into one.
pub struct WavSource {
    reader: WavReader,
    rate: u32,
    resampler: Resampler,
    /// Resampled samples not yet given.
    ready: VecDeque<f32>,
    buffer: Vec<f32>,
    name: String,
    ended: bool,
    told: usize,
}

impl WavSource {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// As for [`WavReader::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let reader = WavReader::open(path)?;
        let own = reader.spec().rate;
        let rate = if own.is_multiple_of(100) { own } else { COMMON_RATE };
        let mut source = Self {
            reader,
            rate,
            resampler: Resampler::new(own, rate)?,
            ready: VecDeque::new(),
            buffer: vec![0.0; (own / 100) as usize],
            name: path.display().to_string(),
            ended: false,
            told: 0,
        };
        source.tell();
        Ok(source)
    }

    /// What was wrong with the file so far.
    pub fn warnings(&self) -> Vec<Warning> {
        self.reader.warnings()
    }

    /// Length in ms, as far as the file tells.
    pub fn duration_ms(&self) -> Option<u64> {
        let rate = u64::from(self.reader.spec().rate);
        self.reader.frames().map(|f| f.saturating_mul(1_000) / rate)
    }

    fn refill(&mut self, wanted: usize) -> Result<(), Error> {
        while self.ready.len() < wanted && !self.ended {
            let n = self.reader.read(&mut self.buffer)?;
            let ready = &mut self.ready;
            self.resampler.process(&self.buffer[..n], &mut |s| ready.extend(s));
            if n < self.buffer.len() {
                self.ended = true;
                self.resampler.flush(&mut |s| ready.extend(s));
                self.tell();
            }
        }
        Ok(())
    }

    fn tell(&mut self) {
        let warnings = self.reader.warnings();
        for warning in &warnings[self.told.min(warnings.len())..] {
            tracing::warn!(file = self.name, "{}: {warning}", self.name);
        }
        self.told = warnings.len();
    }
}

impl Source for WavSource {
    fn rate(&self) -> u32 {
        self.rate
    }

    fn read(&mut self, block: &mut [f32]) -> Result<Flow, Error> {
        self.refill(block.len())?;
        let n = block.len().min(self.ready.len());
        for (to, from) in block.iter_mut().zip(self.ready.drain(..n)) {
            *to = from;
        }
        block[n..].fill(0.0);
        Ok(if n == 0 && self.ended { Flow::Ended } else { Flow::Continue })
    }
}

/// Writes what is played to a 16-bit mono WAV file.
pub struct WavSink {
    /// `None` once finished.
    writer: Option<WavWriter>,
    rate: u32,
}

impl WavSink {
    /// Creates the file at `path`, or empties it; `rate` in Hz.
    ///
    /// # Errors
    /// As for [`WavWriter::create`].
    pub fn create(path: impl AsRef<Path>, rate: u32) -> Result<Self, Error> {
        Ok(Self { writer: Some(WavWriter::create(path, rate, 1)?), rate })
    }
}

impl Sink for WavSink {
    fn rate(&self) -> u32 {
        self.rate
    }

    fn write(&mut self, block: &[f32]) -> Result<(), Error> {
        self.writer.as_mut().map_or(Ok(()), |writer| writer.write(block))
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.writer.take().map_or(Ok(()), WavWriter::finish)
    }
}
