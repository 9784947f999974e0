//! Which files in a model's directory are what.
//!
//! Known layouts: ours and sherpa-onnx's (`model.onnx`, `voices.bin`, `tokens.txt`), kokoro-onnx's
//! (`kokoro-v1.0.onnx`, `voices-v1.0.bin`), onnx-community's (`onnx/model.onnx`, `voices/*.bin`).

use std::path::{Path, PathBuf};

use crate::{Error, ErrorKind};

/// The files of one Kokoro model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFiles {
    /// The graph.
    pub model: PathBuf,
    /// Voice tables and single voices; see [`super::Voices`].
    pub voices: Vec<PathBuf>,
    /// Its table of symbols; without one Kokoro v1.0's is used.
    pub tokens: Option<PathBuf>,
}

impl ModelFiles {
    /// Looks for them in `dir`. Of several graphs the one whose name sorts first among the best
    /// matches is taken: `model.onnx`, then `kokoro*.onnx`, then `model*.onnx`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such directory, no graph or no voices in it,
    /// [`ErrorKind::Io`] if it can't be read.
    pub fn find(dir: &Path) -> Result<Self, Error> {
        let here = list(dir)?;
        let below = list_if_there(&dir.join("onnx"))?;
        let model = graph(&here)
            .or_else(|| graph(&below))
            .ok_or_else(|| missing(dir, "no model.onnx, kokoro*.onnx or model*.onnx"))?;
        let is_table = |p: &&PathBuf| {
            let name = name(p);
            name.starts_with("voices") && (name.ends_with(".bin") || name.ends_with(".npz"))
        };
        let mut voices: Vec<_> = here.iter().filter(is_table).cloned().collect();
        let singles = list_if_there(&dir.join("voices"))?;
        voices.extend(singles.into_iter().filter(|p| name(p).ends_with(".bin")));
        if voices.is_empty() {
            return Err(missing(dir, "no voices.bin, voices-*.bin or voices/*.bin"));
        }
        let tokens = here.into_iter().find(|p| name(p) == "tokens.txt");
        Ok(Self { model, voices, tokens })
    }
}

fn graph(files: &[PathBuf]) -> Option<PathBuf> {
    let first = |fits: &dyn Fn(&str) -> bool| files.iter().find(|p| fits(name(p))).cloned();
    first(&|n| n == "model.onnx")
        .or_else(|| first(&|n| n.starts_with("kokoro") && n.ends_with(".onnx")))
        .or_else(|| first(&|n| n.starts_with("model") && n.ends_with(".onnx")))
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|n| n.to_str()).unwrap_or_default()
}

/// The entries of `dir`, sorted by name.
fn list(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => missing(dir, "no such directory"),
        _ => Error::new(ErrorKind::Io, format!("can't read {}: {e}", dir.display())),
    };
    let entries: Result<Vec<_>, _> =
        std::fs::read_dir(dir).map_err(read)?.map(|e| e.map(|e| e.path())).collect();
    let mut entries = entries.map_err(read)?;
    entries.sort();
    Ok(entries)
}

fn list_if_there(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    if dir.is_dir() { list(dir) } else { Ok(Vec::new()) }
}

fn missing(dir: &Path, what: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("{}: {what}; correct the path, or pull the model", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[&str]) -> Result<(String, Vec<String>, bool), Error> {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        let found = ModelFiles::find(dir.path())?;
        let relative = |p: &PathBuf| p.strip_prefix(dir.path()).unwrap().to_string_lossy().replace('\\', "/");
        Ok((relative(&found.model), found.voices.iter().map(relative).collect(), found.tokens.is_some()))
    }

    #[test]
    fn every_published_layout_is_recognised() {
        let ours = found(&["model.onnx", "voices.bin", "tokens.txt", "LICENSE"]).unwrap();
        assert_eq!(ours, ("model.onnx".into(), vec!["voices.bin".into()], true));
        let sherpa =
            found(&["espeak-ng-data/x", "lexicon-us-en.txt", "model.onnx", "tokens.txt", "voices.bin"]);
        assert_eq!(sherpa.unwrap().0, "model.onnx");
        let kokoro_onnx = found(&["kokoro-v1.0.onnx", "voices-v1.0.bin"]).unwrap();
        assert_eq!(kokoro_onnx, ("kokoro-v1.0.onnx".into(), vec!["voices-v1.0.bin".into()], false));
        let community = found(&[
            "config.json",
            "onnx/model.onnx",
            "onnx/model_fp16.onnx",
            "voices/af_sky.bin",
            "voices/af.bin",
        ]);
        let voices = vec!["voices/af.bin".into(), "voices/af_sky.bin".into()];
        assert_eq!(community.unwrap(), ("onnx/model.onnx".into(), voices, false));
        assert_eq!(found(&["model_quantized.onnx", "voices.npz"]).unwrap().0, "model_quantized.onnx");
    }

    #[test]
    fn a_directory_without_a_model_says_what_is_missing() {
        for (files, word) in [(&["voices.bin"][..], "model.onnx"), (&["model.onnx"], "voices.bin")] {
            let error = found(files).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(error.to_string().contains(word), "{error}");
        }
        let error = ModelFiles::find(Path::new("/nonexistent")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent"), "{error}");
    }
}
