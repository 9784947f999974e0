use std::f64::consts::TAU;

use super::*;

const PAIRS: [(u32, u32); 12] = [
    (48_000, 16_000),
    (44_100, 16_000),
    (16_000, 48_000),
    (24_000, 48_000),
    (24_000, 44_100),
    (22_050, 16_000),
    (11_025, 16_000),
    (8_000, 16_000),
    (192_000, 16_000),
    (16_000, 192_000),
    (16_000, 16_000),
    (47_999, 16_000),
];

fn tone(rate: u32, hz: f64, n: usize) -> Vec<f32> {
    (0..n).map(|i| (TAU * hz * i as f64 / f64::from(rate)).sin() as f32 * 0.5).collect()
}

fn resample(resampler: &mut Resampler, input: &[f32], piece: usize) -> Vec<f32> {
    let mut out = Vec::new();
    for piece in input.chunks(piece) {
        resampler.process(piece, &mut |samples| out.extend_from_slice(samples));
    }
    resampler.flush(&mut |samples| out.extend_from_slice(samples));
    out
}

fn rms(samples: &[f32]) -> f64 {
    (samples.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
}

#[test]
fn no_sample_is_lost_or_invented() {
    for (from, to) in PAIRS {
        let mut resampler = Resampler::new(from, to).unwrap();
        for n in [0, 1, 79, 480, 4_800, 20_011] {
            let out = resample(&mut resampler, &vec![0.1; n], 333);
            let want = (n as u64 * u64::from(to)).div_ceil(u64::from(from));
            assert_eq!(out.len() as u64, want, "{from} → {to} Hz, {n} samples");
        }
    }
}

#[test]
fn the_clock_is_not_shifted_by_the_filter() {
    for (from, to) in PAIRS {
        let n = from as usize / 2;
        let out = resample(&mut Resampler::new(from, to).unwrap(), &tone(from, 100.0, n), 480);
        let want = tone(to, 100.0, out.len());
        let middle = out.len() / 4..out.len() * 3 / 4;
        let error: Vec<f32> = out[middle.clone()].iter().zip(&want[middle]).map(|(a, b)| a - b).collect();
        let snr = 20.0 * (rms(&want) / rms(&error).max(1e-12)).log10();
        // Filters of even length are centred between two samples: half a sample of 8 kHz is 28 dB.
        assert!(snr > 27.0, "{from} → {to} Hz: {snr:.1} dB");
    }
}

#[test]
fn tones_above_the_new_band_do_not_alias_into_it() {
    for (from, hz) in [(48_000, 9_500.0), (44_100, 9_500.0), (47_999, 9_500.0), (192_000, 15_000.0)] {
        let out =
            resample(&mut Resampler::new(from, 16_000).unwrap(), &tone(from, hz, from as usize / 2), 480);
        let level = 20.0 * (rms(&out[1_000..out.len() - 1_000]) / rms(&tone(from, hz, 4_800))).log10();
        assert!(level < -60.0, "{hz} Hz at {from} Hz comes out at {level:.1} dB");
    }
}

#[test]
fn the_pieces_do_not_change_the_sound() {
    for (from, to) in PAIRS {
        let input = tone(from, 1_000.0, from as usize / 10);
        let mut resampler = Resampler::new(from, to).unwrap();
        let whole = resample(&mut resampler, &input, input.len());
        for piece in [1, 7, 480, 1_001] {
            assert_eq!(
                resample(&mut resampler, &input, piece),
                whole,
                "{from} → {to} Hz in pieces of {piece}"
            );
        }
    }
}

#[test]
fn a_wrong_rate_is_not_a_panic() {
    for (from, to) in [(0, 16_000), (16_000, 7_999), (200_000, 16_000)] {
        let error = Resampler::new(from, to).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}
