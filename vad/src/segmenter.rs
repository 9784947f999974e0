//! Turns a probability per frame into segments of speech, as absolute sample ranges.
//!
//! Invariants: segments are ordered and never overlap; none is longer than `max_speech_ms`; every
//! run of speech of at least `min_speech_ms`, and every frame at or above the onset threshold
//! within a segment's hangover, lies inside one. The state is a function of the probabilities and
//! the sample clock alone: no edge is ever waited for, so nothing can get stuck.
//!
//! Life cycle: [`Segmenter::new`], [`Segmenter::push`] once per frame, [`Segmenter::finish`] when
//! the stream ends. Pure: no audio, no clock but the samples', no allocation.
//!
//! ```
//! use duologue_vad::{Segmenter, SegmenterConfig, VadEvent};
//!
//! let mut segmenter = Segmenter::new(&SegmenterConfig::responsive(), 512).unwrap();
//! assert_eq!(segmenter.push(0.1).next(), None);
//! let started = VadEvent::SpeechStarted { at: 0, detected_at: 1024 };
//! assert_eq!(segmenter.push(0.9).next(), Some(started));
//! ```

use std::{array, iter};

use crate::config::samples;
use crate::{Error, ErrorKind, SAMPLE_RATE, SegmenterConfig};

/// Longest frame, in samples: 100 ms.
const LONGEST_FRAME: usize = SAMPLE_RATE as usize / 10;

/// Speech started or ended. Indices are samples at [`SAMPLE_RATE`] since the stream's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VadEvent {
    /// Speech is under way.
    SpeechStarted {
        /// First sample of the segment, pre-roll included.
        at: u64,
        /// Samples heard when this was decided.
        detected_at: u64,
    },
    /// Speech is over, or was split because it is too long; then a start follows at once, without
    /// a gap unless there was a pause.
    SpeechEnded {
        /// End of the segment (exclusive), post-roll included.
        at: u64,
        /// Samples heard when this was decided.
        detected_at: u64,
    },
}

/// The events of one frame, in order; at most two.
pub type Events = iter::Flatten<array::IntoIter<Option<VadEvent>, 2>>;

/// Speech under way.
#[derive(Clone, Copy, Debug)]
struct Segment {
    start: u64,
    /// End of the last frame of speech.
    voiced_end: u64,
    /// Samples of speech in it so far.
    voiced: u64,
}

/// Turns probabilities into [`VadEvent`]s.
#[derive(Clone, Debug)]
pub struct Segmenter {
    onset: f32,
    offset: f32,
    min_speech: u64,
    hangover: u64,
    pre_roll: u64,
    post_roll: u64,
    max_speech: u64,
    frame: u64,
    /// Samples heard.
    clock: u64,
    /// Where the previous segment ended: no later one starts before it.
    floor: u64,
    /// Start of the run of speech that is not yet long enough to report.
    run: Option<u64>,
    segment: Option<Segment>,
}

impl Segmenter {
    /// A segmenter for frames of `frame_len` samples, its clock at 0.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a value out of range; [`ErrorKind::FrameLength`] if `frame_len`
    /// is 0 or longer than 100 ms.
    pub fn new(config: &SegmenterConfig, frame_len: usize) -> Result<Self, Error> {
        config.validate()?;
        if frame_len == 0 || frame_len > LONGEST_FRAME {
            let message = format!("frames of {frame_len} samples: must be 1 to {LONGEST_FRAME}");
            return Err(Error::new(ErrorKind::FrameLength, message));
        }
        Ok(Self {
            onset: config.onset,
            offset: config.offset,
            min_speech: samples(config.min_speech_ms),
            hangover: samples(config.hangover_ms),
            pre_roll: samples(config.pre_roll_ms),
            post_roll: samples(config.post_roll_ms),
            max_speech: samples(config.max_speech_ms),
            frame: frame_len as u64,
            clock: 0,
            floor: 0,
            run: None,
            segment: None,
        })
    }

    /// Hears one frame's probability; one that is not a number counts as silence.
    pub fn push(&mut self, probability: f32) -> Events {
        let from = self.clock;
        self.clock += self.frame;
        let events = match self.segment {
            None => [self.listen(from, probability), None],
            Some(segment) => self.follow(segment, from, probability),
        };
        events.into_iter().flatten()
    }

