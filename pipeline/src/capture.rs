//! The capture ring: samples from the endpoint's callback to the ear thread.
//!
//! Invariant: the reader's sample index is the number of samples the endpoint has captured before,
//! whatever was lost on the way. An overflow loses the newest samples; the reader hears silence of
//! the same length in their place, and the loss is counted exactly.
//!
//! Life cycle: [`capture_ring`] → the writer moves into the callback, the reader into the ear.
//!
//! ```
//! use duologue_pipeline::capture::capture_ring;
//!
//! let (mut writer, mut reader) = capture_ring(48_000, 200);
//! writer.push(&[0.5, f32::NAN]);
//! let mut block = [0.0; 2];
//! assert_eq!(reader.read(&mut block), 2);
//! assert_eq!(block, [0.5, 0.0]);
//! assert_eq!(reader.stats().not_finite, 1);
//! ```

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) mod timeline;

pub use timeline::TimelineReader;
use timeline::{TimelineWriter, timeline};

/// Samples cleaned at a time; small enough for the stack of any callback.
const CHUNK: usize = 128;

/// A ring that holds `capacity_ms` milliseconds of mono samples at `rate` Hz.
#[must_use]
pub fn capture_ring(rate: u32, capacity_ms: u32) -> (CaptureWriter, CaptureReader) {
    let capacity = u64::from(rate) * u64::from(capacity_ms) / 1000;
    let (writer, reader) = timeline(rate, usize::try_from(capacity).unwrap_or(usize::MAX / 4));
    let not_finite = Arc::new(AtomicU64::new(0));
    (
        CaptureWriter { rate, timeline: writer, not_finite: Arc::clone(&not_finite) },
        CaptureReader { timeline: reader, not_finite },
    )
}

/// What became of the captured samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureStats {
    /// Samples lost because the ear did not keep up; it heard silence instead.
    pub dropped: u64,
    /// Samples that were NaN or infinite; they became silence.
    pub not_finite: u64,
}

/// The callback's half of the capture ring.
pub struct CaptureWriter {
    rate: u32,
    timeline: TimelineWriter,
    not_finite: Arc<AtomicU64>,
}

impl CaptureWriter {
    /// Hands over captured mono samples (±1.0), of any number.
    ///
    /// Real-time safe: it neither waits, allocates nor enters the kernel. What does not fit is lost
    /// and counted; NaN and infinities become silence and are counted.
    pub fn push(&mut self, samples: &[f32]) {
        if samples.iter().all(|x| x.is_finite()) {
            self.timeline.push(samples);
            return;
        }
        let mut clean = [0.0; CHUNK];
        let mut bad = 0;
        for chunk in samples.chunks(CHUNK) {
            let clean = &mut clean[..chunk.len()];
            for (to, &from) in clean.iter_mut().zip(chunk) {
                *to = if from.is_finite() { from } else { 0.0 };
                bad += u64::from(!from.is_finite());
            }
            self.timeline.push(clean);
        }
        self.not_finite.fetch_add(bad, Ordering::Relaxed);
    }

    /// Rate of the captured samples, in Hz.
    #[must_use]
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Samples captured so far, lost ones included.
    #[must_use]
    pub fn captured(&self) -> u64 {
        self.timeline.written()
    }
}

/// The ear's half of the capture ring: a [`TimelineReader`] that also counts bad floats.
pub struct CaptureReader {
    timeline: TimelineReader,
    not_finite: Arc<AtomicU64>,
}

impl CaptureReader {
    /// What became of the captured samples.
    #[must_use]
    pub fn stats(&self) -> CaptureStats {
        CaptureStats { dropped: self.timeline.dropped(), not_finite: self.not_finite.load(Ordering::Relaxed) }
    }
}

impl Deref for CaptureReader {
    type Target = TimelineReader;

    fn deref(&self) -> &TimelineReader {
        &self.timeline
    }
}

impl DerefMut for CaptureReader {
    fn deref_mut(&mut self) -> &mut TimelineReader {
        &mut self.timeline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_floats_do_not_reach_the_ear() {
        let (mut writer, mut reader) = capture_ring(16_000, 100);
        let mut samples = vec![0.25; 300];
        samples[7] = f32::NAN;
        samples[130] = f32::INFINITY;
        samples[299] = f32::NEG_INFINITY;
        writer.push(&samples);
        let mut out = vec![0.0; 300];
        assert_eq!(reader.read(&mut out), 300);
        assert!(
            out.iter().enumerate().all(|(i, &x)| x == if [7, 130, 299].contains(&i) { 0.0 } else { 0.25 })
        );
        assert_eq!(reader.stats(), CaptureStats { dropped: 0, not_finite: 3 });
    }
}
