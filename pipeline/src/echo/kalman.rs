//! The detection path's echo canceller: a partitioned-block frequency-domain Kalman filter.
//!
//! Each bin of each partition holds an estimate of the echo path and the variance of its error. The
//! variance makes the step as long as it may be: the whole error is believed while the path is
//! unknown, little of it while somebody speaks over the echo. So the filter needs neither a double-talk
//! detector nor an estimate of the delay, and it knows how much echo it may have left.
//! (Enzner & Vary, Signal Processing 86, 2006; Kuech, Mabande & Enzner, ICASSP 2014.)
//!
//! Invariant: the error comes out without delay, for it is the captured block minus an estimate made of
//! the reference up to that block; nothing is allocated after [`Kalman::new`]. While the reference is
//! silent the filter rests, and goes on afterwards as if it had not.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::ear::BLOCK;

/// Length of the transforms. A window holds the taps of one partition and one block.
const WINDOW: usize = 480;
/// Bins of a spectrum: 33 Hz each.
pub(super) const BINS: usize = WINDOW / 2 + 1;
/// Taps of one partition: 20 ms.
const TAPS: usize = WINDOW - BLOCK;
/// Blocks from one partition to the next.
const STRIDE: usize = TAPS / BLOCK;
/// Partitions: 480 ms of echo.
const PARTITIONS: usize = 24;
/// Blocks whose spectra are kept.
const PAST: usize = (PARTITIONS - 1) * STRIDE + 1;
/// Part of a spectrum's energy that falls on the block.
const SHARE: f32 = BLOCK as f32 / WINDOW as f32;
/// Partitions brought back to [`TAPS`] taps with each block: all in 80 ms.
const CONSTRAINED: usize = 3;

/// Bins of one band in which the path's scale is checked: 400 Hz.
const BAND: usize = 12;
const BANDS: usize = BINS.div_ceil(BAND);
/// Smoothing, from block to block, of what the error has in common with the estimate.
const COMMON: f32 = 0.85;
/// Coherence of error and estimate, over [`BAND`] bins and the blocks of [`COMMON`], that is chance, and one
/// that is not. On a recording of real double talk a path that is raised later, at 0.03 to 0.15, leaves echo that
/// counts as somebody.
const CHANCE: f32 = 0.02;
const SURELY: f32 = 0.1;
/// Share of both at which a path that is too strong is lowered: it hides whoever speaks, so that is believed
/// sooner. At half of both it hides some of that recording's speech.
const SOONER: f32 = 0.1;
/// How far, a block, the path is scaled towards the echo's level, and its variance raised with it. On
/// simulated rooms this takes 1–3 dB off the echo of the first second.
const SCALING: f32 = 0.1;
const RAISING: f32 = 0.05;

/// Power gain of the echo path in one partition before anything is known of it, and how it falls from
/// one partition to the next: −1 dB. Of 0.003 to 0.5 this converges best over echoes from −14 to 6 dB.
const PRIOR: f32 = 0.01;
const PRIOR_FALL: f32 = 0.79;
/// How sure the path stays the same from block to block: it is forgotten in about 5 s.
const STEADY: f32 = 0.999;
const FADE: f32 = 1.0 - STEADY * STEADY;
/// What a path may change by although it seems to be nothing, as a power gain.
const RESTLESS: f32 = 1e-4;
/// Smoothing of the error's spectrum from block to block.
const SMOOTHING: f32 = 0.9;
/// Power of a bin that the error cannot be below: rounding to 16 bits.
const ROUNDING: f32 = BLOCK as f32 * 1e-10;

/// A spectrum, in parts that the compiler can work on four at a time.
#[derive(Clone)]
struct Spectrum {
    re: [f32; BINS],
    im: [f32; BINS],
}

const ZERO: Spectrum = Spectrum { re: [0.0; BINS], im: [0.0; BINS] };

/// What the error has in common with the estimate in one band, and the power of both.
#[derive(Clone, Copy, Default)]
struct Common {
    product: f32,
    estimate: f32,
    error: f32,
}

