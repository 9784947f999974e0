//! A job in a process of its own: the same program, run again, that is told its job on standard input.
//!
//! ```text
//!  worker → job    {"start":{…}}    {"stop":{"reason":"…"}}    "release"
//!  job → worker    {"ended":{"error":null}}
//! ```
//! One line of JSON each; the job's lines begin with a mark, and its other output is passed on. The job's
//! end of standard input is the worker's death: it then ends by itself.
//!
//! It is given the token of its room and no secret: the worker's key and secret are not in its environment, nor in its arguments.
//!
//! Invariant: whatever happens to the process, the worker learns of exactly one end, and the process does
//! not outlive its limits. It is killed when it does not end in time, holds more memory than it may, or
//! does not leave after it was released.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval, sleep_until, timeout};

use super::context::{Entry, JobContext};
use super::job::Assignment;
use super::load::memory;
use crate::token::{self, Access};
use crate::{Error, ErrorKind};

/// Set in a job's process.
pub(super) const VARIABLE: &str = "DUOLOGUE_JOB_PROCESS";
/// What a line of the protocol begins with, among whatever else the job prints.
const MARK: &str = "\u{1e}duologue-job ";
/// What a job's process may take beyond its own limits, before it is killed.
const MARGIN: Duration = Duration::from_secs(2);
/// How long a released process may take to leave its room and exit.
pub(super) const LEAVE_LIMIT: Duration = Duration::from_secs(5);
const MEMORY_PERIOD: Duration = Duration::from_secs(1);
/// How long the worker may take to release a job that has ended.
const RELEASE_LIMIT: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ToJob {
    Start(Box<Assignment>),
    Stop { reason: String },
    Release,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FromJob {
    Ended { error: Option<String> },
}

/// What a job may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// For the entry point, and again for the callbacks.
    pub stop: Duration,
    /// Resident memory in bytes; 0 for no limit.
    pub memory: u64,
}

/// This program, to be run again for one job, without what only the worker may know.
pub(super) fn job_command(access: &Access) -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(std::env::args_os().skip(1).map(|argument| access.withheld(&argument).unwrap_or(argument)))
        .env(VARIABLE, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    for (name, value) in std::env::vars_os() {
        if let Some(value) = access.withheld(&value) {
            command.env(name, value);
        }
    }
    command.env_remove(token::API_KEY).env_remove(token::API_SECRET);
    // Ctrl-C is for the worker, which lets its jobs end.
    #[cfg(unix)]
    command.process_group(0);
    Ok(command)
}

/// A job's process, seen from the worker.
pub(super) struct JobProcess {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    bounds: Bounds,
}

impl JobProcess {
    /// Runs this program again, and gives it its job.
    pub async fn start(
        command: std::io::Result<Command>,
        assignment: Assignment,
        bounds: Bounds,
    ) -> Result<Self, String> {
        let spawned = command.and_then(|mut command| command.spawn());
        let mut child = spawned.map_err(|error| format!("the job's process cannot be started: {error}"))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the job's process has no pipes".to_owned());
        };
        let lines = BufReader::new(stdout).lines();
        let mut process = Self { child, stdin: Some(stdin), lines, bounds };
        process.tell(&ToJob::Start(Box::new(assignment))).await?;
        Ok(process)
    }

    /// Waits until the job is over, telling it to end when `stop` holds a reason.
    pub async fn ended(&mut self, mut stop: watch::Receiver<Option<String>>) -> Result<(), String> {
        let mut look = interval(MEMORY_PERIOD);
        let mut killed_at: Option<Instant> = None;
        let far = Duration::from_secs(86_400);
        loop {
            let due = killed_at.unwrap_or_else(|| Instant::now() + far);
            tokio::select! {
                line = self.lines.next_line() => match line {
                    Ok(Some(line)) => if let Some(outcome) = ended_line(&line) { return outcome },
                    Ok(None) | Err(_) => return Err(self.died().await),
                },
                changed = stop.changed(), if killed_at.is_none() => {
                    let reason = match changed {
                        Ok(()) => stop.borrow_and_update().clone(),
                        Err(_) => Some("the worker forgot the job".to_owned()),
                    };
                    if let Some(reason) = reason {
                        killed_at = Some(Instant::now() + 2 * self.bounds.stop + MARGIN);
                        // A process that does not read is killed in time.
                        let _ = self.tell(&ToJob::Stop { reason }).await;
                    }
                }
                () = sleep_until(due), if killed_at.is_some() => {
                    self.kill().await;
                    return Err("the job's process did not end when it was told to, and was killed".to_owned());
                }
                _ = look.tick(), if self.bounds.memory > 0 => {
                    let resident = self.child.id().and_then(memory::resident).unwrap_or(0);
                    if resident > self.bounds.memory {
                        self.kill().await;
                        return Err(format!(
                            "the job's process held {} MiB and was killed; worker.job_memory_limit_mib is {}",
                            resident >> 20,
                            self.bounds.memory >> 20
                        ));
                    }
                }
            }
        }
    }

    /// Lets the process leave its room, and sees it end.
    pub async fn leave(&mut self) {
        // Its death closes the pipe, which is as good.
        let _ = self.tell(&ToJob::Release).await;
        let ending = async {
            while let Ok(Some(line)) = self.lines.next_line().await {
                pass_on(&line);
            }
            let _ = self.child.wait().await;
        };
        if timeout(LEAVE_LIMIT, ending).await.is_err() {
            tracing::warn!("a job's process did not exit within {} s and is killed", LEAVE_LIMIT.as_secs());
            self.kill().await;
        }
    }

    async fn tell(&mut self, message: &ToJob) -> Result<(), String> {
        let mut line = serde_json::to_string(message).map_err(|error| error.to_string())?;
        line.push('\n');
        let Some(stdin) = &mut self.stdin else { return Err("the job's process hears nothing".to_owned()) };
        let written = timeout(MARGIN, async {
            stdin.write_all(line.as_bytes()).await?;
            stdin.flush().await
        });
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("the job's process hears nothing: {error}")),
            Err(_) => Err("the job's process does not read".to_owned()),
        }
    }

    async fn kill(&mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::error!("a job's process cannot be killed: {error}");
        }
    }

    /// How a process ended that said nothing of it.
    async fn died(&mut self) -> String {
        self.stdin = None;
        match timeout(MARGIN, self.child.wait()).await {
            Ok(Ok(status)) => format!("the job's process {}", told(status)),
            Ok(Err(error)) => format!("the job's process is lost: {error}"),
            Err(_) => {
                self.kill().await;
                "the job's process closed its output, and was killed".to_owned()
            }
        }
    }
}

