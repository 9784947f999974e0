//! Pairs captured blocks with what was rendered at the same time.
//!
//! Invariant: each captured block gets exactly one block of the reference, in order, so that the
//! delay the canceller sees is constant while both devices run; the reference is never held longer
//! than the jitter of its callbacks requires, so that an echo never comes before its reference.
//!
//! The two clocks differ, the devices start and stall at different times, and callbacks come in
//! bursts. So samples that are missing when a block is due are filled in, which shifts the reference
//! later for good; samples that were never needed during a second are taken out again.

use std::collections::VecDeque;

use super::{BLOCK, RATE};
use crate::Error;
use crate::reference::ReferenceReader;
use crate::resample::Resampler;

/// Blocks over which the least surplus is looked for.
const WINDOW: u32 = 100;
/// Surplus, in samples, that is left alone: 1 ms.
const GUARD: usize = 16;
/// Samples read at a time.
const CHUNK: usize = 480;

/// What the pairing had to mend. Samples are at 16 kHz.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairingStats {
    /// Samples filled in because the reference came too late.
    pub filled: u64,
    /// Samples taken out because the reference had run ahead.
    pub cut: u64,
    /// Times that the reference was shifted by more than a millisecond.
    pub realigned: u64,
}

pub(super) struct Pairing {
    resampler: Resampler,
    queue: VecDeque<f32>,
    /// Whether a block of the reference has been paired since the start or the last starvation.
    flowing: bool,
    last: f32,
    least: usize,
    blocks: u32,
    stats: PairingStats,
}

impl Pairing {
    pub(super) fn new(rate: u32) -> Result<Self, Error> {
        let resampler = Resampler::new(rate, RATE)?;
        let room = BLOCK + CHUNK * (RATE as usize).div_ceil(rate as usize) + resampler.lag() + BLOCK;
        Ok(Self {
            resampler,
            queue: VecDeque::with_capacity(2 * room),
            flowing: false,
            last: 0.0,
            least: usize::MAX,
            blocks: 0,
            stats: PairingStats::default(),
        })
    }

    /// Samples by which the reference lags behind a stream that is not resampled.
    pub(super) fn lag(&self) -> usize {
        self.resampler.lag()
    }

    pub(super) fn stats(&self) -> PairingStats {
        self.stats
    }

    /// Samples that are ready, at 16 kHz.
    pub(super) fn ready(&self, reader: &mut ReferenceReader) -> usize {
        let waiting = reader.available() as u64 * u64::from(RATE) / u64::from(reader.rate());
        self.queue.len() + usize::try_from(waiting).unwrap_or(usize::MAX / 2)
    }

    /// Fills `block` with what was rendered while the next block was captured. `captured` samples
    /// are waiting at 16 kHz, those of that block included. Returns whether the reference was
    /// shifted.
    pub(super) fn take(
        &mut self,
        reader: &mut ReferenceReader,
        captured: usize,
        block: &mut [f32; BLOCK],
    ) -> bool {
        let shifted = self.start(reader, captured);
        self.fetch(reader, BLOCK);
        let ready = self.queue.len().min(BLOCK);
        for (to, from) in block.iter_mut().zip(self.queue.drain(..ready)) {
            *to = from;
            self.last = from;
        }
        if !self.flowing {
            block.fill(0.0);
            return false;
        }
        for to in &mut block[ready..] {
            // A step would be a click that the canceller hears and the room did not.
            self.last *= 0.9;
            *to = self.last;
        }
        self.stats.filled += (BLOCK - ready) as u64;
        let late = BLOCK - ready > GUARD;
        self.stats.realigned += u64::from(late);
        self.trim(reader) || late || shifted
    }

    /// Forgets the alignment, and all of the reference but its latest `keep` samples.
    pub(super) fn restart(&mut self, reader: &mut ReferenceReader, keep: usize) {
        let surplus = self.ready(reader).saturating_sub(keep);
        self.cut(reader, surplus);
        self.flowing = false;
    }

    /// Pairs the newest with the newest, once there is a reference at all.
    fn start(&mut self, reader: &mut ReferenceReader, captured: usize) -> bool {
        if self.flowing || self.ready(reader) == 0 {
            return false;
        }
        self.flowing = true;
        (self.least, self.blocks) = (usize::MAX, 0);
        let surplus = self.ready(reader).saturating_sub(captured.max(BLOCK));
        self.cut(reader, surplus);
        surplus > GUARD
    }

    /// Takes out what no block of a whole window needed.
    fn trim(&mut self, reader: &mut ReferenceReader) -> bool {
        self.least = self.least.min(self.ready(reader));
        self.blocks += 1;
        if self.blocks < WINDOW {
            return false;
        }
        let surplus = self.least.saturating_sub(GUARD);
        (self.least, self.blocks) = (usize::MAX, 0);
        self.cut(reader, surplus);
        self.stats.cut += surplus as u64;
        self.stats.realigned += u64::from(surplus > GUARD);
        surplus > GUARD
    }

    fn cut(&mut self, reader: &mut ReferenceReader, mut count: usize) {
        while count > 0 {
            self.fetch(reader, 1);
            let step = count.min(self.queue.len());
            if step == 0 {
                return;
            }
            self.queue.drain(..step);
            count -= step;
        }
    }

    /// Reads until `want` samples are in the queue, or none are left.
    fn fetch(&mut self, reader: &mut ReferenceReader, want: usize) {
        let mut chunk = [0.0; CHUNK];
        while self.queue.len() < want {
            let n = reader.read(&mut chunk);
            if n == 0 {
                return;
            }
            let queue = &mut self.queue;
            self.resampler.process(&chunk[..n], &mut |samples| queue.extend(samples));
        }
    }
}

#[cfg(test)]
#[path = "pairing_tests.rs"]
mod tests;
