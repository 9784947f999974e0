//! How well a detector agrees with a person: precision, recall and F1 per 10 ms.
//!
//! Read a labelled set with [`labelled_files`], read each recording, score it with [`score`], and
//! sum the [`Confusion`]s up. Invariant: every 10 ms of the recording that the labels cover is
//! counted exactly once, at its middle.
//!
//! ```
//! use duologue_vad::score::{Labels, compare};
//!
//! let labels = Labels::parse("clip,0.0,0.5,0,0.5,1.0,1")?;
//! let confusion = compare(&[8_000..12_000], &labels, 16_000);
//! assert_eq!(confusion.precision(), 1.0);
//! assert_eq!(confusion.recall(), 0.5);
//! # Ok::<(), duologue_vad::Error>(())
//! ```

use std::iter::Sum;
use std::ops::{Add, Range};

pub use crate::labels::{LabelledFile, Labels, labelled_files};
use crate::{Error, SAMPLE_RATE, SegmenterConfig, Vad, segments};

/// Samples in one scored frame: 10 ms.
const FRAME: u64 = SAMPLE_RATE as u64 / 100;

/// Frames of 10 ms, by what the detector and the labels say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confusion {
    /// Both say speech.
    pub true_positives: u64,
    /// Only the detector says speech.
    pub false_positives: u64,
    /// Only the labels say speech.
    pub false_negatives: u64,
    /// Neither says speech.
    pub true_negatives: u64,
}

impl Confusion {
    /// Of the frames detected, the fraction that is speech; 1.0 if none was detected.
    pub fn precision(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_positives)
    }

    /// Of the frames of speech, the fraction that was detected; 1.0 if there is none.
    pub fn recall(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// The harmonic mean of precision and recall; 1.0 if there was nothing to detect and nothing was.
    pub fn f1(&self) -> f64 {
        let wrong = self.false_positives + self.false_negatives;
        ratio(2 * self.true_positives, 2 * self.true_positives + wrong)
    }

    /// Frames counted.
    pub fn frames(&self) -> u64 {
        self.true_positives + self.false_positives + self.false_negatives + self.true_negatives
    }

    fn count(&mut self, detected: bool, speech: bool) {
        let cell = match (detected, speech) {
            (true, true) => &mut self.true_positives,
            (true, false) => &mut self.false_positives,
            (false, true) => &mut self.false_negatives,
            (false, false) => &mut self.true_negatives,
        };
        *cell += 1;
    }
}

impl Add for Confusion {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            true_positives: self.true_positives + other.true_positives,
            false_positives: self.false_positives + other.false_positives,
            false_negatives: self.false_negatives + other.false_negatives,
            true_negatives: self.true_negatives + other.true_negatives,
        }
    }
}

impl Sum for Confusion {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

/// Runs `vad` over a recording and compares what it finds with `labels`.
///
/// # Errors
/// As [`segments`].
pub fn score(
    samples16k: &[f32],
    labels: &Labels,
    vad: &mut dyn Vad,
    config: &SegmenterConfig,
) -> Result<Confusion, Error> {
    let found = segments(samples16k, vad, config)?;
    Ok(compare(&found, labels, samples16k.len() as u64))
}

/// Compares segments (sorted, in samples) of a recording of `length` samples with `labels`. What
/// the labels do not cover is not counted.
pub fn compare(segments: &[Range<u64>], labels: &Labels, length: u64) -> Confusion {
    let mut confusion = Confusion::default();
    let mut rest = segments;
    for middle in (0..length / FRAME).map(|i| i * FRAME + FRAME / 2) {
        let seconds = middle as f64 / f64::from(SAMPLE_RATE);
        if seconds >= labels.end() {
            break;
        }
        while rest.first().is_some_and(|segment| segment.end <= middle) {
            rest = &rest[1..];
        }
        let detected = rest.first().is_some_and(|segment| segment.contains(&middle));
        confusion.count(detected, labels.speech_at(seconds));
    }
    confusion
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_frame_is_counted_twice_or_left_out() {
        let labels = Labels::parse("clip,0.0,0.3,0,0.3,0.6,1,0.6,1.0,0").unwrap();
        let confusion = compare(&[1_600..3_200, 6_400..11_200], &labels, 16_000);
        let expected =
            Confusion { true_positives: 20, false_positives: 20, false_negatives: 10, true_negatives: 50 };
        assert_eq!(confusion, expected);
        assert_eq!(confusion.frames(), 100);
        assert!((confusion.f1() - 40.0 / 70.0).abs() < 1e-12);
        let twice: Confusion = [confusion; 2].into_iter().sum();
        assert_eq!(twice.frames(), 200);
    }

    #[test]
    fn a_recording_without_speech_does_not_score_nan() {
        let labels = Labels::parse("clip,0.0,1.0,0").unwrap();
        let confusion = compare(&[], &labels, 16_000);
        assert_eq!((confusion.precision(), confusion.recall(), confusion.f1()), (1.0, 1.0, 1.0));
        assert_eq!(compare(std::slice::from_ref(&(0..16_000)), &labels, 16_000).f1(), 0.0);
    }

    #[test]
    fn what_is_not_labelled_is_not_counted() {
        let labels = Labels::parse("clip,0.0,0.5,1").unwrap();
        assert_eq!(compare(&[], &labels, 16_000).frames(), 50);
        assert_eq!(compare(&[], &labels, 4_000).frames(), 25);
    }
}
