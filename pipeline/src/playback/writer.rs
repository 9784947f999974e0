use std::sync::Arc;

use ringbuf::HeapProd;
use ringbuf::traits::{Observer, Producer};

use super::Epoch;
use super::control::Shared;

/// Marks that can wait in the ring; one is needed for each push and each end of an epoch.
pub(super) const MARKS: usize = 1024;

/// Marks that only [`PlaybackWriter::finish`] may use, so that an end always finds room.
const RESERVED: usize = 16;

/// Whose the next `len` samples are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) epoch: u32,
    pub(super) len: usize,
    /// No more samples of the epoch follow.
    pub(super) last: bool,
}

/// The mouth's half of the playback ring.
pub struct PlaybackWriter {
    pub(super) rate: u32,
    pub(super) samples: HeapProd<f32>,
    pub(super) marks: HeapProd<Mark>,
    pub(super) shared: Arc<Shared>,
    pub(super) newest: u32,
}

impl PlaybackWriter {
    /// Rate of the samples to push, in Hz.
    #[must_use]
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Samples that [`PlaybackWriter::push`] would accept now.
    #[must_use]
    pub fn free(&self) -> usize {
        if self.marks.vacant_len() <= RESERVED { 0 } else { self.samples.vacant_len() }
    }

    /// Samples that the ring holds when it is empty.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.samples.capacity().get()
    }

    /// Appends samples (±1.0) of `epoch`; returns how many were accepted, from the front.
    ///
    /// Samples that can never be heard, of an epoch that is stopped or not the newest, are accepted
    /// and dropped at once. Samples of an epoch that has not begun wait. Values beyond ±1.0 are
    /// clipped, so that the reference is what a device really plays; NaN becomes silence.
    pub fn push(&mut self, epoch: Epoch, samples: &[f32]) -> usize {
        if !self.wants(epoch) {
            return samples.len();
        }
        let accepted = samples.len().min(self.free());
        if accepted == 0 {
            return 0;
        }
        let clean = samples[..accepted].iter().map(|x| if x.is_nan() { 0.0 } else { x.clamp(-1.0, 1.0) });
        self.samples.push_iter(clean);
        self.mark(Mark { epoch: epoch.0, len: accepted, last: false });
        accepted
    }

    /// Marks the end of the epoch's audio: it is finished once everything before has been played.
    ///
    /// Returns whether the mark was taken; it is refused only while over a dozen other ends wait.
    #[must_use = "an end that was refused must be offered again"]
    pub fn finish(&mut self, epoch: Epoch) -> bool {
        !self.wants(epoch) || self.mark(Mark { epoch: epoch.0, len: 0, last: true })
    }

    fn wants(&self, epoch: Epoch) -> bool {
        let order = self.shared.word.load();
        let stale = epoch.0 < order.epoch || (epoch.0 == order.epoch && order.stop);
        !stale && epoch.0 >= self.newest
    }

    fn mark(&mut self, mark: Mark) -> bool {
        let taken = self.marks.try_push(mark).is_ok();
        if taken {
            self.newest = mark.epoch;
        }
        taken
    }
}
