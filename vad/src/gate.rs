//! Asks a detector only about frames that may hold something.
//!
//! In a quiet room a neural detector is asked thirty times a second about the same hiss, and that is most of
//! what an idle ear costs. A [`Gated`] detector compares each frame's loudest 16 ms, above 300 Hz and in its
//! highest frequencies, with the softest frame of the last two seconds. A frame that is hardly louder in
//! both is not asked about: it gets the latest answer. One in 32 is asked about nevertheless.
//!
//! Silero is then asked about 4 % of the frames of white and pink noise, about 38–96 % of three recordings of noise,
//! and on 15 labelled clips finds the same speech as soon (F1 and onset lags of `examples/score.rs`).
//!
//! Invariant: a frame that stands out of the room's steady sound, and any frame within a quarter of a second
//! of one that may hold speech, gets the detector's own answer, after it has heard the frame before. No noise,
//! however loud, makes it deaf to what is softer: a room counts as quiet when it has been for two seconds.
//!
//! ```
//! use duologue_vad::{Energy, Gated, Vad};
//!
//! let mut vad = Gated::new(Energy::new());
//! assert!(vad.predict(&[0.0; 160])? < 0.1);
//! # Ok::<(), duologue_vad::Error>(())
//! ```

use crate::floor::Floor;
use crate::high_pass::HighPass;
use crate::{Error, Vad};

/// Samples that a level is taken over: 16 ms.
const PIECE: usize = 256;
/// A probability from which a frame may hold speech.
const DOUBT: f32 = 0.15;
/// Frames without speech in a row before one goes unasked.
const CALM: u32 = 8;
/// Of this many frames one is asked about, however quiet they are.
const CHECK: u32 = 32;
/// The floor is the minimum over this many stretches of [`STRETCH`] frames: two seconds of Silero's.
const STRETCHES: usize = 4;
const STRETCH: usize = 16;
/// The lowest floor: −74 dB of full scale, in power. Speech is not understood there.
const QUIETEST: f32 = 4e-8;
/// How far above the floor a frame is still the room's, in power: 2 dB. A steady hiss varies by that much.
const MARGIN: f32 = 1.585;

/// A [`Vad`] behind a gate.
#[derive(Debug)]
pub struct Gated<V> {
    vad: V,
    /// The latest frame, if it went unasked.
    passed: Vec<f32>,
    /// How many in a row went unasked.
    unasked: u32,
    /// Frames in a row that held no speech, of those asked about.
    calm: u32,
    meter: Meter,
    /// The softest frame of the last two seconds.
    floor: [Floor<STRETCHES, STRETCH>; 2],
    probability: f32,
}

/// Tells how loud frames are, without the rumble that varies most and says least.
#[derive(Debug, Default)]
struct Meter {
    high_pass: [HighPass; 2],
    /// The latest sample behind the first of them.
    before: f32,
}

impl<V: Vad> Gated<V> {
    /// Puts a gate, which is open at first, before `vad`.
    pub fn new(vad: V) -> Self {
        let passed = vec![0.0; vad.frame_len()];
        Self {
            vad,
            passed,
            unasked: 0,
            calm: 0,
            meter: Meter::default(),
            floor: [Floor::new(), Floor::new()],
            probability: 0.0,
        }
    }

    fn stands_out(&self, level: [f32; 2]) -> bool {
        level.iter().zip(&self.floor).any(|(level, floor)| *level > floor.get().max(QUIETEST) * MARGIN)
    }

    /// Lets the detector hear the frame before the one that it is asked about now.
    fn catch_up(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.unasked) > 0 {
            self.vad.predict(&self.passed)?;
        }
        Ok(())
    }
}

impl<V: Vad> Vad for Gated<V> {
    fn frame_len(&self) -> usize {
        self.vad.frame_len()
    }

    fn predict(&mut self, frame: &[f32]) -> Result<f32, Error> {
        let level = self.meter.level(frame);
        let stands_out = self.stands_out(level);
        self.floor.iter_mut().zip(level).for_each(|(floor, level)| floor.track(level));
        let is_due = self.calm < CALM || self.unasked + 1 >= CHECK;
        if !stands_out && !is_due && frame.len() == self.passed.len() {
            self.passed.copy_from_slice(frame);
            self.unasked += 1;
            return Ok(self.probability);
        }
        if stands_out {
            self.catch_up()?;
        }
        self.unasked = 0;
        self.probability = self.vad.predict(frame)?;
        self.calm = if self.probability < DOUBT { self.calm.saturating_add(1) } else { 0 };
        Ok(self.probability)
    }

    fn peek(&mut self, half: &[f32]) -> Result<Option<f32>, Error> {
        self.catch_up()?;
        self.vad.peek(half)
    }

    fn reset(&mut self) {
        self.vad.reset();
        (self.unasked, self.calm, self.probability) = (0, 0, 0.0);
    }
}

impl Meter {
    /// Power of a frame's loudest piece: above 300 Hz, and of the steps from sample to sample.
    fn level(&mut self, frame: &[f32]) -> [f32; 2] {
        let mut loudest = [0.0_f32; 2];
        for piece in frame.chunks(PIECE) {
            let mut power = [0.0; 2];
            for &x in piece {
                let x = self.high_pass[0].step(x);
                power[0] += self.high_pass[1].step(x).powi(2);
                power[1] += (x - self.before).powi(2);
                self.before = x;
            }
            for (loudest, power) in loudest.iter_mut().zip(power) {
                *loudest = loudest.max(power / piece.len() as f32);
            }
        }
        loudest
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
