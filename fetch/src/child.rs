//! Child processes that fetch: in a folder of their own, so that nothing of the current directory is run or read, and with a deadline.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::{error::Error, secrets::without_secrets};

/// A wheel of 17 MB in this time needs 30 kB/s.
const DEADLINE: Duration = Duration::from_secs(10 * 60);
/// More of a program's complaint than anybody reads.
const LOG_LIMIT: u64 = 1 << 20;

/// How a child ended.
pub(crate) struct Outcome {
    pub status: ExitStatus,
    /// What it wrote to standard error.
    pub said: String,
}

/// Why there is no outcome.
pub(crate) enum Failure {
    /// A file of ours could not be written.
    Ours(Error),
    /// The program cannot be started, or took too long.
    Theirs(String),
}

/// Runs `command` in `work` until it ends. Its standard input is a pipe that stays open until then; its temporary files lie in `work`.
pub(crate) fn run(mut command: Command, work: &Path) -> Result<Outcome, Failure> {
    let name = Path::new(command.get_program()).display().to_string();
    let (log, temporary) = (work.join("child.log"), work.join("tmp"));
    fs::create_dir_all(&temporary).map_err(|e| Failure::Ours(Error::io("cannot create", &temporary, e)))?;
    let stderr = File::create(&log).map_err(|e| Failure::Ours(Error::io("cannot create", &log, e)))?;
    for variable in ["TMPDIR", "TEMP", "TMP"] {
        command.env(variable, &temporary);
    }
    let mut child = command
        .current_dir(work)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .map_err(|e| Failure::Theirs(format!("{name} cannot be started: {e}")))?;
    // Held, because a child that watches it takes its closing for our end.
    let _alive = child.stdin.take();
    let ended = wait_for_silence(&mut child);
    if !ended {
        // It may have ended by itself in between; then there is nothing to kill, only to collect.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|e| Failure::Theirs(format!("{name} was lost: {e}")))?;
    if !ended {
        return Err(Failure::Theirs(format!("{name} took longer than {} minutes", DEADLINE.as_secs() / 60)));
    }
    let mut said = Vec::new();
    // What cannot be read is not shown.
    let _ = File::open(&log).and_then(|file| file.take(LOG_LIMIT).read_to_end(&mut said));
    Ok(Outcome { status, said: String::from_utf8_lossy(&said).into_owned() })
}

/// Waits until the child's standard output closes, which its end does; `false` when the deadline passes.
fn wait_for_silence(child: &mut Child) -> bool {
    let Some(mut stdout) = child.stdout.take() else { return true };
    let (ended, wait) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let _ = std::io::copy(&mut stdout, &mut std::io::sink());
        let _ = ended.send(());
    });
    wait.recv_timeout(DEADLINE).is_ok()
}

/// A program's name or path that means the same in another folder: `./venv/bin/python` is made absolute, `python3` is looked up in `PATH`.
pub(crate) fn program(name: &Path) -> PathBuf {
    match name.components().count() {
        0 | 1 => name.to_owned(),
        _ => std::path::absolute(name).unwrap_or_else(|_| name.to_owned()),
    }
}

/// The end of a program's complaint, on one line, without passwords.
pub(crate) fn last_lines(said: &str) -> String {
    let lines: Vec<_> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    without_secrets(&lines[lines.len().saturating_sub(3)..].join(" / "))
}

/// Whether a program complains of a full disk. By number too, because the system's words are translated.
pub(crate) fn tells_full_disk(said: &str) -> bool {
    let said = said.to_lowercase();
    let signs = [
        "errno 28]",
        "errno 27]",
        "errno 122]",
        "enospc",
        "edquot",
        "efbig",
        "no space left",
        "file too large",
        "disk quota exceeded",
    ];
    signs.iter().any(|sign| said.contains(sign))
}
