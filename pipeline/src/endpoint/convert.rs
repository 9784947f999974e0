//! Rate conversion for endpoints that need no callback: files and the simulated room.
//!
//! Invariant: sample `i` of the output is the same moment as sample `i · from / to` of the input, to
//! within one sample, since the filter's delay is left out at the front and flushed at the end.

use crate::{Error, ErrorKind};
use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

/// Converts a stream of mono samples from one rate to another.
pub(super) struct Converter {
    /// `None`: both rates are equal.
    filter: Option<Filter>,
}

struct Filter {
    fft: Fft<f32>,
    /// Input samples that wait for a whole chunk.
    input: Vec<f32>,
    chunk: usize,
    output: Vec<f32>,
    /// Output samples to leave out: the filter's delay.
    skip: usize,
    ratio: f64,
    taken: u64,
    given: u64,
}

impl Converter {
    /// From `from` Hz to `to` Hz, in chunks of about 10 ms.
    pub(super) fn new(from: u32, to: u32) -> Result<Self, Error> {
        if from == to {
            return Ok(Self { filter: None });
        }
        let fail = |e: &dyn std::fmt::Display| {
            Error::new(
                ErrorKind::Config,
                format!("cannot convert {from} Hz to {to} Hz: {e}; use another rate"),
            )
        };
        let chunk = (from / 100) as usize;
        let window = WindowFunction::BlackmanHarris2;
        let fft = Fft::new_custom(from as usize, to as usize, chunk, 1, 1, window, FixedSync::Both)
            .map_err(|e| fail(&e))?;
        let chunk = fft.input_frames_next();
        let output = vec![0.0; fft.output_frames_max()];
        let skip = fft.output_delay();
        let ratio = f64::from(to) / f64::from(from);
        let input = Vec::with_capacity(chunk);
        Ok(Self { filter: Some(Filter { fft, input, chunk, output, skip, ratio, taken: 0, given: 0 }) })
    }

    /// Output samples by which the first `push`es give less than they take.
    pub(super) fn delay(&self) -> usize {
        self.filter.as_ref().map_or(0, |f| f.fft.output_delay())
    }

    /// Converts `samples` and gives what is ready to `put`, delay left out.
    pub(super) fn push(&mut self, samples: &[f32], mut put: impl FnMut(&[f32])) {
        match &mut self.filter {
            None => put(samples),
            Some(filter) => {
                filter.taken += samples.len() as u64;
                filter.push(samples, &mut put);
            }
        }
    }

    /// Gives the rest of the output to `put`, up to the moment where the input ended.
    pub(super) fn flush(&mut self, mut put: impl FnMut(&[f32])) {
        let Some(filter) = &mut self.filter else { return };
        let total = (filter.taken as f64 * filter.ratio).round() as u64;
        let silence = vec![0.0; filter.chunk];
        while filter.given < total {
            let left = (total - filter.given) as usize;
            let mut given = 0;
            filter.push(&silence, &mut |samples: &[f32]| {
                let n = samples.len().min(left - given);
                put(&samples[..n]);
                given += n;
            });
        }
    }
}

impl Filter {
    fn push(&mut self, mut samples: &[f32], put: &mut impl FnMut(&[f32])) {
        while !samples.is_empty() {
            let n = samples.len().min(self.chunk - self.input.len());
            self.input.extend_from_slice(&samples[..n]);
            samples = &samples[n..];
            if self.input.len() == self.chunk {
                self.convert(put);
            }
        }
    }

    fn convert(&mut self, put: &mut impl FnMut(&[f32])) {
        let room = self.output.len();
        let input = SequentialSlice::new(&self.input, 1, self.chunk).expect("invariant: a whole chunk");
        let mut output = SequentialSlice::new_mut(&mut self.output, 1, room)
            .expect("invariant: one channel of `room` frames");
        let (_, n) = self
            .fft
            .process_into_buffer(&input, &mut output, None)
            .expect("invariant: buffers have the filter's own sizes");
        self.input.clear();
        let skip = self.skip.min(n);
        self.skip -= skip;
        self.given += (n - skip) as u64;
        if n > skip {
            put(&self.output[skip..n]);
        }
    }
}

/// A whole clip converted from `from` Hz to `to` Hz.
pub(super) fn convert_clip(samples: &[f32], from: u32, to: u32) -> Result<Vec<f32>, Error> {
    let mut converter = Converter::new(from, to)?;
    let mut all = Vec::new();
    converter.push(samples, |s| all.extend_from_slice(s));
    converter.flush(|s| all.extend_from_slice(s));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(rate: u32, n: usize) -> Vec<f32> {
        let step = 2.0 * std::f32::consts::PI * 440.0 / rate as f32;
        (0..n).map(|i| 0.5 * (step * i as f32).sin()).collect()
    }

    #[test]
    fn converted_clip_is_not_shifted_or_cut() {
        for (from, to) in
            [(11_025, 16_000), (22_050, 48_000), (48_000, 16_000), (8_000, 48_000), (16_000, 16_000)]
        {
            let out = convert_clip(&sine(from, from as usize), from, to).unwrap();
            assert_eq!(out.len(), to as usize, "{from} to {to}");
            let expected = sine(to, to as usize);
            let middle = to as usize / 10..to as usize * 9 / 10;
            let worst = middle.map(|i| (out[i] - expected[i]).abs()).fold(0.0, f32::max);
            // What one sample makes out at the sine's steepest.
            let one_sample = 0.5 * 2.0 * std::f32::consts::PI * 440.0 / to as f32;
            assert!(worst < one_sample, "{from} to {to}: off by {worst}");
        }
    }
}
