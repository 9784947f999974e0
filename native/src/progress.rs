//! Tells the caller, or standard error, what a fetch is doing.

use std::io::{IsTerminal, Write, stderr};

use crate::options::{LoadOptions, Progress};

pub(crate) fn tell(options: &LoadOptions, progress: Progress) {
    match &options.progress {
        Some(receiver) => receiver(progress),
        None => print(&progress, stderr().is_terminal()),
    }
}

/// One plain line per fetch; on a terminal the line also counts and says when it is done.
fn print(progress: &Progress, terminal: bool) {
    const MEGA: f64 = 1e6;
    let end = if terminal { "" } else { "\n" };
    let line = match progress {
        Progress::Started { what, bytes: Some(bytes) } => {
            format!("fetching {what} ({:.1} MB, once) ...{end}", *bytes as f64 / MEGA)
        }
        Progress::Started { what, bytes: None } => format!("fetching {what} (once) ...{end}"),
        Progress::Received { bytes, total: Some(total) } if terminal => {
            format!("\r\x1b[Kfetching: {:.1} of {:.1} MB", *bytes as f64 / MEGA, *total as f64 / MEGA)
        }
        Progress::Received { bytes, total: None } if terminal => {
            format!("\r\x1b[Kfetching: {:.1} MB", *bytes as f64 / MEGA)
        }
        Progress::Received { .. } => return,
        Progress::Waiting => "waiting for another process that is fetching ...\n".to_owned(),
        Progress::Finished { dir } if terminal => format!("\r\x1b[Kfetched to {}\n", dir.display()),
        Progress::Finished { .. } => return,
    };
    // Standard error may be closed; a progress line is no reason to fail.
    let _ = stderr().write_all(line.as_bytes());
}