    /// Reports speech before the threshold or the frame's end does, for a caller who knows better: it
    /// was there in the last frame's length of sound, of which `ahead` samples are part of the frame to
    /// come. `None` if speech is under way already, or must last to be reported.
    pub fn begin(&mut self, ahead: u64) -> Option<VadEvent> {
        if self.segment.is_some() || self.min_speech > 0 {
            return None;
        }
        let detected_at = self.clock + ahead.min(self.frame);
        let from = detected_at.saturating_sub(self.frame);
        let start = from.saturating_sub(self.pre_roll).max(self.floor);
        self.segment = Some(Segment { start, voiced_end: detected_at, voiced: self.frame });
        Some(VadEvent::SpeechStarted { at: start, detected_at })
    }

    /// Ends the stream: ends speech under way at its last frame of speech, and forgets a run that
    /// was too short to report. A later `push` carries on at the same clock.
    pub fn finish(&mut self) -> Option<VadEvent> {
        self.run = None;
        self.segment.map(|segment| self.end(segment))
    }

    /// Forgets everything; the next frame's first sample has index `clock`.
    pub fn reset(&mut self, clock: u64) {
        (self.clock, self.floor, self.run, self.segment) = (clock, clock, None, None);
    }

    /// Samples heard: the index of the next frame's first sample.
    pub fn clock(&self) -> u64 {
        self.clock
    }

    /// Whether a reported segment is under way.
    pub fn in_speech(&self) -> bool {
        self.segment.is_some()
    }

    /// Samples of speech in the segment under way, or in the run that is not yet reported; its
    /// pauses do not count. A split does not start it over.
    pub fn voiced(&self) -> u64 {
        match (self.segment, self.run) {
            (Some(segment), _) => segment.voiced,
            (None, Some(run)) => self.clock - run,
            (None, None) => 0,
        }
    }

    /// One frame without speech under way.
    fn listen(&mut self, from: u64, probability: f32) -> Option<VadEvent> {
        self.run = match self.run {
            Some(start) if probability >= self.offset => Some(start),
            _ if probability >= self.onset => Some(from),
            _ => None,
        };
        let run = self.run?;
        let voiced = self.clock - run;
        if voiced < self.min_speech {
            return None;
        }
        let start = run.saturating_sub(self.pre_roll).max(self.floor);
        self.run = None;
        self.segment = Some(Segment { start, voiced_end: self.clock, voiced });
        Some(VadEvent::SpeechStarted { at: start, detected_at: self.clock })
    }

    /// One frame with speech under way.
    fn follow(&mut self, segment: Segment, from: u64, probability: f32) -> [Option<VadEvent>; 2] {
        if probability >= self.offset {
            return self.carry_on(segment, from);
        }
        if self.clock >= segment.voiced_end + self.hangover {
            return [Some(self.end(segment)), None];
        }
        [None, None]
    }

    /// Adds a frame of speech; starts a new segment with it if this one would grow too long.
    fn carry_on(&mut self, segment: Segment, from: u64) -> [Option<VadEvent>; 2] {
        let (voiced_end, voiced) = (self.clock, segment.voiced + self.frame);
        if self.clock - segment.start <= self.max_speech {
            self.segment = Some(Segment { voiced_end, voiced, ..segment });
            return [None, None];
        }
        // Without a pause before this frame, both are `from`.
        let at = self.end_of(segment).min(from);
        let start = from.saturating_sub(self.pre_roll).max(at);
        self.segment = Some(Segment { start, voiced_end, voiced });
        let detected_at = self.clock;
        [
            Some(VadEvent::SpeechEnded { at, detected_at }),
            Some(VadEvent::SpeechStarted { at: start, detected_at }),
        ]
    }

    fn end(&mut self, segment: Segment) -> VadEvent {
        let at = self.end_of(segment);
        self.floor = at;
        self.segment = None;
        VadEvent::SpeechEnded { at, detected_at: self.clock.max(at) }
    }

    /// Where a segment ends if nothing more is added to it.
    fn end_of(&self, segment: Segment) -> u64 {
        let longest = segment.start + self.max_speech;
        (segment.voiced_end + self.post_roll).min(longest).min(self.clock.max(segment.voiced_end))
    }
}

#[cfg(test)]
#[path = "segmenter_tests.rs"]
mod tests;
