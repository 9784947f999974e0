//! Judges whether what the detection path hears is the rest of an echo or somebody in the room.
//!
//! In each band the error is held against the most that the echo can have left in it. There are two such
//! bounds, and the lower holds: the level that the reference can have in the room at all, by a coupling
//! that is learned downwards; and the filter's estimate of the echo times a leakage that is learned from
//! what is really left. A cold filter has no leakage yet, so that only the first bound holds: whoever is
//! louder than the agent's echo can interrupt its first syllable, the echo cannot.
//!
//! The constants were chosen on the scenes of `examples/barge_in.rs`: nine voices in seven rooms from the
//! first sample of a call on, 147 words over them, and two real recordings. There, nothing in 210 scenes
//! is taken for somebody before somebody speaks, but for two frames of the real echo.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::ear::BLOCK;

/// Window of the band levels: 20 ms.
const WINDOW: usize = 2 * BLOCK;
const BINS: usize = WINDOW / 2 + 1;
/// Edges of the bands, in bins of 50 Hz.
const EDGES: [usize; 15] = [2, 5, 8, 11, 14, 18, 22, 27, 33, 40, 48, 58, 72, 94, 150];
const BANDS: usize = EDGES.len() - 1;

/// Blocks for which an echo may follow its reference undiminished: the delay and early reflections.
const HOLD: u32 = 25;
/// How fast the echo's possible level falls afterwards, in dB a block: a reverberation time of 1.2 s.
const DECAY_DB: f32 = 0.5;
/// How fast the estimate's trace falls, in dB a block: reverberation beyond the filter.
const TRACE_DB: f32 = 0.6;
/// Echo over reference, in dB, before any echo was heard: a loud loudspeaker beside the microphone.
const FIRST_COUPLING_DB: f32 = 8.0;
/// Share of the way, a block, on which the coupling comes down to what is heard, and up to what surely is
/// echo. Twice as fast downwards, the agent ducks under its own echo in 8 of 63 simulated greetings.
const COUPLING_DOWN: f32 = 0.03;
const COUPLING_UP: f32 = 0.3;
/// Cancellation, in dB, that proves an echo.
const PROOF_DB: f32 = 6.0;
/// A captured level this far, in dB, above the noise is a sound.
const SOUND_DB: f32 = 10.0;
/// Blocks after which an echo must have arrived.
const ARRIVED: u32 = 40;
/// Leakage over estimate, in dB: before the filter has shown any; from where on it is believed; the least.
const FIRST_LEAK_DB: f32 = 10.0;
const LEARNED_DB: f32 = 3.0;
const LEAST_LEAK_DB: f32 = -10.0;
/// A loudspeaker's distortion in one band over the estimate of the loudest, in dB: at first, and the
/// least. The real recording needs -15.
const SPREAD_DB: f32 = -15.0;
/// How fast leakage and distortion come down, in dB a block, in the first blocks and later.
const FRESH: u32 = 60;
const DOWN_FRESH_DB: f32 = 0.4;
const DOWN_DB: f32 = 0.3;
/// And up, in dB a block.
const UP_DB: f32 = 0.5;
/// Share of the way, a block, on which they follow an echo, and what may be somebody.
const RATE: f32 = 0.05;
const RATE_DOUBTFUL: f32 = 0.005;
/// Excess over the bound, in dB, below which the error surely is echo.
const ECHO_DB: f32 = 3.0;
/// Excess, in dB, from which on and at which there surely is somebody.
const FROM_DB: f32 = 5.0;
const TO_DB: f32 = 10.0;
/// Cancellation, in dB, from which on and at which nobody is heard beside the echo.
const CANCELLED_FROM_DB: f32 = 2.0;
const CANCELLED_TO_DB: f32 = 6.0;
/// A level, in dB of full scale and band, below which nothing is learned.
const QUIET_DB: f32 = -65.0;
/// The reference is silent below this level.
const SILENT_DB: f32 = -70.0;
/// How the floor of the noise falls, in shares of the way, and rises, in dB a block.
const FLOOR_DOWN: f32 = 0.2;
const FLOOR_UP_DB: f32 = 0.02;

/// Levels of the bands, in dB of full scale.
type Levels = [f32; BANDS];

