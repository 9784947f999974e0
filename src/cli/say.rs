//! `duologue say`: text to speech, written or played.

use std::io::Read;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use duologue::models::{Cancel, SpeakOptions, Speech};
use duologue::pipeline::offline;
use duologue::pipeline::wav::WavWriter;
use duologue::setup::Models;
use serde_json::json;

use super::args::{Common, SayArgs};
use super::talk;

pub fn run(common: &Common, args: &SayArgs) -> Result<()> {
    let settings = common.settings()?;
    let tts = Models::load_speaking(&settings, common.offline)?;
    let text = text(&args.text)?;
    let voice = &settings.pipeline.voice;
    let options = SpeakOptions {
        voice: args.voice.clone().unwrap_or_else(|| voice.name.clone()),
        speed: args.speed.unwrap_or(voice.speed),
    };
    let begin = Instant::now();
    let speech = offline::speak(&*tts, &text, &options, &Cancel::new())?;
    let computed = begin.elapsed().as_secs_f64();
    let rate = tts.sample_rate();
    if let Some(path) = &args.output {
        write(path, &speech, rate)?;
    }
    if args.play {
        talk::play(&speech.samples, rate)?;
    }
    let seconds = speech.samples.len() as f64 / f64::from(rate);
    if common.json {
        let words: Vec<_> = speech
            .marks
            .iter()
            .map(|mark| {
                let at = |n: usize| n as f64 / f64::from(rate);
                json!({ "word": text.get(mark.source.clone()), "start": at(mark.samples.start), "end": at(mark.samples.end) })
            })
            .collect();
        println!(
            "{}",
            json!({ "file": args.output, "seconds": seconds, "computed_seconds": computed, "rate": rate, "words": words })
        );
    } else if let Some(path) = &args.output {
        let factor = if seconds > 0.0 { computed / seconds } else { 0.0 };
        println!("{}: {seconds:.2} s of speech in {computed:.3} s (RTF {factor:.3})", path.display());
    }
    Ok(())
}

fn text(argument: &str) -> Result<String> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("standard input is not readable UTF-8 text")?;
    Ok(text)
}

fn write(path: &Path, speech: &Speech, rate: u32) -> Result<()> {
    let mut writer = WavWriter::create(path, rate, 1)?;
    writer.write(&speech.samples)?;
    Ok(writer.finish()?)
}
