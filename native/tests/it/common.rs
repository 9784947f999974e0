//! What several test files need.

use std::path::PathBuf;

use duologue_native as native;

/// The libraries, or `None` (said aloud) on a machine that has none and cannot fetch them.
pub fn natives() -> Option<&'static native::Natives> {
    match native::load() {
        Ok(natives) => Some(natives),
        Err(e)
            if matches!(
                e.kind(),
                native::ErrorKind::Network
                    | native::ErrorKind::Offline
                    | native::ErrorKind::UnsupportedPlatform
            ) =>
        {
            println!("SKIPPED: {e}");
            None
        }
        Err(e) => panic!("{:?}: {e}", e.kind()),
    }
}

/// A file or directory of the shared material, or `None` (said aloud) where it is absent.
pub fn shared(path: &str) -> Option<PathBuf> {
    let full = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")).join(path);
    if !full.exists() {
        println!("SKIPPED: {} is not here", full.display());
        return None;
    }
    Some(full)
}

/// Mono samples of a WAV file of the shared material; it must have 16 kHz.
pub fn speech(path: &str) -> Option<Vec<f32>> {
    let mut reader = hound::WavReader::open(shared(&format!("material/speech/{path}"))?).unwrap();
    assert_eq!((reader.spec().sample_rate, reader.spec().channels), (16_000, 1), "{path}");
    Some(reader.samples::<i16>().map(|s| f32::from(s.unwrap()) / 32_768.0).collect())
}

/// The shared streaming zipformer: its directory.
pub fn zipformer() -> Option<PathBuf> {
    shared("material/stt/zipformer-3.3m-en")
}

/// The same, as a model.
pub fn zipformer_model(dir: &std::path::Path) -> native::sherpa::OnlineModel {
    native::sherpa::OnlineModel::Transducer {
        encoder: dir.join("encoder.int8.onnx"),
        decoder: dir.join("decoder.onnx"),
        joiner: dir.join("joiner.int8.onnx"),
    }
}
