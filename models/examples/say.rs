//! Speaks sentences with a voice of any family, one WAV file each, and prints what they cost.
//!
//! `cargo run --release -p duologue-models --example say -- MODEL_DIR OUT_DIR VOICE SPEED SENTENCE…`
//!
//! VOICE is a name, a mix (`af_heart:0.7+am_michael:0.3`), or `-` for the default. Printed are, for each
//! sentence: seconds of audio, the time to the first piece and to the last, and their quotient with the audio (RTF).

use std::env;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use duologue_models::load::{self, TtsOptions};
use duologue_models::registry::{Registry, RegistryOptions};
use duologue_models::{Cancel, SpeakOptions, Speech};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [model, out, voice, speed, sentences @ ..] = arguments.as_slice() else {
        return Err(
            "give a model's directory, an output directory, a voice or -, a speed, and sentences".into()
        );
    };
    let start = Instant::now();
    let tts = load::tts(&Registry::new(RegistryOptions::default())?, model, &TtsOptions::default())?;
    println!("{}: loaded in {:.2} s", tts.name(), start.elapsed().as_secs_f64());
    let voice = if voice == "-" { String::new() } else { voice.clone() };
    let options = SpeakOptions { voice, speed: speed.parse()? };
    for (number, sentence) in sentences.iter().enumerate() {
        let (start, mut first, mut speech) = (Instant::now(), None, Speech::default());
        tts.speak_in_pieces(sentence, &options, &Cancel::new(), &mut |piece| {
            first.get_or_insert_with(|| start.elapsed().as_secs_f64());
            speech.push(piece);
        })?;
        let took = start.elapsed().as_secs_f64();
        let seconds = speech.samples.len() as f64 / f64::from(tts.sample_rate());
        let first = first.unwrap_or_default();
        println!(
            "{number}: {seconds:.2} s, first {first:.2} s, whole {took:.2} s, RTF {:.2}",
            took / seconds
        );
        write(&Path::new(out).join(format!("{number}.wav")), &speech.samples, tts.sample_rate())?;
    }
    Ok(())
}

fn write(path: &Path, samples: &[f32], sample_rate: u32) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec)?;
    for sample in samples {
        writer.write_sample((sample * 32_767.0) as i16)?;
    }
    writer.finalize()
}
