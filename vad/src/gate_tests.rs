use super::*;

const FRAME: usize = 512;

/// Calls everything above −40 dB speech; counts how often it is asked, and keeps the frame before the latest.
#[derive(Default)]
struct Loud {
    asked: usize,
    before: f32,
    latest: f32,
}

impl Vad for Loud {
    fn frame_len(&self) -> usize {
        FRAME
    }

    fn predict(&mut self, frame: &[f32]) -> Result<f32, Error> {
        self.asked += 1;
        (self.before, self.latest) = (self.latest, frame[0]);
        let power = frame.iter().map(|x| x * x).sum::<f32>() / FRAME as f32;
        Ok(if power > 1e-4 { 0.9 } else { 0.02 })
    }

    fn peek(&mut self, _: &[f32]) -> Result<Option<f32>, Error> {
        Ok(Some(self.latest))
    }

    fn reset(&mut self) {}
}

/// Noise of this root mean square, another in each frame.
fn hiss(amplitude: f32, seed: usize) -> Vec<f32> {
    let mut state = seed as u32 + 1;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state) as f32 / u32::MAX as f32 - 0.5
    };
    (0..FRAME).map(|_| (0..4).map(|_| noise()).sum::<f32>() * amplitude * 1.73).collect()
}

fn asked_about(gated: &mut Gated<Loud>, frames: impl Iterator<Item = Vec<f32>>) -> usize {
    let before = gated.vad.asked;
    frames.for_each(|frame| assert!(gated.predict(&frame).unwrap() <= 1.0));
    gated.vad.asked - before
}

#[test]
fn a_quiet_room_is_not_asked_about_all_the_time() {
    for amplitude in [0.0, 1e-5, 1e-3, 8e-3] {
        let mut gated = Gated::new(Loud::default());
        asked_about(&mut gated, (0..300).map(|seed| hiss(amplitude, seed)));
        let asked = asked_about(&mut gated, (300..1_300).map(|seed| hiss(amplitude, seed)));
        assert!(asked < 100, "{amplitude}: {asked} of 1000");
        assert!(asked >= 1_000 / CHECK as usize);
    }
}

#[test]
fn what_stands_out_of_the_room_does_not_go_unasked() {
    let mut gated = Gated::new(Loud::default());
    asked_about(&mut gated, (0..300).map(|seed| hiss(1e-3, seed)));
    for seed in 300..400 {
        // Half as loud again.
        assert!(asked_about(&mut gated, std::iter::once(hiss(1.5e-3, seed))) >= 1, "{seed}");
        asked_about(&mut gated, (0..60).map(|more| hiss(1e-3, seed * 100 + more)));
    }
}

#[test]
fn a_soft_hiss_over_a_loud_hum_does_not_go_unasked() {
    let hum = |at: usize| (0..FRAME).map(move |i| ((at * FRAME + i) as f32 * 0.039).sin() * 0.008);
    let mut gated = Gated::new(Loud::default());
    asked_about(&mut gated, (0..300).map(|at| hum(at).collect()));
    let s = hum(300).zip(hiss(1e-3, 300)).map(|(hum, hiss)| hum + hiss).collect();
    assert!(asked_about(&mut gated, std::iter::once(s)) >= 1);
}

#[test]
fn a_slam_does_not_make_it_deaf() {
    let mut gated = Gated::new(Loud::default());
    asked_about(&mut gated, (0..300).map(|seed| hiss(1e-4, seed)));
    // 39 dB above the room, but no speech to the detector.
    asked_about(&mut gated, (0..20).map(|seed| hiss(9e-3, seed)));
    assert_eq!(asked_about(&mut gated, (0..8).map(|seed| hiss(2e-4, seed))), 8);
}

#[test]
fn a_room_that_grows_louder_is_not_asked_about_for_ever() {
    let mut gated = Gated::new(Loud::default());
    asked_about(&mut gated, (0..300).map(|seed| hiss(1e-4, seed)));
    asked_about(&mut gated, (0..70).map(|seed| hiss(5e-3, seed)));
    assert!(asked_about(&mut gated, (0..100).map(|seed| hiss(5e-3, seed))) < 50);
}

#[test]
fn speech_is_not_heard_without_what_was_before_it() {
    let mut gated = Gated::new(Loud::default());
    asked_about(&mut gated, (0..302).map(|_| vec![1e-5; FRAME]));
    let unasked = gated.unasked;
    assert!(unasked > 0, "the gate is shut");
    assert_eq!(gated.predict(&[0.5; FRAME]).unwrap(), 0.9);
    assert_eq!((gated.vad.before, gated.vad.latest), (1e-5, 0.5));
    // Every frame within the next quarter of a second.
    assert_eq!(asked_about(&mut gated, (0..CALM as usize).map(|_| vec![0.0; FRAME])), CALM as usize);
}

#[test]
fn a_frame_in_between_does_not_miss_the_one_before() {
    let mut gated = Gated::new(Loud::default());
    asked_about(&mut gated, (0..301).map(|_| vec![0.0; FRAME]));
    asked_about(&mut gated, (0..2).map(|_| vec![1e-5; FRAME]));
    assert!(gated.unasked > 0, "the gate is shut");
    assert_eq!(gated.peek(&[0.5; FRAME / 2]).unwrap(), Some(1e-5));
}

#[test]
fn samples_that_are_no_numbers_do_not_hide_others() {
    let mut gated = Gated::new(Loud::default());
    asked_about(&mut gated, (0..300).map(|seed| hiss(1e-3, seed)));
    let mut frame = hiss(9e-2, 1);
    (frame[1], frame[200], frame[400]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
    assert!(asked_about(&mut gated, std::iter::once(frame)) >= 1);
    assert!(gated.predict(&[0.0; 3]).is_ok(), "what the detector makes of it is the detector's business");
}
