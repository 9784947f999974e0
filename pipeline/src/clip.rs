//! A piece of audio in memory, cheap to clone.

use crate::resample::Resampler;
use crate::wav::{RATES, WavReader};
use crate::{Error, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Longest clip that is read from a file, in s.
const MOST_S: usize = 600;

/// What belongs to speech, as shares of the power of the loudest 10 ms: all that is less than 15 dB
/// below it; nothing that is more than 25 dB below it; between, what is 10 dB above the noise.
const SURELY: f64 = 0.031_62;
const HARDLY: f64 = 0.003_162;
const OVER_NOISE: f64 = 10.0;
/// Of so many blocks of 10 ms so many are loud where speech begins; clicks and breath are shorter.
const BEGINNING: (usize, usize) = (5, 4);

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

    /// The clip from where its speech begins, at most `seconds` long.
    #[must_use]
    pub fn trimmed(&self, seconds: f32) -> Self {
        let block = (self.rate / 100) as usize;
        let powers: Vec<f64> = self.samples.chunks(block).map(power).collect();
        let mut sorted = powers.clone();
        sorted.sort_by(f64::total_cmp);
        let (noise, loudest) =
            (sorted.get(sorted.len() / 10).copied().unwrap_or(0.0), sorted.last().copied().unwrap_or(0.0));
        let loud = (noise * OVER_NOISE).clamp(loudest * HARDLY, loudest * SURELY);
        let (of, least) = BEGINNING;
        let begins = |blocks: &[f64]| {
            blocks[0] > loud && blocks.iter().filter(|power| **power > loud).count() >= least
        };
        let start = powers.windows(of).position(begins).unwrap_or(0) * block;
        let end = self.samples.len().min(start + (seconds * self.rate as f32) as usize);
        Self { samples: self.samples[start..end].into(), rate: self.rate }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_is_not_taken_for_the_beginning_of_speech() {
        let rate = 16_000;
        let mut samples: Vec<f32> = (0..rate).map(|i| if i % 2 == 0 { 0.002 } else { -0.002 }).collect();
        samples[3_200..3_520].fill(0.1); // 20 ms
        for (i, x) in samples[8_000..].iter_mut().enumerate() {
            *x += 0.3 * (i as f32 * 0.1).sin();
        }
        let clip = Clip::new(samples, rate as u32).unwrap();
        assert_eq!(clip.trimmed(10.0).samples().len(), rate - 8_000);
        assert_eq!(clip.trimmed(0.25).samples().len(), 4_000);
    }

    #[test]
    fn speech_without_a_pause_does_not_lose_its_beginning() {
        let samples: Vec<f32> = (0..16_000).map(|i| 0.3 * (i as f32 * 0.1).sin()).collect();
        assert_eq!(Clip::new(samples, 16_000).unwrap().trimmed(10.0).samples().len(), 16_000);
        assert!(Clip::new([], 16_000).unwrap().trimmed(1.0).samples().is_empty());
    }
}
