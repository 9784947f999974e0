//! What carries the protocol's decisions out: the socket, the jobs, the clock.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use livekit_protocol as proto;
use tokio::process::Command;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::context::{Entry, JobContext};
use super::figures::Ledger;
use super::isolate::{Bounds, JobProcess, LEAVE_LIMIT, job_command};
use super::job::{Assignment, Job};
use super::load::{LoadMeter, SAMPLE_PERIOD, memory};
use super::log::LineLimit;
use super::options::JobKind;
use super::protocol::{Accept, Input, Output, Protocol};
use super::socket::{Socket, Unopened};
use super::{Decide, WorkerOptions};
use crate::Error;
use crate::token::Access;

/// Events of jobs that may wait; a job waits when there are more.
const MAX_EVENTS: usize = 256;
/// How long a job that has ended waits for its status to be sent.
const RELEASE_LIMIT: Duration = Duration::from_secs(10);

/// Something that happened outside of the driver.
#[derive(Debug)]
pub(super) enum Event {
    Ended { job: String, outcome: Result<(), String> },
    Drain,
    Quit,
}

/// What a driver works with.
pub(super) struct Parts<P> {
    pub access: Access,
    pub options: WorkerOptions,
    pub entry: Entry<P>,
    pub decide: Decide,
    pub shared: Arc<P>,
    pub ledger: Arc<Ledger>,
}

pub(super) struct Driver<P> {
    parts: Parts<P>,
    protocol: Protocol,
    begin: Instant,
    socket: Option<Socket>,
    opening: Option<BoxFuture<'static, Result<Socket, Unopened>>>,
    events: mpsc::Receiver<Event>,
    sender: mpsc::Sender<Event>,
    jobs: HashMap<String, Control>,
    tasks: JoinSet<()>,
    meter: LoadMeter,
    /// Why the server was last told to send no jobs.
    refusal: Option<&'static str>,
    lines: LineLimit,
}

/// How a job is told things.
struct Control {
    stop: watch::Sender<Option<String>>,
    release: watch::Sender<bool>,
    task: AbortHandle,
    /// It told its end itself.
    over: bool,
}

