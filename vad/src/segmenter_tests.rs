use std::ops::Range;

use proptest::prelude::*;

use super::*;

const FRAME: u64 = 512;

fn run(config: &SegmenterConfig, frame: usize, probabilities: &[f32]) -> Vec<VadEvent> {
    let mut segmenter = Segmenter::new(config, frame).unwrap();
    let mut events: Vec<_> = probabilities.iter().flat_map(|&p| segmenter.push(p)).collect();
    events.extend(segmenter.finish());
    events
}

/// Pairs starts with ends, or says what is out of place.
fn pair(events: &[VadEvent]) -> Result<Vec<Range<u64>>, String> {
    let mut segments: Vec<Range<u64>> = Vec::new();
    let mut open = None;
    for &event in events {
        match (event, open) {
            (VadEvent::SpeechStarted { at, detected_at }, None) if at <= detected_at => open = Some(at),
            (VadEvent::SpeechEnded { at, detected_at }, Some(start)) if start < at && at <= detected_at => {
                segments.push(start..at);
                open = None;
            }
            _ => return Err(format!("out of place: {event:?} in {events:?}")),
        }
    }
    if open.is_some() {
        return Err(format!("never ended: {events:?}"));
    }
    if segments.windows(2).any(|w| w[0].end > w[1].start) {
        return Err(format!("overlap: {segments:?}"));
    }
    Ok(segments)
}

/// Frames that must be heard: runs that start at the onset, stay over the offset and last long
/// enough; found by looking at the whole stream at once.
fn confirmed_frames(config: &SegmenterConfig, frame: u64, probabilities: &[f32]) -> Vec<usize> {
    let mut frames = Vec::new();
    let mut i = 0;
    while i < probabilities.len() {
        if probabilities[i].is_nan() || probabilities[i] < config.onset {
            i += 1;
            continue;
        }
        let len = probabilities[i..].iter().take_while(|&&p| p >= config.offset).count();
        if len as u64 * frame >= samples(config.min_speech_ms) {
            frames.extend(i..i + len);
        }
        i += len;
    }
    frames
}

fn covered(segments: &[Range<u64>], range: Range<u64>) -> bool {
    let mut at = range.start;
    for segment in segments {
        if segment.start <= at && at < segment.end {
            at = segment.end;
        }
    }
    at >= range.end
}

prop_compose! {
    fn configs()(
        onset in 0.05f32..=1.0, ratio in 0.01f32..=1.0, min_speech_ms in 0u32..400,
        hangover_ms in 0u32..600, pre_roll_ms in 0u32..500, post in 0.0f32..=1.0, extra in 100u32..2_000,
    ) -> SegmenterConfig {
        SegmenterConfig {
            onset,
            offset: onset * ratio,
            min_speech_ms,
            hangover_ms,
            pre_roll_ms,
            post_roll_ms: (hangover_ms as f32 * post) as u32,
            max_speech_ms: pre_roll_ms + min_speech_ms + extra,
        }
    }
}

/// Probabilities as a detector gives them: stretches of speech and silence, with outliers.
fn probabilities() -> impl Strategy<Value = Vec<f32>> {
    let level = prop_oneof![0.0f32..=1.0, Just(0.0), Just(1.0), Just(f32::NAN), Just(f32::INFINITY)];
    prop::collection::vec((level, 1usize..40), 0..30)
        .prop_map(|runs| runs.into_iter().flat_map(|(level, n)| vec![level; n]).collect())
}

proptest! {
    #[test]
    fn segments_never_overlap_and_every_start_ends(
        config in configs(), frame in 1usize..=1600, probabilities in probabilities(),
    ) {
        let events = run(&config, frame, &probabilities);
        let segments = pair(&events).map_err(TestCaseError::fail)?;
        for segment in &segments {
            prop_assert!(segment.end - segment.start <= samples(config.max_speech_ms), "{segment:?}");
            prop_assert!(segment.end <= (probabilities.len() * frame) as u64);
        }
    }

    #[test]
    fn speech_begun_early_does_not_overlap_and_does_not_go_on_for_ever(
        config in configs(), frame in 16usize..=1600, probabilities in probabilities(), early in any::<u64>(),
    ) {
        let config = SegmenterConfig { min_speech_ms: 0, ..config };
        let mut segmenter = Segmenter::new(&config, frame).unwrap();
        let mut events = Vec::new();
        for (i, &probability) in probabilities.iter().enumerate() {
            events.extend(segmenter.push(probability));
            if early.rotate_left(i as u32) & 3 == 0 {
                events.extend(segmenter.begin(early % (frame as u64 + 1)));
            }
        }
        events.extend(segmenter.finish());
        for segment in pair(&events).map_err(TestCaseError::fail)? {
            prop_assert!(segment.end - segment.start <= samples(config.max_speech_ms), "{segment:?}");
        }
    }

    #[test]
    fn no_confirmed_frame_is_lost(
        config in configs(), frame in 1usize..=1600, probabilities in probabilities(),
    ) {
        let segments = pair(&run(&config, frame, &probabilities)).map_err(TestCaseError::fail)?;
        for i in confirmed_frames(&config, frame as u64, &probabilities) {
            let start = (i * frame) as u64;
            prop_assert!(covered(&segments, start..start + frame as u64), "frame {i} of {segments:?}");
        }
    }

    #[test]
    fn no_frame_over_the_onset_is_lost_when_nothing_need_be_confirmed(
        config in configs(), probabilities in probabilities(),
    ) {
        let config = SegmenterConfig { min_speech_ms: 0, ..config };
        let segments = pair(&run(&config, 512, &probabilities)).map_err(TestCaseError::fail)?;
        for (i, _) in probabilities.iter().enumerate().filter(|(_, p)| **p >= config.onset) {
            let start = i as u64 * FRAME;
            prop_assert!(covered(&segments, start..start + FRAME));
        }
    }

    #[test]
    fn nothing_below_the_onset_starts_speech(config in configs(), n in 0usize..200) {
        let below = config.onset * 0.999;
        prop_assert!(run(&config, 512, &vec![below; n]).is_empty());
    }

    #[test]
    fn silence_always_ends_speech_within_the_hangover(config in configs(), probabilities in probabilities()) {
        let mut segmenter = Segmenter::new(&config, 512).unwrap();
        for p in probabilities {
            let _ = segmenter.push(p);
        }
        let frames = samples(config.hangover_ms).div_ceil(FRAME).max(1);
        for _ in 0..frames {
            let _ = segmenter.push(0.0);
        }
        prop_assert!(!segmenter.in_speech());
        prop_assert_eq!(segmenter.voiced(), 0);
    }
}

