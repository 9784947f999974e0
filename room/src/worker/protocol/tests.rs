//! The protocol in simulated time, against a server that is played here.

use super::*;

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) fn limits() -> Limits {
    Limits { jobs: None, load: None, job_load: 0.1, drain: 60 * SECOND, stop: 10 * SECOND }
}

/// A worker with its clock, and everything that it gave out.
pub(super) struct Rig {
    pub protocol: Protocol,
    pub now: Duration,
    pub outputs: Vec<Output>,
}

impl Rig {
    pub fn new(limits: Limits) -> Self {
        let registration = proto::RegisterWorkerRequest { agent_name: "cook".into(), ..Default::default() };
        let mut rig =
            Self { protocol: Protocol::new(registration, limits), now: Duration::ZERO, outputs: Vec::new() };
        rig.drain_outputs();
        rig
    }

    pub fn online(limits: Limits) -> Self {
        let mut rig = Self::new(limits);
        rig.come_online();
        rig.outputs.clear();
        rig
    }

    pub fn come_online(&mut self) {
        self.give(Input::Opened);
        self.give(Input::Server(FromServer::Register(proto::RegisterWorkerResponse {
            worker_id: "AW_1".into(),
            ..Default::default()
        })));
    }

    pub fn give(&mut self, input: Input) {
        self.protocol.handle(input, self.now);
        self.drain_outputs();
    }

    pub fn drain_outputs(&mut self) {
        while let Some(output) = self.protocol.poll_output() {
            self.outputs.push(output);
        }
    }

    /// Lets `duration` pass, timer by timer.
    pub fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(at) = self.protocol.next_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.give(Input::Timeout);
        }
        self.now = end;
        self.give(Input::Timeout);
    }

    /// As [`Rig::pass`], with a server that answers pings.
    pub fn pass_alive(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.pass(SECOND.min(end - self.now));
            self.give(Input::Server(FromServer::Pong(proto::WorkerPong::default())));
        }
    }

    pub fn offer(&mut self, id: &str) {
        let job = proto::Job { id: id.into(), ..Default::default() };
        self.give(Input::Server(FromServer::Availability(proto::AvailabilityRequest {
            job: Some(job),
            resuming: false,
        })));
    }

    pub fn accept(&mut self, id: &str) {
        self.give(Input::Answered { job: id.into(), accept: Some(Accept::default()) });
    }

    pub fn assign(&mut self, id: &str) {
        let job = proto::Job { id: id.into(), ..Default::default() };
        self.give(Input::Server(FromServer::Assignment(proto::JobAssignment {
            job: Some(job),
            ..Default::default()
        })));
    }

    pub fn run(&mut self, id: &str) {
        self.offer(id);
        self.accept(id);
        self.assign(id);
        assert!(self.outputs.iter().any(|output| matches!(output, Output::Start(_))), "{:?}", self.outputs);
    }

    pub fn take(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }
}

fn answers(outputs: &[Output]) -> Vec<(String, bool)> {
    let answer = |output: &Output| match output {
        Output::Send(ToServer::Availability(answer)) => Some((answer.job_id.clone(), answer.available)),
        _ => None,
    };
    outputs.iter().filter_map(answer).collect()
}

fn statuses(outputs: &[Output]) -> Vec<(String, proto::JobStatus)> {
    let status = |output: &Output| match output {
        Output::Send(ToServer::UpdateJob(update)) => Some((update.job_id.clone(), update.status())),
        _ => None,
    };
    outputs.iter().filter_map(status).collect()
}

pub(super) fn finished(outputs: &[Output]) -> Option<&Result<(), Error>> {
    outputs.iter().find_map(|output| match output {
        Output::Finish(result) => Some(result),
        _ => None,
    })
}

