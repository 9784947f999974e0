//! A lock-free sample queue that keeps its clock through an overflow.
//!
//! Invariant: the reader is handed every absolute index once and in order. Samples that did not fit
//! are replaced by the same number of zeros at the same place, and counted; the writer never waits.
//!
//! Life cycle: [`timeline`] → the writer pushes, the reader reads → either half may be dropped first.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

/// Gap records that can wait for the reader; further gaps merge with the last one.
const GAPS: usize = 64;

/// Samples that were never stored.
#[derive(Clone, Copy, Debug)]
struct Gap {
    /// Absolute index of the first lost sample.
    at: u64,
    len: u64,
}

/// A queue of `capacity` samples at `rate` Hz.
pub(crate) fn timeline(rate: u32, capacity: usize) -> (TimelineWriter, TimelineReader) {
    let (samples, samples_out) = HeapRb::new(capacity.max(1)).split();
    let (gaps, gaps_out) = HeapRb::new(GAPS).split();
    let dropped = Arc::new(AtomicU64::new(0));
    let writer = TimelineWriter { samples, gaps, pending: None, written: 0, dropped: Arc::clone(&dropped) };
    let reader = TimelineReader { rate, samples: samples_out, gaps: gaps_out, gap: None, next: 0, dropped };
    (writer, reader)
}

/// The real-time half: wait-free, allocates nothing.
pub(crate) struct TimelineWriter {
    samples: HeapProd<f32>,
    gaps: HeapProd<Gap>,
    /// A gap that the reader has not been told of; nothing is stored while it stands.
    pending: Option<Gap>,
    written: u64,
    dropped: Arc<AtomicU64>,
}

impl TimelineWriter {
    /// Stores what fits and counts the rest as lost.
    pub(crate) fn push(&mut self, samples: &[f32]) {
        if !self.publish_gap(samples.len()) {
            self.lose(samples.len());
            return;
        }
        let stored = self.samples.push_slice(samples);
        self.written += stored as u64;
        if stored < samples.len() {
            self.lose(samples.len() - stored);
        }
    }

    /// Samples offered so far, stored or lost.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Tells the reader of a pending gap, once there is room for `next` samples behind it.
    fn publish_gap(&mut self, next: usize) -> bool {
        let Some(gap) = self.pending else { return true };
        let room = next.min(self.samples.capacity().get());
        if self.samples.vacant_len() < room || self.gaps.try_push(gap).is_err() {
            return false;
        }
        self.pending = None;
        true
    }

    fn lose(&mut self, count: usize) {
        let gap = self.pending.get_or_insert(Gap { at: self.written, len: 0 });
        gap.len += count as u64;
        self.written += count as u64;
        self.dropped.fetch_add(count as u64, Ordering::Relaxed);
    }
}

/// The reader's half.
pub struct TimelineReader {
    rate: u32,
    samples: HeapCons<f32>,
    gaps: HeapCons<Gap>,
    gap: Option<Gap>,
    next: u64,
    dropped: Arc<AtomicU64>,
}

impl TimelineReader {
    /// Rate of the samples, in Hz.
    #[must_use]
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Absolute index, at [`TimelineReader::rate`], of the sample that the next
    /// [`TimelineReader::read`] begins with.
    #[must_use]
    pub fn next_index(&self) -> u64 {
        self.next
    }

    /// Samples lost to overflow so far; silence was read in their place.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Samples, zeros of gaps included, that can be read without waiting.
    ///
    /// Zeros of a gap whose following samples are not stored yet are not included beyond the first gap.
    pub fn available(&mut self) -> usize {
        let stored = self.samples.occupied_len();
        self.fetch_gap();
        let zeros = self.gap.map_or(0, |gap| usize::try_from(gap.len).unwrap_or(usize::MAX));
        stored.saturating_add(zeros)
    }

