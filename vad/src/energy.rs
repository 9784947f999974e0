//! Voice activity from loudness alone, for hosts without the shared libraries.
//!
//! Each 10 ms frame's energy above 300 Hz is compared with the noise floor: the smallest energy of
//! the last two seconds. The probability grows with the distance between them, so the
//! signal's overall level does not matter.
//!
//! Invariant: after any signal, two seconds of steady sound of any level are heard as
//! noise. Life cycle: [`Energy::new`], [`Vad::predict`] per frame, [`Vad::reset`] after a gap.
//!
//! Limits: any sound that is louder than what came before is speech to it (doors, keys, music);
//! steady sound is not (a held vowel fades out after two seconds); a room that grows louder is
//! speech until the floor has followed; and a stream that starts in the middle of a word hears nothing
//! until the first pause. On 15 labelled clips: precision .905, recall .915, F1 .910 per 10 ms, where
//! Silero has .946 (`examples/score.rs`); on noise alone it raises several times as many false alarms.
//!
//! ```
//! use duologue_vad::{Energy, Vad};
//!
//! let mut vad = Energy::new();
//! let probability = vad.predict(&[0.0; 160])?;
//! assert!(probability < 0.1);
//! # Ok::<(), duologue_vad::Error>(())
//! ```

use crate::floor::Floor;
use crate::high_pass::HighPass;
use crate::{Error, ErrorKind, Vad};

/// 10 ms.
const FRAME: usize = 160;
/// The floor is the minimum over this many stretches of [`STRETCH`] frames: two seconds.
const STRETCHES: usize = 8;
const STRETCH: usize = 25;
/// Nothing is quieter than this, in dB of full scale: digital silence must not make the faintest hiss speech.
const QUIETEST: f32 = -72.0;
/// Distance from the floor, in dB, at which speech and noise are equally likely, and how steeply
/// the probability grows around it. Tuned on 15 labelled clips; see `examples/score.rs`.
const MIDDLE: f32 = 9.0;
const SLOPE: f32 = 0.31;

/// A [`Vad`] that compares each frame's energy with an adaptive noise floor.
#[derive(Clone, Debug)]
pub struct Energy {
    high_pass: HighPass,
    /// Smoothed energy, dB.
    energy: f32,
    /// The noise floor, dB.
    floor: Floor<STRETCHES, STRETCH>,
}

impl Energy {
    /// A detector that has heard nothing yet.
    pub fn new() -> Self {
        Self { high_pass: HighPass::default(), energy: QUIETEST, floor: Floor::new() }
    }

    /// The noise floor, in dB of full scale; the quietest level there is before anything was heard.
    pub fn noise_floor(&self) -> f32 {
        let floor = self.floor.get();
        if floor.is_finite() { floor.max(QUIETEST) } else { QUIETEST }
    }
}

impl Default for Energy {
    fn default() -> Self {
        Self::new()
    }
}

impl Vad for Energy {
    fn frame_len(&self) -> usize {
        FRAME
    }

    fn predict(&mut self, frame: &[f32]) -> Result<f32, Error> {
        if frame.len() != FRAME {
            let message = format!("a frame of {} samples: the energy VAD hears {FRAME}", frame.len());
            return Err(Error::new(ErrorKind::FrameLength, message));
        }
        let power = frame.iter().map(|&x| self.high_pass.step(x).powi(2)).sum::<f32>() / FRAME as f32;
        let now = 10.0 * (power + 1e-12).log10();
        self.energy = if now > self.energy { now } else { 0.7 * self.energy + 0.3 * now };
        self.floor.track(now.max(QUIETEST));
        let distance = self.energy - self.noise_floor();
        Ok(1.0 / (1.0 + (-(distance - MIDDLE) * SLOPE).exp()))
    }

    fn reset(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
#[path = "energy_tests.rs"]
mod tests;