impl<P: Send + Sync + 'static> Driver<P> {
    pub fn new(parts: Parts<P>) -> (Self, mpsc::Sender<Event>) {
        let (sender, events) = mpsc::channel(MAX_EVENTS);
        let protocol = Protocol::new(registration(&parts.options), parts.options.limits());
        let driver = Self {
            parts,
            protocol,
            begin: Instant::now(),
            socket: None,
            opening: None,
            events,
            sender: sender.clone(),
            jobs: HashMap::new(),
            tasks: JoinSet::new(),
            meter: LoadMeter::new(),
            refusal: None,
            lines: LineLimit::default(),
        };
        (driver, sender)
    }

    /// Works until the worker is over, and its jobs have left their rooms.
    pub async fn run(mut self) -> Result<(), Error> {
        let mut samples = interval(SAMPLE_PERIOD);
        samples.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let Some(result) = self.carry_out().await {
                self.leave_all().await;
                return result;
            }
            let due = self.protocol.next_timeout().map(|at| self.begin + at);
            let input = tokio::select! {
                biased;
                event = self.events.recv() => match event {
                    Some(Event::Ended { job, outcome }) => Input::Ended { job, outcome },
                    Some(Event::Drain) => Input::Drain,
                    Some(Event::Quit) | None => Input::Quit,
                },
                opened = opened(&mut self.opening) => self.opened(opened),
                message = heard(&mut self.socket) => match message {
                    Ok(message) => Input::Server(message),
                    Err(reason) => self.lost(reason),
                },
                () = until(due) => Input::Timeout,
                _ = samples.tick() => self.sampled(),
            };
            self.handle(input);
        }
    }

    fn handle(&mut self, input: Input) {
        if let Input::Ended { outcome, .. } = &input {
            self.parts.ledger.update(|figures| match outcome {
                Ok(()) => figures.succeeded += 1,
                Err(_) => figures.failed += 1,
            });
        }
        if let Input::Ended { job, outcome } = &input {
            if let Some(control) = self.jobs.get_mut(job) {
                control.over = true;
            }
            match outcome {
                Ok(()) => tracing::info!(job, "the job is done"),
                Err(error) => tracing::error!(job, "the job failed: {error}"),
            }
        }
        self.protocol.handle(input, self.begin.elapsed());
    }

    /// Does what the protocol says; gives the worker's end when it comes.
    async fn carry_out(&mut self) -> Option<Result<(), Error>> {
        while let Some(output) = self.protocol.poll_output() {
            match output {
                Output::Open => {
                    let access = self.parts.access.clone();
                    self.opening = Some(async move { Socket::open(&access).await }.boxed());
                }
                Output::Send(message) => self.send(message).await,
                Output::Close => {
                    self.opening = None;
                    if let Some(socket) = self.socket.take() {
                        socket.close().await;
                    }
                }
                Output::Ask(job) => self.ask(*job),
                Output::Start(assignment) => self.start(*assignment),
                Output::Stop { job, reason } => {
                    tracing::info!(job, "the job is told to end: {reason}");
                    if let Some(control) = self.jobs.get(&job) {
                        control.stop.send_replace(Some(reason));
                    }
                }
                Output::Release { job } => {
                    if let Some(control) = self.jobs.remove(&job) {
                        control.release.send_replace(true);
                        if !control.over {
                            control.task.abort();
                        }
                    }
                }
                Output::Registered { worker_id, server, again } => {
                    if self.may_write() {
                        tracing::info!(worker_id, server, again, "registered");
                    }
                    self.parts.ledger.update(|figures| {
                        figures.registered = true;
                        figures.worker_id = worker_id;
                    });
                }
                Output::Reconnecting { attempt, wait, reason } => {
                    if self.may_write() {
                        tracing::warn!(attempt, "{reason}; next try in {} s", wait.as_secs());
                    }
                    self.parts.ledger.update(|figures| figures.reconnects += 1);
                }
                Output::Refused { job, why } => {
                    if self.may_write() {
                        tracing::info!(job, "declined: {why}");
                    }
                    self.parts.ledger.update(|figures| figures.refused += 1);
                }
                Output::Finish(result) => {
                    self.show();
                    return Some(result);
                }
            }
        }
        self.show();
        None
    }

    /// Whether a line that the server is the cause of may be written.
    fn may_write(&mut self) -> bool {
        match self.lines.admit(self.begin.elapsed()) {
            None => false,
            Some(0) => true,
            Some(left_out) => {
                tracing::warn!("{left_out} lines about the server were left out");
                true
            }
        }
    }

    /// Sends `message`; what became of a job is not lost with the connection.
    async fn send(&mut self, message: proto::worker_message::Message) {
        let status = match &message {
            proto::worker_message::Message::UpdateJob(status) => Some(status.clone()),
            _ => None,
        };
        if let Some(socket) = &mut self.socket {
            match socket.send(message).await {
                Ok(()) => return,
                Err(reason) => {
                    let input = self.lost(reason);
                    self.handle(input);
                }
            }
        }
        if let Some(status) = status {
            self.handle(Input::Unsent(status));
        }
    }

    fn ask(&mut self, job: proto::Job) {
        let id = job.id.clone();
        let accept = (self.parts.decide)(&Job::from(job));
        self.handle(Input::Answered { job: id, accept });
    }

    fn start(&mut self, assignment: proto::JobAssignment) {
        let Some(job) = assignment.job else { return };
        let url = assignment.url.filter(|url| !url.is_empty());
        let assignment = Assignment {
            job: job.into(),
            url: url.unwrap_or_else(|| self.parts.access.url().to_owned()),
            token: assignment.token,
        };
        let id = assignment.job.id.clone();
        tracing::info!(job = id, room = assignment.job.room, "the job starts");
        self.parts.ledger.update(|figures| figures.started += 1);
        let (stop, stopped) = watch::channel(None);
        let (release, released) = watch::channel(false);
        let limit = Duration::from_secs(self.parts.options.stop_s);
        let tell = Tell { job: id.clone(), sender: self.sender.clone(), released };
        let task = if self.parts.options.isolate {
            let memory = self.parts.options.job_memory_limit_mib << 20;
            let command = job_command(&self.parts.access);
            self.tasks.spawn(isolated(command, assignment, Bounds { stop: limit, memory }, stopped, tell))
        } else {
            let job = JobContext::new(assignment, Arc::clone(&self.parts.shared));
            self.tasks.spawn(shared(job, Arc::clone(&self.parts.entry), limit, stopped, tell))
        };
        self.jobs.insert(id, Control { stop, release, task, over: false });
    }

    fn opened(&mut self, opened: Result<Socket, Unopened>) -> Input {
        self.opening = None;
        match opened {
            Ok(socket) => {
                self.socket = Some(socket);
                Input::Opened
            }
            Err(Unopened { reason, refused }) => Input::Lost { reason, refused },
        }
    }

    fn lost(&mut self, reason: String) -> Input {
        self.socket = None;
        Input::Lost { reason, refused: false }
    }

    fn sampled(&mut self) -> Input {
        // Tasks that left are forgotten.
        while self.tasks.try_join_next().is_some() {}
        let load = self.meter.sample(self.begin.elapsed());
        let roomy = memory::is_roomy(self.parts.options.memory_limit_mib << 20);
        let resident_bytes = memory::resident(std::process::id()).unwrap_or(0);
        self.parts.ledger.update(|figures| figures.resident_bytes = resident_bytes);
        Input::Sampled { load, roomy }
    }

    /// What is to be seen from outside.
    fn show(&mut self) {
        let protocol = &self.protocol;
        let refusal = protocol.refusal();
        if refusal != std::mem::replace(&mut self.refusal, refusal) {
            match refusal {
                Some(why) => tracing::info!(load = protocol.load(), "no further jobs are taken: {why}"),
                None => tracing::info!("jobs are taken again"),
            }
        }
        self.parts.ledger.update(|figures| {
            figures.active = protocol.running();
            figures.load = protocol.load();
            figures.online = protocol.is_online();
            figures.draining = protocol.is_leaving();
        });
    }

    /// Lets jobs leave their rooms; those that do not are given up.
    async fn leave_all(&mut self) {
        let limit = LEAVE_LIMIT + Duration::from_secs(1);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let left = timeout(limit, all).await;
        if left.is_err() {
            tracing::warn!("some jobs did not leave their rooms within {} s", limit.as_secs());
            self.tasks.abort_all();
        }
    }
}

