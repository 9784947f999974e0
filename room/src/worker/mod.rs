//! A worker: it registers with a LiveKit server, is dispatched to rooms, and runs a job for each.
//!
//! ```no_run
//! use duologue_room::token::Access;
//! use duologue_room::worker::{JobContext, Worker, WorkerOptions};
//!
//! struct Models;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), duologue_room::Error> {
//!     let options = WorkerOptions { agent_name: "appliance".into(), job_limit: 8, ..WorkerOptions::default() };
//!     Worker::builder(Access::from_environment()?, options)
//!         .prewarm(|| async { Ok::<_, String>(Models) })
//!         .entrypoint(|job: JobContext<Models>| async move {
//!             println!("sent to {} with {}", job.room_name(), job.metadata());
//!             let reason = job.ended().await;
//!             println!("over: {reason}");
//!             Ok::<_, String>(())
//!         })
//!         .run()
//!         .await
//! }
//! ```
//!
//! Life cycle: [`Worker::run`] prewarms, listens on the local HTTP port ([`Worker::start`] does that much),
//! registers, and takes jobs while load, memory and [`WorkerOptions::job_limit`] allow. SIGINT, SIGTERM or
//! SIGQUIT drains: no more jobs, and the end when the last one is done, or after
//! [`WorkerOptions::drain_s`]. A second signal ends it at once; its jobs are told.
//!
//! Invariant: a job's panic, or the crash of an isolated job's process, ends that job alone; the server is
//! told why. A lost connection ends no job: the worker comes back for 16 tries, and if it cannot, ends with
//! an error after its jobs.
//!
//! With [`WorkerOptions::isolate`] each job has a process of its own: this program, run again with the same
//! arguments, in which [`Worker::run`] runs the one job instead of a worker. What comes before it in
//! `main` runs again too.

mod context;
mod driver;
mod figures;
mod http;
mod isolate;
mod job;
mod load;
mod log;
mod options;
mod protocol;
mod socket;

use std::fmt::Display;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub(crate) use self::isolate::is_job_process;

pub use self::context::JobContext;
pub use self::figures::Figures;
pub use self::job::Job;
pub use self::options::{HTTP_PORT, JobKind, LOAD_THRESHOLD, WorkerOptions};
pub use self::protocol::Accept;

use self::context::Entry;
use self::driver::{Driver, Event, Parts};
use self::figures::Ledger;
use self::http::HttpServer;
use crate::token::{Access, JoinToken};
use crate::{Error, ErrorKind};

type Decide = Arc<dyn Fn(&Job) -> Option<Accept> + Send + Sync>;
type Prewarm<P> = Box<dyn FnOnce() -> BoxFuture<'static, Result<P, String>> + Send>;

/// The parts of a worker.
pub struct WorkerBuilder<P = ()> {
    access: Access,
    options: WorkerOptions,
    decide: Decide,
    prewarm: Prewarm<P>,
}

impl<P: Send + Sync + 'static> WorkerBuilder<P> {
    /// Has `prewarm` make what all jobs share (models, above all), once per process, before the first
    /// job. Its error ends the worker.
    #[must_use]
    pub fn prewarm<Q, F, R, E>(self, prewarm: F) -> WorkerBuilder<Q>
    where
        Q: Send + Sync + 'static,
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = Result<Q, E>> + Send + 'static,
        E: Display,
    {
        let prewarm: Prewarm<Q> =
            Box::new(|| prewarm().map(|made| made.map_err(|error| error.to_string())).boxed());
        WorkerBuilder { access: self.access, options: self.options, decide: self.decide, prewarm }
    }

    /// Has `decide` say, for each job that there is room for, whether it is wanted, and as whom the agent
    /// joins. It must not block. Without it every job is wanted.
    #[must_use]
    pub fn on_request(mut self, decide: impl Fn(&Job) -> Option<Accept> + Send + Sync + 'static) -> Self {
        self.decide = Arc::new(decide);
        self
    }

    /// The code of each job. Its error is what the server is told.
    pub fn entrypoint<F, R, E>(self, entry: F) -> Worker<P>
    where
        F: Fn(JobContext<P>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let entry: Entry<P> =
            Arc::new(move |job| entry(job).map(|done| done.map_err(|error| error.to_string())).boxed());
        Worker {
            access: self.access,
            options: self.options,
            decide: self.decide,
            prewarm: self.prewarm,
            entry,
        }
    }
}

/// A worker that has not started. See the [module](self).
pub struct Worker<P = ()> {
    access: Access,
    options: WorkerOptions,
    decide: Decide,
    prewarm: Prewarm<P>,
    entry: Entry<P>,
}

impl Worker {
    /// The parts of a worker for `access`'s server.
    pub fn builder(access: Access, options: WorkerOptions) -> WorkerBuilder {
        let prewarm: Prewarm<()> = Box::new(|| async { Ok(()) }.boxed());
        WorkerBuilder { access, options, decide: driver::accept_all(), prewarm }
    }
}

