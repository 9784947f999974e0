//! Voice activity detection: the [`Vad`] trait, Silero, energy, and the segmenter that turns
//! speech probabilities into absolute sample ranges.
//!
//! Audio goes in as mono `f32` (±1) at 16 kHz; [`VadEvent`]s and sample ranges come out, never audio.
//! Invariant: every index counts samples since the stream's start, so whoever keeps the audio can cut it
//! there. Use [`Detector`] for a stream, [`segments`] for a recording, [`score`] to compare with labels.
//! [`Silero`] needs the shared libraries and a model file; [`Energy`] needs nothing.
//!
//! ```
//! use duologue_vad::{Detector, Energy, SegmenterConfig, VadEvent};
//!
//! let mut detector = Detector::new(Energy::new(), &SegmenterConfig::responsive())?;
//! let mut heard = Vec::new();
//! detector.push(&[0.0; 16_000], &mut |event: VadEvent| heard.push(event))?;
//! let burst: Vec<f32> = (0..8_000).map(|i| if i % 2 == 0 { 0.5 } else { -0.5 }).collect();
//! detector.push(&burst, &mut |event| heard.push(event))?;
//! assert_eq!(heard, [VadEvent::SpeechStarted { at: 16_000 - 4_800, detected_at: 16_160 }]);
//! # Ok::<(), duologue_vad::Error>(())
//! ```
#![forbid(unsafe_code)]

mod config;
mod detector;
mod energy;
mod error;
mod floor;
mod gate;
mod high_pass;
mod labels;
pub mod score;
mod segmenter;
mod silero;

pub use config::SegmenterConfig;
pub use detector::{Detector, Level, segments};
pub use energy::Energy;
pub use error::{Error, ErrorKind};
pub use gate::Gated;
pub use segmenter::{Events, Segmenter, VadEvent};
pub use silero::{Silero, SileroModel};

/// Rate, in Hz, of every signal this crate hears.
pub const SAMPLE_RATE: u32 = 16_000;

/// Tells speech from everything else, frame by frame.
///
/// A `Vad` is owned by one thread; it may keep state between frames.
pub trait Vad: Send {
    /// Samples per call of [`Vad::predict`], at [`SAMPLE_RATE`].
    fn frame_len(&self) -> usize;

    /// The probability, in `0.0..=1.0`, that `frame` holds speech.
    ///
    /// # Errors
    /// [`ErrorKind::FrameLength`] if `frame.len() != self.frame_len()`; [`ErrorKind::Inference`] if
    /// the model fails.
    fn predict(&mut self, frame: &[f32]) -> Result<f32, Error>;

    /// The probability, in `0.0..=1.0`, that the frame from the middle of the latest one to the end of
    /// `half`, half a frame of new samples, holds speech. They will be part of the next frame all the
    /// same: nothing of this is remembered. `None` from a detector that cannot tell, as by default.
    ///
    /// # Errors
    /// As [`Vad::predict`], for a `half` of another length.
    fn peek(&mut self, half: &[f32]) -> Result<Option<f32>, Error> {
        let _ = half;
        Ok(None)
    }

    /// Forgets everything heard so far.
    fn reset(&mut self);
}

impl<V: Vad + ?Sized> Vad for &mut V {
    fn frame_len(&self) -> usize {
        (**self).frame_len()
    }

    fn predict(&mut self, frame: &[f32]) -> Result<f32, Error> {
        (**self).predict(frame)
    }

    fn peek(&mut self, half: &[f32]) -> Result<Option<f32>, Error> {
        (**self).peek(half)
    }

    fn reset(&mut self) {
        (**self).reset();
    }
}

impl<V: Vad + ?Sized> Vad for Box<V> {
    fn frame_len(&self) -> usize {
        (**self).frame_len()
    }

    fn predict(&mut self, frame: &[f32]) -> Result<f32, Error> {
        (**self).predict(frame)
    }

    fn peek(&mut self, half: &[f32]) -> Result<Option<f32>, Error> {
        (**self).peek(half)
    }

    fn reset(&mut self) {
        (**self).reset();
    }
}
