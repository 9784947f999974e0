//! The jobs' half of the protocol: offers, reservations, assignments, endings.

use std::time::Duration;

use livekit_protocol as proto;
use proto::worker_message::Message as ToServer;

use super::{Accept, MAX_UNSENT, Output, Protocol};

/// How long a decision may take; the server waits 10 s.
const DECIDE_LIMIT: Duration = Duration::from_secs(8);
/// How long an assignment may take; the server takes 7.5 s at most.
const ASSIGN_LIMIT: Duration = Duration::from_secs(10);
/// A job shows in the measured load after this long: the length of its moving average, twice.
const UNSEEN: Duration = Duration::from_secs(5);

/// A job that takes a place.
#[derive(Debug)]
pub(super) enum Slot {
    /// The server asks; nothing is decided.
    Offered { until: Duration },
    /// We said yes.
    Reserved { until: Duration, unseen: Duration },
    /// It runs.
    Running { unseen: Duration, stopping: bool },
}

impl Slot {
    pub fn deadline(&self) -> Option<Duration> {
        match *self {
            Self::Offered { until } | Self::Reserved { until, .. } => Some(until),
            Self::Running { .. } => None,
        }
    }

    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running { .. })
    }

    pub fn is_unseen(&self, now: Duration) -> bool {
        match *self {
            Self::Offered { .. } => true,
            Self::Reserved { unseen, .. } | Self::Running { unseen, .. } => now < unseen,
        }
    }

    /// Whether it runs and was not told to end before.
    pub fn stop(&mut self) -> bool {
        match self {
            Self::Running { stopping, .. } => !std::mem::replace(stopping, true),
            _ => false,
        }
    }
}

impl Protocol {
    /// The server asks whether we take a job.
    pub(super) fn offered(&mut self, request: proto::AvailabilityRequest) {
        let Some(job) = request.job else { return };
        if self.jobs.contains_key(&job.id) {
            // It has its answer, or will; after a migration it runs here already.
            if self.jobs[&job.id].is_running() {
                self.refuse(job.id, "the job runs here already");
            }
            return;
        }
        if let Some(why) = self.refusal() {
            self.refuse(job.id, why);
            return;
        }
        self.jobs.insert(job.id.clone(), Slot::Offered { until: self.now + DECIDE_LIMIT });
        self.outputs.push_back(Output::Ask(Box::new(job)));
    }

    /// The decision about an offer.
    pub(super) fn answered(&mut self, job: &str, accept: Option<Accept>) {
        if !matches!(self.jobs.get(job), Some(Slot::Offered { .. })) {
            // Too late, or its connection is gone.
            return;
        }
        let Some(accept) = accept else {
            self.jobs.remove(job);
            self.refuse(job.to_owned(), "the job is not wanted");
            return;
        };
        let (until, unseen) = (self.now + ASSIGN_LIMIT, self.now + UNSEEN);
        self.jobs.insert(job.to_owned(), Slot::Reserved { until, unseen });
        let identity = if accept.identity.is_empty() { format!("agent-{job}") } else { accept.identity };
        let mut attributes: std::collections::HashMap<_, _> = accept.attributes.into_iter().collect();
        attributes.insert("lk.agent.name".to_owned(), self.registration.agent_name.clone());
        self.send(ToServer::Availability(proto::AvailabilityResponse {
            job_id: job.to_owned(),
            available: true,
            supports_resume: false,
            terminate: false,
            participant_name: accept.name,
            participant_identity: identity,
            participant_metadata: accept.metadata,
            participant_attributes: attributes,
        }));
    }

    /// The server gives us a job.
    pub(super) fn assigned(&mut self, assignment: proto::JobAssignment) {
        let Some(id) = assignment.job.as_ref().map(|job| job.id.clone()) else { return };
        match self.jobs.get(&id) {
            Some(Slot::Running { .. }) => {}
            Some(Slot::Reserved { unseen, .. }) => {
                let unseen = *unseen;
                self.jobs.insert(id.clone(), Slot::Running { unseen, stopping: false });
                self.status(&id, proto::JobStatus::JsRunning, String::new());
                self.outputs.push_back(Output::Start(Box::new(assignment)));
            }
            Some(Slot::Offered { .. }) | None => {
                let error = "the assignment came without a promise of ours, or too late for it";
                self.status(&id, proto::JobStatus::JsFailed, error.to_owned());
            }
        }
    }

    /// The server wants a job to end.
    pub(super) fn terminated(&mut self, job: &str) {
        if self.jobs.get_mut(job).is_some_and(Slot::stop) {
            let reason = "the server ends the job".to_owned();
            self.outputs.push_back(Output::Stop { job: job.to_owned(), reason });
        }
    }

    /// A job is over. Its status goes first: a job that leaves before counts as failed.
    pub(super) fn ended(&mut self, job: &str, outcome: Result<(), String>) {
        if !self.jobs.get(job).is_some_and(Slot::is_running) {
            return;
        }
        self.jobs.remove(job);
        match outcome {
            Ok(()) => self.status(job, proto::JobStatus::JsSuccess, String::new()),
            Err(error) => self.status(job, proto::JobStatus::JsFailed, error),
        }
        self.outputs.push_back(Output::Release { job: job.to_owned() });
    }

    pub(super) fn expire_jobs(&mut self) {
        let due = |slot: &Slot, now| slot.deadline().is_some_and(|until| until <= now);
        let late: Vec<String> =
            self.jobs.iter().filter(|(_, slot)| due(slot, self.now)).map(|(id, _)| id.clone()).collect();
        for job in late {
            if let Some(Slot::Offered { .. }) = self.jobs.remove(&job) {
                self.refuse(job, "the decision takes too long");
            }
        }
    }

    /// Says no to what is not decided yet.
    pub(super) fn refuse_offers(&mut self, why: &'static str) {
        let offered: Vec<String> = self
            .jobs
            .iter()
            .filter(|(_, slot)| matches!(slot, Slot::Offered { .. }))
            .map(|(id, _)| id.clone())
            .collect();
        for job in offered {
            self.jobs.remove(&job);
            self.refuse(job, why);
        }
    }

    /// The connection is gone, and with it what was only promised.
    pub(super) fn forget_offers(&mut self) {
        self.jobs.retain(|_, slot| slot.is_running());
    }

    pub(super) fn running_jobs(&self) -> Vec<String> {
        self.jobs.iter().filter(|(_, slot)| slot.is_running()).map(|(id, _)| id.clone()).collect()
    }

    fn refuse(&mut self, job: String, why: &'static str) {
        self.send(ToServer::Availability(proto::AvailabilityResponse {
            job_id: job.clone(),
            available: false,
            ..Default::default()
        }));
        self.outputs.push_back(Output::Refused { job, why });
    }

    fn status(&mut self, job: &str, status: proto::JobStatus, error: String) {
        let update = proto::UpdateJobStatus { job_id: job.to_owned(), status: status.into(), error };
        if self.link.is_online() {
            self.send(ToServer::UpdateJob(update));
        } else {
            self.keep(update);
        }
    }

    /// Keeps a status for the next connection.
    pub(super) fn keep(&mut self, status: proto::UpdateJobStatus) {
        if self.unsent.len() == MAX_UNSENT {
            self.unsent.pop_front();
        }
        self.unsent.push_back(status);
    }
}
