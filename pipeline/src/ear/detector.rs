//! Speech detection that knows of the agent's voice.
//!
//! What is likely an echo is taken off the probability of speech. While the agent is audible, seconds
//! matter more than certainty, because what follows first is but a duck: speech starts at the threshold
//! that carries it on, and the detector also looks at frames that end in the middle of its own. On 62
//! labelled stretches of real speech that finds it 38 ms after its first sample instead of 82 ms (p50),
//! and 105 ms instead of 229 ms (p95).

use duologue_vad::{Segmenter, SegmenterConfig, Vad, VadEvent};

use super::{BLOCK, EarEvent, Events};
use crate::{Error, ErrorKind};

/// Blocks for which the agent counts as audible after its last sample: the echo's tail.
const AUDIBLE: u32 = 50;
/// A leak beyond which sound is too likely an echo for haste.
const DOUBTFUL: f32 = 0.2;
/// Blocks that a frame in between is made of, about.
const RECENT: usize = 3;

pub(super) struct Detector {
    vad: Box<dyn Vad>,
    segmenter: Segmenter,
    onset: f32,
    offset: f32,
    frame: Vec<f32>,
    length: usize,
    /// Sum and number of the leaks since the last frame.
    leak: (f32, f32),
    /// The latest leaks.
    recent: [f32; RECENT],
    /// Blocks for which the agent is still audible.
    audible: u32,
    pub(super) failed: u64,
}

impl Detector {
    /// # Errors
    /// [`ErrorKind::Config`] for a value out of range.
    pub(super) fn new(vad: Box<dyn Vad>, config: &SegmenterConfig) -> Result<Self, Error> {
        let length = vad.frame_len();
        let segmenter =
            Segmenter::new(config, length).map_err(|e| Error::new(ErrorKind::Config, e.to_string()))?;
        Ok(Self {
            vad,
            segmenter,
            onset: config.onset,
            offset: config.offset,
            frame: Vec::with_capacity(length),
            length,
            leak: (0.0, 0.0),
            recent: [0.0; RECENT],
            audible: 0,
            failed: 0,
        })
    }

    /// Says how likely the next block is an echo, and whether the agent is `heard` in it.
    pub(super) fn leak(&mut self, leak: f32, heard: bool) {
        self.leak = (self.leak.0 + leak, self.leak.1 + 1.0);
        self.recent.rotate_left(1);
        self.recent[RECENT - 1] = leak;
        self.audible = if heard { AUDIBLE } else { self.audible.saturating_sub(1) };
    }

    /// Samples until something will be decided; a block while somebody speaks, for the recogniser's sake.
    pub(super) fn due(&self) -> usize {
        if self.segmenter.in_speech() {
            return BLOCK;
        }
        let half = self.length / 2;
        let end = if self.audible > 0 && self.frame.len() < half { half } else { self.length };
        end - self.frame.len()
    }

    /// Hears samples and tells of them.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] if the detector failed on a frame. That frame counts as silence.
    pub(super) fn push(&mut self, samples: &[f32; BLOCK], on_event: Events<'_>) -> Result<(), Error> {
        let mut outcome = Ok(());
        let mut samples = &samples[..];
        while !samples.is_empty() {
            let half = self.length / 2;
            let end = if self.frame.len() < half { half } else { self.length };
            let (now, later) = samples.split_at(samples.len().min(end - self.frame.len()));
            self.frame.extend_from_slice(now);
            samples = later;
            if self.frame.len() == self.length {
                outcome = outcome.and(self.hear_frame(on_event));
            } else if self.frame.len() == half {
                outcome = outcome.and(self.peek(on_event));
            }
        }
        outcome
    }

    /// Ends speech under way.
    pub(super) fn end(&mut self, on_event: Events<'_>) {
        if let Some(event) = self.segmenter.finish() {
            on_event(event.into());
        }
    }

    /// Hears what does not fill a frame, and ends speech under way.
    ///
    /// # Errors
    /// As [`Detector::push`].
    pub(super) fn finish(&mut self, on_event: Events<'_>) -> Result<(), Error> {
        let mut outcome = Ok(());
        if !self.frame.is_empty() {
            self.frame.resize(self.length, 0.0);
            outcome = self.hear_frame(on_event);
        }
        self.end(on_event);
        outcome
    }

    fn hear_frame(&mut self, on_event: Events<'_>) -> Result<(), Error> {
        let outcome = self.vad.predict(&self.frame);
        self.frame.clear();
        self.failed += u64::from(outcome.is_err());
        let (sum, blocks) = std::mem::take(&mut self.leak);
        let echo = if blocks > 0.0 { sum / blocks } else { 0.0 };
        let probability = outcome.as_ref().copied().unwrap_or(0.0) * (1.0 - echo);
        let alert = self.alert(echo);
        let carries_on = alert || self.segmenter.in_speech();
        let voiced = probability >= if carries_on { self.offset } else { self.onset };
        let events = self.segmenter.push(probability);
        on_event(EarEvent::Voice { at: self.segmenter.clock(), probability, voiced, echo });
        events.for_each(|event| on_event(event.into()));
        if alert && voiced {
            self.begin(0, on_event);
        }
        outcome.map(drop).map_err(inference)
    }

    /// Looks at the frame that ends here, in the middle of the next.
    fn peek(&mut self, on_event: Events<'_>) -> Result<(), Error> {
        let echo = self.recent.iter().sum::<f32>() / RECENT as f32;
        if !self.alert(echo) {
            return Ok(());
        }
        let Some(probability) = self.vad.peek(&self.frame).map_err(inference)? else { return Ok(()) };
        let probability = probability * (1.0 - echo);
        if probability >= self.offset {
            let ahead = self.frame.len() as u64;
            let at = self.segmenter.clock() + ahead;
            on_event(EarEvent::Voice { at, probability, voiced: true, echo });
            self.begin(ahead, on_event);
        }
        Ok(())
    }

    /// Whether speech may start now, over the agent's.
    fn alert(&self, echo: f32) -> bool {
        self.audible > 0 && echo < DOUBTFUL && !self.segmenter.in_speech()
    }

    fn begin(&mut self, ahead: u64, on_event: Events<'_>) {
        if let Some(event) = self.segmenter.begin(ahead) {
            on_event(event.into());
        }
    }
}

fn inference(error: duologue_vad::Error) -> Error {
    Error::new(ErrorKind::Model, error.to_string())
}

impl From<VadEvent> for EarEvent<'_> {
    fn from(event: VadEvent) -> Self {
        match event {
            VadEvent::SpeechStarted { at, detected_at } => Self::SpeechStarted { at, detected_at },
            VadEvent::SpeechEnded { at, detected_at } => Self::SpeechEnded { at, detected_at },
        }
    }
}
