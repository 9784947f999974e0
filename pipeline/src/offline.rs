//! Models without a conversation: a recording to text, a text to a recording.

use std::collections::VecDeque;
use std::sync::Arc;

use duologue_models::text::{Clause, ClauseConfig, ClauseSplitter};
use duologue_models::{Cancel, Piece, SpeakOptions, Speech, Stt, Transcript, Tts};

use crate::resample::Resampler;
use crate::{Error, ErrorKind};

/// Most audio, at 16 kHz, handed to a recogniser at once: 200 ms.
const PUSH: usize = 3_200;

/// What is said in `samples` (mono, `rate` Hz).
///
/// # Errors
/// [`ErrorKind::Config`] for a rate out of range; [`ErrorKind::Model`] if the recogniser fails.
pub fn transcribe(stt: &dyn Stt, samples: &[f32], rate: u32) -> Result<Transcript, Error> {
    let mut resampler = Resampler::new(rate, duologue_models::stt::SAMPLE_RATE)?;
    let mut heard = Vec::with_capacity(samples.len() * 16_000 / rate.max(1) as usize + PUSH);
    resampler.whole(samples, &mut heard);
    let mut stream = stt.stream().map_err(model_error)?;
    for chunk in heard.chunks(PUSH) {
        stream.push(chunk).map_err(model_error)?;
    }
    stream.finish().map_err(model_error)
}

/// The whole of `text` as speech; the marks' sources are bytes of `text`.
///
/// # Errors
/// [`ErrorKind::Model`] if the voice fails, does not exist, or `cancel` was raised.
pub fn speak(tts: &dyn Tts, text: &str, options: &SpeakOptions, cancel: &Cancel) -> Result<Speech, Error> {
    let mut whole = Speech::default();
    speak_in_pieces(tts, text, options, cancel, &mut |piece| whole.push(piece))?;
    Ok(whole)
}

/// The whole of `text` as speech, given piece by piece as it is made; pauses are part of the pieces. The
/// marks' sources are bytes of `text`, their samples are counted from its first.
///
/// # Errors
/// As [`speak`]; what was given before is good speech.
pub fn speak_in_pieces(
    tts: &dyn Tts,
    text: &str,
    options: &SpeakOptions,
    cancel: &Cancel,
    give: &mut dyn FnMut(Piece),
) -> Result<(), Error> {
    let mut splitter = ClauseSplitter::new(ClauseConfig::default());
    splitter.push(text);
    splitter.finish();
    let (mut said, mut next) = (0, splitter.next_clause());
    while let Some(clause) = next {
        next = splitter.next_clause();
        let end = next.is_none();
        let start = said;
        speak_clause(tts, &clause, options, cancel, &mut |mut piece| {
            said += piece.samples.len();
            for mark in &mut piece.marks {
                mark.samples = mark.samples.start + start..mark.samples.end + start;
            }
            piece.last &= end;
            give(piece);
        })?;
    }
    Ok(())
}

/// One clause and the pause after it; the marks' sources are bytes of the whole text.
fn speak_clause(
    tts: &dyn Tts,
    clause: &Clause,
    options: &SpeakOptions,
    cancel: &Cancel,
    give: &mut dyn FnMut(Piece),
) -> Result<(), Error> {
    let offset = clause.source.start as usize;
    let pause = (clause.pause_after.as_secs_f64() * f64::from(tts.sample_rate())) as usize;
    let mut said = 0;
    tts.speak_in_pieces(&clause.text, options, cancel, &mut |mut piece| {
        for mark in &mut piece.marks {
            mark.source = mark.source.start + offset..mark.source.end + offset;
        }
        said += piece.samples.len();
        if piece.last && said > 0 {
            piece.samples.resize(piece.samples.len() + pause, 0.0);
        }
        give(piece);
    })
    .map_err(model_error)
}

/// Speech clause by clause, as text comes in. See
/// [`crate::AudioPipeline::text_to_speech_stream`].
///
/// Yields one [`Speech`] a clause, its pause included; the marks' sources are bytes of all the text.
/// After an error it goes on with the next clause.
pub struct SpeechStream<I> {
    tts: Arc<dyn Tts>,
    text: I,
    options: SpeakOptions,
    splitter: ClauseSplitter,
    ready: VecDeque<Clause>,
    finished: bool,
}

impl<I: Iterator<Item = String>> SpeechStream<I> {
    /// Speaks `text` with `tts`.
    pub fn new(tts: Arc<dyn Tts>, text: I, options: SpeakOptions) -> Self {
        let splitter = ClauseSplitter::new(ClauseConfig::default());
        Self { tts, text, options, splitter, ready: VecDeque::new(), finished: false }
    }

    /// Speaks the next clause, giving its audio in pieces as they are made; the marks' sources are bytes of all the text,
    /// their samples are counted from the clause's first. `None` when the text has ended.
    ///
    /// # Errors
    /// As [`speak_in_pieces`]; a later call goes on with the next clause.
    pub fn speak_next(&mut self, cancel: &Cancel, give: &mut dyn FnMut(Piece)) -> Option<Result<(), Error>> {
        let clause = self.next_clause()?;
        Some(speak_clause(&*self.tts, &clause, &self.options, cancel, give))
    }

    fn next_clause(&mut self) -> Option<Clause> {
        while self.ready.is_empty() {
            self.ready.extend(std::iter::from_fn(|| self.splitter.next_clause()));
            if !self.ready.is_empty() {
                break;
            }
            if self.finished {
                return None;
            }
            match self.text.next() {
                Some(delta) => self.splitter.push(&delta),
                None => {
                    self.splitter.finish();
                    self.finished = true;
                }
            }
        }
        self.ready.pop_front()
    }
}

impl<I: Iterator<Item = String>> Iterator for SpeechStream<I> {
    type Item = Result<Speech, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut speech = Speech::default();
        let made = self.speak_next(&Cancel::new(), &mut |piece| speech.push(piece))?;
        Some(made.map(|()| speech))
    }
}

pub(crate) fn model_error(error: duologue_models::Error) -> Error {
    Error::new(ErrorKind::Model, error.to_string())
}
