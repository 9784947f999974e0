//! Wake and stop words: [`WakeWords`], a keyword model, and the streams that listen for its words.
//!
//! A keyword model hears a few given words in the sound itself, whoever speaks them and whatever else is
//! said, at a fraction of a recogniser's work. Load it once; a stream is cheap and owned by one thread.
//! Life cycle of a stream: `push` audio for as long as one likes; each word heard is returned once.

use std::path::{Path, PathBuf};

use duologue_fetch::plain;

use duologue_native::sherpa::{KeywordConfig, KeywordSpotter, KeywordStream};

use crate::{Error, ErrorKind};

/// A loaded keyword model with its words.
#[derive(Clone)]
pub struct WakeWords {
    spotter: KeywordSpotter,
    words: Vec<String>,
}

impl WakeWords {
    /// Loads the model in `dir`: `encoder*.onnx`, `decoder*.onnx`, `joiner*.onnx`, `tokens.txt`, and
    /// `keywords.txt`, whose lines are the tokens of one keyword each, as sherpa-onnx writes them.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for a missing file; [`ErrorKind::Invalid`] for a damaged one;
    /// [`ErrorKind::Natives`] without the engines.
    pub fn load(dir: &Path) -> Result<Self, Error> {
        let [encoder, decoder, joiner] = ["encoder", "decoder", "joiner"].map(|part| onnx(dir, part));
        let path = dir.join("keywords.txt");
        let keywords =
            plain::read_text(&path, plain::MODEL_TEXT).map_err(|error| unreadable(&path, &error))?;
        let words = keywords.lines().filter(|line| !line.trim().is_empty()).map(word).collect();
        let config = KeywordConfig::new(encoder?, decoder?, joiner?, dir.join("tokens.txt"), keywords);
        Ok(Self { spotter: KeywordSpotter::new(&config)?, words })
    }

    /// The keywords, by the names that streams return, in the order of `keywords.txt`.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// A fresh stream.
    ///
    /// # Errors
    /// [`ErrorKind::Inference`] if the engine refuses.
    pub fn stream(&self) -> Result<WakeStream, Error> {
        Ok(WakeStream { spotter: self.spotter.clone(), stream: self.spotter.stream()? })
    }
}

/// Listens for the words of [`WakeWords`].
pub struct WakeStream {
    spotter: KeywordSpotter,
    stream: KeywordStream,
}

impl WakeStream {
    /// Hears `samples` (mono, 16 kHz, ±1.0) and returns the keyword that was completed in them, if one was.
    ///
    /// # Errors
    /// [`ErrorKind::Inference`] if the engine fails.
    pub fn push(&mut self, samples: &[f32]) -> Result<Option<String>, Error> {
        self.stream.accept(samples)?;
        Ok(self.latest())
    }

    /// Ends what is heard, which may complete a last keyword; the next `push` starts anew.
    ///
    /// # Errors
    /// As [`WakeStream::push`].
    pub fn finish(&mut self) -> Result<Option<String>, Error> {
        self.stream.input_finished();
        let last = self.latest();
        self.stream = self.spotter.stream()?;
        Ok(last)
    }

    fn latest(&mut self) -> Option<String> {
        let mut found = None;
        while let Some(detection) = self.stream.next_detection() {
            found = Some(detection.keyword);
        }
        found
    }
}

/// What the keyword of a line of `keywords.txt` is called: what stands behind `@`, or its tokens read together.
fn word(line: &str) -> String {
    if let Some(name) = line.split_whitespace().find_map(|part| part.strip_prefix('@')) {
        return name.to_owned();
    }
    let tokens = line.split_whitespace().filter(|part| !part.starts_with([':', '#']));
    tokens.collect::<String>().replace('▁', " ").trim().to_owned()
}

/// The directory's model whose name begins with `part`, the one in 8 bits where there are two.
fn onnx(dir: &Path, part: &str) -> Result<PathBuf, Error> {
    let fits = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(part) && name.ends_with(".onnx")
    };
    let entries = std::fs::read_dir(dir).map_err(|error| unreadable(dir, &error))?;
    let found = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(fits).min();
    found.ok_or_else(|| {
        let message = format!("{}: no {part}*.onnx; name the directory of a keyword model", dir.display());
        Error::new(ErrorKind::NotFound, message)
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Io,
    };
    Error::new(kind, format!("{}: {error}; name the directory of a keyword model", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_is_called_by_its_name_or_its_tokens() {
        assert_eq!(word("▁HE LL O :1.5 #0.35 @HELLO"), "HELLO");
        assert_eq!(word("▁HE LL O ▁W OR LD :1.5"), "HELLO WORLD");
    }

    #[test]
    fn a_directory_without_a_keyword_model_is_refused_in_words() {
        let dir = tempfile::tempdir().unwrap();
        let error = WakeWords::load(dir.path()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("keywords.txt"), "{error}");
        std::fs::write(dir.path().join("keywords.txt"), "").unwrap();
        assert!(WakeWords::load(dir.path()).err().unwrap().to_string().contains("encoder*.onnx"));
    }
}
