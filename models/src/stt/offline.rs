//! Recognition of whole utterances (Whisper, Moonshine, Parakeet, …) on sherpa-onnx, behind the streaming traits.
//!
//! A stream gathers what it hears and decodes it at `finish`; there are no partials before. Invariant:
//! it holds at most [`LONGEST_S`] seconds; longer utterances are decoded in pieces of that length as they come in
//! (a word on the border may suffer), so memory stays bounded and nothing is dropped.
//!
//! ```no_run
//! use duologue_models::stt::{OfflineStt, Stt, SttOptions};
//!
//! let stt = OfflineStt::load("models/whisper-tiny-en".as_ref(), &SttOptions::default())?;
//! let mut stream = stt.stream()?;
//! stream.push(&[0.0; 16_000])?;
//! println!("{}", stream.finish()?.text);
//! # Ok::<(), duologue_models::Error>(())
//! ```

use std::path::Path;

use duologue_native::sherpa::{OfflineConfig, OfflineRecognizer};

use super::hotwords;
use super::model_dir::{Found, ModelDir};
use super::options::SttOptions;
use super::streaming::{finite, loading};
use super::words::{Style, transcript};
use super::{SAMPLE_RATE, Stt, SttStream, Transcript};
use crate::{Error, ErrorKind};

/// Whisper hears at most 30 s at once.
const LONGEST_S: usize = 28;
const LONGEST: usize = LONGEST_S * SAMPLE_RATE as usize;

/// A recogniser of whole utterances.
#[derive(Clone)]
pub struct OfflineStt {
    name: String,
    recognizer: OfflineRecognizer,
    style: Style,
}

impl OfflineStt {
    /// Loads the model in `dir`; what kind it is, and which file is what, is found out.
    ///
    /// # Errors
    /// As [`super::StreamingStt::load`].
    pub fn load(dir: &Path, options: &SttOptions) -> Result<Self, Error> {
        options.validate()?;
        let found = ModelDir::open(dir)?;
        hotwords::refuse(options, &found.name, found.found.family())?;
        let Found::Offline { model } = found.found else {
            let message =
                format!("{}: a streaming model, where one for whole utterances is wanted", dir.display());
            return Err(Error::new(ErrorKind::Invalid, message));
        };
        let mut config = OfflineConfig::new(model, &found.tokens);
        config.num_threads = options.threads;
        let recognizer = OfflineRecognizer::new(&config).map_err(|e| loading(e, dir))?;
        Ok(Self { name: found.name, recognizer, style: Style::read(&found.tokens)? })
    }
}

impl Stt for OfflineStt {
    fn stream(&self) -> Result<Box<dyn SttStream>, Error> {
        let done = Transcript::default();
        Ok(Box::new(OfflineStream {
            model: self.clone(),
            samples: Vec::new(),
            done,
            decoded: 0,
            finished: false,
        }))
    }

    fn name(&self) -> &str {
        &self.name
    }
}

struct OfflineStream {
    model: OfflineStt,
    samples: Vec<f32>,
    /// What was decoded so far, of the first `decoded` samples.
    done: Transcript,
    decoded: u64,
    finished: bool,
}

impl OfflineStream {
    fn decode(&mut self) -> Result<(), Error> {
        let heard = self.samples.len() as u64;
        let result = self.model.recognizer.decode(&self.samples)?;
        let piece = transcript(self.model.style, &result.tokens, &result.timestamps, &result.text, heard);
        append(&mut self.done, piece, self.decoded);
        self.decoded += heard;
        self.samples.clear();
        Ok(())
    }
}

/// Adds what was heard from sample `offset` on.
fn append(done: &mut Transcript, mut piece: Transcript, offset: u64) {
    if !done.text.is_empty() && !piece.text.is_empty() {
        done.text.push(' ');
    }
    done.text += &piece.text;
    for word in &mut piece.words {
        word.span = word.span.start + offset..word.span.end + offset;
    }
    done.words.append(&mut piece.words);
    done.unknown += piece.unknown;
}

impl SttStream for OfflineStream {
    fn push(&mut self, samples: &[f32]) -> Result<(), Error> {
        if self.finished {
            let message = "the utterance was finished; reset the stream before the next";
            return Err(Error::new(ErrorKind::Inference, message));
        }
        let samples = finite(samples);
        let mut rest = &samples[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(LONGEST - self.samples.len()));
            self.samples.extend_from_slice(now);
            rest = later;
            if self.samples.len() == LONGEST {
                self.decode()?;
            }
        }
        Ok(())
    }

    fn partial(&self) -> Transcript {
        self.done.clone()
    }

    fn finish(&mut self) -> Result<Transcript, Error> {
        if !self.finished && !self.samples.is_empty() {
            self.decode()?;
        }
        self.finished = true;
        Ok(self.done.clone())
    }

    fn reset(&mut self) {
        self.samples.clear();
        self.done = Transcript::default();
        (self.decoded, self.finished) = (0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Word;
    use super::*;

    #[test]
    fn a_later_piece_is_not_placed_at_the_start() {
        let piece = |text: &str| Transcript {
            text: text.into(),
            words: vec![Word { text: text.into(), span: 10..20 }],
            unknown: 1,
        };
        let mut done = Transcript::default();
        append(&mut done, piece("a"), 0);
        append(&mut done, Transcript::default(), 100);
        append(&mut done, piece("b"), 100);
        assert_eq!((done.text.as_str(), done.unknown), ("a b", 2));
        assert_eq!(done.words[1].span, 110..120);
    }
}
