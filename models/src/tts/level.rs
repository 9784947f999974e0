//! How loud speech is, as a listener hears it, and the gain that brings it to one level.
//!
//! Loudness is that of ITU-R BS.1770-4: K-weighted, in blocks of 400 ms with 75 % overlap, gated at
//! −70 LUFS and 10 LU below the mean. Voices differ by up to 10 dB as models return them; a listener who
//! hears one after the other should not have to turn a knob.

use std::f64::consts::PI;

/// Where speech is brought to, in LUFS: as loud as telephone speech and podcasts, with room for peaks.
pub(super) const TARGET_LUFS: f32 = -18.0;

/// No gain is larger than this, in dB: what would need more is silence or broken.
const MOST_DB: f32 = 15.0;

/// The gain, as a factor, that brings speech of `lufs` to [`TARGET_LUFS`].
pub(super) fn gain(lufs: f32) -> f32 {
    10f32.powf((TARGET_LUFS - lufs).clamp(-MOST_DB, MOST_DB) / 20.0)
}

/// Loudness of mono `samples`, in LUFS; `None` if they hold nothing above −70 LUFS.
pub(super) fn loudness(samples: &[f32], rate: u32) -> Option<f32> {
    let [mut shelf, mut high_pass] = weighting(f64::from(rate));
    let weighted: Vec<f64> = samples.iter().map(|s| high_pass.next(shelf.next(f64::from(*s)))).collect();
    let block = (rate as usize * 2 / 5).min(weighted.len()).max(1);
    let energies: Vec<f64> = weighted
        .windows(block)
        .step_by((block / 4).max(1))
        .map(|w| w.iter().map(|s| s * s).sum::<f64>() / block as f64)
        .collect();
    let above = |floor: f64| {
        let loud: Vec<f64> = energies.iter().copied().filter(|energy| lufs(*energy) > floor).collect();
        (!loud.is_empty()).then(|| loud.iter().sum::<f64>() / loud.len() as f64)
    };
    above(lufs(above(-70.0)?) - 10.0).map(|energy| lufs(energy) as f32)
}

fn lufs(energy: f64) -> f64 {
    -0.691 + 10.0 * energy.log10()
}

/// One second-order filter, transposed direct form II.
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl Biquad {
    fn next(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.state[0];
        self.state[0] = self.b[1] * x - self.a[0] * y + self.state[1];
        self.state[1] = self.b[2] * x - self.a[1] * y;
        y
    }
}

/// K-weighting at any rate: the analogue prototypes of BS.1770's two filters, as libebur128 gives them.
fn weighting(rate: f64) -> [Biquad; 2] {
    let (gain_db, q, f) = (3.999_843_853_973_347, 0.707_175_236_955_419_6, 1_681.974_450_955_533);
    let k = (PI * f / rate).tan();
    let high = 10f64.powf(gain_db / 20.0);
    let band = high.powf(0.499_666_774_154_541_6);
    let a0 = 1.0 + k / q + k * k;
    let shelf = Biquad {
        b: [
            (high + band * k / q + k * k) / a0,
            2.0 * (k * k - high) / a0,
            (high - band * k / q + k * k) / a0,
        ],
        a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
        state: [0.0; 2],
    };
    let (q, f) = (0.500_327_037_323_877_3, 38.135_470_876_024_44);
    let k = (PI * f / rate).tan();
    let a0 = 1.0 + k / q + k * k;
    let high_pass = Biquad {
        b: [1.0, -2.0, 1.0],
        a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
        state: [0.0; 2],
    };
    [shelf, high_pass]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f32, amplitude: f32, rate: u32, seconds: u32) -> Vec<f32> {
        let step = 2.0 * std::f32::consts::PI * hz / rate as f32;
        (0..rate * seconds).map(|i| amplitude * (step * i as f32).sin()).collect()
    }

    #[test]
    fn a_full_scale_tone_has_the_standards_loudness_at_every_rate() {
        // BS.1770: a 997 Hz sine at 0 dBFS in one channel is −3.01 LUFS.
        for rate in [16_000, 22_050, 24_000, 48_000] {
            let found = loudness(&tone(997.0, 1.0, rate, 2), rate).unwrap();
            assert!((found + 3.01).abs() < 0.1, "{rate}: {found}");
        }
    }

    #[test]
    fn pauses_do_not_make_speech_quieter() {
        let mut speech = tone(500.0, 0.1, 24_000, 2);
        let alone = loudness(&speech, 24_000).unwrap();
        speech.extend([0.0; 96_000]);
        assert!((loudness(&speech, 24_000).unwrap() - alone).abs() < 0.6);
        assert_eq!(loudness(&[0.0; 48_000], 24_000), None);
        assert_eq!(loudness(&[], 24_000), None);
    }

    #[test]
    fn a_gain_leads_to_the_target_and_not_beyond_reason() {
        assert!((gain(-24.0) - 1.995).abs() < 0.01);
        assert!(gain(-200.0) < 6.0 && gain(0.0) > 0.1);
    }
}
