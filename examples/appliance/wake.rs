//! The wake word: who is meant, and what is said to them.
//!
//! It is looked for in what was recognised; a keyword model, which listens to the sound itself, may
//! hear it, too. Once woken, the appliance listens for a while without it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use duologue::agent::{Error, ErrorKind};
use duologue::models::stt::{Stt, SttStream, Transcript};
use duologue::models::wake::{WakeStream, WakeWords};
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
    spotter: WakeWords,
    spotted: Arc<AtomicBool>,
}

impl SpottingStt {
    /// `stt`, with the keyword model of `directory`, which wakes `word`.
    pub fn load(stt: Arc<dyn Stt>, directory: &Path, word: &WakeWord) -> Result<Self, Error> {
        let spotter = WakeWords::load(directory).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { stt, spotter, spotted: Arc::clone(&word.spotted) })
    }
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Config, message)
}

impl Stt for SpottingStt {
    fn stream(&self) -> Result<Box<dyn SttStream>, duologue::models::Error> {
        let (keywords, spotted) = (self.spotter.stream()?, Arc::clone(&self.spotted));
        Ok(Box::new(Spotting { inner: self.stt.stream()?, keywords, spotted }))
    }

    fn name(&self) -> &str {
        self.stt.name()
    }
}

struct Spotting {
    inner: Box<dyn SttStream>,
    keywords: WakeStream,
    spotted: Arc<AtomicBool>,
}

impl Spotting {
    fn note(&self, spotted: Option<String>) {
        if spotted.is_some() {
            self.spotted.store(true, Ordering::Release);
        }
    }
}

impl SttStream for Spotting {
    fn push(&mut self, samples: &[f32]) -> Result<(), duologue::models::Error> {
        let spotted = self.keywords.push(samples)?;
        self.note(spotted);
        self.inner.push(samples)
    }

    fn partial(&self) -> Transcript {
        self.inner.partial()
    }

    fn finish(&mut self) -> Result<Transcript, duologue::models::Error> {
        let spotted = self.keywords.finish()?;
        self.note(spotted);
        self.inner.finish()
    }

    fn reset(&mut self) {
        // What an utterance that was dropped left unfinished is no keyword.
        let _ = self.keywords.finish();
        self.inner.reset();
    }
}
