//! The end of an endpoint, for whoever waits for it.
//!
//! Invariant: an endpoint ends once; what waits is woken then, and what asks later is told at once.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Error;

/// Whether an endpoint has ended by itself, and why. Clones mean the same endpoint.
///
/// ```
/// use std::time::Duration;
/// use duologue_pipeline::endpoint::End;
///
/// let end = End::default();
/// assert!(end.told().is_none());
/// end.tell(Ok(()));
/// assert!(matches!(end.wait(Duration::MAX), Some(Ok(()))));
/// end.then(|| println!("it is over"));
/// ```
#[derive(Clone, Default)]
pub struct End(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    told: Condvar,
}

#[derive(Default)]
struct State {
    outcome: Option<Result<(), Error>>,
    then: Vec<Box<dyn FnOnce() + Send>>,
}

impl End {
    /// The endpoint has ended: its source is exhausted, or it failed. A failure outranks the end of a source that
    /// was told of before; the first failure is the reason. Not for audio callbacks: it locks, and runs what waits.
    pub fn tell(&self, outcome: Result<(), Error>) {
        let mut state = self.state();
        if !matches!(state.outcome, Some(Err(_))) {
            state.outcome = Some(outcome);
        }
        let then = std::mem::take(&mut state.then);
        drop(state);
        self.0.told.notify_all();
        then.into_iter().for_each(|wake| wake());
    }

    /// How it ended, if it has; `Err` holds the reason of a failure.
    pub fn told(&self) -> Option<Result<(), Error>> {
        self.state().outcome.clone()
    }

    /// Waits for the end, at most `limit`; `None` if it goes on.
    pub fn wait(&self, limit: Duration) -> Option<Result<(), Error>> {
        let waited = self.0.told.wait_timeout_while(self.state(), limit, |state| state.outcome.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.outcome.clone()
    }

    /// Runs `wake` once the endpoint has ended: now, if it has, else on the thread that tells. It should do little.
    pub fn then(&self, wake: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        if state.outcome.is_none() {
            state.then.push(Box::new(wake));
            return;
        }
        drop(state);
        wake();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("End").field(&self.told()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_failure_is_not_hidden_by_the_end_of_the_source() {
        let end = End::default();
        for outcome in [
            Ok(()),
            Err(Error::new(ErrorKind::Io, "first")),
            Err(Error::new(ErrorKind::Io, "second")),
            Ok(()),
        ] {
            end.tell(outcome);
        }
        assert_eq!(end.told().unwrap().unwrap_err().to_string(), "first");
    }

    #[test]
    fn what_waits_is_woken_once_whether_it_came_before_or_after() {
        let (end, woken) = (End::default(), Arc::new(AtomicU32::new(0)));
        let wake = || {
            let woken = Arc::clone(&woken);
            move || {
                woken.fetch_add(1, Ordering::Relaxed);
            }
        };
        end.then(wake());
        assert!(end.wait(Duration::ZERO).is_none());
        let waits = end.clone();
        let waiting = std::thread::spawn(move || waits.wait(Duration::from_secs(60)));
        end.tell(Ok(()));
        end.tell(Ok(()));
        assert!(waiting.join().unwrap().is_some());
        end.then(wake());
        assert_eq!(woken.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn one_that_is_woken_may_ask_again() {
        let end = End::default();
        let again = end.clone();
        end.then(move || assert!(again.told().is_some()));
        end.tell(Ok(()));
    }
}
