//! Two passes: a streaming recogniser's partials, another one's final transcript.
//!
//! A small streaming model tells at once that somebody speaks words and roughly which; a large one, which
//! takes whole utterances, tells at the end what was said. Invariant: nothing the first pass heard is lost
//! if the second fails or hears nothing.

use std::sync::Arc;

use super::{Stt, SttStream, Transcript};
use crate::Error;

/// Partials by a streaming recogniser, the final text by an offline one.
pub struct TwoPass {
    name: String,
    streaming: Arc<dyn Stt>,
    offline: Arc<dyn Stt>,
}

impl TwoPass {
    /// Partials by `streaming`, final transcripts by `offline`.
    pub fn new(streaming: Arc<dyn Stt>, offline: Arc<dyn Stt>) -> Self {
        Self { name: format!("{}+{}", streaming.name(), offline.name()), streaming, offline }
    }
}

impl Stt for TwoPass {
    fn stream(&self) -> Result<Box<dyn SttStream>, Error> {
        let (first, second) = (self.streaming.stream()?, self.offline.stream()?);
        Ok(Box::new(TwoPassStream { first, second, finished: None }))
    }

    fn name(&self) -> &str {
        &self.name
    }
}

struct TwoPassStream {
    first: Box<dyn SttStream>,
    second: Box<dyn SttStream>,
    finished: Option<Transcript>,
}

impl SttStream for TwoPassStream {
    fn push(&mut self, samples: &[f32]) -> Result<(), Error> {
        self.first.push(samples)?;
        self.second.push(samples)
    }

    fn partial(&self) -> Transcript {
        self.finished.clone().unwrap_or_else(|| self.first.partial())
    }

    fn finish(&mut self) -> Result<Transcript, Error> {
        let rough = self.first.finish()?;
        let found = match self.second.finish() {
            Ok(fine) if !fine.is_empty() => fine,
            // The second pass failed, or took a short answer for noise.
            _ => rough,
        };
        self.finished = Some(found.clone());
        Ok(found)
    }

    fn reset(&mut self) {
        self.first.reset();
        self.second.reset();
        self.finished = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    /// Hears a word for each push, in capitals if it is the second pass; fails at the end if told so.
    struct Ear(&'static str, bool);
    struct EarStream(&'static str, bool, usize);

    impl Stt for Ear {
        fn stream(&self) -> Result<Box<dyn SttStream>, Error> {
            Ok(Box::new(EarStream(self.0, self.1, 0)))
        }

        fn name(&self) -> &str {
            self.0
        }
    }

    impl SttStream for EarStream {
        fn push(&mut self, _: &[f32]) -> Result<(), Error> {
            self.2 += 1;
            Ok(())
        }

        fn partial(&self) -> Transcript {
            Transcript { text: vec![self.0; self.2].join(" "), ..Transcript::default() }
        }

        fn finish(&mut self) -> Result<Transcript, Error> {
            if self.1 { Err(Error::new(ErrorKind::Inference, "broken")) } else { Ok(self.partial()) }
        }

        fn reset(&mut self) {
            self.2 = 0;
        }
    }

    fn hear(second: Ear) -> (String, String) {
        let both = TwoPass::new(Arc::new(Ear("rough", false)), Arc::new(second));
        let mut stream = both.stream().unwrap();
        stream.push(&[0.0]).unwrap();
        stream.push(&[0.0]).unwrap();
        let partial = stream.partial().text;
        (partial, stream.finish().unwrap().text)
    }

    #[test]
    fn the_final_is_the_second_passs_and_partials_do_not_wait_for_it() {
        assert_eq!(hear(Ear("fine", false)), ("rough rough".into(), "fine fine".into()));
    }

    #[test]
    fn what_was_heard_is_not_lost_if_the_second_pass_fails_or_hears_nothing() {
        assert_eq!(hear(Ear("fine", true)).1, "rough rough");
        assert_eq!(hear(Ear("", false)).1, "rough rough");
    }
}
