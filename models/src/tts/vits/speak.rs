//! Speaking: text to phonemes to runs of the graph to trimmed audio with estimated word marks.

use std::time::Instant;

use super::config::Run;
use super::{Vits, no_voice};
use crate::Error;
use crate::text;
use crate::tts::cost::Timing;
use crate::tts::{Cancel, Piece, SpeakOptions, Speech, Tts, TtsCost, WordMark, edges, marks, runs};

/// Most phonemes of one run; longer clauses are spoken in several.
pub const MAX_PHONEMES: usize = 200;

impl Tts for Vits {
    fn sample_rate(&self) -> u32 {
        self.config.rate
    }

    fn voices(&self) -> &[String] {
        &self.voices
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn cost(&self) -> Option<TtsCost> {
        Some(self.cost.now())
    }

    fn speak(&self, text: &str, options: &SpeakOptions, cancel: &Cancel) -> Result<Speech, Error> {
        runs::whole(|give| self.speak_in_pieces(text, options, cancel, give))
    }

    fn speak_in_pieces(
        &self,
        text: &str,
        options: &SpeakOptions,
        cancel: &Cancel,
        give: &mut dyn FnMut(Piece),
    ) -> Result<(), Error> {
        let speaker = self.check(options)?;
        let say = |run: &Run| self.say(run, speaker, options.speed, cancel);
        runs::speak(&self.plan(text)?, self.config.rate, say, give)
    }
}

impl Vits {
    /// The speaker's number.
    fn check(&self, options: &SpeakOptions) -> Result<i64, Error> {
        runs::check_speed(options.speed)?;
        let name = if options.voice.is_empty() { &self.voices[0] } else { &options.voice };
        self.config.speaker(name).ok_or_else(|| no_voice(name, &self.voices))
    }

    /// The runs that say `text`.
    fn plan(&self, text: &str) -> Result<Vec<Run>, Error> {
        runs::check_bytes(text)?;
        let phonemes = text::phonemise(text, &*self.language);
        runs::check_phonemes(phonemes.len())?;
        let runs = phonemes.chunks(MAX_PHONEMES).into_iter().map(|chunk| self.config.encode(&chunk));
        Ok(runs.filter(|run| !run.words.is_empty()).collect())
    }

    fn say(
        &self,
        run: &Run,
        speaker: i64,
        speed: f32,
        cancel: &Cancel,
    ) -> Result<(Vec<f32>, Vec<WordMark>), Error> {
        let start = Instant::now();
        let mut samples = self.run(&run.ids, speaker, speed, cancel)?;
        let rate = self.config.rate;
        self.cost.observe(Timing::since(start, run.phonemes, samples.len(), rate).at_speed(speed));
        samples.iter_mut().for_each(|sample| *sample = (*sample * self.gain).clamp(-1.0, 1.0));
        let kept = edges::voiced(&samples, rate, None);
        let spoken = run.words.first().map_or(0, |word| word.tokens.start)
            ..run.words.last().map_or(0, |word| word.tokens.end);
        let starts = marks::estimated_starts(&run.ids, &spoken, &kept, &self.lengths);
        let marks = marks::marks(&run.words, &starts, &kept);
        samples.truncate(kept.end);
        samples.drain(..kept.start);
        edges::fade(&mut samples, rate);
        Ok((samples, marks))
    }
}
