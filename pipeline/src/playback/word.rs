//! The control word: which epoch may sound, and how, in one atomic.
//!
//! Invariant: the epoch never goes back. Every order is one atomic operation that cannot fail or
//! retry, so that cancelling is never delayed by another thread.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

const DUCK: u64 = 1;
const HOLD: u64 = 1 << 1;
const STOP: u64 = 1 << 2;

/// What the renderer is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub epoch: u32,
    pub duck: bool,
    pub hold: bool,
    pub stop: bool,
}

/// Epoch in the upper half, flags in the lower.
#[derive(Debug)]
pub(crate) struct ControlWord(AtomicU64);

impl ControlWord {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Moves on to `epoch` with all flags clear; an epoch that is not newer changes nothing.
    pub(crate) fn begin(&self, epoch: u32) {
        // With its flags clear, a newer epoch is the larger number, and an equal one is not.
        self.0.fetch_max(u64::from(epoch) << 32, Ordering::AcqRel);
    }

    pub(crate) fn duck(&self) {
        self.0.fetch_or(DUCK, Ordering::AcqRel);
    }

    pub(crate) fn restore(&self) {
        self.0.fetch_and(!DUCK, Ordering::AcqRel);
    }

    pub(crate) fn hold(&self) {
        self.0.fetch_or(HOLD, Ordering::AcqRel);
    }

    pub(crate) fn resume(&self) {
        self.0.fetch_and(!(HOLD | DUCK), Ordering::AcqRel);
    }

    pub(crate) fn stop(&self) {
        self.0.fetch_or(STOP, Ordering::AcqRel);
    }

    pub(crate) fn load(&self) -> Order {
        let word = self.0.load(Ordering::Acquire);
        Order {
            epoch: (word >> 32) as u32,
            duck: word & DUCK != 0,
            hold: word & HOLD != 0,
            stop: word & STOP != 0,
        }
    }
}
