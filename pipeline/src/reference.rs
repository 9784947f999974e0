//! The reference ring: what was really rendered, from the playback callback to the ear thread.
//!
//! Invariant: sample `i` of the reference is sample `i` that the device was given, after all gains,
//! silence included. An overflow does not shift it: lost samples read as silence, and are counted.
//!
//! Life cycle: made by [`crate::playback::playback_ring`]; the renderer writes, the ear reads.

use crate::capture::timeline::{TimelineReader, TimelineWriter, timeline};

/// A reference ring of `capacity` samples at `rate` Hz.
pub(crate) fn reference_ring(rate: u32, capacity: usize) -> (TimelineWriter, ReferenceReader) {
    let (writer, timeline) = timeline(capacity);
    (writer, ReferenceReader { rate, timeline })
}

/// The ear's half of the reference ring.
pub struct ReferenceReader {
    rate: u32,
    timeline: TimelineReader,
}

impl ReferenceReader {
    /// Rate of the rendered samples, in Hz.
    #[must_use]
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Absolute index, at [`ReferenceReader::rate`], of the next sample to be read.
    #[must_use]
    pub fn next_index(&self) -> u64 {
        self.timeline.next_index()
    }

    /// Samples that can be read now.
    pub fn available(&mut self) -> usize {
        self.timeline.available()
    }

    /// Fills the front of `out` without waiting; returns how many samples are valid.
    pub fn read(&mut self, out: &mut [f32]) -> usize {
        self.timeline.read(out)
    }

    /// Discards up to `count` samples; returns how many.
    pub fn skip(&mut self, count: usize) -> usize {
        self.timeline.skip(count)
    }

    /// Samples lost because the ear did not keep up.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.timeline.dropped()
    }
}
