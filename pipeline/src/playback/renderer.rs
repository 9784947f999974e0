use std::sync::Arc;

use ringbuf::traits::Consumer;

use super::control::Shared;
use super::writer::Ends;
use super::{Epoch, PlaybackStatus};
use crate::capture::timeline::TimelineWriter;

/// The callback's half of the playback ring.
pub struct Renderer {
    pub(super) rate: u32,
    pub(super) ends: Ends,
    pub(super) shared: Arc<Shared>,
    pub(super) reference: TimelineWriter,
    pub(super) status: PlaybackStatus,
    pub(super) ready: usize,
}

impl Renderer {
    /// Rate of the rendered samples, in Hz.
    #[must_use]
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Fills `out`, of any length, with what is to be heard next.
    ///
    /// Real-time safe: it neither waits, allocates, frees nor enters the kernel.
    pub fn render(&mut self, out: &mut [f32]) {
        out.fill(0.0);
        let order = self.shared.word.load();
        if order.epoch != self.status.epoch.0 {
            let epoch = Epoch(order.epoch);
            self.status = PlaybackStatus { epoch, played: 0, finished: false, ..self.status };
        }
        while let Some(mark) = self.ends.1.try_pop() {
            self.ready += mark.len;
            self.status.finished |= mark.last;
        }
        let n = out.len().min(self.ready);
        self.ends.0.pop_slice(&mut out[..n]);
        self.ready -= n;
        self.status.played += n as u64;
        self.reference.push(out);
        self.status.device_samples += out.len() as u64;
        self.shared.publish(&self.status);
    }
}
