//! What a recogniser hears: whether the built-in voice can be understood, and whether marks are true.

use duologue_models::text::{English, phonemise};
use duologue_models::{Cancel, SpeakOptions, Tts};
use duologue_native::sherpa::{OnlineConfig, OnlineModel, OnlineRecognizer};

use super::material::{builtin, load, shared, spike_files};

/// Sentences and those of their words that a listener must not miss.
const SENTENCES: [(&str, &[&str]); 4] = [
    ("The quick brown fox jumps over the lazy dog.", &["quick", "brown", "over", "lazy"]),
    (LIGHTS, &["kitchen", "lights", "close", "door"]),
    ("What is the weather like in the city today?", &["weather", "city", "today"]),
    ("The old man walked slowly down the street with his dog.", &["walked", "slowly", "street"]),
];

const LIGHTS: &str = "Please turn on the kitchen lights and close the door.";

/// A small recogniser; it misses about a quarter of the words of the voice's teachers, too.
fn ear() -> Option<OnlineRecognizer> {
    if phonemise("weather", &English::new()).text() == "weather" {
        println!("SKIPPED: no pronunciations yet, so nothing can be understood");
        return None;
    }
    let dir = shared("material/stt/zipformer-3.3m-en")?;
    let file = |name| dir.join(name);
    let model = OnlineModel::Transducer {
        encoder: file("encoder.int8.onnx"),
        decoder: file("decoder.onnx"),
        joiner: file("joiner.int8.onnx"),
    };
    Some(OnlineRecognizer::new(&OnlineConfig::new(model, file("tokens.txt"))).unwrap())
}

/// The words heard in `samples`, in lower case.
fn hear(ear: &OnlineRecognizer, samples: &[f32]) -> String {
    let silence = [0.0; 8_000];
    let mut stream = ear.stream().unwrap();
    for part in [&silence[..], &to_16_khz(samples), &silence, &silence] {
        stream.accept(part).unwrap();
    }
    stream.input_finished();
    stream.decode_ready();
    stream.result().text.to_lowercase()
}

/// 24 to 16 kHz by a windowed sinc of 48 taps.
fn to_16_khz(samples: &[f32]) -> Vec<f32> {
    use std::f64::consts::PI;
    let tap = |distance: f64| {
        let sinc = if distance == 0.0 { 1.0 } else { (PI * distance / 1.5).sin() / (PI * distance / 1.5) };
        sinc / 1.5 * (0.5 + 0.5 * (PI * distance / 24.0).cos())
    };
    let at = |n: usize| {
        let time = n as f64 * 1.5;
        let first = (time as usize).saturating_sub(23);
        let near = samples.iter().enumerate().skip(first).take(48);
        near.map(|(i, s)| f64::from(*s) * tap((i as f64 - time).clamp(-24.0, 24.0))).sum::<f64>() as f32
    };
    (0..samples.len() * 2 / 3).map(at).collect()
}

#[test]
fn the_builtin_voice_is_not_unintelligible() {
    let (Some(voice), Some(ear)) = (builtin(), ear()) else { return };
    let (mut missed, mut expected) = (Vec::<&str>::new(), 0);
    for (sentence, words) in SENTENCES {
        let speech = voice.speak(sentence, &SpeakOptions::default(), &Cancel::new()).unwrap();
        let heard = hear(&ear, &speech.samples);
        println!("{sentence:?} was heard as {heard:?}");
        expected += words.len();
        missed.extend(words.iter().filter(|word| !heard.split(' ').any(|h| h == **word)));
    }
    assert!(missed.len() * 2 <= expected, "missed {missed:?} of {expected}");
}

#[test]
fn marks_do_not_lie_about_what_was_heard() {
    let (Some(files), Some(ear)) = (spike_files(), ear()) else { return };
    let voice = load(&files);
    assert_eq!(voice.voices(), ["slt", "rms"], "the raw table's names are in the model's metadata");
    let speech = voice.speak(LIGHTS, &SpeakOptions::default(), &Cancel::new()).unwrap();
    let lights = speech.marks.iter().position(|m| &LIGHTS[m.source.clone()] == "lights").unwrap();
    let cut = (speech.marks[lights].samples.end + speech.marks[lights + 1].samples.start) / 2;
    let (before, after) = speech.samples.split_at(cut);
    let (before, after) = (hear(&ear, before), hear(&ear, after));
    println!("{before:?} | {after:?}");
    assert!(
        before.contains("kitchen") && !before.contains("close") && !before.contains("door"),
        "{before:?}"
    );
    assert!(after.contains("door") && !after.contains("kitchen") && !after.contains("light"), "{after:?}");
}
