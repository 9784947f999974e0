//! Silero VAD (5.1 and 6.x, the 16 kHz graphs) on ONNX Runtime.
//!
//! [`SileroModel`] is loaded once and shared; [`Silero`] is one stream's state over it, cheap, owned by one thread.
//! A frame is 512 samples (32 ms); the model also sees the 64 samples before it. Invariant: after
//! [`SileroModel::stream`] nothing here allocates (ONNX Runtime does, inside: not for audio callbacks).
//!
//! Life cycle: [`SileroModel::load`] (checks the graph and warms it up), [`SileroModel::stream`],
//! [`Vad::predict`] per frame, [`Vad::reset`] after a gap.
//!
//! ```no_run
//! use duologue_vad::{Detector, SegmenterConfig, SileroModel};
//!
//! let model = SileroModel::load("silero_vad_16k_op15.onnx".as_ref())?;
//! let mut detector = Detector::new(model.stream()?, &SegmenterConfig::responsive())?;
//! detector.push(&[0.0; 160], &mut |event| println!("{event:?}"))?;
//! # Ok::<(), duologue_vad::Error>(())
//! ```

use std::path::Path;
use std::sync::Arc;

use duologue_fetch::{FetchOptions, SILERO_VAD, fetch_wheel_file};
use duologue_native::onnx::ElementKind::{F32, I64};
use duologue_native::onnx::{Binding, Session, SessionOptions};

use crate::{Error, ErrorKind, SAMPLE_RATE, Vad};

/// New samples per frame, and the earlier ones the model sees before them: as Silero's own Python code.
const FRAME: usize = 512;
const CONTEXT: usize = 64;
const WINDOW: [i64; 2] = [1, (CONTEXT + FRAME) as i64];
const STATE: [i64; 3] = [2, 1, 128];
/// Positions in the binding.
const INPUT: usize = 0;
const STATE_IN: usize = 1;
const RATE: usize = 2;
const PROBABILITY: usize = 0;
const STATE_OUT: usize = 1;
/// Runs at load: ONNX Runtime's first are slow.
const WARM_UP: usize = 4;

/// A loaded Silero model. Clones share it.
#[derive(Clone)]
pub struct SileroModel {
    session: Arc<Session>,
    takes_rate: bool,
}

impl SileroModel {
    /// Loads a model file and warms it up.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] if the file is missing, damaged or another kind of model, saying which;
    /// [`ErrorKind::Natives`] if the shared libraries cannot be loaded.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let session = Session::load(path, &SessionOptions::default())?;
        let takes_rate = check(&session)?;
        let model = Self { session: Arc::new(session), takes_rate };
        model.warm_up().map_err(|e| {
            let message = format!(
                "{}: takes what Silero VAD takes, but does not work: {e}; get it again",
                path.display()
            );
            Error::new(ErrorKind::Model, message)
        })?;
        Ok(model)
    }

    /// Loads the model out of the cache, fetching it once from the Python package index (pinned by
    /// SHA-256) unless `options` or the environment say offline.
    ///
    /// # Errors
    /// As [`SileroModel::load`]; [`ErrorKind::Model`] if it is not there and cannot be fetched.
    pub fn fetch(options: &FetchOptions) -> Result<Self, Error> {
        let path =
            fetch_wheel_file(&SILERO_VAD, &options.cache()?.join("models").join("silero-vad"), options)?;
        Self::load(&path)
    }

    /// A fresh stream.
    ///
    /// # Errors
    /// [`ErrorKind::Inference`] if its buffers cannot be made.
    pub fn stream(&self) -> Result<Silero, Error> {
        Ok(Silero { binding: self.bind()?, aside: self.bind()? })
    }

    fn bind(&self) -> Result<Binding, Error> {
        let inputs: [(&str, &[i64], _); 3] =
            [("input", &WINDOW, F32), ("state", &STATE, F32), ("sr", &[], I64)];
        let inputs = if self.takes_rate { &inputs[..] } else { &inputs[..RATE] };
        let mut binding = self.session.bind(inputs, &[("output", &[1, 1], F32), ("stateN", &STATE, F32)])?;
        if self.takes_rate {
            binding.input_i64(RATE)[0] = i64::from(SAMPLE_RATE);
        }
        Ok(binding)
    }

    fn warm_up(&self) -> Result<(), Error> {
        let mut stream = self.stream()?;
        for _ in 0..WARM_UP {
            stream.predict(&[0.0; FRAME])?;
        }
        Ok(())
    }
}

