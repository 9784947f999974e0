//! The connection's half of the protocol: opening, registering, staying alive, coming back.

use std::time::Duration;

use livekit_protocol as proto;
use proto::server_message::Message as FromServer;
use proto::worker_message::Message as ToServer;

use super::{Output, Protocol, given_up};

/// Tries in a row until the worker gives up.
const MAX_TRIES: u32 = 16;
/// How long the server may take to take in a registration.
const REGISTER_LIMIT: Duration = Duration::from_secs(10);
/// How long a socket may take to open; the driver ends it sooner.
const OPEN_LIMIT: Duration = Duration::from_secs(30);
/// How often the server is asked for a sign of life.
const PING_PERIOD: Duration = Duration::from_secs(10);
/// Silence after which a connection is taken for dead.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// How long the worker must have been online for the tries before to be forgotten: a server, or a proxy before it, that takes a
/// worker in and drops it at once is a server that cannot be had.
const STEADY: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Link {
    state: State,
    /// Tries since the worker was last online for [`STEADY`].
    tries: u32,
    registered_before: bool,
}

#[derive(Debug)]
enum State {
    Waiting { until: Duration },
    Opening { until: Duration },
    Registering { until: Duration },
    Online { ping: Duration, silent: Duration, since: Duration },
    Closed,
}

impl Link {
    pub fn new() -> Self {
        Self { state: State::Closed, tries: 0, registered_before: false }
    }

    pub fn is_online(&self) -> bool {
        matches!(self.state, State::Online { .. })
    }

    pub fn close(&mut self) {
        self.state = State::Closed;
    }

    pub fn deadline(&self) -> Option<Duration> {
        match self.state {
            State::Waiting { until } | State::Opening { until } | State::Registering { until } => Some(until),
            State::Online { ping, silent, .. } => Some(ping.min(silent)),
            State::Closed => None,
        }
    }
}

impl Protocol {
    pub(super) fn open(&mut self) {
        self.link.state = State::Opening { until: self.now + OPEN_LIMIT };
        self.outputs.push_back(Output::Open);
    }

    pub(super) fn opened(&mut self) {
        if matches!(self.link.state, State::Opening { .. }) {
            self.link.state = State::Registering { until: self.now + REGISTER_LIMIT };
            self.send(ToServer::Register(self.registration.clone()));
        }
    }

    /// The connection is gone, or did not come to be.
    pub(super) fn lose(&mut self, reason: String, refused: bool) {
        if matches!(self.link.state, State::Waiting { .. } | State::Closed) {
            return;
        }
        self.forget_offers();
        self.told_full = None;
        if matches!(self.link.state, State::Online { since, .. } if self.now >= since + STEADY) {
            self.link.tries = 0;
        }
        self.link.tries += 1;
        // A server that has taken us before may be starting again, with its keys not read yet.
        let hopeless = refused && !self.link.registered_before;
        if hopeless || self.link.tries > MAX_TRIES {
            self.link.state = State::Closed;
            self.lost = Some(given_up(hopeless, self.link.tries, &reason));
            return;
        }
        // The first try to come back is at once: most losses are a proxy's or a restart's.
        let wait = Duration::from_secs(u64::from(2 * (self.link.tries - 1)).min(10));
        self.link.state = State::Waiting { until: self.now + wait };
        self.outputs.push_back(Output::Reconnecting { attempt: self.link.tries, wait, reason });
    }

    pub(super) fn expire_link(&mut self) {
        match self.link.state {
            State::Waiting { until } if until <= self.now => self.open(),
            State::Opening { until } if until <= self.now => self.give_up_socket("it does not open"),
            State::Registering { until } if until <= self.now => {
                self.give_up_socket("the server does not answer the registration");
            }
            State::Online { silent, .. } if silent <= self.now => {
                self.give_up_socket("the server has been silent for 30 s");
            }
            State::Online { ping, silent, since } if ping <= self.now => {
                self.link.state = State::Online { ping: self.now + PING_PERIOD, silent, since };
                let timestamp = i64::try_from(self.now.as_millis()).unwrap_or(i64::MAX);
                self.send(ToServer::Ping(proto::WorkerPing { timestamp }));
            }
            _ => {}
        }
    }

    fn give_up_socket(&mut self, reason: &str) {
        self.outputs.push_back(Output::Close);
        self.lose(reason.to_owned(), false);
    }

    /// What the server says.
    pub(super) fn hear(&mut self, message: FromServer) {
        match (&mut self.link.state, message) {
            (State::Registering { .. }, FromServer::Register(answer)) => self.registered(answer),
            (State::Online { silent, .. }, message) => {
                *silent = self.now + SILENCE_LIMIT;
                match message {
                    FromServer::Availability(request) => self.offered(request),
                    FromServer::Assignment(assignment) => self.assigned(assignment),
                    FromServer::Termination(termination) => self.terminated(&termination.job_id),
                    // It moves us elsewhere; the jobs stay.
                    FromServer::GoAway(_) => self.give_up_socket("the server is draining"),
                    FromServer::Register(_) | FromServer::Pong(_) => {}
                }
            }
            // Before the registration nothing else is meant for us.
            _ => {}
        }
    }

    fn registered(&mut self, answer: proto::RegisterWorkerResponse) {
        let since = self.now;
        self.link.state = State::Online { ping: since + PING_PERIOD, silent: since + SILENCE_LIMIT, since };
        let again = std::mem::replace(&mut self.link.registered_before, true);
        let server = answer.server_info.map(|info| info.version).unwrap_or_default();
        self.outputs.push_back(Output::Registered { worker_id: answer.worker_id, server, again });
        let running = self.running_jobs();
        if !running.is_empty() {
            self.send(ToServer::MigrateJob(proto::MigrateJobRequest { job_ids: running }));
        }
        while let Some(status) = self.unsent.pop_front() {
            self.send(ToServer::UpdateJob(status));
        }
    }
}
