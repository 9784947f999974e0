//! The reference ring: what was really rendered, from the playback callback to the ear thread.
//!
//! Invariant: sample `i` of the reference is sample `i` that the device was given, after all gains,
//! silence included. An overflow does not shift it: lost samples read as silence, and are counted.
//!
//! Life cycle: made by [`crate::playback::playback_ring`]; the renderer writes, the ear reads.

use crate::capture::timeline::{TimelineWriter, timeline};

/// The ear's half of the reference ring.
pub use crate::capture::TimelineReader as ReferenceReader;

/// A reference ring of `capacity` samples at `rate` Hz.
pub(crate) fn reference_ring(rate: u32, capacity: usize) -> (TimelineWriter, ReferenceReader) {
    timeline(rate, capacity)
}
