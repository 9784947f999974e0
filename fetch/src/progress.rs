//! Tells the caller, or standard error, what a fetch is doing.

use std::{
    io::{IsTerminal, Write, stderr},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::options::FetchOptions;

/// What a fetch is doing, for a progress line.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Progress {
    /// A package or file is about to be fetched.
    Started {
        /// Its name, for instance `sherpa-onnx-core 2.0.1`.
        what: String,
        /// Size of the download in bytes, where it is known.
        bytes: Option<u64>,
    },
    /// Bytes received so far (only where this crate downloads by itself; pip does not tell).
    Received {
        /// Received bytes, of all files that are fetched together.
        bytes: u64,
        /// Total bytes, where they are known.
        total: Option<u64>,
        /// Bytes per second of late, once that can be told.
        rate: Option<f64>,
    },
    /// Another process is fetching the same package; waiting for it.
    Waiting,
    /// Everything is verified and in place.
    Finished {
        /// The directory that holds the files now.
        dir: PathBuf,
    },
}

impl Progress {
    /// Time that the rest will take at the present rate.
    pub fn time_left(&self) -> Option<Duration> {
        let Self::Received { bytes, total: Some(total), rate: Some(rate) } = *self else { return None };
        Duration::try_from_secs_f64(total.saturating_sub(bytes) as f64 / rate).ok()
    }
}

/// Receives [`Progress`]; called on the threads that fetch, at most ten times a second with received bytes.
pub type ProgressFn = Arc<dyn Fn(Progress) + Send + Sync>;

/// Counts received bytes of files that are fetched together.
pub(crate) struct Meter {
    total: Option<u64>,
    state: Mutex<State>,
}

struct State {
    begun: Instant,
    /// Bytes that are here, from whatever process.
    bytes: u64,
    rate: Rate,
    told: Option<Duration>,
}

impl Meter {
    const BETWEEN: Duration = Duration::from_millis(100);

    pub(crate) fn new(total: Option<u64>) -> Self {
        let state = State { begun: Instant::now(), bytes: 0, rate: Rate::default(), told: None };
        Self { total, state: Mutex::new(state) }
    }

    /// More bytes are here.
    pub(crate) fn add(&self, bytes: u64, options: &FetchOptions) {
        if let Some(progress) = self.count(bytes) {
            tell(options, progress);
        }
    }

    fn count(&self, bytes: u64) -> Option<Progress> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.bytes += bytes;
        let (now, here) = (state.begun.elapsed(), state.bytes);
        let done = self.total == Some(here);
        if bytes == 0 || (!done && state.told.is_some_and(|told| now < told + Self::BETWEEN)) {
            return None;
        }
        state.told = Some(now);
        Some(Progress::Received { bytes: here, total: self.total, rate: state.rate.at(now, here) })
    }

    /// Bytes were of no use.
    pub(crate) fn forget(&self, bytes: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.bytes = state.bytes.saturating_sub(bytes);
        state.rate = Rate::default();
    }
}

/// A smoothed rate, out of counts at times.
#[derive(Default)]
struct Rate {
    last: Option<(Duration, u64)>,
    smooth: Option<f64>,
}

impl Rate {
    /// Shorter spans say little.
    const SPAN: Duration = Duration::from_millis(250);
    /// Weight of the newest span.
    const WEIGHT: f64 = 0.25;

    fn at(&mut self, now: Duration, bytes: u64) -> Option<f64> {
        let Some((then, before)) = self.last else {
            self.last = Some((now, bytes));
            return None;
        };
        let span = now.saturating_sub(then);
        if span >= Self::SPAN {
            let newest = bytes.saturating_sub(before) as f64 / span.as_secs_f64();
            self.smooth = Some(self.smooth.map_or(newest, |old| old + Self::WEIGHT * (newest - old)));
            self.last = Some((now, bytes));
        }
        self.smooth.filter(|rate| *rate > 0.0)
    }
}

pub(crate) fn tell(options: &FetchOptions, progress: Progress) {
    match &options.progress {
        Some(receiver) => receiver(progress),
        None => print(&progress, stderr().is_terminal()),
    }
}

const MEGA: f64 = 1e6;

/// One plain line per fetch; on a terminal the line also counts and says when it is done.
fn print(progress: &Progress, terminal: bool) {
    let end = if terminal { "" } else { "\n" };
    let line = match progress {
        Progress::Started { what, bytes: Some(bytes) } => {
            format!("fetching {what} ({:.1} MB, once) ...{end}", *bytes as f64 / MEGA)
        }
        Progress::Started { what, bytes: None } => format!("fetching {what} (once) ...{end}"),
        Progress::Received { .. } if terminal => format!("\r\x1b[Kfetching: {}", received(progress)),
        Progress::Received { .. } => return,
        Progress::Waiting => "waiting for another process that is fetching ...\n".to_owned(),
        Progress::Finished { dir } if terminal => format!("\r\x1b[Kfetched to {}\n", dir.display()),
        Progress::Finished { .. } => return,
    };
    // Standard error may be closed; a progress line is no reason to fail.
    let _ = stderr().write_all(line.as_bytes());
}

/// `12.3 of 92.4 MB, 5.1 MB/s, 16 s left`.
fn received(progress: &Progress) -> String {
    let Progress::Received { bytes, total, rate } = progress else { return String::new() };
    let of = total.map(|total| format!(" of {:.1}", total as f64 / MEGA)).unwrap_or_default();
    let rate = rate.map(|rate| format!(", {:.1} MB/s", rate / MEGA)).unwrap_or_default();
    let left = progress.time_left().map(|left| format!(", {} left", seconds(left))).unwrap_or_default();
    format!("{:.1}{of} MB{rate}{left}", *bytes as f64 / MEGA)
}

fn seconds(time: Duration) -> String {
    match time.as_secs_f64().ceil() as u64 {
        s @ 0..=99 => format!("{s} s"),
        s => format!("{} min", s.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn rate_and_time_left_follow_the_bytes() {
        let mut rate = Rate::default();
        assert_eq!(rate.at(SECOND, 1_000_000), None);
        assert_eq!(rate.at(2 * SECOND, 3_000_000), Some(2e6));
        let progress = Progress::Received { bytes: 3_000_000, total: Some(9_000_000), rate: Some(2e6) };
        assert_eq!(progress.time_left(), Some(3 * SECOND));
        assert_eq!(received(&progress), "3.0 of 9.0 MB, 2.0 MB/s, 3 s left");
    }

    #[test]
    fn standstill_has_no_rate() {
        let mut rate = Rate::default();
        rate.at(SECOND, 5);
        assert_eq!(rate.at(2 * SECOND, 5), None);
        let progress = Progress::Received { bytes: 5, total: None, rate: None };
        assert_eq!((progress.time_left(), received(&progress).as_str()), (None, "0.0 MB"));
    }

    #[test]
    fn bytes_that_were_of_no_use_are_not_counted() {
        let meter = Meter::new(Some(10));
        assert!(meter.count(4).is_some());
        meter.forget(4);
        assert_eq!(meter.count(10), Some(Progress::Received { bytes: 10, total: Some(10), rate: None }));
    }
}
