//! The built-in models, loaded once.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use duologue_models::registry::{ModelKind, Registry, RegistryOptions};
use duologue_models::stt::{StreamingStt, SttOptions};
use duologue_models::tts::kokoro::{Kokoro, KokoroOptions};
use duologue_models::{LastWords, Stt, Tts};
use duologue_pipeline::{Builder, Error, Listener};
use duologue_vad::SileroModel;

struct Models {
    stt: Arc<dyn Stt>,
    tts: Arc<dyn Tts>,
    vad: SileroModel,
}

fn models() -> &'static Models {
    static MODELS: OnceLock<Models> = OnceLock::new();
    MODELS.get_or_init(|| {
        duologue_native::load_with(&duologue_native::LoadOptions::default()).expect("the engines load");
        let registry = Registry::new(RegistryOptions::default()).expect("the registry");
        let dir = |name, kind| registry.resolve_as(name, kind).expect("a built-in").dir;
        Models {
            stt: Arc::new(
                StreamingStt::load(&dir("builtin-stt", ModelKind::Stt), &SttOptions::default())
                    .expect("the recogniser"),
            ),
            tts: Arc::new(
                Kokoro::load(&dir("builtin-tts", ModelKind::Tts), &KokoroOptions::default())
                    .expect("the voice"),
            ),
            vad: SileroModel::load(&graph(dir("silero-vad", ModelKind::Vad))).expect("the detector"),
        }
    })
}

/// A listener to one voice at `rate` Hz.
pub fn listener(rate: u32) -> Result<Listener, Error> {
    let models = models();
    let vad = models.vad.stream().expect("a detector");
    Listener::new(&*models.stt, Box::new(vad), rate, &Listener::recording())
}

/// The ONNX file in `dir`.
fn graph(dir: PathBuf) -> PathBuf {
    let mut files = std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    files.find(|path| path.extension().is_some_and(|extension| extension == "onnx")).expect("an ONNX file")
}

/// A pipeline of the built-ins, with the text-based turn detector.
pub fn pipeline() -> Builder {
    let models = models();
    let vad = models.vad.stream().expect("a detector");
    Builder::new(Arc::clone(&models.stt), Arc::clone(&models.tts), Box::new(vad))
        .turn_detector(Arc::new(LastWords))
}
