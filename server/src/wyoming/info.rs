//! What `describe` is answered with.

use std::path::Path;
use std::time::Duration;

use duologue_models::wake::WakeWords;
use serde_json::{Value, json};

use super::{DEFAULT_VOICE, Event, Options, PROGRAM, speak};
use crate::Engines;

/// How long the answer waits for voices that are still being loaded. Home Assistant waits 1 s.
const PATIENCE: Duration = Duration::from_millis(600);

/// Everything that this server does. Voices that are not loaded in time are one, [`DEFAULT_VOICE`].
pub(super) async fn info(engines: &Engines, options: &Options) -> Event {
    let models = tokio::time::timeout(PATIENCE, engines.models()).await;
    let voices = match &models {
        Ok(Ok(models)) => models.tts.voices(),
        _ => &[DEFAULT_VOICE.to_owned()],
    };
    let config = engines.config();
    let wake: Vec<Value> = options.wake.iter().map(|words| wake(words, &options.languages)).collect();
    Event::new(
        "info",
        json!({
            "asr": [asr(&model_name(&config.stt), &options.languages)],
            "tts": [tts(&model_name(&config.tts), voices)],
            "wake": wake,
            "handle": [], "intent": [], "mic": [], "snd": [],
        }),
    )
}

/// What a recogniser or a voice is called in public: a directory's own name, without the way to it.
pub(super) fn model_name(setting: &str) -> String {
    Path::new(setting)
        .file_name()
        .map_or_else(|| setting.to_owned(), |name| name.to_string_lossy().into_owned())
}

fn asr(model: &str, languages: &[String]) -> Value {
    let mut program = artifact(PROGRAM, "Duologue", Some(env!("CARGO_PKG_VERSION")));
    let mut one = artifact(model, model, None);
    one["languages"] = json!(languages);
    program["models"] = json!([one]);
    program["supports_transcript_streaming"] = json!(true);
    program["requires_external_vad"] = json!(true);
    program["prefers_auto_gain_enabled"] = json!(true);
    // Recognisers are trained on noise, and not on what its reduction leaves of speech.
    program["prefers_noise_reduction_enabled"] = json!(false);
    program
}

fn tts(model: &str, voices: &[String]) -> Value {
    let description = format!("Duologue ({model})");
    let mut program = artifact(PROGRAM, &description, Some(env!("CARGO_PKG_VERSION")));
    let voice = |name: &String| {
        let mut voice = artifact(name, name, None);
        voice["languages"] = json!([speak::language_of(name)]);
        voice["speakers"] = Value::Null;
        voice
    };
    program["voices"] = voices.iter().map(voice).collect();
    program["supports_synthesize_streaming"] = json!(true);
    program
}

fn wake(words: &WakeWords, languages: &[String]) -> Value {
    let mut program = artifact(PROGRAM, "Duologue", Some(env!("CARGO_PKG_VERSION")));
    let model = |word: &String| {
        let phrase = word.replace('_', " ");
        let mut model = artifact(word, &phrase, None);
        model["languages"] = json!(languages);
        model["phrase"] = json!(phrase);
        model
    };
    program["models"] = words.words().iter().map(model).collect();
    program
}

/// What every entry must have; `version` may be null, but not absent.
fn artifact(name: &str, description: &str, version: Option<&str>) -> Value {
    json!({
        "name": name,
        "attribution": { "name": "Duologue", "url": env!("CARGO_PKG_REPOSITORY") },
        "installed": true,
        "description": description,
        "version": version,
    })
}
