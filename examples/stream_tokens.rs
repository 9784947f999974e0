//! Streams tokens into speech: each clause is spoken as soon as its tokens are there.
//!
//!     cargo run --release --example stream_tokens
//!
//! Writes `tokens.wav`.

use std::error::Error;
use std::time::{Duration, Instant};

use duologue::config::Config;
use duologue::models::SpeakOptions;
use duologue::pipeline::offline::SpeechStream;
use duologue::pipeline::wav::WavWriter;
use duologue::setup::Models;

const TEXT: &str = "A language model writes one token after the other, so nobody should have to wait for the last one. \
    The first clause is short, and it sounds while the next is being made.";

fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::load(None)?;
    let tts = Models::load_speaking(&config, false)?;
    let mut file = WavWriter::create("tokens.wav", tts.sample_rate(), 1)?;
    let rate = f64::from(tts.sample_rate());

    let begin = Instant::now();
    let tokens = TEXT.split_inclusive(' ').map(|token| {
        std::thread::sleep(Duration::from_millis(25));
        token.to_owned()
    });
    for clause in SpeechStream::new(tts, tokens, SpeakOptions::default()) {
        let speech = clause?;
        let words: Vec<&str> = speech.marks.iter().filter_map(|mark| TEXT.get(mark.source.clone())).collect();
        let seconds = speech.samples.len() as f64 / rate;
        println!(
            "{:5.0} ms: {seconds:.2} s of speech: {}",
            begin.elapsed().as_secs_f64() * 1e3,
            words.join(" ")
        );
        file.write(&speech.samples)?;
    }
    file.finish()?;
    println!("wrote tokens.wav");
    Ok(())
}
