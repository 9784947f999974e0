//! The loaded graph: tokens, style and speed in; audio and durations out.
//!
//! Invariant: what comes out is checked (finite, as many durations as tokens), so the rest of the
//! module never sees a model's nonsense. One graph serves any number of threads at once.
//!
//! A run gives the whole audio at its end. To stream inside a clause (the generator run window by window
//! over the decoder's output), this is the only place that changes: a second kind of run that
//! hands out audio as it comes.

use std::path::Path;

use duologue_native::onnx::{Session, SessionOptions, Tensor, TensorData, TensorView};

use super::signature::{Signature, SpeedKind};
use super::voices::{STYLE_WIDTH, Style};
use crate::tts::Cancel;
use crate::tts::marks::{self, Starts};
use crate::{Error, ErrorKind};

pub(super) struct Graph {
    session: Session,
    signature: Signature,
}

/// What one run gave.
pub(super) struct Audio {
    pub(super) samples: Vec<f32>,
    /// Where each token starts, if the graph says.
    pub(super) starts: Option<Starts>,
}

impl Graph {
    pub(super) fn load(model: &Path, threads: u16) -> Result<Self, Error> {
        let session = Session::load(model, &SessionOptions::with_threads(threads))?;
        let signature = Signature::find(session.inputs(), session.outputs()).map_err(|found| {
            Error::new(ErrorKind::Invalid, format!("{}: {found}; pull the model again", model.display()))
        })?;
        Ok(Self { session, signature })
    }

    /// A value of the file's metadata.
    pub(super) fn metadata(&self, key: &str) -> Option<String> {
        self.session.metadata(key)
    }

    /// Whether the graph can be given only whole speeds.
    pub(super) fn has_whole_speeds(&self) -> bool {
        self.signature.speed_kind != SpeedKind::F32
    }

    /// Runs it. `ids` has the pad 0 at both ends; `speed` is whole if the graph has whole speeds.
    pub(super) fn run(
        &self,
        ids: &[i64],
        style: &Style,
        speed: f32,
        cancel: &Cancel,
    ) -> Result<Audio, Error> {
        let (float, long, int) = ([speed], [speed as i64], [speed as i32]);
        let speed = match self.signature.speed_kind {
            SpeedKind::F32 => TensorView::f32(&[1], &float),
            SpeedKind::I64 => TensorView::i64(&[1], &long),
            SpeedKind::I32 => TensorView::i32(&[1], &int),
        };
        let shape = [1, ids.len() as i64];
        let inputs = [
            (self.signature.tokens.as_str(), TensorView::i64(&shape, ids)),
            (self.signature.style.as_str(), TensorView::f32(&[1, STYLE_WIDTH as i64], style)),
            (self.signature.speed.as_str(), speed),
        ];
        let names = [Some(self.signature.audio.as_str()), self.signature.durations.as_deref()];
        let names: Vec<&str> = names.into_iter().flatten().collect();
        let mut outputs = self.session.run(&inputs, &names, cancel)?.into_iter();
        let samples = samples(outputs.next())?;
        let starts = match &self.signature.durations {
            None => None,
            Some(name) => Some(starts(name, outputs.next(), ids.len(), samples.len())?),
        };
        Ok(Audio { samples, starts })
    }
}

fn samples(audio: Option<Tensor>) -> Result<Vec<f32>, Error> {
    let Some(TensorData::F32(mut samples)) = audio.map(Tensor::into_data) else {
        return Err(Error::new(ErrorKind::Inference, "the voice gave no audio; pull the model again"));
    };
    if samples.iter().any(|s| !s.is_finite()) {
        return Err(Error::new(
            ErrorKind::Inference,
            "the voice gave samples that are no numbers; pull the model again",
        ));
    }
    samples.iter_mut().for_each(|s| *s = s.clamp(-1.0, 1.0));
    Ok(samples)
}

fn starts(name: &str, durations: Option<Tensor>, tokens: usize, samples: usize) -> Result<Starts, Error> {
    let durations = durations.as_ref().and_then(Tensor::i64s).unwrap_or_default();
    marks::starts_from_durations(durations, tokens, samples).ok_or_else(|| {
        let found = format!("{} durations over {samples} samples for {tokens} tokens", durations.len());
        Error::new(
            ErrorKind::Inference,
            format!("the voice's `{name}` makes no sense: {found}; pull the model again"),
        )
    })
}
