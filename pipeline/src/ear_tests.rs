use duologue_vad::Energy;

use super::*;
use crate::ErrorKind;
use crate::capture::capture_ring;
use crate::playback::{PlaybackConfig, playback_ring};

#[derive(Debug, PartialEq)]
enum Event {
    Block(u64, Vec<f32>),
    Started(u64),
    Ended(u64),
    Voice(u64),
    Starved(u64),
    Keypad(u64, char),
}

fn collect(events: &mut Vec<Event>) -> impl FnMut(EarEvent<'_>) {
    |event| {
        events.push(match event {
            EarEvent::Block { at, samples } => Event::Block(at, samples.to_vec()),
            EarEvent::SpeechStarted { at, .. } => Event::Started(at),
            EarEvent::SpeechEnded { at, .. } => Event::Ended(at),
            EarEvent::Voice { at, .. } => Event::Voice(at),
            EarEvent::Starved { at } => Event::Starved(at),
            EarEvent::Keypad { at, key } => Event::Keypad(at, key),
        });
    }
}

fn tone(rate: u32, from_ms: usize, to_ms: usize, ms: usize) -> Vec<f32> {
    let at = |ms: usize| ms * rate as usize / 1000;
    (0..at(ms))
        .map(|i| {
            let on = (at(from_ms)..at(to_ms)).contains(&i);
            let phase = std::f32::consts::TAU * 300.0 * (i as f32 / rate as f32);
            if on { phase.sin() * 0.3 } else { 0.0 }
        })
        .collect()
}

/// Hears `captured` in steps of `step` captured samples while the output renders silence.
fn hear(capture_rate: u32, playback_rate: u32, captured: &[f32], step: usize, echo: bool) -> Vec<Event> {
    let (mut writer, mut capture) = capture_ring(capture_rate, 10_000);
    let config = PlaybackConfig { reference_ms: 10_000, ..PlaybackConfig::new(playback_rate) };
    let (_, _, mut renderer, mut reference) = playback_ring(&config).unwrap();
    let echo = EchoConfig { enabled: echo, ..EchoConfig::default() };
    let config = EarConfig { echo, ..EarConfig::default() };
    let mut ear = Ear::new(&config, Box::new(Energy::new()), capture_rate, playback_rate).unwrap();
    let mut events = Vec::new();
    for samples in captured.chunks(step) {
        renderer.render(&mut vec![0.0; samples.len() * playback_rate as usize / capture_rate as usize]);
        writer.push(samples);
        ear.process(&mut capture, &mut reference, &mut collect(&mut events)).unwrap();
    }
    ear.finish(&mut reference, &mut collect(&mut events)).unwrap();
    events
}

fn onset(events: &[Event]) -> u64 {
    let mut at = 0;
    for event in events {
        if let Event::Block(first, samples) = event {
            assert_eq!(*first, at, "blocks follow each other");
            at += samples.len() as u64;
            if let Some(i) = samples.iter().position(|x| x.abs() > 0.15) {
                return first + i as u64;
            }
        }
    }
    panic!("nothing was heard");
}

#[test]
fn delays_of_the_filters_do_not_shift_the_clock() {
    for (capture, playback) in
        [(48_000, 48_000), (16_000, 24_000), (44_100, 48_000), (16_000, 16_000), (22_050, 48_000)]
    {
        for echo in [false, true] {
            let captured = tone(capture, 500, 900, 1_500);
            let at = onset(&hear(capture, playback, &captured, capture as usize / 100, echo));
            // A 300 Hz sine is above half its level after a sixth of a quarter... 1.7 ms at most.
            let range = if echo { 7_960..8_040 } else { 7_990..8_030 };
            assert!(range.contains(&at), "{capture} and {playback} Hz, echo {echo}: heard at {at}");
        }
    }
}

#[test]
fn the_end_of_the_stream_is_not_swallowed() {
    for echo in [false, true] {
        let events = hear(48_000, 48_000, &tone(48_000, 900, 1_000, 1_000), 480, echo);
        let blocks = events.iter().filter(|e| matches!(e, Event::Block(..))).count();
        assert!((100..=102).contains(&blocks), "{blocks}");
    }
}

#[test]
fn a_loss_in_the_ring_does_not_shift_what_follows() {
    let (mut writer, mut capture) = capture_ring(16_000, 100);
    let (_, _, _, mut reference) = playback_ring(&PlaybackConfig::new(16_000)).unwrap();
    let echo = EchoConfig { enabled: false, ..EchoConfig::default() };
    let config = EarConfig { echo, ..EarConfig::default() };
    let mut ear = Ear::new(&config, Box::new(Energy::new()), 16_000, 16_000).unwrap();
    let mut events = Vec::new();
    writer.push(&vec![0.0; 8_000]); // 1,600 fit
    ear.process(&mut capture, &mut reference, &mut collect(&mut events)).unwrap();
    writer.push(&vec![0.5; 160]);
    ear.process(&mut capture, &mut reference, &mut collect(&mut events)).unwrap();
    assert_eq!(onset(&events), 8_000);
    assert_eq!(capture.stats().dropped, 6_400);
}

