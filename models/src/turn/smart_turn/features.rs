//! Whisper's front end: sound to the logarithms of its mel spectrum, as smart-turn was trained on it.
//!
//! As `WhisperFeatureExtractor` of the package transformers does it, with `do_normalize`: 8 s at 16 kHz, brought to
//! mean 0 and variance 1; windows of 25 ms (Hann), one every 10 ms, reflected at the edges; 80 triangular filters on
//! Slaney's mel scale from 0 to 8 kHz; log10, at most 8 below the loudest; scaled to about ±1.

use std::f64::consts::PI;
use std::ops::Range;
use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};

/// Samples at 16 kHz that are looked at: 8 s.
pub(super) const SAMPLES: usize = 128_000;
/// Filters.
pub(super) const MELS: usize = 80;
/// Columns: one every 10 ms.
pub(super) const FRAMES: usize = SAMPLES / HOP;
const HOP: usize = 160;
const WINDOW: usize = 400;
const BINS: usize = WINDOW / 2 + 1;
/// Hz of one bin.
const BIN_HZ: f64 = 16_000.0 / WINDOW as f64;
/// What is added to the variance, so that silence is not divided by 0.
const EPSILON: f64 = 1e-7;
/// The least power that a logarithm is taken of.
const FLOOR: f64 = 1e-10;

/// One triangular filter: the bins that it weighs.
struct Filter {
    bins: Range<usize>,
    weights: Vec<f64>,
}

/// What the front end has computed beforehand; shared by all streams.
pub(super) struct Features {
    window: Vec<f64>,
    fft: Arc<dyn RealToComplex<f64>>,
    filters: Vec<Filter>,
}

impl Features {
    pub(super) fn new() -> Self {
        let window = (0..WINDOW).map(|i| 0.5 - 0.5 * (2.0 * PI * i as f64 / WINDOW as f64).cos()).collect();
        let fft = RealFftPlanner::new().plan_fft_forward(WINDOW);
        Self { window, fft, filters: filters() }
    }

    /// The features of the last 8 s of `sound` (mono, 16 kHz), silence before it if there is less: [`MELS`] rows of
    /// [`FRAMES`].
    pub(super) fn of(&self, sound: &[f32]) -> Vec<f32> {
        let sound = &sound[sound.len().saturating_sub(SAMPLES)..];
        let padding = SAMPLES - sound.len();
        let samples = normalised(padding, sound);
        let mut input = self.fft.make_input_vec();
        let mut spectrum = self.fft.make_output_vec();
        let mut scratch = self.fft.make_scratch_vec();
        let mut rows = vec![0.0; MELS * FRAMES];
        for frame in 0..FRAMES {
            for ((to, weight), at) in input.iter_mut().zip(&self.window).zip(frame * HOP..) {
                *to = samples[reflected(at)] * weight;
            }
            // Its only errors are buffers of other lengths than it made itself.
            let transformed = self.fft.process_with_scratch(&mut input, &mut spectrum, &mut scratch);
            debug_assert!(transformed.is_ok());
            for (mel, Filter { bins, weights }) in self.filters.iter().enumerate() {
                let powers = spectrum[bins.clone()].iter().map(|bin| bin.norm_sqr());
                let power: f64 = powers.zip(weights).map(|(power, weight)| power * weight).sum();
                rows[mel * FRAMES + frame] = power.max(FLOOR).log10();
            }
        }
        let loudest = rows.iter().copied().fold(f64::MIN, f64::max);
        rows.iter().map(|log| ((log.max(loudest - 8.0) + 4.0) / 4.0) as f32).collect()
    }
}

/// `sound` after so much silence, brought to mean 0 and variance 1.
fn normalised(padding: usize, sound: &[f32]) -> Vec<f64> {
    let mean = sound.iter().map(|&x| f64::from(x)).sum::<f64>() / SAMPLES as f64;
    let spread: f64 = sound.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum();
    let variance = (spread + padding as f64 * mean * mean) / SAMPLES as f64;
    let scale = 1.0 / (variance + EPSILON).sqrt();
    let silence = std::iter::repeat_n(0.0, padding);
    silence.chain(sound.iter().map(|&x| f64::from(x))).map(|x| (x - mean) * scale).collect()
}

/// Where sample `at` of the signal with half a window around it lies in the signal, which is reflected at its edges.
fn reflected(at: usize) -> usize {
    let half = WINDOW / 2;
    if at < half {
        return half - at;
    }
    let at = at - half;
    if at < SAMPLES { at } else { 2 * (SAMPLES - 1) - at }
}

/// Hz to Slaney's mel: linear up to 1 kHz, then logarithmic.
fn mel(hz: f64) -> f64 {
    if hz < 1_000.0 { 3.0 * hz / 200.0 } else { 15.0 + (hz / 1_000.0).ln() * 27.0 / 6.4_f64.ln() }
}

fn hz(mel: f64) -> f64 {
    if mel < 15.0 { 200.0 * mel / 3.0 } else { 1_000.0 * ((mel - 15.0) * 6.4_f64.ln() / 27.0).exp() }
}

/// The filters: each rises from its left neighbour's centre to its own and falls to its right neighbour's; all have
/// the same area.
fn filters() -> Vec<Filter> {
    let edges: Vec<f64> = (0..MELS + 2).map(|i| hz(mel(8_000.0) * i as f64 / (MELS + 1) as f64)).collect();
    let filter = |edges: &[f64]| {
        let (left, centre, right) = (edges[0], edges[1], edges[2]);
        let weight = |bin: usize| {
            let hz = bin as f64 * BIN_HZ;
            let slope = ((hz - left) / (centre - left)).min((right - hz) / (right - centre));
            slope.max(0.0) * 2.0 / (right - left)
        };
        let first = (0..BINS).find(|&bin| weight(bin) > 0.0).unwrap_or(0);
        let last = (0..BINS).rfind(|&bin| weight(bin) > 0.0).map_or(first, |bin| bin + 1);
        Filter { bins: first..last, weights: (first..last).map(weight).collect() }
    };
    edges.windows(3).map(filter).collect()
}
