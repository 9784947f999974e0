//! A recording, or any stream without a conversation, to transcripts: VAD, pre-roll and scribe.
//!
//! Memory is bounded whatever the length. Life cycle: [`Listener::new`] → [`Listener::push`]… →
//! [`Listener::finish`].

use std::ops::Range;

use duologue_models::{Stt, Word};
use duologue_vad::{Detector, SegmenterConfig, Vad, VadEvent};

use crate::offline::model_error;
use crate::resample::Resampler;
use crate::scribe::{Scribe, ScribeEvent};
use crate::{Error, ErrorKind};

/// Most samples, at 16 kHz, heard between two looks at the recogniser.
const CHUNK: usize = 1_600;
/// Silence put before a stream: recognisers miss a word that begins with the first sample.
const LEAD: u64 = 4_800;

/// What was heard. Times are samples at 16 kHz since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heard {
    /// Somebody began to speak.
    SpeechStarted {
        /// Where, pre-roll included.
        at: u64,
    },
    /// They fell silent; the final follows.
    SpeechEnded {
        /// Where, post-roll included.
        at: u64,
    },
    /// The words of the utterance that is under way, so far.
    Partial {
        /// Where it began.
        start: u64,
        /// Its text so far.
        text: String,
    },
    /// A whole utterance; its text is empty if nothing was recognised.
    Final {
        /// Where it was.
        range: Range<u64>,
        /// Its text.
        text: String,
        /// Its words, where the recogniser gives them; otherwise empty.
        words: Vec<Word>,
    },
}

/// Turns a stream of samples into transcripts, utterance by utterance.
pub struct Listener {
    resampler: Resampler,
    detector: Detector<Box<dyn Vad>>,
    scribe: Scribe,
    resampled: Vec<f32>,
    heard: u64,
    utterance: u64,
    range: Range<u64>,
}

impl Listener {
    /// A listener to samples of `rate` Hz.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a rate or a key out of range; [`ErrorKind::Model`] if the
    /// recogniser refuses.
    pub fn new(stt: &dyn Stt, vad: Box<dyn Vad>, rate: u32, config: &SegmenterConfig) -> Result<Self, Error> {
        let detector =
            Detector::new(vad, config).map_err(|error| Error::new(ErrorKind::Config, error.to_string()))?;
        let mut listener = Self {
            resampler: Resampler::new(rate, duologue_vad::SAMPLE_RATE)?,
            detector,
            scribe: Scribe::new(stt).map_err(model_error)?,
            resampled: Vec::new(),
            heard: 0,
            utterance: 0,
            range: 0..0,
        };
        listener.hear(&[0.0; LEAD as usize], &mut |_| {})?;
        Ok(listener)
    }

    /// What a recording wants: utterances are joined over pauses of less than 0.6 s.
    pub fn recording() -> SegmenterConfig {
        SegmenterConfig { hangover_ms: 600, post_roll_ms: 300, ..SegmenterConfig::responsive() }
    }

    /// Hears `samples` (mono, ±1.0).
    ///
    /// # Errors
    /// [`ErrorKind::Model`] if the detector or the recogniser fails; the listener can go on.
    pub fn push(&mut self, samples: &[f32], out: &mut dyn FnMut(Heard)) -> Result<(), Error> {
        let mut resampled = std::mem::take(&mut self.resampled);
        resampled.clear();
        self.resampler.process(samples, &mut |samples| resampled.extend_from_slice(samples));
        let outcome = self.hear(&resampled, out);
        self.resampled = resampled;
        outcome
    }

    /// Hears the rest and ends the utterance that is under way.
    ///
    /// # Errors
    /// As [`Listener::push`].
    pub fn finish(&mut self, out: &mut dyn FnMut(Heard)) -> Result<(), Error> {
        let mut resampled = std::mem::take(&mut self.resampled);
        resampled.clear();
        self.resampler.flush(&mut |samples| resampled.extend_from_slice(samples));
        self.hear(&resampled, out)?;
        let mut events = Vec::new();
        self.detector.finish(&mut |event| events.push(event)).map_err(vad_error)?;
        self.follow(&events, out)
    }

    fn hear(&mut self, samples: &[f32], out: &mut dyn FnMut(Heard)) -> Result<(), Error> {
        for chunk in samples.chunks(CHUNK) {
            let mut events = Vec::new();
            let outcome = self.detector.push(chunk, &mut |event| events.push(event));
            self.scribe.hear(self.heard, chunk);
            self.heard += chunk.len() as u64;
            self.follow(&events, out)?;
            outcome.map_err(vad_error)?;
        }
        Ok(())
    }

    fn follow(&mut self, events: &[VadEvent], out: &mut dyn FnMut(Heard)) -> Result<(), Error> {
        for event in events {
            match *event {
                VadEvent::SpeechStarted { at, .. } => {
                    self.utterance += 1;
                    self.range = at..at;
                    self.scribe.start(self.utterance, at);
                    out(Heard::SpeechStarted { at: at.saturating_sub(LEAD) });
                }
                VadEvent::SpeechEnded { at, .. } => {
                    self.range.end = at;
                    out(Heard::SpeechEnded { at: at.saturating_sub(LEAD) });
                    self.scribe.end(self.utterance, at.min(self.heard));
                    self.write(out)?;
                }
            }
        }
        self.write(out)
    }

    fn write(&mut self, out: &mut dyn FnMut(Heard)) -> Result<(), Error> {
        let mut failure = None;
        let range = self.range.start.saturating_sub(LEAD)..self.range.end.saturating_sub(LEAD);
        while self.scribe.has_work() {
            self.scribe.step(&mut |event| match event {
                ScribeEvent::Partial { text, .. } => out(Heard::Partial { start: range.start, text }),
                ScribeEvent::Final { text, words, .. } => {
                    let words = words.into_iter().map(placed).collect();
                    out(Heard::Final { range: range.clone(), text, words });
                }
                ScribeEvent::Failed { reason, .. } => failure = Some(reason),
            });
        }
        failure.map_or(Ok(()), |reason| Err(Error::new(ErrorKind::Model, reason)))
    }
}

/// The word without the silence put before the stream.
fn placed(Word { text, span }: Word) -> Word {
    Word { text, span: span.start.saturating_sub(LEAD)..span.end.saturating_sub(LEAD) }
}

fn vad_error(error: duologue_vad::Error) -> Error {
    Error::new(ErrorKind::Model, error.to_string())
}