/// One stream's state over a [`SileroModel`].
pub struct Silero {
    /// Holds the latest window; between runs, the state after it goes in next, and the one before it is
    /// where the next comes out.
    binding: Binding,
    /// For frames that leave no trace.
    aside: Binding,
}

impl Vad for Silero {
    fn frame_len(&self) -> usize {
        FRAME
    }

    /// NaN and infinite samples are taken as silence: one would spoil the state for good.
    fn predict(&mut self, frame: &[f32]) -> Result<f32, Error> {
        check_length(frame, FRAME, "a frame")?;
        let window = self.binding.input_f32(INPUT);
        window.copy_within(FRAME.., 0);
        fill(&mut window[CONTEXT..], frame);
        self.binding.run()?;
        let probability = probability(&self.binding);
        match probability {
            Ok(_) => self.binding.swap(STATE_OUT, STATE_IN)?,
            Err(_) => self.reset(),
        }
        probability
    }

    /// From the state before the latest frame: the half frame between goes unheard, which shows
    /// nowhere in how soon speech is found.
    fn peek(&mut self, half: &[f32]) -> Result<Option<f32>, Error> {
        check_length(half, FRAME / 2, "half a frame")?;
        self.aside.input_f32(STATE_IN).copy_from_slice(self.binding.output_f32(STATE_OUT));
        let window = self.aside.input_f32(INPUT);
        let (earlier, new) = window.split_at_mut(CONTEXT + FRAME / 2);
        earlier.copy_from_slice(&self.binding.input_f32(INPUT)[FRAME / 2..]);
        fill(new, half);
        self.aside.run()?;
        probability(&self.aside).map(Some)
    }

    fn reset(&mut self) {
        self.binding.input_f32(INPUT).fill(0.0);
        for _ in 0..2 {
            self.binding.input_f32(STATE_IN).fill(0.0);
            let swapped = self.binding.swap(STATE_OUT, STATE_IN);
            debug_assert!(swapped.is_ok(), "invariant: `predict` swaps them too");
        }
    }
}

fn check_length(samples: &[f32], wanted: usize, what: &str) -> Result<(), Error> {
    if samples.len() == wanted {
        return Ok(());
    }
    let message = format!("{what} of {} samples: Silero hears {wanted}", samples.len());
    Err(Error::new(ErrorKind::FrameLength, message))
}

fn fill(window: &mut [f32], samples: &[f32]) {
    for (to, &from) in window.iter_mut().zip(samples) {
        *to = if from.is_finite() { from.clamp(-1.0, 1.0) } else { 0.0 };
    }
}

fn probability(binding: &Binding) -> Result<f32, Error> {
    let probability = binding.output_f32(PROBABILITY)[0];
    if (0.0..=1.0).contains(&probability) {
        return Ok(probability);
    }
    let message = format!("{} gave {probability}, which is no probability", binding.session().name());
    Err(Error::new(ErrorKind::Inference, message))
}

/// Checks that a graph is Silero's for 16 kHz; returns whether it takes the sample rate.
fn check(session: &Session) -> Result<bool, Error> {
    let takes = |name: &str| session.inputs().iter().find(|input| input.name == name);
    let gives = |name: &str| session.outputs().iter().any(|output| output.name == name);
    let fits = |shape: &[i64], wanted: &[i64]| {
        shape.is_empty()
            || shape.len() == wanted.len() && shape.iter().zip(wanted).all(|(&s, &w)| s < 0 || s == w)
    };
    let refuse = |what: &str| {
        let inputs: Vec<&str> = session.inputs().iter().map(|input| input.name.as_str()).collect();
        let message = format!(
            "{}: {what} (it takes {}); Silero VAD 5.1 or 6 for 16 kHz is wanted, as in silero_vad_16k_op15.onnx",
            session.name(),
            inputs.join(", ")
        );
        Err(Error::new(ErrorKind::Model, message))
    };
    if takes("h").is_some() && takes("c").is_some() {
        return refuse("Silero VAD 4 or older");
    }
    let (Some(input), Some(state)) = (takes("input"), takes("state")) else {
        return refuse("not a Silero VAD model");
    };
    if !gives("output") || !gives("stateN") {
        return refuse("not a Silero VAD model");
    }
    if input.kind != F32 || !fits(&input.shape, &WINDOW) || state.kind != F32 || !fits(&state.shape, &STATE) {
        return refuse("a Silero VAD of another shape");
    }
    let rate = takes("sr");
    let known = 2 + usize::from(rate.is_some());
    if session.inputs().len() != known || rate.is_some_and(|rate| rate.kind != I64) {
        return refuse("a Silero VAD with other inputs");
    }
    Ok(rate.is_some())
}
