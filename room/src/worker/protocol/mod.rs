//! The worker's side of the dispatch protocol: what is answered to the server, which jobs run, and when
//! the worker is over.
//!
//! Sans-IO: no sockets, no tasks, no clock of its own. Tell it what happened with [`Protocol::handle`], do
//! what [`Protocol::poll_output`] says until it says `None`, and come back with [`Input::Timeout`] at
//! [`Protocol::next_timeout`].
//!
//! # The connection
//! ```text
//!            Open           Opened: register            registered
//!  Waiting ───────► Opening ───────────────► Registering ─────────► Online
//!     ▲                │ lost                    │ lost, 10 s          │ lost, silent for 30 s
//!     └── min(2n, 10) s┴─────────────────────────┴─────────────────────┘    after 16 in a row, or refused
//!                                                                           at the very first: given up;
//!                                                                           10 s online end the row
//! ```
//! # A job
//! ```text
//!  availability ──► Offered ──accepted──► Reserved ──assignment──► Running ──ended──► its status is sent,
//!                      │ no, full, 8 s        │ 10 s, or the                          then it leaves the room
//!                      ▼                      ▼ connection is lost
//!                 "not available"         free again
//! ```
//! # Invariants
//! - Offered, reserved and running jobs together are never more than the limit.
//! - Each offer is answered once, within 8 s (the server waits 10 s), or its connection is gone.
//! - Each assignment is started or failed; each started job ends in one final status, sent as soon as there
//!   is a connection, and before the job leaves its room.
//! - A lost connection stops no job.
//! - Draining ends: when the last job is done, or at its limit.

#[cfg(test)]
mod history_tests;
mod job;
mod link;
#[cfg(test)]
mod link_tests;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use livekit_protocol as proto;
use proto::server_message::Message as FromServer;
use proto::worker_message::Message as ToServer;

use self::job::Slot;
use self::link::Link;
use crate::{Error, ErrorKind};

/// How often the server is told load and status.
pub(super) const STATUS_PERIOD: Duration = Duration::from_millis(2500);
/// Load from which on a server of the default configuration sends no job (`agents.target_load`).
const SERVER_TARGET: f32 = 0.7;
/// Statuses of ended jobs that are kept for the next connection.
const MAX_UNSENT: usize = 1024;
/// How long jobs may take to end when the worker exits at once.
const QUIT_GRACE: Duration = Duration::from_secs(1);

/// What bounds a worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Most jobs at a time; `None` for no limit.
    pub jobs: Option<usize>,
    /// Load at which no more jobs are taken, `0.0..=1.0`; `None` for no limit.
    pub load: Option<f32>,
    /// Load that a job is counted with until it shows in what is measured.
    pub job_load: f32,
    /// Longest that draining waits for jobs.
    pub drain: Duration,
    /// How long a job may take to end when it is told to.
    pub stop: Duration,
}

/// What happened.
#[expect(clippy::large_enum_variant, reason = "a few a second, handed on at once: boxes would save nothing")]
#[derive(Debug)]
pub(super) enum Input {
    /// The socket that was asked for is open.
    Opened,
    /// The socket is gone, or could not be opened; `refused` if the server does not want us.
    Lost { reason: String, refused: bool },
    /// The server says something.
    Server(FromServer),
    /// The machine was looked at: its load, and whether memory is left for another job.
    Sampled { load: f32, roomy: bool },
    /// The answer to [`Output::Ask`].
    Answered { job: String, accept: Option<Accept> },
    /// A job is over: well, or with what went wrong.
    Ended { job: String, outcome: Result<(), String> },
    /// A job's status that could not be sent.
    Unsent(proto::UpdateJobStatus),
    /// End when the jobs are done.
    Drain,
    /// End at once.
    Quit,
    /// Time has passed.
    Timeout,
}

/// As whom an agent joins its room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accept {
    /// Its identity; `agent-` and the job's id if empty.
    pub identity: String,
    /// The name that others see.
    pub name: String,
    /// Its metadata.
    pub metadata: String,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
}

