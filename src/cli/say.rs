//! `duologue say`: text to speech, written as it is made, or played.

mod sink;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use duologue::models::text::to_be_spoken;
use duologue::models::{SpeakOptions, Speech};
use duologue::pipeline::offline::SpeechStream;
use duologue::setup::Models;
use duologue::{note, outln};
use serde_json::{Value, json};

use super::args::{Common, SayArgs};
use super::talk;

/// How much of what cannot be said is shown, in characters.
const SHOWN: usize = 40;

pub fn run(common: &Common, args: &SayArgs) -> Result<()> {
    let settings = common.settings()?;
    let written = text(&args.text)?;
    let text = to_be_spoken(&written);
    if written.trim().is_empty() {
        bail!("there is nothing to say: the text is empty");
    }
    // What cannot be written is told of before anything is computed.
    sink::check(args.output.as_deref(), args.raw)?;
    let tts = Models::load_speaking(&settings, common.offline)?;
    let voice = &settings.pipeline.voice;
    let options = SpeakOptions {
        voice: args.voice.clone().unwrap_or_else(|| voice.name.clone()),
        speed: args.speed.unwrap_or(voice.speed),
    };
    let rate = tts.sample_rate();
    let begin = Instant::now();
    let mut said = Said::new(&text, &written);
    let mut sink = None;
    let mut kept = Vec::new();
    for speech in SpeechStream::new(Arc::clone(&tts), pieces(&text), options) {
        let speech = speech?;
        said.take(&speech);
        if speech.samples.is_empty() {
            continue;
        }
        if let Some(path) = &args.output {
            sink::open(&mut sink, path, args.raw, rate)?.write(&speech.samples)?;
        }
        if args.play {
            kept.extend(speech.samples);
        }
    }
    let computed = begin.elapsed().as_secs_f64();
    if said.samples == 0 {
        bail!(
            "{} has no way to say “{}”; choose a voice for its script (`duologue voices`)",
            tts.name(),
            short(&written)
        );
    }
    if let Some(sink) = sink {
        sink.finish()?;
    }
    for word in said.unsaid() {
        note!("duologue: “{}” was left out: {} has no way to say it", short(word), tts.name());
    }
    if args.play {
        talk::play(&kept, rate)?;
    }
    report(common, args, &said, rate, computed)
}

fn report(common: &Common, args: &SayArgs, said: &Said<'_>, rate: u32, computed: f64) -> Result<()> {
    let Some(path) = args.output.as_deref() else { return Ok(()) };
    // Standard output is the sound's.
    if path == Path::new("-") {
        return Ok(());
    }
    let seconds = said.samples as f64 / f64::from(rate);
    if common.json {
        let left_out: Vec<&str> = said.unsaid().collect();
        outln!(
            "{}",
            json!({
                "file": path.to_string_lossy(), "seconds": seconds, "computed_seconds": computed, "rate": rate,
                "words": said.words(rate), "left_out": left_out,
            })
        )?;
        return Ok(());
    }
    let factor = if seconds > 0.0 { computed / seconds } else { 0.0 };
    outln!("{}: {seconds:.2} s of speech in {computed:.3} s (RTF {factor:.3})", path.display())?;
    Ok(())
}

/// What has been said, and where in the sound.
struct Said<'a> {
    text: &'a str,
    /// Before symbols were taken out of it.
    written: &'a str,
    samples: usize,
    marks: Vec<Mark>,
}

/// A word: bytes of the text, samples of the sound.
struct Mark {
    source: std::ops::Range<usize>,
    samples: std::ops::Range<usize>,
}

impl<'a> Said<'a> {
    fn new(text: &'a str, written: &'a str) -> Self {
        Self { text, written, samples: 0, marks: Vec::new() }
    }

    fn take(&mut self, speech: &Speech) {
        let offset = self.samples;
        self.marks.extend(speech.marks.iter().map(|mark| Mark {
            source: mark.source.clone(),
            samples: mark.samples.start + offset..mark.samples.end + offset,
        }));
        self.samples += speech.samples.len();
    }

    fn words(&self, rate: u32) -> Vec<Value> {
        let at = |n: usize| n as f64 / f64::from(rate);
        let word = |mark: &Mark| json!({ "word": self.text.get(mark.source.clone()), "start": at(mark.samples.start), "end": at(mark.samples.end) });
        self.marks.iter().map(word).collect()
    }

    /// Words of another script, and symbols, that no sound stands for.
    fn unsaid(&self) -> impl Iterator<Item = &'a str> {
        let text = self.text;
        let mut marks = self.marks.iter().map(|mark| mark.source.clone()).peekable();
        let is_symbol = |word: &&str| word.chars().any(is_meant) && !word.chars().any(char::is_alphanumeric);
        let taken_out =
            self.written.split_whitespace().filter(move |word| is_symbol(word) && !text.contains(word));
        let unspoken = text.split_whitespace().filter(move |word| {
            let start = word.as_ptr() as usize - text.as_ptr() as usize;
            let end = start + word.len();
            while marks.next_if(|mark| mark.end <= start).is_some() {}
            let is_said = marks.peek().is_some_and(|mark| mark.start < end);
            !is_said && word.chars().any(is_meant)
        });
        taken_out.chain(unspoken)
    }
}

/// Whether `c` is more than punctuation.
fn is_meant(c: char) -> bool {
    c.is_alphanumeric()
        || (!c.is_ascii()
            && !matches!(c, '\u{80}'..='\u{bf}' | '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}'))
}

/// `text` a line at a time: sentences are spoken as they come, whatever the length of all.
fn pieces(text: &str) -> impl Iterator<Item = String> {
    text.split_inclusive('\n').map(str::to_owned)
}

fn short(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn text(argument: &str) -> Result<String> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("standard input is not readable UTF-8 text")?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, sources: &[std::ops::Range<usize>]) -> Vec<String> {
        let marks = sources.iter().map(|source| Mark { source: source.clone(), samples: 0..1 }).collect();
        Said { text, written: text, samples: 1, marks }.unsaid().map(str::to_owned).collect()
    }

    #[test]
    fn what_no_sound_stands_for_is_named() {
        assert_eq!(said("hello мир again", &[0..5, 13..18]), ["мир"]);
        assert_eq!(said("fine 🎉 — then", &[0..4, 14..18]), ["🎉"]);
        assert!(said("one, two", &[0..3, 5..8]).is_empty());
    }
}
