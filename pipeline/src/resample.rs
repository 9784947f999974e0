//! A streaming resampler for one channel.
//!
//! Invariants: output sample `n` sounds at the time of input sample `n · from / to`, to within half a
//! sample of the lower rate (the filter's delay is cut off the front); after [`Resampler::flush`] the whole output is exactly as long as the
//! whole input, rounded up; equal rates pass through untouched. Nothing is allocated after
//! construction.
//!
//! Life cycle: [`Resampler::new`] → [`Resampler::process`]… → [`Resampler::flush`], after which a new
//! stream may begin.
//!
//! ```
//! use duologue_pipeline::resample::Resampler;
//!
//! let mut resampler = Resampler::new(48_000, 16_000)?;
//! let mut out = Vec::new();
//! resampler.whole(&[0.0; 1_000], &mut out);
//! assert_eq!(out.len(), 334);
//! # Ok::<(), duologue_pipeline::Error>(())
//! ```

use std::ops::RangeInclusive;

use audioadapter_buffers::direct::SequentialSlice;
use rubato::{
    Async, Fft, FixedAsync, FixedSync, SincInterpolationParameters, SincInterpolationType, WindowFunction,
};

use crate::{Error, ErrorKind};

/// Rates that can be resampled, in Hz.
pub const RATES: RangeInclusive<u32> = 8_000..=192_000;

/// The longest step, as a part of a second, that the FFT may take; it delays by half of it. Rates whose
/// ratio needs a longer one are interpolated.
const LONGEST_STEP: usize = 20;

/// Where output goes: each call brings the next samples.
pub type Emit<'a> = &'a mut dyn FnMut(&[f32]);

/// Changes the rate of a mono stream.
pub struct Resampler {
    from: u32,
    to: u32,
    /// `None` if the rates are equal.
    stage: Option<Stage>,
}

impl Resampler {
    /// A resampler from `from` Hz to `to` Hz.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a rate out of [`RATES`].
    pub fn new(from: u32, to: u32) -> Result<Self, Error> {
        for rate in [from, to] {
            if !RATES.contains(&rate) {
                let message = format!("sample rate {rate} Hz: must be {} to {}", RATES.start(), RATES.end());
                return Err(Error::new(ErrorKind::Config, message));
            }
        }
        let stage = if from == to { None } else { Some(Stage::new(from, to)?) };
        Ok(Self { from, to, stage })
    }

    /// Rate of the input, in Hz.
    #[must_use]
    pub fn from(&self) -> u32 {
        self.from
    }

    /// Rate of the output, in Hz.
    #[must_use]
    pub fn to(&self) -> u32 {
        self.to
    }

    /// Output samples that are still to come when a multiple of 10 ms has gone in, at most.
    #[must_use]
    pub fn lag(&self) -> usize {
        self.stage.as_ref().map_or(0, Stage::lag)
    }

    /// Samples to be taken until `samples` more have been emitted, about.
    #[must_use]
    pub fn needed(&self, samples: usize) -> usize {
        let Some(stage) = &self.stage else { return samples };
        (samples.div_ceil(stage.output.len()) * stage.input.len()).saturating_sub(stage.filled)
    }

    /// Takes the next samples, of any number, and emits what they complete.
    pub fn process(&mut self, samples: &[f32], emit: Emit<'_>) {
        match &mut self.stage {
            Some(stage) => stage.process(samples, emit),
            None if samples.is_empty() => {}
            None => emit(samples),
        }
    }

    /// Ends the stream: emits the rest, and forgets everything.
    pub fn flush(&mut self, emit: Emit<'_>) {
        if let Some(stage) = &mut self.stage {
            stage.flush(emit);
        }
    }

    /// Appends a whole stream, from its first sample to its last, to `out`.
    pub fn whole(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        self.process(samples, &mut |samples| out.extend_from_slice(samples));
        self.flush(&mut |samples| out.extend_from_slice(samples));
    }

