use super::*;

/// Where in a block a key may begin.
const SHIFTS: [usize; 4] = [0, 37, 80, 121];

/// A key's tones for `ms`, each with its level (amplitude), frequencies off by a share.
fn key(row: usize, column: usize, levels: [f32; 2], off: f32, ms: usize) -> Vec<f32> {
    let wave = |hz: f32, i: usize| (std::f32::consts::TAU * hz * (1.0 + off) * i as f32 / RATE as f32).sin();
    (0..ms * RATE as usize / 1000)
        .map(|i| levels[0] * wave(LOW[row], i) + levels[1] * wave(HIGH[column], i))
        .collect()
}

fn noise(n: usize, level: f32) -> Vec<f32> {
    let mut state = 0x2545_f491_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next() * level * 3f32.sqrt()).collect()
}

fn silence(ms: usize) -> Vec<f32> {
    vec![0.0; ms * RATE as usize / 1000]
}

/// The keys in `samples`, begun `shift` samples into a block.
fn pressed(samples: &[f32], shift: usize) -> String {
    let mut keypad = Keypad::new();
    let mut all = vec![0.0; shift];
    all.extend_from_slice(samples);
    all.resize(all.len().next_multiple_of(BLOCK) + 5 * BLOCK, 0.0);
    let blocks = all.chunks_exact(BLOCK).map(|block| keypad.hear(block.try_into().unwrap()));
    blocks.filter_map(|tone| if let Tone::Pressed(key) = tone { Some(key) } else { None }).collect()
}

#[test]
fn no_key_goes_unheard_at_any_level_and_any_phase_of_the_blocks() {
    for (row, names) in KEYS.iter().enumerate() {
        for (column, name) in names.iter().enumerate() {
            for (level, shift) in
                [0.45, 0.1, 0.01].into_iter().flat_map(|level| SHIFTS.map(|shift| (level, shift)))
            {
                let one = key(row, column, [level, level], 0.0, 50);
                let all = [silence(100), one.clone(), silence(50), one].concat();
                assert_eq!(pressed(&all, shift), format!("{name}{name}"), "level {level}, shift {shift}");
            }
        }
    }
}

#[test]
fn a_key_that_is_held_is_not_told_twice() {
    assert_eq!(pressed(&key(1, 1, [0.2, 0.2], 0.0, 3_000), 11), "5");
    let mut broken = key(1, 1, [0.2, 0.2], 0.0, 200);
    broken[1_600..1_680].fill(0.0);
    assert_eq!(pressed(&broken, 0), "5");
}

#[test]
fn tones_of_unequal_levels_are_not_missed() {
    for levels in [[0.2, 0.126], [0.08, 0.2]] {
        assert_eq!(pressed(&key(3, 1, levels, 0.0, 60), 5), "0", "{levels:?}");
    }
}

#[test]
fn tones_that_are_a_little_off_are_not_missed_and_far_off_not_taken() {
    for off in [-0.015, 0.015] {
        assert_eq!(pressed(&key(2, 2, [0.2, 0.2], off, 60), 9), "9", "{off}");
    }
    for off in [-0.035, 0.035] {
        assert_eq!(pressed(&key(2, 2, [0.2, 0.2], off, 60), 9), "", "{off}");
    }
}

#[test]
fn a_key_is_not_missed_in_noise() {
    let mut missed = 0;
    for (n, row) in [0, 1, 2, 3].into_iter().cycle().take(40).enumerate() {
        let mut tone = key(row, n % 4, [0.1, 0.1], 0.0, 70);
        // 10 dB below the key.
        let around = noise(tone.len() + n, 0.0316);
        tone.iter_mut().zip(&around[n..]).for_each(|(x, n)| *x += n);
        missed += usize::from(pressed(&tone, n) != KEYS[row][n % 4].to_string());
    }
    assert!(missed == 0, "{missed} of 40");
}

#[test]
fn one_tone_noise_and_blips_are_no_key() {
    for tone in 0..TONES {
        let levels = if tone < 4 { [0.3, 0.0] } else { [0.0, 0.3] };
        assert_eq!(pressed(&key(tone % 4, tone % 4, levels, 0.0, 500), 0), "");
    }
    assert_eq!(pressed(&noise(16_000 * 20, 0.1), 0), "");
    assert_eq!(pressed(&key(1, 2, [0.3, 0.3], 0.0, 15), 3), "");
}

#[test]
fn voices_are_no_keys() {
    // Harmonics of every pitch from 80 to 400 Hz, gliding as speech does, with the low ones loudest.
    for start in (80..400).step_by(5) {
        let (mut phase, mut out) = (0.0f32, Vec::new());
        for i in 0..RATE as usize {
            let pitch = start as f32 * (1.0 + 0.1 * (i as f32 / 3_000.0).sin());
            phase += std::f32::consts::TAU * pitch / RATE as f32;
            out.push((1..12).map(|h| (phase * h as f32).sin() / h as f32).sum::<f32>() * 0.1);
        }
        assert_eq!(pressed(&out, 0), "", "{start} Hz");
    }
}

#[test]
fn recorded_speech_holds_no_keys() {
    let caller = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/builtin/caller"));
    let mut files: Vec<_> = std::fs::read_dir(caller).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "wav"));
    assert!(files.len() > 10, "{} recordings", files.len());
    for file in files {
        let clip = crate::clip::Clip::from_wav(&file).unwrap().at_rate(RATE).unwrap();
        assert_eq!(pressed(clip.samples(), 0), "", "{}", file.display());
    }
}
