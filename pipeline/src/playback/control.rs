use std::sync::Arc;

use super::status::Report;
use super::word::ControlWord;
use super::{Epoch, Mode, PlaybackStatus};

/// Fields of the renderer's report.
pub(super) const FIELDS: usize = 4;

/// What both sides share; atomics only.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) word: ControlWord,
    report: Report<FIELDS>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self { word: ControlWord::new(), report: Report::new() }
    }

    pub(super) fn publish(&self, status: &PlaybackStatus) {
        self.report.publish([
            u64::from(status.epoch.0) << 32
                | u64::from(status.mode.code())
                | u64::from(status.audible) << 8
                | u64::from(status.finished) << 9,
            status.played,
            status.underruns,
            status.device_samples,
        ]);
    }

    fn read(&self) -> PlaybackStatus {
        let [head, played, underruns, device_samples] = self.report.read();
        PlaybackStatus {
            epoch: Epoch((head >> 32) as u32),
            mode: Mode::from_code(head as u8),
            played,
            audible: head & 1 << 8 != 0,
            finished: head & 1 << 9 != 0,
            underruns,
            device_samples,
        }
    }
}

/// Says what may sound. Cheap to clone; any thread may use it, none ever waits.
///
/// Every order takes effect in the next callback, and is one atomic operation.
#[derive(Clone, Debug)]
pub struct PlaybackControl {
    pub(super) shared: Arc<Shared>,
}

impl PlaybackControl {
    /// Makes `epoch` the one that may sound; what is left of older ones fades out and is dropped.
    /// The new epoch begins at full level, whatever the old one was told. An epoch that is not newer
    /// changes nothing.
    pub fn begin(&self, epoch: Epoch) {
        self.shared.word.begin(epoch.0);
    }

    /// Lowers the epoch's level by `duck_db`; nothing is lost.
    pub fn duck(&self) {
        self.shared.word.duck();
    }

    /// Brings the level back after [`PlaybackControl::duck`].
    pub fn restore(&self) {
        self.shared.word.restore();
    }

    /// Fades out and keeps the rest, from the sample where the fade begins.
    ///
    /// `status().played` is final once `status().mode` is [`Mode::Held`].
    pub fn hold(&self) {
        self.shared.word.hold();
    }

    /// Fades in from the held sample, at full level.
    pub fn resume(&self) {
        self.shared.word.resume();
    }

    /// Fades out, then drops all of this epoch, whether it is in the ring or still to come.
    ///
    /// `status().played` is final once `status().mode` is [`Mode::Stopped`].
    pub fn stop(&self) {
        self.shared.word.stop();
    }

    /// The epoch that may sound.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        Epoch(self.shared.word.load().epoch)
    }

    /// Whether samples of `epoch` can still be heard one day: it is not older than the current
    /// one, and not stopped. The mouth asks this between its steps.
    #[must_use]
    pub fn wants(&self, epoch: Epoch) -> bool {
        let order = self.shared.word.load();
        epoch.0 > order.epoch || (epoch.0 == order.epoch && !order.stop)
    }

    /// What the renderer reported at the end of its last callback.
    #[must_use]
    pub fn status(&self) -> PlaybackStatus {
        self.shared.read()
    }
}
