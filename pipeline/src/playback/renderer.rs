use std::sync::Arc;

use ringbuf::HeapCons;
use ringbuf::traits::Consumer;

use super::control::Shared;
use super::voice::{Queue, Voice, Will};
use super::word::Order;
use super::writer::{MARKS, Mark};
use super::{Epoch, Mode, PlaybackConfig, PlaybackStatus};
use crate::capture::timeline::TimelineWriter;

/// The callback's half of the playback ring.
pub struct Renderer {
    rate: u32,
    samples: HeapCons<f32>,
    marks: HeapCons<Mark>,
    /// A mark of an epoch that has not begun.
    waiting: Option<Mark>,
    /// Samples at the ring's front that belong to the current epoch.
    ready: usize,
    /// No more samples of the current epoch will come.
    last: bool,
    /// Samples of the current epoch were dropped: it can no longer be heard to its end.
    lost: bool,
    voice: Voice,
    reference: TimelineWriter,
    status: PlaybackStatus,
    shared: Arc<Shared>,
}

impl Renderer {
    pub(super) fn new(
        config: &PlaybackConfig,
        samples: HeapCons<f32>,
        marks: HeapCons<Mark>,
        reference: TimelineWriter,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            rate: config.rate,
            samples,
            marks,
            waiting: None,
            ready: 0,
            last: false,
            lost: false,
            voice: Voice::new(config),
            reference,
            status: PlaybackStatus::default(),
            shared,
        }
    }

    /// Rate of the rendered samples, in Hz.
    #[must_use]
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Fills `out`, of any length, with what is to be heard next.
    ///
    /// Real-time safe: it neither waits, allocates, frees nor enters the kernel, and its work is
    /// bounded by the length of `out` and the number of marks in the ring.
    pub fn render(&mut self, out: &mut [f32]) {
        let order = self.shared.word.load();
        self.take_marks();
        let mut filled = 0;
        while filled < out.len() {
            if self.voice.is_silent() && !self.obey_in_silence(order) {
                out[filled..].fill(0.0);
                break;
            }
            filled += self.run(&mut out[filled..], self.will(order));
        }
        self.reference.push(out);
        self.report(order, out.len());
    }

    /// Moves on to the ordered epoch or drops a stopped one; returns whether there may be sound.
    fn obey_in_silence(&mut self, order: Order) -> bool {
        if order.epoch != self.status.epoch.0 {
            self.begin(Epoch(order.epoch));
        }
        if order.stop {
            self.lost |= self.ready > 0;
            self.discard(self.ready);
            self.ready = 0;
        }
        !order.stop
    }

    fn begin(&mut self, epoch: Epoch) {
        self.discard(self.ready);
        (self.ready, self.last, self.lost) = (0, false, false);
        self.status.epoch = epoch;
        self.status.played = 0;
        self.voice.begin();
        self.take_marks();
    }

    fn run(&mut self, out: &mut [f32], will: Will) -> usize {
        let queue = Queue { parts: self.samples.as_slices(), len: self.ready, last: self.last };
        let run = self.voice.run(out, &queue, will);
        self.discard(run.played);
        self.ready -= run.played;
        self.status.played += run.played as u64;
        run.filled
    }

    fn will(&self, order: Order) -> Will {
        if order.epoch != self.status.epoch.0 || order.stop {
            Will::Cut
        } else if order.hold {
            Will::Hold
        } else {
            Will::Sound { ducked: order.duck }
        }
    }

    /// Learns whose the samples in the ring are; drops those of older epochs.
    fn take_marks(&mut self) {
        for _ in 0..=MARKS {
            let Some(mark) = self.waiting.take().or_else(|| self.marks.try_pop()) else { return };
            if mark.epoch > self.status.epoch.0 {
                self.waiting = Some(mark);
                return;
            }
            if mark.epoch < self.status.epoch.0 {
                self.discard(mark.len);
                continue;
            }
            self.ready += mark.len;
            self.last |= mark.last;
        }
    }

    fn discard(&mut self, count: usize) {
        let gone = self.samples.skip(count);
        debug_assert_eq!(gone, count, "samples are published before their mark");
    }

    fn report(&mut self, order: Order, rendered: usize) {
        self.status.mode = match self.will(order) {
            Will::Cut => Mode::Stopped,
            Will::Hold => Mode::Held,
            Will::Sound { ducked: true } => Mode::Ducked,
            Will::Sound { ducked: false } => Mode::Playing,
        };
        self.status.audible = !self.voice.is_silent();
        self.status.finished = self.last && self.ready == 0 && !self.lost && self.voice.is_silent();
        self.status.underruns = self.voice.underruns();
        self.status.device_samples += rendered as u64;
        self.shared.publish(&self.status);
    }
}
