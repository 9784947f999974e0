//! A tool's time: what it spends on a task the user talks to does not count against its limit.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

tokio::task_local! {
    /// Of the tool that this task runs for.
    static RUNNING: Arc<Stopwatch>;
}

/// Counts the time of one call, except while it is paused.
#[derive(Default)]
pub(crate) struct Stopwatch {
    pauses: watch::Sender<usize>,
}

/// The time stands still until this is dropped.
pub(crate) struct Pause(Arc<Stopwatch>);

impl Stopwatch {
    /// Runs `work`; within it [`pause`] stops this watch.
    pub(crate) fn time<F: Future>(self: &Arc<Self>, work: F) -> impl Future<Output = F::Output> + use<F> {
        RUNNING.scope(Arc::clone(self), work)
    }

    /// Waits until `limit` has passed, pauses not counted.
    pub(crate) async fn passed(&self, limit: Duration) {
        let mut pauses = self.pauses.subscribe();
        let mut left = limit;
        loop {
            // The sender lives in `self`, so neither wait fails.
            let _ = pauses.wait_for(|count| *count == 0).await;
            let since = Instant::now();
            tokio::select! {
                () = sleep(left) => return,
                _ = pauses.wait_for(|count| *count > 0) => left = left.saturating_sub(since.elapsed()),
            }
        }
    }
}

/// Stops the watch of the tool that calls this, if one does.
pub(crate) fn pause() -> Option<Pause> {
    let watch = RUNNING.try_with(Arc::clone).ok()?;
    watch.pauses.send_modify(|count| *count += 1);
    Some(Pause(watch))
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.0.pauses.send_modify(|count| *count -= 1);
    }
}