impl Common {
    /// Hears one block; returns by how much, `-1.0..=1.0`, the path is too weak.
    fn hear(&mut self, error: &Spectrum, estimate: &Spectrum, band: std::ops::Range<usize>) -> f32 {
        let (mut product, mut own, mut rest) = (0.0, 0.0, 0.0);
        for k in band {
            product += error.re[k] * estimate.re[k] + error.im[k] * estimate.im[k];
            own += estimate.re[k] * estimate.re[k] + estimate.im[k] * estimate.im[k];
            rest += error.re[k] * error.re[k] + error.im[k] * error.im[k];
        }
        for (all, new) in [(&mut self.product, product), (&mut self.estimate, own), (&mut self.error, rest)] {
            *all = COMMON * *all + (1.0 - COMMON) * new;
        }
        let coherence = self.product * self.product / (self.estimate * self.error + ROUNDING * ROUNDING);
        let share = if self.product < 0.0 { SOONER } else { 1.0 };
        let sure = ((coherence - share * CHANCE) / (share * (SURELY - CHANCE))).clamp(0.0, 1.0);
        (self.product / (self.estimate + ROUNDING)).clamp(-1.0, 1.0) * sure
    }
}

/// Estimates the echo.
pub(super) struct Kalman {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    scratch: Vec<Complex<f32>>,
    time: [f32; WINDOW],
    bins: [Complex<f32>; BINS],
    /// The latest samples of the reference.
    reference: [f32; WINDOW],
    /// Spectra of the reference and their power, newest at `newest`, older ones behind it.
    past: Vec<Spectrum>,
    power: Vec<[f32; BINS]>,
    newest: usize,
    path: Vec<Spectrum>,
    variance: Vec<[f32; BINS]>,
    /// Power of what is not echo.
    near: [f32; BINS],
    /// Of each band: what the error has in common with the estimate, and the power of both.
    common: [Common; BANDS],
    next: usize,
    /// Blocks of the rest under way.
    rested: u32,
}

