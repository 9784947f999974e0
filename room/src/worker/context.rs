//! What a job's entry point is given, and how a job is run from its first line to its last.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::timeout;

use super::job::{Assignment, Job};
use crate::engine::{ConnectOptions, Connection, RoomEngine};
use crate::{Error, ErrorKind};

type Callback = Box<dyn FnOnce(String) -> BoxFuture<'static, ()> + Send>;
/// A job's code: gives what went wrong, in words.
pub(super) type Entry<P> = Arc<dyn Fn(JobContext<P>) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// A job that runs: what it is about, what it may use, and how it ends. Clones are the same job.
///
/// The job is over when its entry point returns. When it is told to end ([`JobContext::ended`] says so),
/// the entry point has [`stop_s`](super::WorkerOptions::stop_s) to return. Then the shutdown callbacks
/// run, the server is told how it went, and only then the job leaves its room.
pub struct JobContext<P = ()> {
    /// What it is sent to do.
    pub job: Arc<Job>,
    inner: Arc<Inner<P>>,
}

struct Inner<P> {
    url: String,
    token: String,
    shared: Arc<P>,
    ending: watch::Sender<Option<String>>,
    callbacks: Mutex<Vec<Callback>>,
    leaving: Mutex<Vec<Callback>>,
}

impl<P> Clone for JobContext<P> {
    fn clone(&self) -> Self {
        Self { job: Arc::clone(&self.job), inner: Arc::clone(&self.inner) }
    }
}

impl<P> std::fmt::Debug for JobContext<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobContext").field("job", &self.job).finish_non_exhaustive()
    }
}

impl<P> JobContext<P> {
    pub(super) fn new(assignment: Assignment, shared: Arc<P>) -> Self {
        let Assignment { job, url, token } = assignment;
        let inner = Inner {
            url,
            token,
            shared,
            ending: watch::Sender::new(None),
            callbacks: Mutex::default(),
            leaving: Mutex::default(),
        };
        Self { job: Arc::new(job), inner: Arc::new(inner) }
    }

    /// A job that no server gave: `room` is joined at `url` with `token`.
    pub fn without_dispatch(
        room: impl Into<String>,
        url: impl Into<String>,
        token: impl Into<String>,
        shared: Arc<P>,
    ) -> Self {
        let job = Job { room: room.into(), ..Job::default() };
        Self::new(Assignment { job, url: url.into(), token: token.into() }, shared)
    }

    pub(super) fn name(&mut self, agent_name: &str) {
        let job = Job { agent_name: agent_name.to_owned(), ..(*self.job).clone() };
        self.job = Arc::new(job);
    }

    /// Joins the room. It is left after the server was told how the job went.
    ///
    /// # Errors
    /// As [`RoomEngine::connect`].
    pub async fn connect(
        &self,
        engine: &dyn RoomEngine,
        options: &ConnectOptions,
    ) -> Result<Connection, Error> {
        let joined = engine.connect(self.url(), self.token(), options).await?;
        let room = Arc::clone(&joined.room);
        let job = Arc::clone(&self.job);
        self.on_leave(move || async move {
            if let Err(error) = room.disconnect().await {
                tracing::warn!(job = job.id, "the room was not left cleanly: {error}");
            }
        });
        Ok(joined)
    }

    /// The room's name.
    pub fn room_name(&self) -> &str {
        &self.job.room
    }

    /// What the dispatch says to the agent.
    pub fn metadata(&self) -> &str {
        &self.job.metadata
    }

    /// What the dispatch says to the agent, as JSON of a known shape.
    ///
    /// # Errors
    /// [`ErrorKind::Job`] naming line and column of what is wrong.
    pub fn metadata_as<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.job.metadata).map_err(|error| {
            Error::new(ErrorKind::Job, format!("the metadata of job {}: {error}", self.job.id))
        })
    }

    /// The name that the agent was dispatched by; empty if by none.
    pub fn agent_name(&self) -> &str {
        &self.job.agent_name
    }

    /// The server's address.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// The token to join the room with.
    pub fn token(&self) -> &str {
        &self.inner.token
    }

    /// What the worker's `prewarm` made, shared by all jobs of the process.
    pub fn shared(&self) -> &Arc<P> {
        &self.inner.shared
    }

    /// Tells the job to end; the first reason stays.
    pub fn shutdown(&self, reason: impl Into<String>) {
        let reason = reason.into();
        self.inner.ending.send_if_modified(|ending| {
            let first = ending.is_none();
            if first {
                *ending = Some(reason);
            }
            first
        });
    }

    /// Waits until the job is told to end, and tells why.
    pub async fn ended(&self) -> String {
        let mut ending = self.inner.ending.subscribe();
        match ending.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => unreachable!("invariant: the sender is as old as `self`"),
        }
    }

    /// Whether the job is told to end.
    pub fn is_ending(&self) -> bool {
        self.inner.ending.borrow().is_some()
    }

    /// Has `callback` run when the job ends, with the reason; the last one that was added runs first.
    /// Together they have as long as the entry point has to return.
    pub fn add_shutdown_callback<F, R>(&self, callback: F)
    where
        F: FnOnce(String) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        lock(&self.inner.callbacks).push(Box::new(|reason| callback(reason).boxed()));
    }

    /// Has `leave` run after the server was told how the job went: whatever leaves the room belongs here,
    /// since an agent that leaves before counts as failed.
    pub fn on_leave<F, R>(&self, leave: F)
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        lock(&self.inner.leaving).push(Box::new(|_| leave().boxed()));
    }

    /// Leaves the room.
    pub(super) async fn leave(&self, limit: Duration) {
        let leaving = std::mem::take(&mut *lock(&self.inner.leaving));
        run_all(leaving, &self.job.id, "", limit).await;
    }
}