pub(super) struct Evidence {
    error: Analysis,
    estimate: Analysis,
    captured: Analysis,
    reference: Analysis,
    /// The level the reference can still be heard at, and blocks until it falls.
    far: Levels,
    hold: [u32; BANDS],
    /// The estimate, with a tail.
    trace: Levels,
    /// Echo over reference.
    coupling: Levels,
    /// Rest over estimate.
    leak: Levels,
    /// Blocks for which the reference has been there.
    age: [u32; BANDS],
    /// The noise in the room.
    floor: Levels,
    /// A band's rest over the estimate of the loudest.
    spread: Levels,
    /// Blocks that leakage was learned from.
    seen: [u32; BANDS],
}

impl Evidence {
    pub(super) fn new() -> Self {
        let forward = RealFftPlanner::new().plan_fft_forward(WINDOW);
        let analysis = || Analysis::new(Arc::clone(&forward));
        Self {
            error: analysis(),
            estimate: analysis(),
            captured: analysis(),
            reference: analysis(),
            far: [-120.0; BANDS],
            hold: [0; BANDS],
            trace: [-120.0; BANDS],
            coupling: [FIRST_COUPLING_DB; BANDS],
            leak: [FIRST_LEAK_DB; BANDS],
            age: [0; BANDS],
            floor: [-60.0; BANDS],
            spread: [SPREAD_DB; BANDS],
            seen: [0; BANDS],
        }
    }

    /// Says that the filter has forgotten the path.
    pub(super) fn distrust(&mut self) {
        self.leak = [FIRST_LEAK_DB; BANDS];
        self.seen = [0; BANDS];
    }

    /// One block of a reference that has been silent for [`super::SILENT`] blocks, instead of
    /// [`Evidence::judge`]: nothing in it is an echo.
    pub(super) fn rest(&mut self, captured: &[f32; BLOCK], error: &[f32; BLOCK]) {
        self.captured.hear(captured);
        self.error.hear(error);
    }

    /// How likely, `0.0..=1.0`, `error` holds somebody who is not the echo.
    pub(super) fn judge(
        &mut self,
        reference: &[f32; BLOCK],
        captured: &[f32; BLOCK],
        estimate: &[f32; BLOCK],
        error: &[f32; BLOCK],
    ) -> f32 {
        let reference = self.reference.levels(reference);
        let captured = self.captured.levels(captured);
        let estimate = self.estimate.levels(estimate);
        let error = self.error.levels(error);
        // Nobody is louder than what was captured.
        let error: Levels = std::array::from_fn(|b| error[b].min(captured[b]));
        let total = self.trace.iter().fold(-120.0f32, |a, &b| a.max(b));
        let loudest = (0..BANDS).map(|b| self.far[b] + self.coupling[b]).fold(-120.0f32, f32::max);
        let (mut heard, mut bound) = (0.0f32, 1e-12f32);
        let mut active = false;
        for b in 0..BANDS {
            self.follow(b, reference[b], estimate[b]);
            active |= self.far[b] > SILENT_DB;
            let cold = (self.far[b] + self.coupling[b]).max(loudest + SPREAD_DB);
            let (own, all) = (self.trace[b] + self.leak[b], total + self.spread[b]);
            let warm = if self.leak[b] < LEARNED_DB { own.max(all) } else { cold };
            let most = cold.min(warm).max(self.floor[b]);
            heard += weight(b) * from_db(error[b]);
            bound += weight(b) * from_db(most);
        }
        if !active {
            return 1.0;
        }
        let over = 10.0 * (heard / bound).log10();
        for b in 0..BANDS {
            if self.far[b] > SILENT_DB {
                self.learn(b, captured[b], error[b], total, over);
            }
        }
        let power = |levels: &Levels| levels.iter().map(|x| from_db(*x)).sum::<f32>();
        let cancelled = 10.0 * (power(&captured) / power(&error)).log10();
        let cancelled =
            ((cancelled - CANCELLED_FROM_DB) / (CANCELLED_TO_DB - CANCELLED_FROM_DB)).clamp(0.0, 1.0);
        (1.0 - cancelled) * ((over - FROM_DB) / (TO_DB - FROM_DB)).clamp(0.0, 1.0)
    }