    /// Fills the front of `out`; returns how many samples are now valid.
    pub fn read(&mut self, out: &mut [f32]) -> usize {
        let mut filled = 0;
        while filled < out.len() {
            let read = self.advance(out.len() - filled, |reader, n| {
                let part = &mut out[filled..filled + n];
                match reader {
                    Some(samples) => samples.pop_slice(part),
                    None => {
                        part.fill(0.0);
                        n
                    }
                }
            });
            if read == 0 {
                break;
            }
            filled += read;
        }
        filled
    }

    /// Discards up to `count` samples; returns how many.
    pub fn skip(&mut self, count: usize) -> usize {
        let mut skipped = 0;
        while skipped < count {
            let step = self.advance(count - skipped, |samples, n| samples.map_or(n, |s| s.skip(n)));
            if step == 0 {
                break;
            }
            skipped += step;
        }
        skipped
    }

    /// Moves on by at most `want` samples within the next stretch: stored (`Some`) or lost (`None`).
    fn advance(
        &mut self,
        want: usize,
        take: impl FnOnce(Option<&mut HeapCons<f32>>, usize) -> usize,
    ) -> usize {
        // The order matters: a gap is published before the samples behind it.
        let stored = self.samples.occupied_len();
        self.fetch_gap();
        let to_gap = self.gap.map_or(u64::MAX, |gap| gap.at - self.next);
        if to_gap > 0 {
            let n = want.min(stored).min(usize::try_from(to_gap).unwrap_or(usize::MAX));
            let taken = take(Some(&mut self.samples), n);
            self.next += taken as u64;
            return taken;
        }
        let Some(gap) = self.gap.as_mut() else { return 0 };
        let n = want.min(usize::try_from(gap.len).unwrap_or(usize::MAX));
        let taken = take(None, n);
        gap.at += taken as u64;
        gap.len -= taken as u64;
        if gap.len == 0 {
            self.gap = None;
        }
        self.next += taken as u64;
        taken
    }

    fn fetch_gap(&mut self) {
        if self.gap.is_none() {
            self.gap = self.gaps.try_pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(from: usize, n: usize) -> Vec<f32> {
        (from..from + n).map(|i| i as f32 + 1.0).collect()
    }

    #[test]
    fn an_overflow_does_not_shift_the_clock() {
        let (mut writer, mut reader) = timeline(16_000, 100);
        writer.push(&ramp(0, 80));
        writer.push(&ramp(80, 50)); // 20 fit, 30 are lost
        writer.push(&ramp(130, 10)); // still full
        let mut out = vec![9.0; 60];
        assert_eq!(reader.read(&mut out), 60);
        writer.push(&ramp(140, 20));
        let mut rest = vec![9.0; 200];
        assert_eq!(reader.read(&mut rest), 100);
        out.extend_from_slice(&rest[..100]);
        for (i, &x) in out.iter().enumerate() {
            let want = if (100..140).contains(&i) { 0.0 } else { i as f32 + 1.0 };
            assert_eq!(x, want, "sample {i}");
        }
        assert_eq!((reader.dropped(), reader.next_index(), writer.written()), (40, 160, 160));
    }

    #[test]
    fn skipping_crosses_a_gap() {
        let (mut writer, mut reader) = timeline(16_000, 10);
        writer.push(&ramp(0, 15));
        assert_eq!(reader.skip(4), 4);
        writer.push(&ramp(15, 4));
        assert_eq!(reader.skip(12), 12);
        let mut out = [0.0; 8];
        assert_eq!(reader.read(&mut out), 3);
        assert_eq!(out[..3], [17.0, 18.0, 19.0]);
    }

    #[test]
    fn a_block_larger_than_the_ring_does_not_stall_it_for_ever() {
        let (mut writer, mut reader) = timeline(16_000, 10);
        writer.push(&ramp(0, 25));
        let mut out = [0.0; 64];
        assert_eq!(reader.read(&mut out), 10);
        writer.push(&ramp(25, 25));
        assert_eq!(reader.read(&mut out), 25, "15 lost, then the first ten of the block");
        assert_eq!(out[15..25], ramp(25, 10)[..]);
    }
}
