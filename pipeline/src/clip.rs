//! A piece of audio in memory, cheap to clone.

use crate::resample::Resampler;
use crate::wav::{RATES, WavReader};
use crate::{Error, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Longest clip that is read from a file, in s.
const MOST_S: usize = 600;

/// Mono samples and their rate.
#[derive(Clone, Debug)]
pub struct Clip {
    samples: Arc<[f32]>,
    rate: u32,
}

impl Clip {
    /// A clip of mono `samples` (±1.0) at `rate` Hz; samples that are not finite become 0.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if `rate` is not within 8–192 kHz.
    pub fn new(samples: impl Into<Vec<f32>>, rate: u32) -> Result<Self, Error> {
        if !RATES.contains(&rate) {
            let what = format!("clip.rate: {rate} Hz; choose {} to {} Hz", RATES.start(), RATES.end());
            return Err(Error::new(ErrorKind::Config, what));
        }
        let mut samples = samples.into();
        samples.iter_mut().filter(|s| !s.is_finite()).for_each(|s| *s = 0.0);
        Ok(Self { samples: samples.into(), rate })
    }

    /// Reads a WAV file of at most 10 minutes, all channels mixed into one.
    ///
    /// # Errors
    /// As for [`WavReader::open`]; [`ErrorKind::InvalidAudio`] if it is longer than 10 minutes.
    pub fn from_wav(path: impl AsRef<Path>) -> Result<Self, Error> {
        let mut reader = WavReader::open(path)?;
        let rate = reader.spec().rate;
        Self::new(reader.read_to_end(MOST_S * rate as usize)?, rate)
    }

    /// The samples.
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// Rate in Hz.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// How long it sounds.
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.samples.len() as f64 / f64::from(self.rate))
    }

    /// The clip at `rate` Hz.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if `rate` is not within 8–192 kHz.
    pub fn at_rate(&self, rate: u32) -> Result<Self, Error> {
        if rate == self.rate {
            return Ok(self.clone());
        }
        let mut resampler = Resampler::new(self.rate, rate)?;
        let mut all = Vec::new();
        resampler.whole(&self.samples, &mut all);
        Self::new(all, rate)
    }

    /// Mean power of the parts that sound: blocks of 10 ms within 40 dB of the loudest.
    pub(crate) fn active_power(&self) -> f64 {
        let block = (self.rate / 100) as usize;
        let powers: Vec<f64> = self.samples.chunks(block).map(power).collect();
        let loudest = powers.iter().fold(0.0, |a: f64, b| a.max(*b));
        let active: Vec<f64> = powers.into_iter().filter(|p| *p > loudest * 1e-4).collect();
        if active.is_empty() { 0.0 } else { active.iter().sum::<f64>() / active.len() as f64 }
    }
}

/// Mean square of `samples`.
pub(crate) fn power(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    sum / samples.len().max(1) as f64
}
