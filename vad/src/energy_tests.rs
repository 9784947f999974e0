use std::path::Path;

use super::*;
use crate::score::{Confusion, labelled_files, score};
use crate::{SegmenterConfig, segments};

/// Noise of a level, from a fixed sequence.
fn noise(level: f32, len: usize) -> Vec<f32> {
    let mut seed = 1_u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next() * level).collect()
}

fn hear(samples: &[f32]) -> Vec<std::ops::Range<u64>> {
    segments(samples, &mut Energy::new(), &SegmenterConfig::accurate()).unwrap()
}

#[test]
fn steady_noise_of_any_level_is_not_speech() {
    for level in [0.0, 1e-6, 1e-4, 1e-2, 0.1, 1.0, 4.0] {
        assert!(hear(&noise(level, 160_000)).is_empty(), "level {level}");
    }
}

#[test]
fn a_burst_is_not_missed_whatever_the_level() {
    for gain in [0.02, 0.1, 0.5, 1.0] {
        let mut signal = noise(0.01 * gain, 48_000);
        for (to, x) in signal[16_000..24_000].iter_mut().zip(noise(0.3 * gain, 8_000)) {
            *to += x;
        }
        let found = hear(&signal);
        assert_eq!(found.len(), 1, "gain {gain}: {found:?}");
        assert!(
            found[0].start.abs_diff(16_000) <= 1_600 && found[0].end.abs_diff(24_000) <= 1_600,
            "{found:?}"
        );
    }
}

#[test]
fn hum_is_not_speech() {
    let mut signal = noise(0.001, 64_000);
    for (i, x) in signal.iter_mut().enumerate().skip(32_000) {
        *x += 0.02 * (i as f32 * 50.0 * std::f32::consts::TAU / 16_000.0).sin();
    }
    let voiced: u64 = hear(&signal).iter().map(|s| s.end - s.start).sum();
    // The jump is heard, for as long as the floor remembers the quiet before it.
    assert!(voiced <= 2 * 16_000 + 8_000, "{voiced}");
}

#[test]
fn a_louder_room_does_not_stay_speech() {
    let mut signal = noise(0.001, 32_000);
    signal.extend(noise(0.1, 96_000));
    let found = hear(&signal);
    assert!(found.iter().all(|s| s.end < 32_000 + 40_000), "{found:?}");
}

#[test]
fn samples_that_are_no_numbers_do_not_stay_in_the_filter() {
    let mut vad = Energy::new();
    for bad in [f32::NAN, f32::INFINITY, f32::MAX] {
        assert!((0.0..=1.0).contains(&vad.predict(&[bad; FRAME]).unwrap()));
    }
    for _ in 0..500 {
        vad.predict(&[0.0; FRAME]).unwrap();
    }
    assert!(vad.predict(&[0.0; FRAME]).unwrap() < 0.1);
}

#[test]
fn another_frame_length_is_an_error() {
    for n in [0, 159, 161, 512] {
        let error = Energy::new().predict(&vec![0.0; n]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FrameLength);
    }
}

#[test]
fn reset_does_not_keep_the_floor() {
    let mut vad = Energy::new();
    vad.predict(&[0.5; FRAME]).unwrap();
    vad.reset();
    assert_eq!(vad.noise_floor(), QUIETEST);
}

#[test]
fn people_are_not_missed_at_any_level() {
    let set = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/material/vad-testset"));
    if !set.is_dir() {
        eprintln!("SKIPPED: {} is not there", set.display());
        return;
    }
    let files = labelled_files(set).unwrap();
    for gain in [0.1, 0.3, 1.0, 3.0] {
        let mut vad = Energy::new();
        let total: Confusion = files
            .iter()
            .map(|file| {
                let mut wav = hound::WavReader::open(&file.wav).unwrap();
                let samples: Vec<f32> =
                    wav.samples::<i16>().map(|s| f32::from(s.unwrap()) / 32_768.0 * gain).collect();
                score(&samples, &file.labels, &mut vad, &SegmenterConfig::accurate()).unwrap()
            })
            .sum();
        assert!(total.f1() > 0.88, "gain {gain}: F1 {:.3}", total.f1());
    }
}
