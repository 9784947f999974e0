//! The scribe: turns the ear's 16 kHz blocks into partial and final transcripts.
//!
//! It keeps the recent past, so that an utterance can start before speech was detected (pre-roll)
//! and first words are never cut. One utterance is decoded at a time.
//!
//! Life cycle: [`Scribe::hear`] for every block; [`Scribe::start`] → [`Scribe::step`] … →
//! [`Scribe::end`] → the final transcript comes out of the next `step`. The scribe holds no thread
//! and never waits: whoever drives it decides when it runs.

use duologue_models::{Stt, SttStream, Transcript, Word};

use crate::past::Past;

/// Rate, in Hz, of what the scribe hears.
const RATE: u64 = 16_000;
/// How much of the past can be returned to: a long pre-roll plus the longest stall of the decoder.
const PAST_SECONDS: u64 = 12;
/// Most audio decoded in one step, so that commands are seen soon even when catching up.
const STEP_SAMPLES: u64 = RATE / 10;

/// What the scribe has found out.
#[derive(Clone, Debug, PartialEq)]
pub enum ScribeEvent {
    /// The transcript so far has changed.
    Partial {
        /// Which utterance.
        utterance: u64,
        /// Its text so far.
        text: String,
    },
    /// The utterance is over; `text` is empty if nothing was recognised.
    Final {
        /// Which utterance.
        utterance: u64,
        /// Its whole text.
        text: String,
        /// Its words, in absolute samples at 16 kHz, where the model gives them; otherwise empty.
        words: Vec<Word>,
    },
    /// The recogniser failed on this utterance, which is over.
    Failed {
        /// Which utterance.
        utterance: u64,
        /// Why.
        reason: String,
    },
}

struct Active {
    utterance: u64,
    /// Next sample to decode.
    next: u64,
    /// The utterance's first sample.
    from: u64,
    /// Where it ends, once known.
    end: Option<u64>,
    partial: String,
}

/// Decodes utterances out of the ear's signal.
pub struct Scribe {
    stream: Box<dyn SttStream>,
    /// Takes over at the next utterance.
    next_stream: Option<Box<dyn SttStream>>,
    past: Past,
    active: Option<Active>,
    missed: u64,
}

impl Scribe {
    /// A scribe with its own stream of `stt`.
    ///
    /// # Errors
    /// As [`Stt::stream`].
    pub fn new(stt: &dyn Stt) -> Result<Self, duologue_models::Error> {
        Ok(Self {
            stream: stt.stream()?,
            next_stream: None,
            past: Past::new((PAST_SECONDS * RATE) as usize),
            active: None,
            missed: 0,
        })
    }

    /// Takes a block of 16 kHz samples whose first has the absolute index `at`.
    pub fn hear(&mut self, at: u64, block: &[f32]) {
        self.past.push(at, block);
    }

    /// Index one past the latest sample heard.
    pub fn heard(&self) -> u64 {
        self.past.end()
    }

    /// What was heard from sample `from` on, as far back as it is kept (12 s).
    pub fn recent(&self, from: u64) -> &[f32] {
        self.past.slice(from..self.past.end())
    }

    /// Samples of utterances that were asked for after they had left the past.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Whether audio or an end waits to be worked on.
    pub fn has_work(&self) -> bool {
        let heard = self.past.end();
        self.active.as_ref().is_some_and(|a| a.next < heard || a.end.is_some_and(|end| end <= heard))
    }

    /// Recognises with `stream` from the next utterance on.
    pub fn use_stream(&mut self, stream: Box<dyn SttStream>) {
        self.next_stream = Some(stream);
    }

    /// Starts `utterance` at sample `from`. An utterance still open is dropped.
    pub fn start(&mut self, utterance: u64, from: u64) {
        let first = from.max(self.past.start());
        self.missed += first - from;
        if let Some(stream) = self.next_stream.take() {
            self.stream = stream;
        }
        self.stream.reset();
        self.active = Some(Active { utterance, next: first, from: first, end: None, partial: String::new() });
    }

    /// Ends `utterance` at sample `at`; one that is not open is ignored.
    pub fn end(&mut self, utterance: u64, at: u64) {
        if let Some(active) = self.active.as_mut().filter(|a| a.utterance == utterance) {
            active.end = Some(at);
        }
    }

    /// Decodes up to 100 ms of what has been heard; call again while [`Scribe::has_work`].
    pub fn step(&mut self, out: &mut dyn FnMut(ScribeEvent)) {
        let Some(mut active) = self.active.take() else { return };
        match self.advance(&mut active, out) {
            Ok(true) => {}
            Ok(false) => self.active = Some(active),
            Err(error) => {
                self.stream.reset();
                out(ScribeEvent::Failed { utterance: active.utterance, reason: error.to_string() });
            }
        }
    }

    /// Returns whether the utterance is over.
    fn advance(
        &mut self,
        active: &mut Active,
        out: &mut dyn FnMut(ScribeEvent),
    ) -> Result<bool, duologue_models::Error> {
        let heard = self.past.end();
        let lost = self.past.start().saturating_sub(active.next);
        self.missed += lost;
        active.next += lost;
        let limit = active.end.unwrap_or(heard).min(heard);
        let to = limit.min(active.next + STEP_SAMPLES);
        if active.next < to {
            self.stream.push(self.past.slice(active.next..to))?;
            active.next = to;
            let text = self.stream.partial().text;
            if text != active.partial {
                active.partial.clone_from(&text);
                out(ScribeEvent::Partial { utterance: active.utterance, text });
            }
        }
        let over = active.end.is_some_and(|end| active.next >= end.max(active.from));
        if !over {
            return Ok(false);
        }
        let Transcript { text, mut words, .. } = self.stream.finish()?;
        self.stream.reset();
        for word in &mut words {
            word.span = word.span.start + active.from..word.span.end + active.from;
        }
        out(ScribeEvent::Final { utterance: active.utterance, text, words });
        Ok(true)
    }
}