/// What is to be done.
#[expect(clippy::large_enum_variant, reason = "a few a second, handed on at once: boxes would save nothing")]
#[derive(Debug)]
pub(super) enum Output {
    /// Open a socket, with a fresh token.
    Open,
    /// Send this on the socket.
    Send(ToServer),
    /// Close the socket.
    Close,
    /// Decide whether this job is wanted.
    Ask(Box<proto::Job>),
    /// Start this job.
    Start(Box<proto::JobAssignment>),
    /// Tell a job to end.
    Stop { job: String, reason: String },
    /// An ended job's status was given away: it may leave its room.
    Release { job: String },
    /// The server knows us now.
    Registered { worker_id: String, server: String, again: bool },
    /// The connection is lost; the next try is in `wait`.
    Reconnecting { attempt: u32, wait: Duration, reason: String },
    /// The server was told that a job is not taken.
    Refused { job: String, why: &'static str },
    /// The worker is over.
    Finish(Result<(), Error>),
}

/// Before, during and after the worker's work.
#[derive(Debug)]
enum Life {
    Working,
    /// No more jobs; over at the latest at this time.
    Draining {
        until: Duration,
        stopped: bool,
    },
    Quitting {
        until: Duration,
    },
    Over,
}

/// The state of a worker. See the [module](self).
#[derive(Debug)]
pub(super) struct Protocol {
    limits: Limits,
    registration: proto::RegisterWorkerRequest,
    now: Duration,
    life: Life,
    link: Link,
    /// Why there will be no connection any more.
    lost: Option<Error>,
    jobs: BTreeMap<String, Slot>,
    unsent: VecDeque<proto::UpdateJobStatus>,
    load: f32,
    roomy: bool,
    next_status: Duration,
    /// The last status that the server was told.
    told_full: Option<bool>,
    outputs: VecDeque<Output>,
}

impl Protocol {
    /// A worker that is to connect at once.
    pub fn new(registration: proto::RegisterWorkerRequest, limits: Limits) -> Self {
        let mut protocol = Self {
            limits,
            registration,
            now: Duration::ZERO,
            life: Life::Working,
            link: Link::new(),
            lost: None,
            jobs: BTreeMap::new(),
            unsent: VecDeque::new(),
            load: 0.0,
            roomy: true,
            next_status: Duration::ZERO,
            told_full: None,
            outputs: VecDeque::new(),
        };
        protocol.open();
        protocol
    }

    /// Takes in what happened at `now`, which never goes back.
    pub fn handle(&mut self, input: Input, now: Duration) {
        self.now = self.now.max(now);
        if matches!(self.life, Life::Over) {
            return;
        }
        match input {
            Input::Opened => self.opened(),
            Input::Lost { reason, refused } => self.lose(reason, refused),
            Input::Server(message) => self.hear(message),
            Input::Sampled { load, roomy } => (self.load, self.roomy) = (load.clamp(0.0, 1.0), roomy),
            Input::Answered { job, accept } => self.answered(&job, accept),
            Input::Ended { job, outcome } => self.ended(&job, outcome),
            Input::Unsent(status) => self.keep(status),
            Input::Drain => self.drain(),
            Input::Quit => self.quit("the worker exits at once"),
            Input::Timeout => {}
        }
        self.expire();
        self.report();
        self.finish();
    }

    /// What is to be done next, if anything.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due.
    pub fn next_timeout(&self) -> Option<Duration> {
        let life = match self.life {
            Life::Working => None,
            Life::Draining { until, .. } | Life::Quitting { until } => Some(until),
            Life::Over => return None,
        };
        let status = self.link.is_online().then_some(self.next_status);
        let jobs = self.jobs.values().filter_map(Slot::deadline);
        life.into_iter().chain(self.link.deadline()).chain(status).chain(jobs).min()
    }

    /// Jobs that run.
    pub fn running(&self) -> usize {
        self.jobs.values().filter(|slot| slot.is_running()).count()
    }

    /// Whether the server knows us now.
    pub fn is_online(&self) -> bool {
        self.link.is_online()
    }

    /// Whether no more jobs are taken for good.
    pub fn is_leaving(&self) -> bool {
        !matches!(self.life, Life::Working)
    }

    /// The load, with the jobs that do not show in it yet.
    pub fn load(&self) -> f32 {
        let unseen = self.jobs.values().filter(|slot| slot.is_unseen(self.now)).count();
        (self.load + unseen as f32 * self.limits.job_load).min(1.0)
    }