impl Kalman {
    pub(super) fn new() -> Self {
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(WINDOW), planner.plan_fft_inverse(WINDOW));
        let scratch = vec![Complex::default(); forward.get_scratch_len().max(inverse.get_scratch_len())];
        let mut kalman = Self {
            forward,
            inverse,
            scratch,
            time: [0.0; WINDOW],
            bins: [Complex::default(); BINS],
            reference: [0.0; WINDOW],
            past: vec![ZERO; PAST],
            power: vec![[0.0; BINS]; PAST],
            newest: 0,
            path: vec![ZERO; PARTITIONS],
            variance: vec![[0.0; BINS]; PARTITIONS],
            near: [0.0; BINS],
            common: [Common::default(); BANDS],
            next: 0,
            rested: 0,
        };
        kalman.forget();
        kalman
    }

    /// Forgets the path, not the reference.
    pub(super) fn forget(&mut self) {
        self.path.fill(ZERO);
        let mut prior = PRIOR;
        for variance in &mut self.variance {
            variance.fill(prior);
            prior *= PRIOR_FALL;
        }
    }

    /// Takes the reference of one block and what was captured meanwhile; gives the estimated echo.
    pub(super) fn process(
        &mut self,
        reference: &[f32; BLOCK],
        captured: &[f32; BLOCK],
        echo: &mut [f32; BLOCK],
    ) {
        self.wake();
        self.hear_reference(reference);
        let mut sum = ZERO;
        for p in 0..PARTITIONS {
            let x = &self.past[(self.newest + p * STRIDE) % PAST];
            multiply_add(&mut sum, x, &self.path[p]);
        }
        self.backward(&sum);
        echo.copy_from_slice(&self.time[TAPS..]);
        self.time[..TAPS].fill(0.0);
        let estimate = self.forward();
        let mut error = [0.0; BLOCK];
        for ((e, y), h) in error.iter_mut().zip(captured).zip(echo.iter()) {
            *e = y - h;
        }
        self.adapt(&error, &estimate);
    }

    /// One block of a reference that has been silent for [`super::SILENT`] blocks, instead of
    /// [`Kalman::process`]: there is nothing to estimate, and only what is not echo is followed.
    pub(super) fn rest(&mut self, captured: &[f32; BLOCK], echo: &mut [f32; BLOCK]) {
        self.rested = self.rested.saturating_add(1);
        echo.fill(0.0);
        self.time[..TAPS].fill(0.0);
        self.time[TAPS..].copy_from_slice(captured);
        let captured = self.forward();
        self.hear_near(&captured);
    }

    /// Ends a rest: the path has been forgotten for as long as it took.
    fn wake(&mut self) {
        let rested = std::mem::take(&mut self.rested);
        if rested == 0 {
            return;
        }
        let kept = (1.0 - FADE).powf(rested as f32);
        for (path, variance) in self.path.iter().zip(&mut self.variance) {
            for ((v, re), im) in variance.iter_mut().zip(&path.re).zip(&path.im) {
                let known = re * re + im * im + RESTLESS;
                *v = (known + kept * (*v - known)).min(1.0);
            }
        }
    }

    fn hear_near(&mut self, error: &Spectrum) {
        for ((near, re), im) in self.near.iter_mut().zip(&error.re).zip(&error.im) {
            *near = SMOOTHING * *near + (1.0 - SMOOTHING) * (re * re + im * im);
        }
    }

    fn hear_reference(&mut self, reference: &[f32; BLOCK]) {
        self.reference.copy_within(BLOCK.., 0);
        self.reference[TAPS..].copy_from_slice(reference);
        self.newest = (self.newest + PAST - 1) % PAST;
        self.time = self.reference;
        let spectrum = self.forward();
        let power = &mut self.power[self.newest];
        for ((p, re), im) in power.iter_mut().zip(&spectrum.re).zip(&spectrum.im) {
            *p = re * re + im * im;
        }
        self.past[self.newest] = spectrum;
    }

    fn adapt(&mut self, error: &[f32; BLOCK], estimate: &Spectrum) {
        self.time[..TAPS].fill(0.0);
        self.time[TAPS..].copy_from_slice(error);
        let error = self.forward();
        let mut expected = [0.0f32; BINS];
        for p in 0..PARTITIONS {
            let power = &self.power[(self.newest + p * STRIDE) % PAST];
            for ((sum, x), v) in expected.iter_mut().zip(power).zip(&self.variance[p]) {
                *sum += x * v;
            }
        }
        self.hear_near(&error);
        let step: [f32; BINS] =
            std::array::from_fn(|k| 1.0 / (SHARE * expected[k] + self.near[k].max(ROUNDING)));
        for p in 0..PARTITIONS {
            let at = (self.newest + p * STRIDE) % PAST;
            update(&mut self.path[p], &mut self.variance[p], &self.past[at], &self.power[at], &error, &step);
        }
        self.scale(&error, estimate);
        for _ in 0..CONSTRAINED {
            self.constrain(self.next);
            self.next = (self.next + 1) % PARTITIONS;
        }
    }

    /// What the error has in common with the estimate is echo that the path is too weak for, whoever else
    /// speaks; where it is negative, the path is too strong. Where the two have little in common, it is
    /// chance, and somebody else's voice: a path that follows it is soon worth nothing.
    fn scale(&mut self, error: &Spectrum, estimate: &Spectrum) {
        let (mut p, mut w) = ([1.0f32; BINS], [1.0f32; BINS]);
        for (b, common) in self.common.iter_mut().enumerate() {
            let band = b * BAND..((b + 1) * BAND).min(BINS);
            let r = common.hear(error, estimate, band.clone());
            p[band.clone()].fill(1.0 + RAISING * r.max(0.0));
            w[band].fill(1.0 + SCALING * r);
        }
        for (path, variance) in self.path.iter_mut().zip(&mut self.variance) {
            for k in 0..BINS {
                path.re[k] *= w[k];
                path.im[k] *= w[k];
                variance[k] = (variance[k] * p[k]).min(1.0);
            }
        }
    }

    /// Takes out of a partition's path what lies beyond its taps.
    fn constrain(&mut self, p: usize) {
        let path = self.path[p].clone();
        self.backward(&path);
        self.time[TAPS..].fill(0.0);
        self.path[p] = self.forward();
    }

    /// The spectrum of `time`, which is overwritten.
    fn forward(&mut self) -> Spectrum {
        self.forward
            .process_with_scratch(&mut self.time, &mut self.bins, &mut self.scratch)
            .expect("invariant: the buffers have the transform's lengths");
        let mut spectrum = ZERO;
        for ((re, im), bin) in spectrum.re.iter_mut().zip(&mut spectrum.im).zip(&self.bins) {
            (*re, *im) = (bin.re, bin.im);
        }
        spectrum
    }

    /// Puts the signal of `spectrum` into `time`.
    fn backward(&mut self, spectrum: &Spectrum) {
        for ((bin, re), im) in self.bins.iter_mut().zip(&spectrum.re).zip(&spectrum.im) {
            *bin = Complex::new(*re, *im) * (1.0 / WINDOW as f32);
        }
        // A real signal has none here; rounding may leave a trace, which the transform refuses.
        (self.bins[0].im, self.bins[BINS - 1].im) = (0.0, 0.0);
        self.inverse
            .process_with_scratch(&mut self.bins, &mut self.time, &mut self.scratch)
            .expect("invariant: the buffers have the transform's lengths");
    }
}

