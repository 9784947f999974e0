//! Who may compute: a slot a core, so that each request runs as fast as this device can.
//!
//! Invariants: batch work (transcriptions) never holds the last slot, so that somebody who waits for speech finds one;
//! whoever finds none waits in a bounded queue, for a bounded time.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Most that wait for a slot.
const WAITING: usize = 64;
/// Longest wait.
const PATIENCE: Duration = Duration::from_secs(20);

/// Slots for computing. Clones share them.
#[derive(Clone, Debug)]
pub struct Slots {
    all: Arc<Semaphore>,
    batch: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

/// A slot, held until it is dropped.
#[derive(Debug)]
pub struct Slot {
    _all: OwnedSemaphorePermit,
    _batch: Option<OwnedSemaphorePermit>,
}

/// There is no slot, and no place to wait for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// One that waits; counted until it is dropped.
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Slots {
    /// A slot for each of `cores`, and at least two: one that batch work may take, and one that it may not.
    pub fn new(cores: usize) -> Self {
        let all = cores.max(2);
        Self {
            all: Arc::new(Semaphore::new(all)),
            batch: Arc::new(Semaphore::new(all - 1)),
            waiting: Arc::default(),
        }
    }

    /// As many as this device has cores.
    pub fn of_this_device() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, NonZero::get))
    }

    /// A slot for somebody who waits for the answer.
    ///
    /// # Errors
    /// [`Busy`] if 64 wait already, or none is free within 20 s.
    pub async fn interactive(&self) -> Result<Slot, Busy> {
        let _waiting = self.wait()?;
        Ok(Slot { _all: take(&self.all).await?, _batch: None })
    }

    /// A slot for work that may take its time.
    ///
    /// # Errors
    /// As [`Slots::interactive`].
    pub async fn batch(&self) -> Result<Slot, Busy> {
        let _waiting = self.wait()?;
        let batch = take(&self.batch).await?;
        Ok(Slot { _all: take(&self.all).await?, _batch: Some(batch) })
    }

    /// Slots that are free.
    pub fn free(&self) -> usize {
        self.all.available_permits()
    }

    fn wait(&self) -> Result<Waiting, Busy> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(Arc::clone(&self.waiting));
        if before < WAITING { Ok(waiting) } else { Err(Busy) }
    }
}

async fn take(semaphore: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Busy> {
    let permit = timeout(PATIENCE, Arc::clone(semaphore).acquire_owned()).await;
    permit.map_err(|_| Busy)?.map_err(|_| Busy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn batch_work_does_not_hold_the_last_slot() {
        let slots = Slots::new(1);
        let batch = slots.batch().await.unwrap();
        let other = slots.clone();
        let second = tokio::spawn(async move { other.batch().await });
        tokio::task::yield_now().await;
        let speech = slots.interactive().await.unwrap();
        assert_eq!(slots.free(), 0);
        assert!(!second.is_finished());
        drop((batch, speech));
        second.await.unwrap().unwrap();
        assert_eq!(slots.free(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_or_in_an_endless_queue() {
        let slots = Slots::new(2);
        let held = (slots.interactive().await.unwrap(), slots.interactive().await.unwrap());
        let waiting: Vec<_> = (0..WAITING)
            .map(|_| {
                let slots = slots.clone();
                tokio::spawn(async move { slots.interactive().await.map(drop) })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(slots.interactive().await.unwrap_err(), Busy);
        for task in waiting {
            assert_eq!(task.await.unwrap(), Err(Busy));
        }
        drop(held);
        slots.interactive().await.unwrap();
    }
}
