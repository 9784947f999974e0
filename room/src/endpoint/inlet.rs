//! What the agent hears: the live sound of one track, and what was recorded before it.
//!
//! Invariant: sound is passed on in the order in which it was spoken, a recording before the live sound
//! of its track; what waits is made up for at [`BURST`] times the pace of speech.

use std::collections::VecDeque;
use std::time::Instant;

use super::BLOCK;
use super::inflow::{Inflow, InflowStats};
use crate::engine::RemoteAudio;
use crate::preconnect::PATIENCE;

/// Blocks passed on in a tick while there is something to make up for.
const BURST: usize = 4;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Inlet {
    source: Option<RemoteAudio>,
    /// What came before the listener did is to be made up for, not left out.
    catch_up: bool,
    /// Until when the live sound waits for a recording.
    patience: Option<Instant>,
    recording: Option<Vec<f32>>,
}

impl Inlet {
    pub fn listen(&mut self, audio: RemoteAudio, recording: bool) {
        self.source = Some(audio);
        self.catch_up = true;
        // One that has come already is not waited for.
        self.patience = (recording && self.recording.is_none()).then(|| Instant::now() + PATIENCE);
    }

    pub fn prepend(&mut self, recording: Option<Vec<f32>>) {
        self.patience = None;
        self.recording = recording;
    }

    pub fn deafen(&mut self) {
        *self = Self::default();
    }

    /// Appends what has come to `fresh`.
    fn drain(&mut self, fresh: &mut Vec<f32>) {
        let Some(source) = &mut self.source else { return };
        while let Some(frame) = source.try_next() {
            fresh.extend(frame.to_f32());
        }
        if source.is_over() {
            self.source = None;
        }
    }
}

/// The thread's side of the inlet.
pub(super) struct Intake {
    inflow: Inflow,
    /// What is made up for, before anything else.
    backlog: VecDeque<f32>,
    fresh: Vec<f32>,
}

impl Intake {
    pub fn new() -> Self {
        Self { inflow: Inflow::new(BLOCK), backlog: VecDeque::new(), fresh: Vec::new() }
    }

    pub fn stats(&self) -> InflowStats {
        self.inflow.stats()
    }

    /// A tick at `now`: appends to `out` what the ear is to hear next.
    pub fn tick(&mut self, inlet: &mut Inlet, now: Instant, out: &mut Vec<f32>) {
        self.fresh.clear();
        inlet.drain(&mut self.fresh);
        if let Some(recording) = inlet.recording.take() {
            // It was spoken before what waited for it.
            let after = std::mem::replace(&mut self.backlog, recording.into());
            self.backlog.extend(after);
        }
        if inlet.patience.is_some_and(|until| now >= until) {
            inlet.patience = None;
            tracing::warn!("no pre-connect recording came within {} s", PATIENCE.as_secs());
        }
        let waits = inlet.patience.is_some();
        if waits || !self.backlog.is_empty() || std::mem::take(&mut inlet.catch_up) {
            self.backlog.extend(self.fresh.drain(..));
        }
        if !waits && !self.backlog.is_empty() {
            let count = self.backlog.len().min(BURST * BLOCK);
            out.extend(self.backlog.drain(..count));
            return;
        }
        let pass = self.inflow.tick(self.fresh.len());
        out.extend_from_slice(&self.fresh[pass.skip..]);
        out.resize(out.len() + pass.silence, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{AudioFrame, RemoteAudio, RemoteAudioFeed};
    use std::time::Duration;

    fn source() -> (RemoteAudioFeed, RemoteAudio) {
        RemoteAudio::channel(48_000, 300)
    }

    /// A frame all of whose samples say which it is.
    fn frame(number: i16) -> AudioFrame {
        AudioFrame { rate: 48_000, samples: vec![number * 100; BLOCK] }
    }

    /// The frames' numbers, in the order in which they are heard; silence is left out.
    fn heard(out: &[f32]) -> Vec<i16> {
        out.chunks(BLOCK)
            .map(|block| (block[0] * 32_768.0 / 100.0).round() as i16)
            .filter(|n| *n != 0)
            .collect()
    }

    #[test]
    fn what_was_said_before_the_pipeline_ran_is_not_lost() {
        let (feed, audio) = source();
        (1..=100).for_each(|n| feed.send(frame(n)));
        let (mut inlet, mut intake, mut out) = (Inlet::default(), Intake::new(), Vec::new());
        inlet.listen(audio, false);
        let now = Instant::now();
        for n in 0..60 {
            feed.send(frame(101 + n));
            intake.tick(&mut inlet, now, &mut out);
        }
        assert_eq!(heard(&out), (1..=160).collect::<Vec<_>>(), "a second is made up for in a third of one");
    }

    #[test]
    fn live_sound_does_not_overtake_the_recording() {
        let (feed, audio) = source();
        let (mut inlet, mut intake, mut out) = (Inlet::default(), Intake::new(), Vec::new());
        inlet.listen(audio, true);
        let now = Instant::now();
        for n in 0..20 {
            feed.send(frame(11 + n));
            intake.tick(&mut inlet, now, &mut out);
        }
        assert_eq!(heard(&out), [] as [i16; 0], "the recording is waited for");
        inlet.prepend(Some((1i16..=10).flat_map(|n| vec![f32::from(n) * 100.0 / 32_768.0; BLOCK]).collect()));
        for _ in 0..10 {
            intake.tick(&mut inlet, now, &mut out);
        }
        assert_eq!(heard(&out), (1..=30).collect::<Vec<_>>());
    }

    #[test]
    fn a_recording_that_does_not_come_does_not_deafen_the_agent() {
        let (feed, audio) = source();
        let (mut inlet, mut intake, mut out) = (Inlet::default(), Intake::new(), Vec::new());
        inlet.listen(audio, true);
        let start = Instant::now();
        feed.send(frame(1));
        intake.tick(&mut inlet, start, &mut out);
        assert_eq!(heard(&out), [] as [i16; 0]);
        intake.tick(&mut inlet, start + PATIENCE + Duration::from_millis(10), &mut out);
        assert_eq!(heard(&out), [1]);
    }

    #[test]
    fn a_track_that_ends_leaves_silence() {
        let (feed, audio) = source();
        let (mut inlet, mut intake, mut out) = (Inlet::default(), Intake::new(), Vec::new());
        inlet.listen(audio, false);
        feed.send(frame(1));
        drop(feed);
        let now = Instant::now();
        (0..50).for_each(|_| intake.tick(&mut inlet, now, &mut out));
        assert_eq!(heard(&out), [1]);
        assert!(out.len() > 40 * BLOCK, "the ear is not starved: {}", out.len());
    }
}
