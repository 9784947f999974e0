use proptest::prelude::*;

use super::*;
use crate::ErrorKind;

/// Says how loud a frame's first sample is; fails on frames that start with 0.25.
#[derive(Default)]
struct Loudness {
    frames: Vec<Vec<f32>>,
}

impl Vad for Loudness {
    fn frame_len(&self) -> usize {
        160
    }

    fn predict(&mut self, frame: &[f32]) -> Result<f32, Error> {
        assert_eq!(frame.len(), 160);
        self.frames.push(frame.to_vec());
        if frame[0] == 0.25 {
            return Err(Error::new(ErrorKind::Inference, "0.25"));
        }
        Ok(frame[0].abs().min(1.0))
    }

    fn reset(&mut self) {
        self.frames.clear();
    }
}

fn detector() -> Detector<Loudness> {
    Detector::new(Loudness::default(), &SegmenterConfig::responsive()).unwrap()
}

proptest! {
    #[test]
    fn events_do_not_depend_on_how_the_signal_is_cut(
        runs in prop::collection::vec((-1.0f32..1.0, 1usize..4_000), 1..8),
        pieces in prop::collection::vec(0usize..700, 1..20),
    ) {
        let signal: Vec<f32> = runs.iter().flat_map(|&(level, n)| vec![level; n]).collect();
        let (mut whole, mut cut) = (Vec::new(), Vec::new());
        let mut one = detector();
        one.push(&signal, &mut |e| whole.push(e)).unwrap();

        let mut many = detector();
        let mut rest = &signal[..];
        for &n in pieces.iter().cycle().take_while(|_| pieces.iter().any(|&n| n > 0)) {
            let (now, later) = rest.split_at(n.min(rest.len()));
            many.push(now, &mut |e| cut.push(e)).unwrap();
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        many.push(rest, &mut |e| cut.push(e)).unwrap();
        prop_assert_eq!(&whole, &cut);
        prop_assert_eq!(many.clock(), signal.len() as u64);
        prop_assert_eq!(one.vad.frames.concat(), &signal[..signal.len() / 160 * 160]);
        prop_assert_eq!(one.vad.frames.concat(), many.vad.frames.concat());
    }
}

#[test]
fn samples_that_are_no_numbers_do_not_reach_the_model() {
    let mut detector = detector();
    let mut signal = [1.0; 160];
    (signal[0], signal[1], signal[2]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
    detector.push(&signal, &mut |_| {}).unwrap();
    assert_eq!(detector.bad_samples(), 3);
    assert_eq!(detector.vad.frames[0][..4], [0.0, 0.0, 0.0, 1.0]);
    assert!(detector.level().rms.is_finite());
}

#[test]
fn a_failing_frame_does_not_stop_the_clock_or_hold_speech() {
    let mut detector = detector();
    let mut events = Vec::new();
    detector.push(&[0.9; 1600], &mut |e| events.push(e)).unwrap();
    assert!(detector.in_speech());
    let error = detector.push(&[0.25; 16_000], &mut |e| events.push(e)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Inference);
    assert_eq!(detector.clock(), 17_600);
    assert_eq!(detector.failed_frames(), 100);
    assert!(!detector.in_speech());
    assert!(matches!(events[1], VadEvent::SpeechEnded { at: 2_560, detected_at: 4_800 }), "{events:?}");
}

#[test]
fn the_level_is_not_of_another_frame() {
    let mut detector = detector();
    detector.push(&[0.5; 160], &mut |_| {}).unwrap();
    detector.push(&[0.75; 239], &mut |_| {}).unwrap();
    assert_eq!(detector.level(), Level { probability: 0.75, rms: 0.75, end: 320 });
    assert_eq!(detector.clock(), 399);
    assert_eq!(detector.voiced(), 320);
}

#[test]
fn reset_does_not_keep_half_a_frame() {
    let mut detector = detector();
    detector.push(&[0.9; 200], &mut |_| {}).unwrap();
    detector.reset(1_000);
    assert_eq!((detector.clock(), detector.voiced()), (1_000, 0));
    detector.push(&[0.1; 160], &mut |_| {}).unwrap();
    assert_eq!(detector.level().end, 1_160);
    assert_eq!(detector.vad.frames[0], [0.1; 160]);
}

#[test]
fn the_last_samples_are_not_dropped() {
    let mut signal = vec![0.0; 1600];
    signal.extend([0.9; 100]);
    let config = SegmenterConfig { pre_roll_ms: 0, ..SegmenterConfig::responsive() };
    let found = segments(&signal, &mut Loudness::default(), &config).unwrap();
    assert_eq!((found.len(), found[0].clone()), (1, 1600..1700));
}

#[test]
fn an_empty_recording_is_not_an_error() {
    assert!(segments(&[], &mut Loudness::default(), &SegmenterConfig::default()).unwrap().is_empty());
}