/// How a job tells its end.
struct Tell {
    job: String,
    sender: mpsc::Sender<Event>,
    released: watch::Receiver<bool>,
}

impl Tell {
    /// Tells it, and waits until the server knows.
    async fn ended(mut self, outcome: Result<(), String>) {
        // The driver is gone when the worker has given the job up.
        if self.sender.send(Event::Ended { job: self.job, outcome }).await.is_ok() {
            let _ = timeout(RELEASE_LIMIT, self.released.wait_for(|released| *released)).await;
        }
    }
}

/// A job as a task of this process.
async fn shared<P: Send + Sync + 'static>(
    job: JobContext<P>,
    entry: Entry<P>,
    limit: Duration,
    mut stopped: watch::Receiver<Option<String>>,
    tell: Tell,
) {
    let performing = job.perform(&entry, limit);
    tokio::pin!(performing);
    let outcome = tokio::select! {
        outcome = &mut performing => outcome,
        reason = told(&mut stopped) => {
            job.shutdown(reason);
            performing.await
        }
    };
    tell.ended(outcome).await;
    job.leave(LEAVE_LIMIT).await;
}

/// Waits until a job is told to end.
async fn told(stopped: &mut watch::Receiver<Option<String>>) -> String {
    let reason = stopped.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
    reason.unwrap_or_else(|| "the worker forgot the job".to_owned())
}

/// A job as a process.
async fn isolated(
    command: std::io::Result<Command>,
    assignment: Assignment,
    bounds: Bounds,
    stopped: watch::Receiver<Option<String>>,
    tell: Tell,
) {
    match JobProcess::start(command, assignment, bounds).await {
        Ok(mut process) => {
            let outcome = process.ended(stopped).await;
            tell.ended(outcome).await;
            process.leave().await;
        }
        Err(error) => tell.ended(Err(error)).await,
    }
}

fn registration(options: &WorkerOptions) -> proto::RegisterWorkerRequest {
    let kind = match options.kind {
        JobKind::Room => proto::JobType::JtRoom,
        JobKind::Publisher => proto::JobType::JtPublisher,
    };
    #[allow(deprecated, reason = "servers read the permission `agent` still")]
    let permissions = proto::ParticipantPermission {
        can_subscribe: true,
        can_publish: true,
        can_publish_data: true,
        can_update_metadata: true,
        agent: true,
        ..Default::default()
    };
    proto::RegisterWorkerRequest {
        r#type: kind.into(),
        agent_name: options.agent_name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        allowed_permissions: Some(permissions),
        ..Default::default()
    }
}

/// Every job is wanted.
pub(super) fn accept_all() -> Decide {
    Arc::new(|_: &Job| Some(Accept::default()))
}

async fn opened(
    opening: &mut Option<BoxFuture<'static, Result<Socket, Unopened>>>,
) -> Result<Socket, Unopened> {
    match opening {
        Some(opening) => opening.await,
        None => pending().await,
    }
}

async fn heard(socket: &mut Option<Socket>) -> Result<proto::server_message::Message, String> {
    match socket {
        Some(socket) => socket.next().await,
        None => pending().await,
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