impl<P: Send + Sync + 'static> JobContext<P> {
    /// Runs `entry` from its first line to the last of its callbacks. A panic is an error like others.
    pub(super) async fn perform(&self, entry: &Entry<P>, limit: Duration) -> Result<(), String> {
        let job = self.clone();
        let entry = Arc::clone(entry);
        // The panic may come before the first await.
        let running = AssertUnwindSafe(async move { entry(job).await }).catch_unwind();
        tokio::pin!(running);
        let outcome = tokio::select! {
            biased;
            outcome = &mut running => Some(outcome),
            _ = self.ended() => timeout(limit, &mut running).await.ok(),
        };
        let outcome = match outcome {
            Some(Ok(outcome)) => outcome,
            Some(Err(panic)) => Err(format!("the job panicked: {}", panic_text(&*panic))),
            None => Err(format!("the job did not end within {} s of being told to", limit.as_secs_f32())),
        };
        self.shutdown("the job is done");
        let reason = self.ended().await;
        let callbacks = std::mem::take(&mut *lock(&self.inner.callbacks));
        run_all(callbacks, &self.job.id, &reason, limit).await;
        outcome
    }
}

/// Runs callbacks, the last one first; a bad one takes no other along.
async fn run_all(callbacks: Vec<Callback>, job: &str, reason: &str, limit: Duration) {
    let all = async {
        for callback in callbacks.into_iter().rev() {
            let reason = reason.to_owned();
            let run = AssertUnwindSafe(async move { callback(reason).await }).catch_unwind();
            if let Err(panic) = run.await {
                tracing::error!(job, "a callback panicked: {}", panic_text(&*panic));
            }
        }
    };
    if timeout(limit, all).await.is_err() {
        tracing::error!(job, "the callbacks did not end within {} s", limit.as_secs_f32());
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn context() -> JobContext {
        let mut job = JobContext::without_dispatch("kitchen", "ws://host", "token", Arc::new(()));
        job.job = Arc::new(Job { metadata: "{\"floor\": 2}".into(), ..(*job.job).clone() });
        job
    }

    fn entry<R>(run: impl Fn(JobContext) -> R + Send + Sync + 'static) -> Entry<()>
    where
        R: Future<Output = Result<(), String>> + Send + 'static,
    {
        Arc::new(move |job| run(job).boxed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_not_lost() {
        let early = entry(|_| -> std::future::Ready<Result<(), String>> { panic!("at once") });
        assert!(context().perform(&early, LIMIT).await.unwrap_err().contains("at once"));
        let late = entry(|_| async {
            tokio::task::yield_now().await;
            panic!("the number is {}", 7)
        });
        assert!(context().perform(&late, LIMIT).await.unwrap_err().contains("the number is 7"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_does_not_listen_does_not_run_forever() {
        let job = context();
        job.shutdown("enough");
        let error = job.perform(&entry(|_| std::future::pending()), LIMIT).await.unwrap_err();
        assert!(error.contains("did not end"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn callbacks_are_not_skipped_after_a_panic() {
        let job = context();
        let count = Arc::new(AtomicUsize::new(0));
        for panics in [false, true, false] {
            let count = Arc::clone(&count);
            job.add_shutdown_callback(move |reason| async move {
                assert_eq!(reason, "enough");
                count.fetch_add(1, Ordering::Relaxed);
                assert!(!panics, "on purpose");
            });
        }
        job.shutdown("enough");
        job.shutdown("a second reason");
        let listening = entry(|job| async move {
            job.ended().await;
            Ok(())
        });
        job.perform(&listening, LIMIT).await.unwrap();
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_callback_that_hangs_does_not_hold_the_job() {
        tokio::time::pause();
        let job = context();
        job.add_shutdown_callback(|_| std::future::pending());
        job.perform(&entry(|_| async { Ok(()) }), LIMIT).await.unwrap();
    }

    #[test]
    fn metadata_of_another_shape_is_named() {
        #[derive(serde::Deserialize)]
        struct Floor {
            floor: u8,
        }
        assert_eq!(context().metadata_as::<Floor>().unwrap().floor, 2);
        let error = context().metadata_as::<Vec<u8>>().unwrap_err();
        assert!(error.to_string().contains("line 1"), "{error}");
    }
}