    /// Forgets everything; the next sample begins a new stream.
    pub fn reset(&mut self) {
        if let Some(stage) = &mut self.stage {
            stage.reset();
        }
    }
}

/// A rubato resampler, its buffers and its count of samples.
struct Stage {
    from: u64,
    to: u64,
    inner: Box<dyn rubato::Resampler<f32>>,
    input: Box<[f32]>,
    filled: usize,
    output: Box<[f32]>,
    /// Samples of the filter's delay that are still to be cut.
    early: usize,
    taken: u64,
    emitted: u64,
}

impl Stage {
    fn new(from: u32, to: u32) -> Result<Self, Error> {
        let inner = inner(from as usize, to as usize).map_err(|e| {
            Error::new(ErrorKind::Config, format!("cannot resample {from} Hz to {to} Hz: {e}"))
        })?;
        Ok(Self {
            from: u64::from(from),
            to: u64::from(to),
            input: vec![0.0; inner.input_frames_max()].into(),
            filled: 0,
            output: vec![0.0; inner.output_frames_max()].into(),
            early: inner.output_delay(),
            taken: 0,
            emitted: 0,
            inner,
        })
    }

    fn lag(&self) -> usize {
        let step = self.output.len();
        self.inner.output_delay() + step.saturating_sub(self.to as usize / 100)
    }

    fn process(&mut self, mut samples: &[f32], emit: Emit<'_>) {
        self.taken += samples.len() as u64;
        while !samples.is_empty() {
            let room = self.inner.input_frames_next() - self.filled;
            let (now, later) = samples.split_at(samples.len().min(room));
            self.input[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            samples = later;
            if now.len() == room {
                self.step(emit);
            }
        }
    }

    fn flush(&mut self, emit: Emit<'_>) {
        while self.emitted < self.due() {
            let next = self.inner.input_frames_next();
            self.input[self.filled..next].fill(0.0);
            self.step(emit);
        }
        self.reset();
    }

    fn reset(&mut self) {
        self.inner.reset();
        self.early = self.inner.output_delay();
        (self.filled, self.taken, self.emitted) = (0, 0, 0);
    }

    /// How long the output of all that was taken is.
    fn due(&self) -> u64 {
        (self.taken * self.to).div_ceil(self.from)
    }

    /// Resamples the filled input.
    fn step(&mut self, emit: Emit<'_>) {
        let frames = (self.input.len(), self.output.len());
        let input = SequentialSlice::new(&self.input, 1, frames.0).expect("invariant: one channel");
        let mut output =
            SequentialSlice::new_mut(&mut self.output, 1, frames.1).expect("invariant: one channel");
        let (_, made) = self
            .inner
            .process_into_buffer(&input, &mut output, None)
            .expect("invariant: both buffers hold the largest step");
        self.filled = 0;
        let cut = self.early.min(made);
        self.early -= cut;
        let rest = (made - cut).min(usize::try_from(self.due() - self.emitted).unwrap_or(usize::MAX));
        self.emitted += rest as u64;
        if rest > 0 {
            emit(&self.output[cut..cut + rest]);
        }
    }
}

fn inner(
    from: usize,
    to: usize,
) -> Result<Box<dyn rubato::Resampler<f32>>, rubato::ResamplerConstructionError> {
    let block = from.div_ceil(100);
    let shortest = from / gcd(from, to);
    if shortest.next_multiple_of(block).max(block) * LONGEST_STEP <= from {
        return Ok(Box::new(Fft::new(from, to, block, 1, FixedSync::Both)?));
    }
    let parameters = SincInterpolationParameters {
        sinc_len: 128,
        f_cutoff: None,
        oversampling_factor: 256,
        interpolation: SincInterpolationType::Cubic,
        window: WindowFunction::BlackmanHarris2,
    };
    let ratio = to as f64 / from as f64;
    Ok(Box::new(Async::new_sinc(ratio, 1.0, &parameters, block, 1, FixedAsync::Input)?))
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
#[path = "resample_tests.rs"]
mod tests;
