//! When the agent can be heard, to the sample.

use super::log::Stretch;
use super::{SimulatedRoomConfig, gain, samples};

/// Bins per block of 10 ms in which the envelope is kept: 1 ms each.
const BINS: usize = 10;

/// Follows what is played.
pub(super) struct Hearing {
    threshold: f32,
    /// Samples of silence that separate two stretches.
    gap: u64,
    /// Captured samples per block.
    block: usize,
    onset: Option<u64>,
    last: Option<u64>,
    /// Since the last `drain`: peaks per ms, and the stretches that began or grew.
    peaks: Vec<f32>,
    stretches: Vec<Stretch>,
}

/// Which captured samples of a block the agent can be heard in.
pub(super) struct Mask(Vec<bool>);

impl Mask {
    pub(super) fn get(&self, i: usize) -> bool {
        self.0[i]
    }
}

impl Hearing {
    pub(super) fn new(config: &SimulatedRoomConfig) -> Self {
        Self {
            threshold: gain(config.audible_dbfs),
            gap: samples(u64::from(config.stretch_gap_ms), config.rates.capture),
            block: (config.rates.capture / 100) as usize,
            onset: None,
            last: None,
            peaks: Vec::with_capacity(BINS),
            stretches: Vec::new(),
        }
    }

    /// Takes one played block.
    pub(super) fn listen(&mut self, played: &[f32]) -> Mask {
        let n = played.len();
        let peak = |from: usize, to: usize| {
            played[from..to.max(from + 1)].iter().fold(0.0f32, |a, s| a.max(s.abs()))
        };
        self.peaks.extend((0..BINS).map(|i| peak(i * n / BINS, (i + 1) * n / BINS)));
        let block = self.block;
        Mask((0..block).map(|i| peak(i * n / block, (i + 1) * n / block) > self.threshold).collect())
    }

    /// Steps to `now`, where the agent is `audible` or not.
    pub(super) fn step(&mut self, now: u64, audible: bool) {
        if !audible {
            return;
        }
        if self.last.is_none_or(|last| now - last > self.gap) {
            self.onset = Some(now);
            self.stretches.push(Stretch { start: now, end: now });
        }
        self.last = Some(now);
        let start = self.onset.unwrap_or(now);
        match self.stretches.last_mut() {
            Some(stretch) => stretch.end = now + 1,
            None => self.stretches.push(Stretch { start, end: now + 1 }),
        }
    }

    /// First sample of the last stretch.
    pub(super) fn onset(&self) -> Option<u64> {
        self.onset
    }

    /// Whether the agent was audible at or after `sample`.
    pub(super) fn heard_since(&self, sample: u64) -> bool {
        self.last.is_some_and(|last| last >= sample)
    }

    /// Silent samples in front of `now`, if the agent was audible once and is not now.
    pub(super) fn silent_for(&self, now: u64) -> Option<u64> {
        self.last.and_then(|last| now.checked_sub(last + 1))
    }

    /// Peaks and stretches since the last call.
    pub(super) fn drain(&mut self) -> (std::vec::Drain<'_, f32>, std::vec::Drain<'_, Stretch>) {
        (self.peaks.drain(..), self.stretches.drain(..))
    }
}
