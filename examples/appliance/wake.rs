//! The wake word: who is meant, and what is said to them.
//!
//! It is looked for in what was recognised; a keyword model, which listens to the sound itself, may
//! hear it, too. Once woken, the appliance listens for a while without it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use duologue::agent::{Error, ErrorKind};
use duologue::models::stt::{Stt, SttStream, Transcript};
use duologue::native::sherpa::{KeywordConfig, KeywordSpotter, KeywordStream};
use tokio::time::Instant;

/// How long it listens without the wake word, from the last turn that was meant for it.
pub const AWAKE: Duration = Duration::from_secs(20);

/// What a turn of the user is.
#[derive(Debug, PartialEq, Eq)]
pub enum Call {
    /// Somebody else is meant.
    NotMeant,
    /// The wake word alone.
    Woken,
    /// What is to be done, without the wake word.
    Command(String),
}

/// See the [module](self).
pub struct WakeWord {
    words: Vec<String>,
    /// Set by the keyword model.
    spotted: Arc<AtomicBool>,
    awake_until: Mutex<Option<Instant>>,
}

impl WakeWord {
    /// One or several words.
    pub fn new(word: &str) -> Self {
        let words = word.split_whitespace().map(bare).collect();
        Self { words, spotted: Arc::default(), awake_until: Mutex::default() }
    }

    /// What the turn `text`, which is over now, is.
    pub fn call(&self, text: &str) -> Call {
        let said: Vec<&str> = text.split_whitespace().collect();
        let at = said.windows(self.words.len().max(1)).position(|some| {
            some.iter().zip(&self.words).all(|(said, word)| bare(said) == *word) && !self.words.is_empty()
        });
        let spotted = self.spotted.swap(false, Ordering::AcqRel);
        let mut awake_until = self.awake_until.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if at.is_none() && !spotted && awake_until.is_none_or(|until| until < now) {
            return Call::NotMeant;
        }
        *awake_until = Some(now + AWAKE);
        let command = said[at.map_or(0, |at| at + self.words.len())..].join(" ");
        if command.is_empty() { Call::Woken } else { Call::Command(command) }
    }
}

fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// A recogniser beside which a keyword model listens.
pub struct SpottingStt {
    stt: Arc<dyn Stt>,
    spotter: KeywordSpotter,
    spotted: Arc<AtomicBool>,
}

impl SpottingStt {
    /// `stt`, with the keyword model of `directory`, which wakes `word`.
    pub fn load(stt: Arc<dyn Stt>, directory: &Path, word: &WakeWord) -> Result<Self, Error> {
        let [encoder, decoder, joiner] = ["encoder", "decoder", "joiner"].map(|part| onnx(directory, part));
        let keywords = fs::read_to_string(directory.join("keywords.txt"))
            .map_err(|error| wrong(format!("{}/keywords.txt: {error}", directory.display())))?;
        let config = KeywordConfig::new(encoder?, decoder?, joiner?, directory.join("tokens.txt"), keywords);
        let spotter = KeywordSpotter::new(&config).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { stt, spotter, spotted: Arc::clone(&word.spotted) })
    }
}

/// The first of the directory's models whose name begins with `part`.
fn onnx(directory: &Path, part: &str) -> Result<PathBuf, Error> {
    let fits = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(part) && name.ends_with(".onnx")
    };
    let entries =
        fs::read_dir(directory).map_err(|error| wrong(format!("{}: {error}", directory.display())))?;
    let found = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(fits).min();
    found.ok_or_else(|| {
        wrong(format!("{}: has no {part}*.onnx; name the directory of a keyword model", directory.display()))
    })
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Config, message)
}

impl Stt for SpottingStt {
    fn stream(&self) -> Result<Box<dyn SttStream>, duologue::models::Error> {
        let keywords = self.spotter.stream().map_err(inference)?;
        let (spotter, spotted) = (self.spotter.clone(), Arc::clone(&self.spotted));
        Ok(Box::new(Spotting { inner: self.stt.stream()?, spotter, keywords, spotted }))
    }

    fn name(&self) -> &str {
        self.stt.name()
    }
}

struct Spotting {
    inner: Box<dyn SttStream>,
    spotter: KeywordSpotter,
    keywords: KeywordStream,
    spotted: Arc<AtomicBool>,
}

impl Spotting {
    fn spot(&mut self) {
        while self.keywords.next_detection().is_some() {
            self.spotted.store(true, Ordering::Release);
        }
    }
}

impl SttStream for Spotting {
    fn push(&mut self, samples: &[f32]) -> Result<(), duologue::models::Error> {
        self.keywords.accept(samples).map_err(inference)?;
        self.spot();
        self.inner.push(samples)
    }

    fn partial(&self) -> Transcript {
        self.inner.partial()
    }

    fn finish(&mut self) -> Result<Transcript, duologue::models::Error> {
        self.keywords.input_finished();
        self.spot();
        // A stream that has ended hears no more: the next utterance gets another.
        self.keywords = self.spotter.stream().map_err(inference)?;
        self.inner.finish()
    }

    fn reset(&mut self) {
        if let Ok(keywords) = self.spotter.stream() {
            self.keywords = keywords;
        }
        self.inner.reset();
    }
}

fn inference(error: duologue::native::Error) -> duologue::models::Error {
    duologue::models::Error::new(duologue::models::ErrorKind::Inference, error.to_string())
}
