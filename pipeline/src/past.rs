//! The recent past of a signal, addressed by absolute sample index.
//!
//! Invariant: the kept samples are the last `end() - start()` ones pushed, contiguous in memory.
//! Nothing is allocated after construction: the buffer is twice as long as what it keeps, and what
//! is kept moves to its front each time the back is reached.

use std::ops::Range;

/// A bounded window over the latest samples of a stream.
#[derive(Debug)]
pub(crate) struct Past {
    buffer: Vec<f32>,
    keep: usize,
    filled: usize,
    end: u64,
}

impl Past {
    /// Keeps at least the last `keep` samples.
    pub fn new(keep: usize) -> Self {
        Self { buffer: vec![0.0; keep.max(1) * 2], keep: keep.max(1), filled: 0, end: 0 }
    }

    /// Appends `samples`, whose first has the absolute index `at`. Samples already known are
    /// skipped; a gap is filled with silence, so that indices stay true.
    pub fn push(&mut self, at: u64, samples: &[f32]) {
        let known = self.end.saturating_sub(at).min(samples.len() as u64) as usize;
        if at > self.end {
            self.skip(at - self.end);
        }
        self.append(&samples[known..]);
    }

    /// Index one past the latest sample.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Index of the oldest sample kept.
    pub fn start(&self) -> u64 {
        self.end - self.filled as u64
    }

    /// The samples of `range` that are still kept.
    pub fn slice(&self, range: Range<u64>) -> &[f32] {
        let from = range.start.clamp(self.start(), self.end);
        let to = range.end.clamp(from, self.end);
        let offset = self.start();
        &self.buffer[(from - offset) as usize..(to - offset) as usize]
    }

    fn skip(&mut self, gap: u64) {
        if gap >= self.keep as u64 {
            self.filled = 0;
            self.end += gap;
            return;
        }
        const SILENCE: [f32; 160] = [0.0; 160];
        let mut left = gap as usize;
        while left > 0 {
            let n = left.min(SILENCE.len());
            self.append(&SILENCE[..n]);
            left -= n;
        }
    }

    fn append(&mut self, samples: &[f32]) {
        for chunk in samples.chunks(self.keep) {
            if self.filled + chunk.len() > self.buffer.len() {
                let kept = self.filled.min(self.keep);
                self.buffer.copy_within(self.filled - kept..self.filled, 0);
                self.filled = kept;
            }
            self.buffer[self.filled..self.filled + chunk.len()].copy_from_slice(chunk);
            self.filled += chunk.len();
            self.end += chunk.len() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_gap_does_not_shift_what_follows() {
        let mut past = Past::new(100);
        past.push(0, &[1.0; 10]);
        past.push(30, &[2.0; 10]);
        assert_eq!(past.end(), 40);
        assert_eq!(past.slice(9..31), [vec![1.0], vec![0.0; 20], vec![2.0]].concat());
    }

    #[test]
    fn a_repeated_block_is_not_heard_twice() {
        let mut past = Past::new(100);
        past.push(0, &[1.0; 10]);
        past.push(5, &[2.0; 10]);
        assert_eq!(past.slice(0..15), [vec![1.0; 10], vec![2.0; 5]].concat());
    }

    proptest! {
        #[test]
        fn the_latest_samples_are_never_lost(chunks in prop::collection::vec(0usize..700, 1..60), keep in 1usize..500) {
            let mut past = Past::new(keep);
            let mut at = 0u64;
            for n in chunks {
                let samples: Vec<f32> = (at..at + n as u64).map(|i| i as f32).collect();
                past.push(at, &samples);
                at += n as u64;
                prop_assert_eq!(past.end(), at);
                let from = at.saturating_sub(keep as u64);
                let expected: Vec<f32> = (from..at).map(|i| i as f32).collect();
                prop_assert_eq!(past.slice(from..at), &expected[..]);
            }
        }
    }
}
