//! Convolution with a long impulse response: uniformly partitioned overlap-save, without delay.
//!
//! Invariant: output sample `i` depends on input samples up to `i` only.

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

type Spectrum = Vec<Complex<f32>>;

pub(super) struct Convolver {
    block: usize,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    /// Spectra of the response's partitions.
    response: Vec<Spectrum>,
    /// Spectra of the last inputs; `newest` is the index of the last one.
    inputs: Vec<Spectrum>,
    newest: usize,
    /// The last two input blocks.
    window: Vec<f32>,
    time: Vec<f32>,
    sum: Spectrum,
}

impl Convolver {
    /// Convolves blocks of `block` samples with `response`, which is not empty.
    pub(super) fn new(response: &[f32], block: usize) -> Self {
        let size = 2 * block;
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(size);
        let inverse = planner.plan_fft_inverse(size);
        let partitions: Vec<Spectrum> = response
            .chunks(block)
            .map(|part| {
                let mut time = vec![0.0; size];
                // The inverse transform is not normalised.
                time.iter_mut().zip(part).for_each(|(to, from)| *to = from / size as f32);
                let mut spectrum = forward.make_output_vec();
                transform(&forward, &mut time, &mut spectrum);
                spectrum
            })
            .collect();
        let empty = forward.make_output_vec();
        Self {
            block,
            inputs: vec![empty.clone(); partitions.len()],
            newest: 0,
            response: partitions,
            window: vec![0.0; size],
            time: vec![0.0; size],
            sum: empty,
            forward,
            inverse,
        }
    }

    /// Convolves one block in place.
    pub(super) fn process(&mut self, samples: &mut [f32]) {
        let count = self.response.len();
        self.window.copy_within(self.block.., 0);
        self.window[self.block..].copy_from_slice(samples);
        self.time.copy_from_slice(&self.window);
        self.newest = (self.newest + 1) % count;
        transform(&self.forward, &mut self.time, &mut self.inputs[self.newest]);

        self.sum.fill(Complex::default());
        for (age, response) in self.response.iter().enumerate() {
            let input = &self.inputs[(self.newest + count - age) % count];
            for ((sum, a), b) in self.sum.iter_mut().zip(input).zip(response) {
                *sum += a * b;
            }
        }
        // What a real signal cannot have; rounding may leave a trace of it.
        self.sum[0].im = 0.0;
        self.sum[self.block].im = 0.0;
        self.inverse.process(&mut self.sum, &mut self.time).expect("invariant: buffers of the plan's sizes");
        samples.copy_from_slice(&self.time[self.block..]);
    }
}

fn transform(plan: &Arc<dyn RealToComplex<f32>>, time: &mut [f32], spectrum: &mut [Complex<f32>]) {
    plan.process(time, spectrum).expect("invariant: buffers of the plan's sizes");
}

#[cfg(test)]
mod tests {
    use super::super::random::Random;
    use super::*;

    #[test]
    fn fast_convolution_is_not_different_from_the_plain_one() {
        let mut random = Random::new(3);
        let response: Vec<f32> = (0..1_000).map(|_| random.sample() * 0.05).collect();
        let input: Vec<f32> = (0..1_600).map(|_| random.sample()).collect();
        let mut output = input.clone();
        let mut convolver = Convolver::new(&response, 160);
        output.chunks_mut(160).for_each(|block| convolver.process(block));
        for (i, got) in output.iter().enumerate() {
            let plain: f32 = (0..=i.min(999)).map(|k| response[k] * input[i - k]).sum();
            assert!((got - plain).abs() < 1e-4, "sample {i}: {got} instead of {plain}");
        }
    }
}