#[test]
fn a_job_does_not_leave_before_its_status() {
    let mut rig = Rig::online(limits());
    rig.run("a");
    rig.take();
    rig.give(Input::Ended { job: "a".into(), outcome: Ok(()) });
    let order: Vec<&str> = rig
        .outputs
        .iter()
        .filter_map(|output| match output {
            Output::Send(ToServer::UpdateJob(_)) => Some("status"),
            Output::Release { .. } => Some("release"),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["status", "release"]);
}

#[test]
fn twenty_jobs_at_once_do_not_overrun_a_limit_of_five() {
    let mut rig = Rig::online(Limits { jobs: Some(5), ..limits() });
    for i in 0..20 {
        rig.offer(&format!("job{i}"));
    }
    for i in 0..20 {
        rig.accept(&format!("job{i}"));
    }
    let answers = answers(&rig.take());
    assert_eq!(answers.len(), 20);
    assert_eq!(answers.iter().filter(|(_, available)| *available).count(), 5);
}

#[test]
fn a_burst_is_not_taken_before_its_load_shows() {
    let mut rig = Rig::online(Limits { load: Some(0.7), job_load: 0.25, ..limits() });
    for i in 0..6 {
        rig.offer(&format!("job{i}"));
        rig.accept(&format!("job{i}"));
    }
    let answers = answers(&rig.take());
    assert_eq!(answers.iter().filter(|(_, available)| *available).count(), 3, "{answers:?}");
}

#[test]
fn a_busy_machine_or_short_memory_takes_no_job() {
    let mut rig = Rig::online(Limits { load: Some(0.7), ..limits() });
    rig.give(Input::Sampled { load: 0.71, roomy: true });
    rig.offer("a");
    rig.give(Input::Sampled { load: 0.1, roomy: false });
    rig.offer("b");
    rig.give(Input::Sampled { load: 0.1, roomy: true });
    rig.offer("c");
    rig.accept("c");
    assert_eq!(answers(&rig.take()), [("a".into(), false), ("b".into(), false), ("c".into(), true)]);
}

#[test]
fn the_server_is_not_left_to_guess_that_a_worker_is_full() {
    let mut rig = Rig::online(Limits { jobs: Some(1), ..limits() });
    rig.run("a");
    let full = |outputs: &[Output]| {
        outputs.iter().rev().find_map(|output| match output {
            Output::Send(ToServer::UpdateWorker(update)) => {
                Some(update.status() == proto::WorkerStatus::WsFull)
            }
            _ => None,
        })
    };
    assert_eq!(full(&rig.take()), Some(true), "told at once");
    rig.give(Input::Ended { job: "a".into(), outcome: Ok(()) });
    assert_eq!(full(&rig.take()), Some(false));
}

#[test]
fn a_server_does_not_take_a_worker_without_a_threshold_for_overloaded() {
    let told = |threshold, load| {
        let mut rig = Rig::online(Limits { load: threshold, ..limits() });
        rig.give(Input::Sampled { load, roomy: true });
        rig.pass(3 * SECOND);
        let update = rig.take().into_iter().rev().find_map(|output| match output {
            Output::Send(ToServer::UpdateWorker(update)) => Some(update.load),
            _ => None,
        });
        update.unwrap()
    };
    assert!(told(None, 1.0) < 0.7);
    assert!(told(Some(0.9), 0.85) < 0.7 && told(Some(0.9), 0.95) > 0.7);
    assert!((told(Some(0.7), 0.5) - 0.5).abs() < 1e-6);
}

#[test]
fn an_undecided_offer_is_not_left_without_an_answer() {
    let mut rig = Rig::online(limits());
    rig.offer("a");
    rig.pass(8 * SECOND);
    assert_eq!(answers(&rig.take()), [("a".into(), false)]);
    rig.accept("a");
    assert_eq!(answers(&rig.take()), [], "one answer");
}

#[test]
fn a_promise_that_is_not_taken_up_does_not_hold_its_place() {
    let mut rig = Rig::online(Limits { jobs: Some(1), ..limits() });
    rig.offer("a");
    rig.accept("a");
    rig.pass_alive(10 * SECOND);
    rig.offer("b");
    rig.accept("b");
    assert_eq!(answers(&rig.take()), [("a".into(), true), ("b".into(), true)]);
    rig.assign("a");
    assert_eq!(statuses(&rig.take()), [("a".into(), proto::JobStatus::JsFailed)], "too late, and told");
}

#[test]
fn a_lost_connection_stops_no_job_and_loses_no_status() {
    let mut rig = Rig::online(limits());
    rig.run("a");
    rig.run("b");
    rig.take();
    rig.give(Input::Lost { reason: "cut".into(), refused: false });
    rig.give(Input::Ended { job: "a".into(), outcome: Err("no voice".into()) });
    rig.pass(SECOND);
    assert!(rig.outputs.iter().any(|output| matches!(output, Output::Open)), "{:?}", rig.outputs);
    assert!(!rig.outputs.iter().any(|output| matches!(output, Output::Stop { .. })));
    rig.take();
    rig.come_online();
    let migrated = rig.outputs.iter().find_map(|output| match output {
        Output::Send(ToServer::MigrateJob(migrate)) => Some(migrate.job_ids.clone()),
        _ => None,
    });
    assert_eq!(migrated, Some(vec!["b".to_owned()]));
    assert_eq!(statuses(&rig.take()), [("a".into(), proto::JobStatus::JsFailed)]);
    assert_eq!(rig.protocol.running(), 1);
}

#[test]
fn a_status_that_broke_with_the_connection_is_not_lost() {
    let mut rig = Rig::online(limits());
    rig.run("a");
    rig.give(Input::Ended { job: "a".into(), outcome: Ok(()) });
    let status = rig.take().into_iter().find_map(|output| match output {
        Output::Send(ToServer::UpdateJob(update)) if update.status() == proto::JobStatus::JsSuccess => {
            Some(update)
        }
        _ => None,
    });
    rig.give(Input::Lost { reason: "broke".into(), refused: false });
    rig.give(Input::Unsent(status.unwrap()));
    rig.pass(SECOND);
    rig.come_online();
    assert_eq!(statuses(&rig.take()), [("a".into(), proto::JobStatus::JsSuccess)]);
}

#[test]
fn a_worker_without_a_server_does_not_leave_its_jobs() {
    let mut rig = Rig::online(limits());
    rig.run("a");
    for _ in 0..17 {
        rig.give(Input::Lost { reason: "gone".into(), refused: false });
        rig.pass(10 * SECOND);
    }
    assert!(finished(&rig.outputs).is_none() && rig.protocol.running() == 1);
    rig.give(Input::Ended { job: "a".into(), outcome: Ok(()) });
    assert!(finished(&rig.outputs).unwrap().is_err());
}

#[test]
fn draining_takes_no_job_and_waits_for_those_that_run() {
    let mut rig = Rig::online(limits());
    rig.run("a");
    rig.offer("undecided");
    rig.take();
    rig.give(Input::Drain);
    rig.offer("b");
    assert_eq!(answers(&rig.outputs), [("undecided".into(), false), ("b".into(), false)]);
    assert!(finished(&rig.outputs).is_none());
    rig.give(Input::Ended { job: "a".into(), outcome: Ok(()) });
    assert_eq!(statuses(&rig.outputs), [("a".into(), proto::JobStatus::JsSuccess)]);
    assert!(finished(&rig.outputs).unwrap().is_ok());
}

#[test]
fn draining_does_not_break_a_promise() {
    let mut rig = Rig::online(limits());
    rig.offer("a");
    rig.accept("a");
    rig.give(Input::Drain);
    assert!(finished(&rig.outputs).is_none());
    rig.assign("a");
    assert_eq!(rig.protocol.running(), 1);
}

#[test]
fn draining_does_not_wait_forever() {
    let mut rig = Rig::online(limits());
    rig.run("a");
    rig.give(Input::Drain);
    rig.pass_alive(59 * SECOND);
    assert!(!rig.outputs.iter().any(|output| matches!(output, Output::Stop { .. })));
    rig.pass_alive(SECOND);
    assert!(rig.outputs.iter().any(|output| matches!(output, Output::Stop { .. })), "told at the limit");
    rig.take();
    rig.pass_alive(11 * SECOND);
    assert_eq!(statuses(&rig.outputs), [("a".into(), proto::JobStatus::JsFailed)]);
    assert!(finished(&rig.outputs).unwrap().is_ok());
}

#[test]
fn quitting_tells_jobs_and_does_not_wait() {
    let mut rig = Rig::online(limits());
    rig.run("a");
    rig.give(Input::Drain);
    rig.take();
    rig.give(Input::Quit);
    assert!(rig.outputs.iter().any(|output| matches!(output, Output::Stop { .. })));
    rig.pass(SECOND);
    assert_eq!(statuses(&rig.outputs), [("a".into(), proto::JobStatus::JsFailed)]);
    assert!(finished(&rig.outputs).is_some());
    assert!(rig.protocol.next_timeout().is_none());
}

#[test]
fn a_terminated_job_is_told_once() {
    let mut rig = Rig::online(limits());
    rig.run("a");
    for _ in 0..2 {
        let termination = proto::JobTermination { job_id: "a".into() };
        rig.give(Input::Server(FromServer::Termination(termination)));
    }
    assert_eq!(rig.outputs.iter().filter(|output| matches!(output, Output::Stop { .. })).count(), 1);
}