fn multiply_add(sum: &mut Spectrum, a: &Spectrum, b: &Spectrum) {
    for k in 0..BINS {
        sum.re[k] += a.re[k] * b.re[k] - a.im[k] * b.im[k];
        sum.im[k] += a.re[k] * b.im[k] + a.im[k] * b.re[k];
    }
}

/// The Kalman filter's two equations, bin by bin.
fn update(
    path: &mut Spectrum,
    variance: &mut [f32; BINS],
    x: &Spectrum,
    power: &[f32; BINS],
    error: &Spectrum,
    step: &[f32; BINS],
) {
    for k in 0..BINS {
        let gain = variance[k] * step[k];
        path.re[k] += gain * (x.re[k] * error.re[k] + x.im[k] * error.im[k]);
        path.im[k] += gain * (x.re[k] * error.im[k] - x.im[k] * error.re[k]);
        let known = path.re[k] * path.re[k] + path.im[k] * path.im[k];
        let left = variance[k] * (1.0 - SHARE * gain * power[k]).max(0.0);
        variance[k] = left * (1.0 - FADE) + FADE * (known + RESTLESS);
    }
}

#[cfg(test)]
mod tests {
    use super::super::SILENT;
    use super::super::tests::noise;
    use super::*;

    /// An agent who pauses for `pause` blocks in between; echo at half its level.
    fn estimates(kalman: &mut Kalman, pause: usize, tireless: bool) -> Vec<f32> {
        let mut reference = noise(100 * BLOCK, 0.2);
        reference.resize((100 + pause) * BLOCK, 0.0);
        reference.extend(noise(100 * BLOCK, 0.2));
        let near = noise(reference.len(), 0.001);
        let (mut estimates, mut silent) = (Vec::new(), 0);
        for (reference, near) in reference.chunks_exact(BLOCK).zip(near.chunks_exact(BLOCK)) {
            let captured: [f32; BLOCK] = std::array::from_fn(|i| reference[i] * 0.5 + near[i]);
            let mut echo = [0.0; BLOCK];
            silent = if reference.iter().all(|x| *x == 0.0) { silent + 1 } else { 0 };
            if silent > SILENT && !tireless {
                kalman.rest(&captured, &mut echo);
            } else {
                kalman.process(reference.try_into().unwrap(), &captured, &mut echo);
            }
            estimates.extend_from_slice(&echo);
        }
        estimates
    }

    #[test]
    fn a_rest_does_not_change_what_the_filter_knows() {
        // So long that both constrain the same partitions next.
        let pause = SILENT as usize + 70 * PARTITIONS / CONSTRAINED;
        let (mut resting, mut tireless) = (Kalman::new(), Kalman::new());
        let rested = estimates(&mut resting, pause, false);
        let worked = estimates(&mut tireless, pause, true);
        let energy: f32 = worked.iter().map(|x| x * x).sum();
        let apart: f32 = rested.iter().zip(&worked).map(|(a, b)| (a - b) * (a - b)).sum();
        assert!(apart < energy * 1e-6, "{apart} of {energy}");
    }
}
