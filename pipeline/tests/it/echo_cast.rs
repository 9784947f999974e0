//! Who speaks in the calls that count self-interruptions: the built-in voices, the built-in caller, real people.

use std::path::{Path, PathBuf};

use duologue_models::tts::kokoro::{Kokoro, KokoroOptions};
use duologue_models::{Cancel, SpeakOptions, Tts};
use duologue_pipeline::echo::score::Cast;
use duologue_pipeline::endpoint::simulated::{Clip, Response};
use duologue_pipeline::offline;
use duologue_vad::{Gated, SileroModel, Vad};

const ANSWERS: [&str; 12] = [
    "It is nine o'clock.",
    "The lights are on.",
    "Hello! What can I do for you?",
    "I have set a timer for ten minutes. Tell me if you want another.",
    "Once upon a time there was a fox who lived beside a slow river, and every evening it counted the boats.",
    "Today it will be sunny, with a little wind from the west, and rain tomorrow morning.",
    "Stop me if you have heard this one before.",
    "Please say that again.",
    "My name is Duologue, and I run on this machine, without any network at all.",
    "The kitchen is warm, the door is closed, and nobody has called.",
    "Two plus two is four, and four and four is eight.",
    "Goodbye, and thank you for calling.",
];
const CALLER: [&str; 8] = [
    "cancel-the-timer",
    "set-a-timer",
    "stop-what-time-is-it",
    "stop",
    "tell-me-a-joke",
    "turn-on-the-kitchen-lights",
    "what-is-your-name",
    "what-time-is-it",
];
const PEOPLE: [&str; 6] = [
    "whatstheweatherlike.wav",
    "livekit_hello_world.wav",
    "livekit_weather_question.wav",
    "librivox/sense_and_sensibility_01_austen_64kb-0880.wav",
    "jfk.wav",
    "cheetah_test_en.wav",
];

/// The cast and the detector; `None`, with a reason on stderr, where they are not there.
pub fn load() -> Option<(Cast, SileroModel)> {
    let material = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/material"));
    let builtin = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/builtin"));
    if !material.is_dir() {
        eprintln!("SKIPPED: {} is not there", material.display());
        return None;
    }
    let model = match SileroModel::load(&material.join("vad/silero_vad_v6.2.1_16k_op15.onnx")) {
        Ok(model) => model,
        Err(error) if error.kind() == duologue_vad::ErrorKind::Natives => {
            eprintln!("SKIPPED: no shared libraries: {error}");
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let line = |name: &str| clip(&builtin.join("caller").join(name).with_extension("wav"));
    let rir = |name: &str| Response::Recorded(Clip::from_wav(material.join("rir").join(name)).unwrap());
    let people = PEOPLE.map(|name| clip(&material.join("speech").join(name)));
    let cast = Cast {
        agents: agents(builtin.join("tts")),
        users: CALLER.map(line).into_iter().chain(people).collect(),
        backchannel: line("uhhuh"),
        rooms: vec![
            rir("rir1.wav"),
            rir("rir2.wav"),
            Response::Decay { rt60_ms: 180, direct_db: 3.0 },
            Response::Decay { rt60_ms: 450, direct_db: 0.0 },
        ],
    };
    Some((cast, model))
}

/// A detector as a call has it.
pub fn vad(model: &SileroModel) -> Box<dyn Vad> {
    Box::new(Gated::new(model.stream().unwrap()))
}

/// All answers by each voice.
fn agents(dir: PathBuf) -> Vec<Vec<Clip>> {
    let tts = Kokoro::load(&dir, &KokoroOptions::default()).unwrap();
    let speak = |voice: &String, text| {
        let options = SpeakOptions { voice: voice.clone(), ..SpeakOptions::default() };
        let speech = offline::speak(&tts, text, &options, &Cancel::new()).unwrap();
        Clip::new(speech.samples, tts.sample_rate()).unwrap().at_rate(16_000).unwrap()
    };
    tts.voices().iter().map(|voice| ANSWERS.map(|text| speak(voice, text)).to_vec()).collect()
}

/// The first 2 s of speech in a recording.
fn clip(path: &Path) -> Clip {
    Clip::from_wav(path).unwrap().trimmed(2.0).at_rate(16_000).unwrap()
}
