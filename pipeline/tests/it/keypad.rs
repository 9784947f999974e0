//! The keys of a telephone are digits and no speech.

use super::echo::silero;
use duologue_pipeline::capture::capture_ring;
use duologue_pipeline::ear::{BLOCK, Ear, EarConfig, EarEvent, RATE};
use duologue_pipeline::endpoint::simulated::Clip;
use duologue_pipeline::playback::{PlaybackConfig, playback_ring};

/// Row and column of a key, in Hz (ITU-T Q.23).
const FOUR: (f32, f32) = (770.0, 1_209.0);
const TWO: (f32, f32) = (697.0, 1_336.0);
const HASH: (f32, f32) = (941.0, 1_477.0);

/// A key that is held for 120 ms, and the pause after it.
fn key((low, high): (f32, f32), level: f32) -> Vec<f32> {
    let wave = |hz: f32, i: usize| (std::f32::consts::TAU * hz * i as f32 / RATE as f32).sin() * level;
    let held = (0..RATE as usize * 12 / 100).map(|i| wave(low, i) + wave(high, i));
    held.chain(std::iter::repeat_n(0.0, RATE as usize / 10)).collect()
}

/// The keys, and where speech starts.
fn hear(captured: &[f32]) -> Option<(String, Vec<u64>)> {
    let model = silero()?;
    let (mut writer, mut capture) = capture_ring(RATE, 100);
    let (_, _, mut renderer, mut reference) = playback_ring(&PlaybackConfig::new(RATE)).unwrap();
    let mut ear = Ear::new(&EarConfig::default(), Box::new(model.stream().unwrap()), RATE, RATE).unwrap();
    let (mut keys, mut starts) = (String::new(), Vec::new());
    for block in captured.chunks_exact(BLOCK) {
        renderer.render(&mut [0.0; BLOCK]);
        writer.push(block);
        ear.process(&mut capture, &mut reference, &mut |event| match event {
            EarEvent::Keypad { key, .. } => keys.push(key),
            EarEvent::SpeechStarted { at, .. } => starts.push(at),
            _ => {}
        })
        .unwrap();
    }
    Some((keys, starts))
}

#[test]
fn keys_of_a_telephone_are_not_taken_for_speech() {
    for level in [0.02, 0.1, 0.4] {
        let pause = vec![0.0; RATE as usize / 2];
        let captured =
            [&pause[..], &key(FOUR, level), &key(TWO, level), &key(TWO, level), &key(HASH, level), &pause]
                .concat();
        let Some((keys, starts)) = hear(&captured) else { return };
        assert_eq!(keys, "422#", "at {level}");
        assert!(starts.is_empty(), "at {level} the keys are speech at {starts:?}");
    }
}

#[test]
fn who_speaks_after_a_key_is_not_missed() {
    let stop = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/builtin/caller/tell-me-a-joke.wav");
    let said = Clip::from_wav(stop).unwrap().at_rate(RATE).unwrap();
    let pause = vec![0.0; RATE as usize / 2];
    let keys = [&pause[..], &key(FOUR, 0.2), &key(TWO, 0.2)].concat();
    let captured = [&keys[..], said.samples(), &pause].concat();
    let Some((pressed, starts)) = hear(&captured) else { return };
    assert_eq!(pressed, "42");
    assert!(starts.first().is_some_and(|at| *at as usize + RATE as usize / 3 > keys.len()), "{starts:?}");
}