    fn follow(&mut self, b: usize, reference: f32, estimate: f32) {
        if reference >= self.far[b] {
            (self.far[b], self.hold[b]) = (reference, HOLD);
        } else if self.hold[b] > 0 {
            self.hold[b] -= 1;
        } else {
            self.far[b] = (self.far[b] - DECAY_DB).max(reference);
        }
        self.age[b] = if self.far[b] > SILENT_DB { self.age[b] + 1 } else { 0 };
        self.trace[b] = estimate.max(self.trace[b] - TRACE_DB);
    }

    fn learn(&mut self, b: usize, captured: f32, error: f32, total: f32, over: f32) {
        self.floor[b] +=
            if captured < self.floor[b] { FLOOR_DOWN * (captured - self.floor[b]) } else { FLOOR_UP_DB };
        let excess = captured - self.far[b] - self.coupling[b];
        let arrived = captured > self.floor[b] + SOUND_DB || self.age[b] > ARRIVED;
        if self.far[b] > QUIET_DB && arrived {
            if excess < 0.0 {
                self.coupling[b] += COUPLING_DOWN * excess;
            } else if captured - error > PROOF_DB {
                self.coupling[b] += COUPLING_UP * excess;
            }
        }
        if total > QUIET_DB + 10.0 {
            let (own, all) = (self.trace[b] + self.leak[b], total + self.spread[b]);
            let rest = error - own.max(all);
            let fresh = self.seen[b] < FRESH;
            self.seen[b] = self.seen[b].saturating_add(1);
            let down = if fresh { DOWN_FRESH_DB } else { DOWN_DB };
            let rate = if over < ECHO_DB { RATE } else { RATE_DOUBTFUL };
            let step = if fresh && rest < 0.0 { -down } else { (rate * rest).clamp(-down, UP_DB) };
            if own >= all || self.leak[b] > 0.0 {
                self.leak[b] = (self.leak[b] + step).max(LEAST_LEAK_DB);
            }
            if all >= own {
                self.spread[b] = (self.spread[b] + step).max(SPREAD_DB);
            }
        }
    }
}

/// Speech falls by about 6 dB an octave above 500 Hz; its bands count alike.
fn weight(band: usize) -> f32 {
    let middle = (EDGES[band] + EDGES[band + 1]) as f32 * 25.0;
    (middle / 500.0).clamp(0.5, 4.0)
}

fn from_db(level: f32) -> f32 {
    10f32.powf(level / 10.0)
}

/// Levels of a signal's bands.
struct Analysis {
    forward: Arc<dyn RealToComplex<f32>>,
    scratch: Vec<Complex<f32>>,
    window: [f32; WINDOW],
    latest: [f32; WINDOW],
    bins: [Complex<f32>; BINS],
}

impl Analysis {
    fn new(forward: Arc<dyn RealToComplex<f32>>) -> Self {
        let window = std::array::from_fn(|i| {
            let phase = std::f32::consts::TAU * (i as f32 + 0.5) / WINDOW as f32;
            0.5 - 0.5 * phase.cos()
        });
        let scratch = vec![Complex::default(); forward.get_scratch_len()];
        Self { forward, scratch, window, latest: [0.0; WINDOW], bins: [Complex::default(); BINS] }
    }

    fn hear(&mut self, block: &[f32; BLOCK]) {
        self.latest.copy_within(BLOCK.., 0);
        self.latest[BLOCK..].copy_from_slice(block);
    }

    fn levels(&mut self, block: &[f32; BLOCK]) -> Levels {
        self.hear(block);
        let mut time = self.latest;
        time.iter_mut().zip(&self.window).for_each(|(x, w)| *x *= w);
        self.forward
            .process_with_scratch(&mut time, &mut self.bins, &mut self.scratch)
            .expect("invariant: the buffers have the transform's lengths");
        // A full-scale sine has the power 1/2, half of it below 0 Hz; the window takes 3/8 of it.
        let scale = 2.0 / (WINDOW * WINDOW) as f32 * (8.0 / 3.0);
        std::array::from_fn(|b| {
            let power: f32 = self.bins[EDGES[b]..EDGES[b + 1]].iter().map(|x| x.norm_sqr()).sum();
            10.0 * (power * scale).max(1e-12).log10()
        })
    }
}
