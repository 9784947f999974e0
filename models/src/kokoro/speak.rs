//! Speaking: text to phonemes to runs of the graph to trimmed audio with word marks.

use std::time::Instant;

use super::cost::Timing;
use super::model::Kokoro;
use super::plan::{self, Run};
use super::{edges, marks};
use crate::text;
use crate::tts::{Cancel, SpeakOptions, Speech, Tts, TtsCost, WordMark};
use crate::{Error, ErrorKind};

/// Longer text is refused before anything is done with it, in bytes.
const MAX_BYTES: usize = 8_000;

/// Longer text is refused, in phonemes; up to here it is spoken in runs of at most [`plan::MAX_PHONEMES`].
const MAX_CLAUSE_PHONEMES: usize = 1_000;

/// Silence between two runs of one over-long clause, in ms.
const JOIN_MS: usize = 50;

impl Tts for Kokoro {
    fn sample_rate(&self) -> u32 {
        self.rate
    }

    fn voices(&self) -> &[String] {
        self.voices.names()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn cost(&self) -> Option<TtsCost> {
        Some(self.cost.now())
    }

    fn speak(&self, text: &str, options: &SpeakOptions, cancel: &Cancel) -> Result<Speech, Error> {
        self.check(options)?;
        let runs = self.plan(text)?;
        let mut speech = Speech::default();
        for run in &runs {
            let (samples, marks) = self.say(run, options, cancel)?;
            append(&mut speech, samples, marks, JOIN_MS * self.rate as usize / 1000);
        }
        Ok(speech)
    }
}

impl Kokoro {
    fn check(&self, options: &SpeakOptions) -> Result<(), Error> {
        let speed = options.speed;
        if !(0.5..=2.0).contains(&speed) {
            return Err(Error::new(ErrorKind::Config, format!("speed {speed}: must be 0.5 to 2.0")));
        }
        if self.graph.has_whole_speeds() && speed.fract() != 0.0 {
            let message = format!("speed {speed}: {} takes only 1 or 2; use another export of it", self.name);
            return Err(Error::new(ErrorKind::Config, message));
        }
        self.voices.style(&options.voice, 0).map(|_| ())
    }

    /// The runs that say `text`.
    fn plan(&self, text: &str) -> Result<Vec<Run>, Error> {
        let too_long = |found: String| {
            let message = format!("text of {found} is no clause; split it with text::ClauseSplitter");
            Err(Error::new(ErrorKind::Config, message))
        };
        if text.len() > MAX_BYTES {
            return too_long(format!("{} bytes (more than {MAX_BYTES})", text.len()));
        }
        let tokens = self.vocabulary.encode(&text::phonemise(text, &*self.g2p));
        let phonemes = tokens.ids.len().saturating_sub(2);
        if phonemes > MAX_CLAUSE_PHONEMES {
            return too_long(format!("{phonemes} phonemes (more than {MAX_CLAUSE_PHONEMES})"));
        }
        Ok(plan::runs(&tokens, self.vocabulary.id('.')))
    }

    fn say(
        &self,
        run: &Run,
        options: &SpeakOptions,
        cancel: &Cancel,
    ) -> Result<(Vec<f32>, Vec<WordMark>), Error> {
        let style = self.voices.style(&options.voice, run.phonemes())?;
        let start = Instant::now();
        let audio = self.graph.run(&run.ids, &style, options.speed, cancel)?;
        let timing = Timing::since(start, run.phonemes(), audio.samples.len(), self.rate);
        self.cost.observe(timing.at_speed(options.speed));
        let spoken = run.spoken();
        let extent = audio.starts.as_ref().map(|starts| starts[spoken.start]..starts[spoken.end]);
        let kept = edges::voiced(&audio.samples, self.rate, extent);
        let starts =
            audio.starts.unwrap_or_else(|| marks::estimated_starts(&run.ids, &spoken, &kept, &self.lengths));
        let marks = marks::marks(&run.words, &starts, &kept);
        let mut samples = audio.samples;
        samples.truncate(kept.end);
        samples.drain(..kept.start);
        edges::fade(&mut samples, self.rate);
        Ok((samples, marks))
    }
}

/// Adds a run's audio and marks to what was said before it.
fn append(speech: &mut Speech, samples: Vec<f32>, marks: Vec<WordMark>, pause: usize) {
    if speech.samples.is_empty() && speech.marks.is_empty() {
        *speech = Speech { samples, marks };
        return;
    }
    speech.samples.resize(speech.samples.len() + pause, 0.0);
    let offset = speech.samples.len();
    speech.samples.extend(samples);
    for mark in marks {
        let samples = mark.samples.start + offset..mark.samples.end + offset;
        marks::push(&mut speech.marks, WordMark { source: mark.source, samples });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_cut_in_two_runs_keeps_one_mark() {
        let mark = |source, samples| WordMark { source, samples };
        let mut speech = Speech::default();
        append(&mut speech, vec![0.1; 100], vec![mark(0..2, 0..40), mark(3..5, 50..100)], 10);
        append(&mut speech, vec![0.2; 100], vec![mark(3..5, 0..30), mark(6..8, 40..100)], 10);
        assert_eq!(speech.samples.len(), 210);
        assert_eq!(speech.marks, [mark(0..2, 0..40), mark(3..5, 50..140), mark(6..8, 150..210)]);
    }
}