fn config() -> SegmenterConfig {
    SegmenterConfig { pre_roll_ms: 64, post_roll_ms: 32, hangover_ms: 96, ..SegmenterConfig::responsive() }
}

#[test]
fn the_first_frame_is_not_reported_late() {
    let mut segmenter = Segmenter::new(&config(), 512).unwrap();
    for _ in 0..9 {
        assert_eq!(segmenter.push(0.0).count(), 0);
    }
    let started = VadEvent::SpeechStarted { at: 9 * FRAME - 1024, detected_at: 10 * FRAME };
    assert_eq!(segmenter.push(0.5).collect::<Vec<_>>(), [started]);
    assert_eq!(segmenter.voiced(), FRAME);
}

#[test]
fn pre_roll_does_not_reach_before_the_stream_or_into_the_previous_segment() {
    let probabilities = [0.9, 0.0, 0.0, 0.0, 0.0, 0.9];
    let segments = pair(&run(&config(), 512, &probabilities)).unwrap();
    assert_eq!(segments, [0..1024, 5 * FRAME - 1024..6 * FRAME]);

    let long = SegmenterConfig { pre_roll_ms: 5_000, ..config() };
    let segments = pair(&run(&long, 512, &probabilities)).unwrap();
    assert_eq!(segments, [0..1024, 1024..6 * FRAME]);
}

#[test]
fn a_click_is_not_speech_when_speech_must_be_confirmed() {
    let config = SegmenterConfig { min_speech_ms: 96, ..config() };
    assert!(run(&config, 512, &[0.0, 0.9, 0.9, 0.0, 0.9, 0.0]).is_empty());
    let segments = pair(&run(&config, 512, &[0.0, 0.0, 0.0, 0.9, 0.4, 0.9])).unwrap();
    assert_eq!((segments.len(), segments[0].clone()), (1, FRAME..6 * FRAME));
}

#[test]
fn hysteresis_does_not_end_speech_between_the_thresholds() {
    let mut probabilities = vec![0.9];
    probabilities.extend([0.4; 100]);
    assert_eq!(pair(&run(&config(), 512, &probabilities)).unwrap(), vec![0..101 * FRAME; 1]);
    assert!(run(&config(), 512, &[0.4; 100]).is_empty());
}

#[test]
fn a_forced_split_loses_no_sample() {
    let config = SegmenterConfig { max_speech_ms: 1_000, ..config() };
    let segments = pair(&run(&config, 512, &[0.9; 200])).unwrap();
    assert!(segments.len() > 5);
    assert_eq!(segments[0].start, 0);
    assert_eq!(segments.last().unwrap().end, 200 * FRAME);
    assert!(segments.windows(2).all(|w| w[0].end == w[1].start), "{segments:?}");
}

#[test]
fn voiced_time_does_not_count_pauses() {
    let mut segmenter = Segmenter::new(&config(), 512).unwrap();
    for p in [0.9, 0.9, 0.0, 0.0, 0.9] {
        let _ = segmenter.push(p);
    }
    assert_eq!(segmenter.voiced(), 3 * FRAME);
}

#[test]
fn reset_does_not_keep_speech_under_way() {
    let mut segmenter = Segmenter::new(&config(), 512).unwrap();
    let _ = segmenter.push(0.9);
    segmenter.reset(7_777);
    assert!(!segmenter.in_speech());
    assert_eq!(segmenter.finish(), None);
    let started = VadEvent::SpeechStarted { at: 7_777, detected_at: 7_777 + FRAME };
    assert_eq!(segmenter.push(0.9).next(), Some(started));
}

#[test]
fn an_impossible_frame_length_is_not_accepted() {
    for frame in [0, 1601] {
        let error = Segmenter::new(&config(), frame).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FrameLength);
    }
}