    /// The load as the server is told it. A server sends no job to a worker whose load reaches its own
    /// target, whatever the status says: so that is where our threshold, or none, must be.
    fn told_load(&self) -> f32 {
        match self.limits.load {
            Some(threshold) => (self.load() * SERVER_TARGET / threshold).min(1.0),
            None => self.load() * (SERVER_TARGET - 0.01),
        }
    }

    /// Why a further job is not taken now.
    pub fn refusal(&self) -> Option<&'static str> {
        if !matches!(self.life, Life::Working) {
            return Some("the worker is draining");
        }
        if self.limits.jobs.is_some_and(|limit| self.jobs.len() >= limit) {
            return Some("the worker has as many jobs as it may");
        }
        if self.limits.load.is_some_and(|threshold| self.load() >= threshold) {
            return Some("the machine is busy");
        }
        if !self.roomy {
            return Some("memory is short");
        }
        None
    }

    fn drain(&mut self) {
        if matches!(self.life, Life::Working) {
            self.life = Life::Draining { until: self.now + self.limits.drain, stopped: false };
            self.refuse_offers("the worker is draining");
        }
    }

    fn quit(&mut self, reason: &str) {
        if matches!(self.life, Life::Quitting { .. }) {
            return;
        }
        self.life = Life::Quitting { until: self.now + QUIT_GRACE };
        self.refuse_offers("the worker exits");
        self.stop_all(reason);
    }

    /// Everything whose time has come.
    fn expire(&mut self) {
        self.expire_link();
        self.expire_jobs();
        match self.life {
            Life::Draining { until, stopped: false } if until <= self.now => {
                self.stop_all("the worker's time to drain is over");
                // The margin is for what the job's own limit does not cover: its last words.
                let until = self.now + self.limits.stop + QUIT_GRACE;
                self.life = Life::Draining { until, stopped: true };
            }
            Life::Draining { until, stopped: true } | Life::Quitting { until } if until <= self.now => {
                self.abandon();
            }
            _ => {}
        }
    }

    /// Tells the server load and status, when it is time or the status is another.
    fn report(&mut self) {
        if !self.link.is_online() {
            return;
        }
        let full = self.refusal().is_some();
        if self.told_full == Some(full) && self.now < self.next_status {
            return;
        }
        self.told_full = Some(full);
        self.next_status = self.now + STATUS_PERIOD;
        let status = if full { proto::WorkerStatus::WsFull } else { proto::WorkerStatus::WsAvailable };
        self.send(ToServer::UpdateWorker(proto::UpdateWorkerStatus {
            status: Some(status.into()),
            load: self.told_load(),
            job_count: u32::try_from(self.running()).unwrap_or(u32::MAX),
            draining: self.is_leaving(),
            ..Default::default()
        }));
    }

    /// Ends the worker if nothing holds it.
    fn finish(&mut self) {
        let leaving = self.is_leaving() || self.lost.is_some();
        // A promised job comes soon or expires.
        if !leaving || !self.jobs.is_empty() || matches!(self.life, Life::Over) {
            return;
        }
        self.life = Life::Over;
        self.link.close();
        self.outputs.push_back(Output::Close);
        let result = match self.lost.take() {
            Some(error) => Err(error),
            None => Ok(()),
        };
        self.outputs.push_back(Output::Finish(result));
    }

    /// Gives the jobs up that did not end in time.
    fn abandon(&mut self) {
        let left: Vec<String> = self.jobs.keys().cloned().collect();
        for job in left {
            self.ended(&job, Err("the worker exited before the job had ended".to_owned()));
            self.jobs.remove(&job);
        }
    }

    fn stop_all(&mut self, reason: &str) {
        for (job, slot) in &mut self.jobs {
            if slot.stop() {
                self.outputs.push_back(Output::Stop { job: job.clone(), reason: reason.to_owned() });
            }
        }
        self.jobs.retain(|_, slot| slot.is_running());
    }

    fn send(&mut self, message: ToServer) {
        self.outputs.push_back(Output::Send(message));
    }
}

/// What is wrong when the server cannot be had.
fn given_up(refused: bool, attempts: u32, reason: &str) -> Error {
    if refused {
        let message = format!("the server refuses the worker: {reason}");
        return Error::new(ErrorKind::Unauthorized, message);
    }
    Error::new(ErrorKind::Network, format!("the server cannot be had after {attempts} tries: {reason}"))
}
