//! Workers as processes: signals, and jobs in processes of their own, against a real LiveKit server.
//!
//! The worker is this test program, run again: [`a_worker_when_asked`] is one if its environment says so.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::worker_rig::{self, LiveKit, entry, options, until};
use duologue_room::token::Access;
use duologue_room::worker::{Worker, WorkerOptions};
use tokio::time::sleep;

/// Not a test: the process that the tests below start.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_when_asked() {
    if std::env::var_os("WORKER_RIG").is_none() {
        return;
    }
    let isolate = std::env::var_os("WORKER_RIG_ISOLATE").is_some();
    let options = WorkerOptions { isolate, stop_s: 2, ..options("cook") };
    let access = Access::from_environment().unwrap();
    // The exit status is what a service manager sees.
    let status = match Worker::builder(access, options).entrypoint(entry).run().await {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error}");
            1
        }
    };
    std::process::exit(status);
}

/// A worker's process. Dropped, it is killed.
struct Process(Child);

impl Process {
    async fn start(server: &LiveKit, isolate: bool) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "worker_process::a_worker_when_asked", "--nocapture", "--test-threads=1"])
            .env("WORKER_RIG", "1")
            .env("LIVEKIT_URL", server.access().url())
            .env("LIVEKIT_API_KEY", worker_rig::KEY)
            .env("LIVEKIT_API_SECRET", worker_rig::SECRET)
            .stdin(Stdio::null());
        if isolate {
            command.env("WORKER_RIG_ISOLATE", "1");
        }
        let process = Self(command.spawn().unwrap());
        until("the worker is registered", async || server.registrations() > 0).await;
        process
    }

    fn signal(&self, signal: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    fn has_ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }

    async fn ended(&mut self) -> ExitStatus {
        let give_up = std::time::Instant::now() + worker_rig::PATIENCE;
        loop {
            if let Some(status) = self.has_ended() {
                return status;
            }
            assert!(std::time::Instant::now() < give_up, "the worker does not end");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Its children.
    fn jobs(&self) -> Vec<u32> {
        let parent = self.0.id();
        let of = |entry: std::io::Result<std::fs::DirEntry>| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let mut fields = stat.rsplit_once(") ")?.1.split(' ');
            let (state, ppid) = (fields.next()?, fields.next()?);
            (state != "Z" && ppid.parse() == Ok(parent)).then_some(pid)
        };
        std::fs::read_dir("/proc").unwrap().filter_map(of).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a process is over; an orphan may not be reaped here.
fn is_dead(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.is_empty() || stat.contains(") Z ")
}

async fn assigned(server: &LiveKit, count: usize) {
    until("the jobs run", async || {
        server.log().lines().filter(|line| line.contains("assigned job to worker")).count() == count
    })
    .await;
}

async fn sigterm_while_three_jobs_run(isolate: bool) {
    let Some(server) = LiveKit::start().await else { return };
    let mut worker = Process::start(&server, isolate).await;
    server.dispatch("cook", 3, "short").await;
    assigned(&server, 3).await;
    worker.signal("-TERM");
    sleep(Duration::from_millis(500)).await;
    assert_eq!(worker.has_ended(), None, "it waits for its jobs");
    server.dispatch("cook", 1, "short").await;
    let status = worker.ended().await;
    assert!(status.success(), "{status}");
    assert_eq!((server.ended("JS_SUCCESS"), server.ended("JS_FAILED")), (3, 0), "{}", server.log());
    assigned(&server, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_does_not_end_jobs_and_takes_no_more() {
    sigterm_while_three_jobs_run(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_does_not_end_isolated_jobs_and_takes_no_more() {
    sigterm_while_three_jobs_run(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_is_not_held_up_by_jobs() {
    for isolate in [false, true] {
        let Some(server) = LiveKit::start().await else { return };
        let mut worker = Process::start(&server, isolate).await;
        server.dispatch("cook", 2, "deaf").await;
        server.dispatch("cook", 1, "").await;
        assigned(&server, 3).await;
        if isolate {
            until("the jobs' processes run", async || worker.jobs().len() == 3).await;
        }
        let jobs = worker.jobs();
        worker.signal("-TERM");
        sleep(Duration::from_millis(300)).await;
        assert_eq!(worker.has_ended(), None);
        worker.signal("-TERM");
        worker.ended().await;
        // Who listens ends well; who does not is given up, and the server is told of both.
        until("the server knows", async || (server.ended("JS_SUCCESS"), server.ended("JS_FAILED")) == (1, 2))
            .await;
        for job in jobs {
            until("no process is left", async || is_dead(job)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_isolated_job_that_crashes_takes_no_other_along() {
    let Some(server) = LiveKit::start().await else { return };
    let mut worker = Process::start(&server, true).await;
    server.dispatch("cook", 2, "").await;
    assigned(&server, 2).await;
    until("two processes run", async || worker.jobs().len() == 2).await;
    server.dispatch("cook", 1, "abort").await;
    server.dispatch("cook", 1, "panic").await;
    until("the server knows why", async || {
        let log = server.log();
        log.contains("signal 6 (SIGABRT)") && log.contains("the job panicked: on purpose")
    })
    .await;
    until("two processes are left", async || worker.jobs().len() == 2).await;
    assert_eq!((server.ended("JS_FAILED"), server.ended("JS_SUCCESS")), (2, 0));
    worker.signal("-TERM");
    worker.signal("-INT");
    worker.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workers_death_does_not_leave_its_jobs_behind() {
    let Some(server) = LiveKit::start().await else { return };
    let worker = Process::start(&server, true).await;
    server.dispatch("cook", 2, "").await;
    until("two processes run", async || worker.jobs().len() == 2).await;
    let jobs = worker.jobs();
    worker.signal("-KILL");
    for job in jobs {
        until("the job has ended by itself", async || is_dead(job)).await;
    }
}
