//! Hears a stream in pieces of any size and says when speech starts and ends.
//!
//! A [`Detector`] is a [`Vad`], a [`Segmenter`] and the re-blocker between them. Invariant: the
//! clock advances by exactly the samples pushed, whatever happens, so that every event's index
//! stays true; the same samples give the same events however they are cut into pieces.
//!
//! Life cycle: [`Detector::new`], [`Detector::push`] for every piece of audio, [`Detector::finish`]
//! at the end of the stream or [`Detector::reset`] after a gap. After `new`, nothing here allocates.
//!
//! ```
//! use duologue_vad::{Detector, Energy, SegmenterConfig, VadEvent};
//!
//! let mut detector = Detector::new(Energy::new(), &SegmenterConfig::responsive())?;
//! let mut started = 0;
//! detector.push(&[0.0; 1600], &mut |event| started += usize::from(matches!(event, VadEvent::SpeechStarted { .. })))?;
//! assert_eq!(started, 0);
//! # Ok::<(), duologue_vad::Error>(())
//! ```

use std::ops::Range;

use crate::{Error, Segmenter, SegmenterConfig, Vad, VadEvent};

/// What the latest whole frame sounded like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// The probability, `0.0..=1.0`, that the frame holds speech.
    pub probability: f32,
    /// The frame's root mean square, full scale = 1.0.
    pub rms: f32,
    /// Index of the sample after the frame.
    pub end: u64,
}

/// A [`Vad`] with a [`Segmenter`], for a stream in pieces of any size.
#[derive(Debug)]
pub struct Detector<V> {
    vad: V,
    segmenter: Segmenter,
    /// The frame being filled.
    frame: Box<[f32]>,
    filled: usize,
    level: Level,
    bad_samples: u64,
    failed_frames: u64,
}

impl<V: Vad> Detector<V> {
    /// A detector whose first sample has index 0.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Config`] for a value out of range; [`crate::ErrorKind::FrameLength`] if
    /// the detector wants frames longer than 100 ms.
    pub fn new(vad: V, config: &SegmenterConfig) -> Result<Self, Error> {
        let segmenter = Segmenter::new(config, vad.frame_len())?;
        let frame = vec![0.0; vad.frame_len()].into_boxed_slice();
        Ok(Self {
            vad,
            segmenter,
            frame,
            filled: 0,
            level: Level::default(),
            bad_samples: 0,
            failed_frames: 0,
        })
    }

    /// Hears `samples` and tells `on_event` what they decide. NaN and infinite samples are taken
    /// as silence and counted.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Inference`] if the detector failed on a frame. That frame counts as
    /// silence, all of `samples` are heard nevertheless, and the first failure is returned.
    pub fn push(&mut self, samples: &[f32], on_event: &mut dyn FnMut(VadEvent)) -> Result<(), Error> {
        let mut rest = samples;
        let mut outcome = Ok(());
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(self.frame.len() - self.filled));
            self.fill(now);
            rest = later;
            if self.filled == self.frame.len() {
                outcome = outcome.and(self.hear_frame(on_event));
            }
        }
        outcome
    }

    /// Ends the stream: hears the samples that do not fill a frame, completed with silence, and
    /// ends speech under way. The clock then stands at the end of that frame.
    ///
    /// # Errors
    /// As [`Detector::push`].
    pub fn finish(&mut self, on_event: &mut dyn FnMut(VadEvent)) -> Result<(), Error> {
        let mut outcome = Ok(());
        if self.filled > 0 {
            self.frame[self.filled..].fill(0.0);
            outcome = self.hear_frame(on_event);
        }
        if let Some(event) = self.segmenter.finish() {
            on_event(event);
        }
        outcome
    }

    /// Forgets everything heard; the next sample has index `clock`. The counts stay.
    pub fn reset(&mut self, clock: u64) {
        self.vad.reset();
        self.segmenter.reset(clock);
        self.filled = 0;
        self.level = Level { end: clock, ..Level::default() };
    }

    /// What the latest whole frame sounded like.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Index of the next sample to be pushed.
    pub fn clock(&self) -> u64 {
        self.segmenter.clock() + self.filled as u64
    }

    /// Whether a reported segment is under way.
    pub fn in_speech(&self) -> bool {
        self.segmenter.in_speech()
    }

    /// Samples of speech in the segment under way; see [`Segmenter::voiced`].
    pub fn voiced(&self) -> u64 {
        self.segmenter.voiced()
    }

    /// How many samples were NaN or infinite.
    pub fn bad_samples(&self) -> u64 {
        self.bad_samples
    }

    /// How many frames the detector failed on.
    pub fn failed_frames(&self) -> u64 {
        self.failed_frames
    }

    fn fill(&mut self, samples: &[f32]) {
        let end = self.filled + samples.len();
        for (to, &from) in self.frame[self.filled..end].iter_mut().zip(samples) {
            *to = if from.is_finite() { from } else { 0.0 };
            self.bad_samples += u64::from(!from.is_finite());
        }
        self.filled = end;
    }

    fn hear_frame(&mut self, on_event: &mut dyn FnMut(VadEvent)) -> Result<(), Error> {
        self.filled = 0;
        let outcome = self.vad.predict(&self.frame);
        self.failed_frames += u64::from(outcome.is_err());
        let probability = *outcome.as_ref().unwrap_or(&0.0);
        self.segmenter.push(probability).for_each(on_event);
        let energy: f32 = self.frame.iter().map(|x| x * x).sum();
        let rms = (energy / self.frame.len() as f32).sqrt();
        self.level = Level { probability, rms, end: self.segmenter.clock() };
        outcome.map(drop)
    }
}

/// The speech in a whole recording, as sample ranges; `vad` is reset first.
///
/// ```
/// use duologue_vad::{Energy, SegmenterConfig, segments};
///
/// let silence = vec![0.0; 16_000];
/// assert!(segments(&silence, &mut Energy::new(), &SegmenterConfig::accurate())?.is_empty());
/// # Ok::<(), duologue_vad::Error>(())
/// ```
///
/// # Errors
/// As [`Detector::new`] and [`Detector::push`].
pub fn segments(
    samples16k: &[f32],
    vad: &mut dyn Vad,
    config: &SegmenterConfig,
) -> Result<Vec<Range<u64>>, Error> {
    vad.reset();
    let mut detector = Detector::new(vad, config)?;
    let mut segments = Vec::new();
    let mut start = 0;
    let length = samples16k.len() as u64;
    let mut on_event = |event| match event {
        VadEvent::SpeechStarted { at, .. } => start = at,
        VadEvent::SpeechEnded { at, .. } => segments.push(start..at.min(length)),
    };
    detector.push(samples16k, &mut on_event)?;
    detector.finish(&mut on_event)?;
    Ok(segments)
}

#[cfg(test)]
#[path = "detector_tests.rs"]
mod tests;
