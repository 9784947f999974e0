//! What the tests speak with: the built-in voice, its other exports, and Kokoro's true graph with random weights.
//!
//! Everything made is kept under the target directory. What can't be made is said aloud and its tests are skipped.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use duologue_models::text::English;
use duologue_models::tts::kokoro::{Kokoro, KokoroOptions, ModelFiles};

/// A file of the shared material, or a loud skip.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(name);
    if !path.exists() {
        println!("SKIPPED: {} is absent", path.display());
        return None;
    }
    Some(path)
}

/// The built-in voice's files: the product's, else the spike's.
pub fn builtin_files() -> Option<ModelFiles> {
    if let Ok(files) = ModelFiles::find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("builtin/tts")) {
        return Some(files);
    }
    spike_files()
}

/// The spike's voice: with a raw table of voices, and known to be understood.
pub fn spike_files() -> Option<ModelFiles> {
    Some(ModelFiles {
        model: shared("builtin/artefacts/tts.f16.onnx")?,
        voices: vec![shared("builtin/artefacts/tts.voices.bin")?],
        tokens: Some(shared("builtin/artefacts/kokoro.tokens.txt")?),
    })
}

/// The built-in voice, loaded once.
pub fn builtin() -> Option<&'static Kokoro> {
    static VOICE: LazyLock<Option<Kokoro>> = LazyLock::new(|| Some(load(&builtin_files()?)));
    VOICE.as_ref()
}

/// Kokoro's graph with random weights and real voices, loaded once.
pub fn kokoro() -> Option<&'static Kokoro> {
    static VOICE: LazyLock<Option<Kokoro>> = LazyLock::new(|| Some(load(&kokoro_files(random_kokoro()?)?)));
    VOICE.as_ref()
}

/// Some graph of Kokoro with the real voice table.
pub fn kokoro_files(model: PathBuf) -> Option<ModelFiles> {
    Some(ModelFiles { model, voices: vec![shared("material/kokoro/voices-v1.0.bin")?], tokens: None })
}

pub fn load(files: &ModelFiles) -> Kokoro {
    Kokoro::load_files(files, Arc::new(English::new()), &KokoroOptions::default()).unwrap()
}

/// Kokoro-82M's true graph filled with random weights: 325 MB, made once per target directory.
pub fn random_kokoro() -> Option<PathBuf> {
    let (fill, graph) = (shared("kokoro-graph/fill.py")?, shared("kokoro-graph/graph.onnx")?);
    made("kokoro-random.onnx", |out| {
        let mut command = Command::new(python()?);
        command.arg(&fill).arg(&graph).arg(out);
        succeeds(&mut command)
    })
}

/// `source` as another export: see `variant.py`. Kept until the source changes.
pub fn variant(source: &Path, name: &str, changes: &[&str]) -> Option<PathBuf> {
    let of = std::fs::metadata(source).unwrap();
    let age = of.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    made(&format!("{name}-{}-{age}.onnx", of.len()), |out| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/kokoro/variant.py");
        let mut command = Command::new(python()?);
        command.arg(script).arg(source).arg(out).args(changes);
        succeeds(&mut command)
    })
}

/// The file of this name under the target directory, made if it is not there.
fn made(name: &str, make: impl FnOnce(&Path) -> Option<()>) -> Option<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let path = scratch().join(name);
    if !path.exists() {
        let partial = path.with_extension("partial");
        make(&partial)?;
        std::fs::rename(&partial, &path).unwrap();
    }
    Some(path)
}

fn scratch() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kokoro");
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// A Python with numpy and onnx: `DUOLOGUE_TEST_PYTHON`, else one set up under the target directory.
fn python() -> Option<PathBuf> {
    static PYTHON: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        if let Some(python) = std::env::var_os("DUOLOGUE_TEST_PYTHON") {
            return Some(python.into());
        }
        let dir = scratch().join("venv");
        let python = dir.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        let has_both =
            || Command::new(&python).args(["-c", "import numpy, onnx"]).status().is_ok_and(|s| s.success());
        if !has_both() {
            succeeds(Command::new("python3").args(["-I", "-m", "venv"]).arg(&dir))?;
            succeeds(Command::new(&python).args(["-I", "-m", "pip", "install", "--quiet", "numpy", "onnx"]))?;
        }
        Some(python)
    });
    PYTHON.clone()
}

fn succeeds(command: &mut Command) -> Option<()> {
    match command.output() {
        Ok(output) if output.status.success() => Some(()),
        Ok(output) => {
            println!("SKIPPED: {command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
            None
        }
        Err(error) => {
            println!("SKIPPED: {command:?}: {error}");
            None
        }
    }
}
