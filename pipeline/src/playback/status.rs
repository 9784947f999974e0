//! The renderer's report: several numbers that are always read as they were written together.
//!
//! Two slots and a sequence number: the single writer fills the slot that nobody is sent to, then
//! publishes it. Invariant: a reader gets one whole report, the latest or the one published while
//! it was reading. The writer never waits; a reader retries only if two reports were published
//! while it read, so a stalled writer stalls nobody.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering, fence};

/// A report of `N` numbers; all zero until the first is published.
#[derive(Debug)]
pub(crate) struct Report<const N: usize> {
    sequence: AtomicU64,
    slots: [[AtomicU64; N]; 2],
}

impl<const N: usize> Report<N> {
    pub(crate) fn new() -> Self {
        let slot = || std::array::from_fn(|_| AtomicU64::new(0));
        Self { sequence: AtomicU64::new(0), slots: [slot(), slot()] }
    }

    /// Publishes `values`. Only one thread may publish.
    pub(crate) fn publish(&self, values: [u64; N]) {
        let next = self.sequence.load(Ordering::Relaxed) + 1;
        // A reader that sees one of the stores below must also see the sequence published last.
        fence(Ordering::Release);
        for (slot, value) in self.slots[(next % 2) as usize].iter().zip(values) {
            slot.store(value, Ordering::Relaxed);
        }
        self.sequence.store(next, Ordering::Release);
    }

    pub(crate) fn read(&self) -> [u64; N] {
        loop {
            if let Some(values) = self.try_read() {
                return values;
            }
            #[cfg(loom)]
            loom::thread::yield_now();
            #[cfg(not(loom))]
            std::hint::spin_loop();
        }
    }

    /// `None` if the slot may have been overwritten meanwhile.
    fn try_read(&self) -> Option<[u64; N]> {
        let before = self.sequence.load(Ordering::Acquire);
        let slot = &self.slots[(before % 2) as usize];
        let values = std::array::from_fn(|i| slot[i].load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        (self.sequence.load(Ordering::Relaxed) == before).then_some(values)
    }
}