#[test]
fn a_dead_microphone_does_not_leave_speech_open() {
    let (mut writer, mut capture) = capture_ring(16_000, 2_000);
    let (_, _, mut renderer, mut reference) = playback_ring(&PlaybackConfig::new(16_000)).unwrap();
    let mut ear = Ear::new(&EarConfig::default(), Box::new(Energy::new()), 16_000, 16_000).unwrap();
    let mut events = Vec::new();
    for block in tone(16_000, 500, 2_000, 1_000).chunks(160) {
        renderer.render(&mut [0.0; 160]);
        writer.push(block);
        ear.process(&mut capture, &mut reference, &mut collect(&mut events)).unwrap();
    }
    assert!(matches!(
        events.iter().rfind(|e| matches!(e, Event::Started(_) | Event::Ended(_))),
        Some(Event::Started(_))
    ));
    for _ in 0..120 {
        renderer.render(&mut [0.0; 160]);
        ear.process(&mut capture, &mut reference, &mut collect(&mut events)).unwrap();
    }
    let tail: Vec<&Event> = events.iter().rev().take(2).collect();
    assert!(matches!(tail[..], [Event::Starved(_), Event::Ended(_)]), "{tail:?}");
    assert_eq!(ear.stats().starved, 1);
    // It comes back.
    for _ in 0..20 {
        renderer.render(&mut [0.0; 160]);
        writer.push(&[0.0; 160]);
        ear.process(&mut capture, &mut reference, &mut collect(&mut events)).unwrap();
    }
    assert!(matches!(events.iter().rfind(|e| !matches!(e, Event::Voice(_))), Some(Event::Block(..))));
}

#[test]
fn the_size_of_the_steps_is_not_heard() {
    let captured = tone(48_000, 300, 700, 1_200);
    let whole = hear(48_000, 48_000, &captured, captured.len(), true);
    for step in [480, 1_440, 4_800] {
        assert!(hear(48_000, 48_000, &captured, step, true) == whole, "steps of {step}");
    }
}

#[test]
fn a_failing_detector_is_not_silent_about_it() {
    struct Broken;
    impl Vad for Broken {
        fn frame_len(&self) -> usize {
            512
        }
        fn predict(&mut self, _: &[f32]) -> Result<f32, duologue_vad::Error> {
            Err(duologue_vad::Error::new(duologue_vad::ErrorKind::Inference, "broken"))
        }
        fn reset(&mut self) {}
    }
    let (mut writer, mut capture) = capture_ring(16_000, 1_000);
    let (_, _, _, mut reference) = playback_ring(&PlaybackConfig::new(16_000)).unwrap();
    let mut ear = Ear::new(&EarConfig::default(), Box::new(Broken), 16_000, 16_000).unwrap();
    writer.push(&vec![0.0; 16_000]);
    let mut events = Vec::new();
    let error = ear.process(&mut capture, &mut reference, &mut collect(&mut events)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Model);
    assert_eq!(events.iter().filter(|e| matches!(e, Event::Block(..))).count(), 98);
    assert_eq!(ear.stats().failed_frames, 30);
}

/// A detector that hears speech in whatever is not silent, and in halves of frames.
struct Keen;

impl Vad for Keen {
    fn frame_len(&self) -> usize {
        512
    }
    fn predict(&mut self, frame: &[f32]) -> Result<f32, duologue_vad::Error> {
        Ok(if frame.iter().any(|x| x.abs() > 0.01) { 0.45 } else { 0.0 })
    }
    fn peek(&mut self, half: &[f32]) -> Result<Option<f32>, duologue_vad::Error> {
        self.predict(half).map(Some)
    }
    fn reset(&mut self) {}
}

/// When speech over an agent who hums `agent` is reported, in samples.
fn onset_over(agent: f32) -> Option<u64> {
    let (mut writer, mut capture) = capture_ring(16_000, 2_000);
    let (mut mouth, control, mut renderer, mut reference) =
        playback_ring(&PlaybackConfig::new(16_000)).unwrap();
    control.begin(crate::playback::Epoch(1));
    let mut ear = Ear::new(&EarConfig::default(), Box::new(Keen), 16_000, 16_000).unwrap();
    let voice = tone(16_000, 420, 700, 1_000);
    let mut onset = None;
    for (i, captured) in voice.chunks_exact(160).enumerate() {
        let hum: [f32; 160] = std::array::from_fn(|k| agent * ((i * 160 + k) as f32 * 0.7).sin());
        mouth.push(crate::playback::Epoch(1), &hum);
        renderer.render(&mut [0.0; 160]);
        writer.push(captured);
        ear.process(&mut capture, &mut reference, &mut |event| {
            if let EarEvent::SpeechStarted { detected_at, .. } = event {
                onset = onset.or(Some(detected_at));
            }
        })
        .unwrap();
    }
    onset
}

#[test]
fn speech_over_the_agent_is_not_waited_for_as_long_as_other_speech() {
    assert_eq!(onset_over(0.0), None, "less sure than the threshold");
    // 420 ms are 13 frames and 64 samples.
    assert_eq!(onset_over(0.01), Some(13 * 512 + 256));
}

#[test]
fn a_decision_is_not_waited_for_longer_than_its_sound_takes() {
    for rate in [16_000, 44_100, 48_000] {
        let (mut writer, mut capture) = capture_ring(rate, 2_000);
        let (_, _, mut renderer, mut reference) = playback_ring(&PlaybackConfig::new(48_000)).unwrap();
        let mut ear = Ear::new(&EarConfig::default(), Box::new(Keen), rate, 48_000).unwrap();
        let (mut looks, mut early) = (0, 0);
        for samples in tone(rate, 500, 900, 2_000).chunks(rate as usize / 1_000) {
            renderer.render(&mut [0.0; 48]);
            writer.push(samples);
            let due = ear.due(&mut capture);
            let mut decided = false;
            ear.process(&mut capture, &mut reference, &mut |event| {
                decided |= !matches!(event, EarEvent::Block { .. });
            })
            .unwrap();
            assert!(!decided || due.is_zero(), "{rate} Hz: decided {due:?} before it was due");
            looks += 1;
            early += u32::from(!due.is_zero());
        }
        assert!(early * 10 > looks * 9, "{rate} Hz: {early} of {looks} looks would find nothing");
    }
}