impl<P: Send + Sync + 'static> Worker<P> {
    /// Works until a signal or an error ends it. In an isolated job's process it runs that job instead.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a setting out of range, or a port that is taken; [`ErrorKind::Job`] if
    /// `prewarm` fails; [`ErrorKind::Unauthorized`] if the server refuses the key; [`ErrorKind::Network`]
    /// if it cannot be had.
    pub async fn run(self) -> Result<(), Error> {
        self.run_telling(|_| {}).await
    }

    /// As [`Worker::run`]; `started` is told of the worker once it works.
    ///
    /// # Errors
    /// As [`Worker::run`].
    pub async fn run_telling(self, started: impl FnOnce(&Running)) -> Result<(), Error> {
        if isolate::is_job_process() {
            self.options.validate()?;
            let stop = Duration::from_secs(self.options.stop_s);
            let shared = Arc::new(prewarmed(self.prewarm).await?);
            return isolate::run_job(&self.entry, shared, stop).await;
        }
        let mut signals = Signals::new()?;
        let mut running = self.start().await?;
        started(&running);
        let drain_s = running.drain_s;
        tokio::select! {
            result = running.finished() => return result,
            () = signals.next() => {}
        }
        let active = running.figures().active;
        tracing::warn!("draining: {active} jobs run, at most {drain_s} s; a second signal exits at once");
        running.drain().await;
        tokio::select! {
            result = running.finished() => return result,
            () = signals.next() => {}
        }
        running.quit().await;
        running.finished().await
    }

    /// Joins `room` as `identity` without being dispatched, runs one job in it, and leaves. A signal tells
    /// the job to end.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a setting out of range, or an empty name; [`ErrorKind::Job`] if `prewarm`
    /// or the job fails.
    pub async fn connect(self, room: &str, identity: &str) -> Result<(), Error> {
        self.options.validate()?;
        let mut signals = Signals::new()?;
        let token = self.access.join(&JoinToken::new(room, identity).as_agent())?;
        let shared = Arc::new(prewarmed(self.prewarm).await?);
        let mut job = JobContext::without_dispatch(room, self.access.url(), token, shared);
        job.name(&self.options.agent_name);
        let limit = Duration::from_secs(self.options.stop_s);
        let performing = job.perform(&self.entry, limit);
        tokio::pin!(performing);
        let outcome = tokio::select! {
            outcome = &mut performing => outcome,
            () = signals.next() => {
                job.shutdown("the program was told to end");
                tokio::select! {
                    outcome = &mut performing => outcome,
                    () = signals.next() => Err("it was told to end at once".to_owned()),
                }
            }
        };
        job.leave(isolate::LEAVE_LIMIT).await;
        outcome.map_err(|error| Error::new(ErrorKind::Job, error))
    }

    /// Prewarms, listens on the local HTTP port, and begins to work. Signals are the caller's.
    ///
    /// # Errors
    /// As [`Worker::run`], those of the server excepted: [`Running::finished`] has them.
    pub async fn start(self) -> Result<Running, Error> {
        self.options.validate()?;
        let ledger = Arc::new(Ledger::default());
        let http = http::serve(&self.options, Arc::clone(&ledger)).await?;
        let shared = Arc::new(prewarmed(self.prewarm).await?);
        let drain_s = self.options.drain_s;
        let (access, options) = (self.access, self.options);
        tracing::info!(
            server = access.url(),
            agent_name = options.agent_name,
            http = %http.address,
            "the worker starts"
        );
        let parts = Parts {
            access,
            options,
            entry: self.entry,
            decide: self.decide,
            shared,
            ledger: Arc::clone(&ledger),
        };
        let (driver, events) = Driver::new(parts);
        Ok(Running { drain_s, http, ledger, events, task: Some(tokio::spawn(driver.run())) })
    }
}

async fn prewarmed<P>(prewarm: Prewarm<P>) -> Result<P, Error> {
    prewarm()
        .await
        .map_err(|error| Error::new(ErrorKind::Job, format!("the worker cannot be prewarmed: {error}")))
}

/// A worker that works. Dropped, it ends at once, and its jobs with it.
#[derive(Debug)]
pub struct Running {
    drain_s: u64,
    http: HttpServer,
    ledger: Arc<Ledger>,
    events: mpsc::Sender<Event>,
    task: Option<JoinHandle<Result<(), Error>>>,
}

impl Running {
    /// Where the local HTTP server listens.
    pub fn http_address(&self) -> SocketAddr {
        self.http.address
    }

    /// What it does now.
    pub fn figures(&self) -> Figures {
        self.ledger.get()
    }

    /// Takes no more jobs, and ends when the last one is done.
    pub async fn drain(&self) {
        // It is over already if it does not hear this.
        let _ = self.events.send(Event::Drain).await;
    }

    /// Ends at once; jobs are told, and have a second.
    pub async fn quit(&self) {
        let _ = self.events.send(Event::Quit).await;
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// As [`Worker::run`]; [`ErrorKind::Closed`] if its end was told before.
    pub async fn finished(&mut self) -> Result<(), Error> {
        let Some(task) = &mut self.task else {
            return Err(Error::new(ErrorKind::Closed, "the worker is over"));
        };
        let result = task.await;
        self.task = None;
        result.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Job, format!("the worker's task failed: {error}")))
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Signals that end a worker.
struct Signals {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 3],
}

impl Signals {
    fn new() -> Result<Self, Error> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let listen = |kind| {
                signal(kind).map_err(|error| {
                    Error::new(ErrorKind::Job, format!("signals cannot be listened to: {error}"))
                })
            };
            // OpenVidu drains with SIGQUIT.
            let signals = [
                listen(SignalKind::interrupt())?,
                listen(SignalKind::terminate())?,
                listen(SignalKind::quit())?,
            ];
            Ok(Self { signals })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        {
            let [interrupt, terminate, quit] = &mut self.signals;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = quit.recv() => {}
            }
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
