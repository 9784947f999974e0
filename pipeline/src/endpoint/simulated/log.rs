//! What really happened in the room, and the delays that follow from it.

use super::caller::{Event, Speaker};
use super::hearing::Hearing;
use super::{SimulatedRoomConfig, gain};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The part before a moment that tells how loud the agent was, in ms.
const BEFORE_MS: usize = 500;
/// How long the agent must stay below the level to count as ducked, in ms: longer than the
/// closures inside words (stops take up to about 100 ms).
const DUCKED_MS: usize = 120;
/// Stretches remembered; the log forgets no conversation of a day.
const MOST_STRETCHES: usize = 100_000;

/// When an item of the script was said, in captured samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Index in the script.
    pub item: usize,
    /// Its first sample.
    pub start: u64,
    /// The sample after its last one; `None`: still being said.
    pub end: Option<u64>,
}

/// A stretch in which the agent was audible, in captured samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// First audible sample.
    pub start: u64,
    /// The sample after the last audible one so far.
    pub end: u64,
}

/// Both sides and the microphone, sample-aligned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// Rate of all three, in Hz.
    pub rate: u32,
    /// What the caller said, without echo and noise.
    pub caller: Vec<f32>,
    /// What was played.
    pub agent: Vec<f32>,
    /// What the microphone gave.
    pub mic: Vec<f32>,
}

/// Tells what happened, at any moment and from any thread. Clones share one log.
#[derive(Clone)]
pub struct SimulatedRoomLog {
    state: Arc<Mutex<State>>,
    rate: u32,
    audible: f32,
    stretch_gap_ms: usize,
    most_peaks: usize,
}

#[derive(Default)]
struct State {
    now: u64,
    items: Vec<Placed>,
    stretches: Vec<Stretch>,
    /// Peak of what is played, per ms.
    peaks: Vec<f32>,
    done: bool,
    recorded: Recorded,
}

impl SimulatedRoomLog {
    pub(super) fn new(config: &SimulatedRoomConfig) -> Self {
        let recorded = Recorded { rate: config.rates.capture, ..Recorded::default() };
        Self {
            state: Arc::new(Mutex::new(State { recorded, ..State::default() })),
            rate: config.rates.capture,
            audible: gain(config.audible_dbfs),
            stretch_gap_ms: config.stretch_gap_ms as usize,
            most_peaks: config.log_s as usize * 1_000,
        }
    }

    /// Samples captured so far.
    pub fn now(&self) -> u64 {
        self.lock().now
    }

    /// Rate of all sample indices, in Hz.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// The items of the script that have begun.
    pub fn items(&self) -> Vec<Placed> {
        self.lock().items.clone()
    }

    /// Whether the whole script has been said.
    pub fn caller_done(&self) -> bool {
        self.lock().done
    }

    /// When the agent was audible.
    pub fn agent(&self) -> Vec<Stretch> {
        self.lock().stretches.clone()
    }

    /// How long after captured sample `from` the agent was lower than before by at least `drop_db`
    /// dB, and stayed so for 120 ms. Zero if it was silent already.
    ///
    /// The level before is the highest peak within 500 ms before `from`. Speech rises and falls by
    /// itself, so ask for a few dB less than the duck's depth. The resolution is 1 ms. `None`: it
    /// did not happen, or is not in the log (any more).
    pub fn time_until_ducked(&self, from: u64, drop_db: f32) -> Option<Duration> {
        let state = self.lock();
        let bin = self.bin(from);
        let before = state.peaks.get(bin.saturating_sub(BEFORE_MS)..bin)?;
        let before = before.iter().fold(0.0f32, |a, p| a.max(*p));
        let level = (before * gain(-drop_db)).max(self.audible);
        self.time_until_below(&state.peaks, from, level, DUCKED_MS)
    }

    /// How long after captured sample `from` the agent was silent, and stayed so for
    /// `stretch_gap_ms`. Zero if it was silent already. The resolution is 1 ms. `None`: it did not
    /// happen, or is not in the log (any more).
    pub fn time_until_silent(&self, from: u64) -> Option<Duration> {
        let state = self.lock();
        self.time_until_below(&state.peaks, from, self.audible, self.stretch_gap_ms)
    }

    /// Highest peak of what was played between two captured samples, in dBFS; `None` if the log
    /// does not hold them.
    pub fn agent_peak_dbfs(&self, from: u64, to: u64) -> Option<f32> {
        let state = self.lock();
        let peaks = state.peaks.get(self.bin(from)..self.bin(to))?;
        Some(20.0 * peaks.iter().fold(1e-6f32, |a, p| a.max(*p)).log10())
    }

    /// What [`super::Recording::Memory`] holds so far.
    pub fn recorded(&self) -> Recorded {
        self.lock().recorded.clone()
    }

    fn bin(&self, sample: u64) -> usize {
        (sample.saturating_mul(1_000) / u64::from(self.rate)) as usize
    }

    fn time_until_below(&self, peaks: &[f32], from: u64, level: f32, hold_ms: usize) -> Option<Duration> {
        let first = self.bin(from);
        let mut start = first;
        for (i, peak) in peaks.iter().enumerate().skip(first) {
            if *peak > level {
                start = i + 1;
            } else if i + 1 - start >= hold_ms {
                let at = start as u64 * u64::from(self.rate) / 1_000;
                let samples = at.saturating_sub(from);
                return Some(Duration::from_secs_f64(samples as f64 / f64::from(self.rate)));
            }
        }
        None
    }

    pub(super) fn update(&self, now: u64, hearing: &mut Hearing, speaker: &mut Speaker) {
        let mut state = self.lock();
        state.now = now;
        state.done = speaker.is_done();
        for event in speaker.events() {
            match event {
                Event::Started { item, at } => state.items.push(Placed { item, start: at, end: None }),
                Event::Ended { at, .. } => {
                    if let Some(last) = state.items.last_mut() {
                        last.end = Some(at);
                    }
                }
            }
        }
        let (peaks, stretches) = hearing.drain();
        let room = self.most_peaks.saturating_sub(state.peaks.len());
        state.peaks.extend(peaks.take(room));
        for stretch in stretches {
            state.note(stretch);
        }
    }

    pub(super) fn record(&self, caller: &[f32], agent: &[f32], mic: &[f32]) {
        let recorded = &mut self.lock().recorded;
        recorded.caller.extend_from_slice(caller);
        recorded.agent.extend_from_slice(agent);
        recorded.mic.extend_from_slice(mic);
    }

    /// A panic elsewhere leaves the log as it was after a whole block.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, stretch: Stretch) {
        if let Some(last) = self.stretches.last_mut()
            && last.start == stretch.start
        {
            last.end = stretch.end;
        } else if self.stretches.len() < MOST_STRETCHES {
            self.stretches.push(stretch);
        }
    }
}
