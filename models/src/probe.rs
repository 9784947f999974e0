//! Loads models that nobody has pinned first in a process of its own, where a C++ exception ends only that.
//!
//! sherpa-onnx throws, or ends the process, on some files whose metadata passes every check of ours, and
//! no Rust code can catch that. So a recogniser or keyword model of the user's own is loaded and run for
//! two seconds of noise by a child, `PROGRAM __probe DIR`, before this process touches it. Models whose files the
//! registry pins are not probed. What passed is remembered by its files' sums, in the cache.
//!
//! The command line names itself as the program. An application may name one with [`set_program`] that calls
//! [`answer`]; without one, its own models get the checks of their metadata only.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use duologue_fetch::{Verifier, sha256_file};

use crate::registry::ModelDir;
use crate::{Error, ErrorKind, load};

/// The largest known recogniser takes some 10 s on a slow machine.
const DEADLINE: Duration = Duration::from_secs(120);
/// How the child ends when the model is refused in an orderly way: this process then finds out the same.
const REFUSED: u8 = 3;
/// The hidden command of a probe program.
pub const COMMAND: &str = "__probe";

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Names the program that is started as `PROGRAM __probe DIR` and there calls [`answer`]. The first call counts.
pub fn set_program(program: PathBuf) {
    let _ = PROGRAM.set(program);
}

/// What a probe program does: loads the model in `dir` and lets it hear two seconds of noise. Returns the code
/// to exit with.
pub fn answer(dir: &Path) -> u8 {
    let model = ModelDir { name: dir.display().to_string(), dir: dir.into(), entry: None };
    match load::try_out(&model, &noise()) {
        Ok(()) => 0,
        Err(_) => REFUSED,
    }
}

/// Refuses a model that ends the process which loads it; does nothing for one whose files are pinned.
pub(crate) fn foreign(model: &ModelDir) -> Result<(), Error> {
    let pinned = model.entry.as_ref().is_some_and(|entry| entry.pins_its_files());
    let (Some(program), false) = (PROGRAM.get(), pinned) else { return Ok(()) };
    let verifier = duologue_fetch::cache_dir().ok().map(|cache| Verifier::new(&cache));
    let fact = sums(&model.dir).map(|sums| format!("probed by {}\n{sums}", env!("CARGO_PKG_VERSION")));
    if let (Some(verifier), Some(fact)) = (&verifier, &fact)
        && verifier.knows(fact)
    {
        return Ok(());
    }
    probe(program, &model.dir)?;
    if let (Some(verifier), Some(fact)) = (&verifier, &fact) {
        verifier.learn(fact);
    }
    Ok(())
}

/// The sums of all plain files in `dir`; `None` if one cannot be read, which whoever loads it will say.
fn sums(dir: &Path) -> Option<String> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    let line =
        |path: &PathBuf| Some(format!("{} {}\n", sha256_file(path).ok()?, path.file_name()?.to_str()?));
    files.iter().map(line).collect()
}

fn probe(program: &Path, dir: &Path) -> Result<(), Error> {
    let failed = |why: String| {
        let message = format!(
            "{}: {why}; a file is damaged, or its metadata does not fit its graph: pull or export the model again",
            dir.display()
        );
        Error::new(ErrorKind::Invalid, message)
    };
    let mut child = Command::new(program)
        .arg(COMMAND)
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| {
            let message = format!(
                "{}: no pinned model, and {} that checks such cannot be started: {e}",
                dir.display(),
                program.display()
            );
            Error::new(ErrorKind::Io, message)
        })?;
    let (ended, wait) = mpsc::sync_channel(1);
    let stdout = child.stdout.take();
    thread::spawn(move || {
        // Its end closes the pipe, whatever way it ends.
        let _ = stdout.map(|mut stdout| stdout.read_to_end(&mut Vec::new()));
        let _ = ended.send(());
    });
    let in_time = wait.recv_timeout(DEADLINE).is_ok();
    if !in_time {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|e| failed(format!("the process that checks it was lost: {e}")))?;
    match status.code() {
        _ if !in_time => Err(failed(format!("it did not load within {} s", DEADLINE.as_secs()))),
        Some(0) => Ok(()),
        Some(code) if code == i32::from(REFUSED) => Ok(()),
        _ => Err(failed(format!("loading it ended the process that checks it ({})", ending(status)))),
    }
}

/// `signal: 6 (SIGABRT)`, `exit status: 255`.
fn ending(status: ExitStatus) -> String {
    status.to_string()
}

/// Two seconds at 16 kHz, −20 dBFS, the same each time.
fn noise() -> Vec<f32> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..32_000).map(|_| next() * 0.17).collect()
}
