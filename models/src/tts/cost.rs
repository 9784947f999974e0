//! What synthesis costs on this device: measured once at load, corrected by every clause spoken since.
//!
//! A voice's time is a small fixed part plus a part for each phoneme, so two runs of different lengths give
//! both. Real runs then scale the whole (a busy neighbour, a hot chip) with a weight of one fifth.
//! Life cycle: [`CostModel::new`] from the warm-up, [`CostModel::observe`] after each run,
//! [`CostModel::now`] whenever a clause is sized. Reading and observing are lock-free.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::TtsCost;

/// How much one run counts against all before it.
const WEIGHT: f32 = 0.2;

/// No correction leads further than this from the warm-up's figures.
const SCALES: std::ops::RangeInclusive<f32> = 0.1..=20.0;

/// One timed run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    pub(super) phonemes: usize,
    pub(super) took: Duration,
    pub(super) audio: Duration,
}

impl Timing {
    /// A run of `phonemes` phonemes that began at `start` and has just given `samples` samples.
    pub(super) fn since(start: Instant, phonemes: usize, samples: usize, rate: u32) -> Self {
        let audio = Duration::from_secs_f64(samples as f64 / f64::from(rate));
        Self { phonemes, took: start.elapsed(), audio }
    }

    /// The one of two runs that a neighbour disturbed less.
    pub(super) fn quicker(self, other: Self) -> Self {
        if other.took < self.took { other } else { self }
    }

    /// What it would have been at the voice's own tempo: time and audio both go with 1/speed.
    pub(super) fn at_speed(self, speed: f32) -> Self {
        Self { took: self.took.mul_f32(speed), audio: self.audio.mul_f32(speed), ..self }
    }
}

#[derive(Debug)]
pub(super) struct CostModel {
    measured: TtsCost,
    time_scale: AtomicU32,
    audio_scale: AtomicU32,
}

impl CostModel {
    /// The line through a short and a long run.
    pub(super) fn new(short: Timing, long: Timing) -> Self {
        let ms = |d: Duration| d.as_secs_f32() * 1000.0;
        let more = long.phonemes.saturating_sub(short.phonemes).max(1) as f32;
        let slope = (ms(long.took) - ms(short.took)) / more;
        // Noise in the timing must give neither a free phoneme nor a negative start.
        let slope = slope.clamp(0.0, ms(long.took) / long.phonemes.max(1) as f32).max(0.001);
        let fixed_ms = (ms(long.took) - slope * long.phonemes as f32).max(0.0);
        let audio_ms_per_phoneme = (ms(long.audio) / long.phonemes.max(1) as f32).max(1.0);
        let one = || AtomicU32::new(1f32.to_bits());
        Self {
            measured: TtsCost { fixed_ms, ms_per_phoneme: slope, audio_ms_per_phoneme },
            time_scale: one(),
            audio_scale: one(),
        }
    }

    /// Learns from a run that was not cancelled.
    pub(super) fn observe(&self, run: Timing) {
        let expected = &self.measured;
        if run.phonemes == 0 {
            return;
        }
        learn(&self.time_scale, run.took.as_secs_f32() / expected.synthesis(run.phonemes).as_secs_f32());
        learn(&self.audio_scale, run.audio.as_secs_f32() / expected.audio(run.phonemes).as_secs_f32());
    }

    /// The cost as of now.
    pub(super) fn now(&self) -> TtsCost {
        let time = f32::from_bits(self.time_scale.load(Relaxed));
        let audio = f32::from_bits(self.audio_scale.load(Relaxed));
        TtsCost {
            fixed_ms: self.measured.fixed_ms * time,
            ms_per_phoneme: self.measured.ms_per_phoneme * time,
            audio_ms_per_phoneme: self.measured.audio_ms_per_phoneme * audio,
        }
    }
}

/// Moves `scale` towards `ratio`. Two threads at once may lose one lesson, which does no harm.
fn learn(scale: &AtomicU32, ratio: f32) {
    if !ratio.is_finite() {
        return;
    }
    let old = f32::from_bits(scale.load(Relaxed));
    let new = old + WEIGHT * (ratio.clamp(*SCALES.start(), *SCALES.end()) - old);
    scale.store(new.to_bits(), Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(phonemes: usize, took: u64, audio: u64) -> Timing {
        Timing { phonemes, took: Duration::from_millis(took), audio: Duration::from_millis(audio) }
    }

    #[test]
    fn two_runs_give_the_fixed_part_and_the_part_per_phoneme() {
        let cost = CostModel::new(timing(10, 530, 700), timing(30, 1490, 2100)).now();
        assert!((cost.ms_per_phoneme - 48.0).abs() < 0.1 && (cost.fixed_ms - 50.0).abs() < 1.0, "{cost:?}");
        assert!((cost.audio_ms_per_phoneme - 70.0).abs() < 0.1);
    }

    #[test]
    fn a_noisy_warm_up_gives_no_free_or_negative_phonemes() {
        for (short, long) in [(900, 800), (0, 800), (0, 0), (10, 100_000)] {
            let cost = CostModel::new(timing(8, short, 0), timing(24, long, 0)).now();
            assert!(cost.ms_per_phoneme > 0.0 && cost.fixed_ms >= 0.0 && cost.audio_ms_per_phoneme > 0.0);
            let first = cost.first_clause_phonemes(Duration::from_millis(300));
            assert!((6..=200).contains(&first));
        }
    }

    #[test]
    fn a_device_that_slows_down_is_noticed() {
        let model = CostModel::new(timing(10, 530, 700), timing(30, 1490, 2100));
        for _ in 0..30 {
            model.observe(timing(40, 2 * 1970, 2800));
        }
        let cost = model.now();
        assert!((cost.ms_per_phoneme - 96.0).abs() < 1.0, "{cost:?}");
        assert!((cost.audio_ms_per_phoneme - 70.0).abs() < 1.0, "{cost:?}");
    }
}
