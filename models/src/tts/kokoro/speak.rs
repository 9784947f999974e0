//! Speaking: text to phonemes to runs of the graph to trimmed audio with word marks.

use std::time::Instant;

use super::model::Kokoro;
use super::plan::{self, Run};
use crate::text;
use crate::tts::cost::Timing;
use crate::tts::{Cancel, Piece, SpeakOptions, Speech, Tts, TtsCost, WordMark, edges, marks, runs};
use crate::{Error, ErrorKind};

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
        runs::whole(|give| self.speak_in_pieces(text, options, cancel, give))
    }

    fn speak_in_pieces(
        &self,
        text: &str,
        options: &SpeakOptions,
        cancel: &Cancel,
        give: &mut dyn FnMut(Piece),
    ) -> Result<(), Error> {
        self.check(options)?;
        runs::speak(&self.plan(text)?, self.rate, |run| self.say(run, options, cancel), give)
    }
}

impl Kokoro {
    fn check(&self, options: &SpeakOptions) -> Result<(), Error> {
        let speed = options.speed;
        runs::check_speed(speed)?;
        if self.graph.has_whole_speeds() && speed.fract() != 0.0 {
            let message = format!("speed {speed}: {} takes only 1 or 2; use another export of it", self.name);
            return Err(Error::new(ErrorKind::Config, message));
        }
        self.voices.style(&options.voice, 0).map(|_| ())
    }

    /// The runs that say `text`.
    fn plan(&self, text: &str) -> Result<Vec<Run>, Error> {
        runs::check_bytes(text)?;
        let tokens = self.vocabulary.encode(&text::phonemise(text, &*self.language));
        runs::check_phonemes(tokens.ids.len().saturating_sub(2))?;
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
