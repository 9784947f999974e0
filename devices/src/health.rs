//! How the devices are doing: counted in the callbacks without waiting, read from anywhere.

use crate::device_error;
use duologue_pipeline::{Error, ErrorKind};
use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Reports that may wait to be read; more are counted only.
const REPORTS: usize = 32;
/// A device that has not called back for so long is gone. PulseAudio's idle sinks stall for up to
/// two seconds.
const SILENT: Duration = Duration::from_secs(5);

/// Counters of one direction.
#[derive(Debug, Default)]
pub(super) struct Side {
    callbacks: AtomicU64,
    longest: AtomicU64,
    xruns: AtomicU64,
    unread: AtomicU64,
}

impl Side {
    /// Counts one callback of `frames` frames. Real-time safe.
    pub(super) fn called(&self, frames: usize) {
        self.callbacks.fetch_add(1, Ordering::Relaxed);
        self.longest.fetch_max(frames as u64, Ordering::Relaxed);
    }

    pub(super) fn callbacks(&self) -> u64 {
        self.callbacks.load(Ordering::Relaxed)
    }
}

/// Counters of both directions.
#[derive(Debug, Default)]
pub(super) struct Health {
    pub microphone: Side,
    pub speakers: Side,
}

/// Counters of running devices.
#[derive(Clone, Debug)]
pub struct DeviceStats {
    health: Arc<Health>,
}

impl DeviceStats {
    pub(super) fn new(health: Arc<Health>) -> Self {
        Self { health }
    }

    /// Callbacks of the microphone and of the speakers.
    pub fn callbacks(&self) -> (u64, u64) {
        (self.health.microphone.callbacks(), self.health.speakers.callbacks())
    }

    /// Glitches (samples lost, or not there in time) of the microphone and of the speakers.
    pub fn xruns(&self) -> (u64, u64) {
        let of = |side: &Side| side.xruns.load(Ordering::Relaxed);
        (of(&self.health.microphone), of(&self.health.speakers))
    }

    /// Longest callback of the microphone and of the speakers, in frames.
    pub fn longest_callback(&self) -> (u64, u64) {
        let of = |side: &Side| side.longest.load(Ordering::Relaxed);
        (of(&self.health.microphone), of(&self.health.speakers))
    }
}

/// The callback's end of a direction's reports.
pub(super) struct Reporter {
    reports: HeapProd<cpal::Error>,
}

/// The other end.
pub(super) struct Reports {
    reports: HeapCons<cpal::Error>,
    name: String,
    seen: u64,
    since: Instant,
}

pub(super) fn reports(name: &str) -> (Reporter, Reports) {
    let (producer, consumer) = HeapRb::new(REPORTS).split();
    let reports = Reports { reports: consumer, name: name.into(), seen: 0, since: Instant::now() };
    (Reporter { reports: producer }, reports)
}

impl Reporter {
    /// Passes `error` on, or counts it. Does not wait, and allocates nothing.
    pub(super) fn report(&mut self, side: &Side, error: cpal::Error) {
        if error.kind() == cpal::ErrorKind::Xrun {
            side.xruns.fetch_add(1, Ordering::Relaxed);
        } else if self.reports.try_push(error).is_err() {
            side.unread.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Reports {
    /// Logs what was reported since the last call; gives the reason if the device has gone.
    pub(super) fn check(&mut self, side: &Side) -> Option<Error> {
        let unread = side.unread.swap(0, Ordering::Relaxed);
        if unread > 0 {
            tracing::warn!("{:?}: {unread} more reports were not read in time", self.name);
        }
        while let Some(error) = self.reports.try_pop() {
            if ends(error.kind()) {
                return Some(device_error("go on with", &self.name, &error));
            }
            tracing::warn!("{:?}: {error}", self.name);
        }
        let calls = side.callbacks();
        if calls != self.seen {
            (self.seen, self.since) = (calls, Instant::now());
        }
        (self.since.elapsed() > SILENT).then(|| {
            let what = format!(
                "{:?} has not called back for 5 s; open it again, or choose another device",
                self.name
            );
            Error::new(ErrorKind::Device, what)
        })
    }
}

/// Whether a stream is over after an error of this kind. What cpal cannot classify does not count:
/// if it was the end, no callback will come.
fn ends(kind: cpal::ErrorKind) -> bool {
    use cpal::ErrorKind as Kind;
    matches!(
        kind,
        Kind::DeviceNotAvailable | Kind::HostUnavailable | Kind::PermissionDenied | Kind::StreamInvalidated
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unplugged_device_is_not_silent() {
        let side = Side::default();
        let (mut reporter, mut reports) = reports("USB Microphone");
        reporter.report(&side, cpal::ErrorKind::Xrun.into());
        reporter.report(&side, cpal::ErrorKind::BackendError.into());
        assert!(reports.check(&side).is_none(), "a glitch is not the end");
        reporter.report(&side, cpal::ErrorKind::DeviceNotAvailable.into());
        let error = reports.check(&side).unwrap();
        assert_eq!(error.kind(), ErrorKind::Device);
        assert!(
            error.to_string().contains("USB Microphone") && error.to_string().contains("plug it in"),
            "{error}"
        );
    }

    #[test]
    fn flood_of_errors_does_not_fill_the_memory() {
        let side = Side::default();
        let (mut reporter, mut reports) = reports("X");
        for _ in 0..10_000 {
            reporter.report(&side, cpal::ErrorKind::BackendError.into());
        }
        assert_eq!(side.unread.load(Ordering::Relaxed), 10_000 - REPORTS as u64);
        assert!(reports.check(&side).is_none());
        assert_eq!(side.unread.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn device_that_stops_calling_back_is_not_taken_for_alive() {
        let side = Side::default();
        let (_reporter, mut reports) = reports("X");
        reports.since -= SILENT + Duration::from_secs(1);
        side.called(480);
        assert!(reports.check(&side).is_none());
        reports.since -= SILENT + Duration::from_secs(1);
        assert!(reports.check(&side).unwrap().to_string().contains("has not called back"));
    }
}