fn told(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = match signal {
            4 => " (SIGILL)",
            6 => " (SIGABRT)",
            7 => " (SIGBUS)",
            8 => " (SIGFPE)",
            9 => " (SIGKILL; perhaps memory was short)",
            11 => " (SIGSEGV)",
            15 => " (SIGTERM)",
            _ => "",
        };
        return format!("crashed: signal {signal}{name}");
    }
    match status.code() {
        Some(code) => format!("exited with status {code} before its job had ended"),
        None => "ended before its job had".to_owned(),
    }
}

/// The job's end, if `line` tells it; other lines are passed on.
fn ended_line(line: &str) -> Option<Result<(), String>> {
    let Some(json) = line.strip_prefix(MARK) else {
        pass_on(line);
        return None;
    };
    match serde_json::from_str(json) {
        Ok(FromJob::Ended { error: None }) => Some(Ok(())),
        Ok(FromJob::Ended { error: Some(error) }) => Some(Err(error)),
        Err(error) => Some(Err(format!("the job's process speaks nonsense: {error}"))),
    }
}

fn pass_on(line: &str) {
    use std::io::Write;
    if line.is_empty() {
        return;
    }
    // Who closed our standard output does not want to see it.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Whether this process is there for one job.
pub(crate) fn is_job_process() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// The job's side: runs the one job that is told on standard input, and ends.
pub(super) async fn run_job<P: Send + Sync + 'static>(
    entry: &Entry<P>,
    shared: Arc<P>,
    stop: Duration,
) -> Result<(), Error> {
    let mut lines = lines();
    let first = lines.recv().await.unwrap_or_default();
    let Ok(ToJob::Start(assignment)) = serde_json::from_str(&first) else {
        let message = format!("{VARIABLE} is set, but no job came on standard input; unset it");
        return Err(Error::new(ErrorKind::Job, message));
    };
    let job = JobContext::new(*assignment, shared);
    let (release, mut released) = watch::channel(false);
    let listener = tokio::spawn(listen(lines, job.clone(), release));
    let outcome = job.perform(entry, stop).await;
    say(&FromJob::Ended { error: outcome.err() });
    // An error is the worker's death, which releases too.
    let _ = timeout(RELEASE_LIMIT, released.wait_for(|released| *released)).await;
    job.leave(LEAVE_LIMIT - Duration::from_secs(1)).await;
    listener.abort();
    Ok(())
}

/// What the worker says; ends with it. The thread stays in its last read, which nothing can end.
fn lines() -> mpsc::Receiver<String> {
    use std::io::BufRead;
    let (sender, receiver) = mpsc::channel(8);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

async fn listen<P>(mut lines: mpsc::Receiver<String>, job: JobContext<P>, release: watch::Sender<bool>) {
    while let Some(line) = lines.recv().await {
        match serde_json::from_str(&line) {
            Ok(ToJob::Stop { reason }) => job.shutdown(reason),
            Ok(ToJob::Release) => {
                release.send_replace(true);
            }
            Ok(ToJob::Start(_)) | Err(_) => tracing::warn!("the worker speaks nonsense"),
        }
    }
    job.shutdown("the worker is gone");
    release.send_replace(true);
}

fn say(message: &FromJob) {
    use std::io::Write;
    if let Ok(json) = serde_json::to_string(message) {
        let mut out = std::io::stdout().lock();
        // Whatever the job printed last may lack its end. The worker is gone if it cannot be told; the job
        // ends all the same.
        let _ = writeln!(out, "\n{MARK}{json}").and_then(|()| out.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jobs_process_is_not_given_the_secret() {
        let access = Access::new("ws://host", "key", "a-secret-of-more-than-16-characters").unwrap();
        let command = job_command(&access).unwrap();
        let changed: Vec<_> = command.as_std().get_envs().collect();
        for name in ["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"] {
            assert!(changed.contains(&(name.as_ref(), None)), "{name} is handed on: {changed:?}");
        }
        assert!(changed.contains(&(VARIABLE.as_ref(), Some("1".as_ref()))));
    }

    #[test]
    fn what_a_job_prints_is_not_taken_for_its_end() {
        assert!(ended_line("{\"ended\":{\"error\":null}}").is_none());
        assert_eq!(ended_line(&format!("{MARK}{{\"ended\":{{\"error\":null}}}}")), Some(Ok(())));
        let failed = ended_line(&format!("{MARK}{{\"ended\":{{\"error\":\"no voice\"}}}}"));
        assert_eq!(failed, Some(Err("no voice".to_owned())));
        assert!(ended_line(&format!("{MARK}nonsense")).unwrap().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_crash_is_not_told_as_an_exit() {
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(told(ExitStatus::from_raw(6)), "crashed: signal 6 (SIGABRT)");
        assert!(told(ExitStatus::from_raw(3 << 8)).contains("status 3"));
    }
}
