//! A session with buffers of fixed shapes.

use std::{
    ffi::{CString, c_char},
    sync::Arc,
};

use ort::sys::OrtValue;

use super::{
    api::{Value, element_count},
    cancel::Cancel,
    session::Session,
    tensor::ElementKind,
};
use crate::error::{Error, Result, opaque_debug};

/// Buffers of fixed shapes for a [`Session`], owned by one thread. [`run`](Self::run) allocates nothing on the Rust side.
///
/// Inputs and outputs are addressed by their position in the call of [`Session::bind`]. All buffers begin as zeros and keep their contents
/// between runs, so constants are written once.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use duologue_native::onnx::{ElementKind::{F32, I64}, Session, SessionOptions};
///
/// # fn main() -> Result<(), duologue_native::Error> {
/// let session = Arc::new(Session::load("silero_vad_16k_op15.onnx".as_ref(), &SessionOptions::default())?);
/// let mut vad = session.bind(
///     &[("input", &[1, 576], F32), ("state", &[2, 1, 128], F32), ("sr", &[], I64)],
///     &[("output", &[1, 1], F32), ("stateN", &[2, 1, 128], F32)],
/// )?;
/// vad.input_i64(2)[0] = 16_000;
/// vad.input_f32(0).fill(0.0);
/// vad.run()?;
/// println!("speech: {}", vad.output_f32(0)[0]);
/// vad.swap(1, 1)?; // the state that came out goes in next
/// # Ok(())
/// # }
/// ```
pub struct Binding {
    session: Arc<Session>,
    inputs: Vec<Slot>,
    outputs: Vec<Slot>,
    // What `OrtApi::Run` takes, kept in step with the slots.
    input_names: Vec<*const c_char>,
    output_names: Vec<*const c_char>,
    input_values: Vec<*const OrtValue>,
    output_values: Vec<*mut OrtValue>,
}

// SAFETY: the pointers lead into slots that the binding owns, and no part of it belongs to a thread.
unsafe impl Send for Binding {}

struct Slot {
    name: CString,
    kind: ElementKind,
    shape: Vec<i64>,
    len: usize,
    value: Value,
}

impl Slot {
    fn new(name: CString, kind: ElementKind, shape: &[i64]) -> Result<Self> {
        let (len, value) = (element_count(shape)?, Value::zeroed(shape, kind)?);
        Ok(Self { name, kind, shape: shape.to_vec(), len, value })
    }

    /// Where the elements lie.
    ///
    /// # Panics
    /// If the slot holds another kind: a slip in the calling code, like an index out of bounds.
    fn data<T>(&self, kind: ElementKind) -> *mut T {
        assert_eq!(self.kind, kind, "{} holds {:?}", self.name.to_string_lossy(), self.kind);
        self.value.data().expect("invariant: the value is a tensor on the CPU").as_ptr().cast()
    }

    fn read<T>(&self, kind: ElementKind) -> &[T] {
        // SAFETY: `len` elements of that kind, borrowed as long as the slot is.
        unsafe { std::slice::from_raw_parts(self.data(kind), self.len) }
    }

    fn write<T>(&mut self, kind: ElementKind) -> &mut [T] {
        // SAFETY: `len` elements of that kind, borrowed exclusively as long as the slot is.
        unsafe { std::slice::from_raw_parts_mut(self.data(kind), self.len) }
    }
}

opaque_debug!(Binding);

impl Binding {
    pub(super) fn new(
        session: &Arc<Session>,
        inputs: &[(&str, &[i64], ElementKind)],
        outputs: &[(&str, &[i64], ElementKind)],
    ) -> Result<Self> {
        let inputs = inputs
            .iter()
            .map(|&(name, shape, kind)| Slot::new(session.input_name(name, kind, shape)?, kind, shape))
            .collect::<Result<Vec<_>>>()?;
        let outputs = outputs
            .iter()
            .map(|&(name, shape, kind)| Slot::new(session.output_name(name, kind, shape)?, kind, shape))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            session: Arc::clone(session),
            input_names: inputs.iter().map(|slot| slot.name.as_ptr()).collect(),
            output_names: outputs.iter().map(|slot| slot.name.as_ptr()).collect(),
            input_values: inputs.iter().map(|slot| slot.value.as_ptr().cast_const()).collect(),
            output_values: outputs.iter().map(|slot| slot.value.as_ptr()).collect(),
            inputs,
            outputs,
        })
    }

    /// Runs the model on the inputs as they are now and fills the outputs.
    ///
    /// # Errors
    /// [`ErrorKind::Runtime`](crate::ErrorKind::Runtime), for instance if an output's real shape is not the bound one.
    pub fn run(&mut self) -> Result<()> {
        self.run_with(&Cancel::never())
    }

    /// As [`run`](Self::run), with a switch that ends it. After a cancelled run the outputs hold nothing meaningful.
    ///
    /// # Errors
    /// As [`run`](Self::run), and [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled).
    pub fn run_with(&mut self, cancel: &Cancel) -> Result<()> {
        // SAFETY: names and values lie in slots that `self` owns; `&mut self` keeps everybody else away from the outputs.
        unsafe {
            self.session.run_raw(
                &self.input_names,
                &self.input_values,
                &self.output_names,
                &mut self.output_values,
                cancel,
            )
        }
    }

    /// Exchanges an output's buffer with an input's, so that a state that came out goes in next, without a copy.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if their kinds or shapes differ.
    ///
    /// # Panics
    /// If there is no such input or output.
    pub fn swap(&mut self, output: usize, input: usize) -> Result<()> {
        let (from, to) = (&mut self.outputs[output], &mut self.inputs[input]);
        if from.kind != to.kind || from.shape != to.shape {
            return Err(Error::argument(format!(
                "cannot swap {} {:?} with {} {:?}",
                from.name.to_string_lossy(),
                from.shape,
                to.name.to_string_lossy(),
                to.shape
            )));
        }
        std::mem::swap(&mut from.value, &mut to.value);
        self.output_values[output] = from.value.as_ptr();
        self.input_values[input] = to.value.as_ptr();
        Ok(())
    }

    /// The session it runs.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// An input's elements, to fill.
    ///
    /// # Panics
    /// If there is no such input or it holds another kind.
    pub fn input_f32(&mut self, input: usize) -> &mut [f32] {
        self.inputs[input].write(ElementKind::F32)
    }

    /// An input's elements, to fill.
    ///
    /// # Panics
    /// If there is no such input or it holds another kind.
    pub fn input_i64(&mut self, input: usize) -> &mut [i64] {
        self.inputs[input].write(ElementKind::I64)
    }

    /// An input's elements, to fill.
    ///
    /// # Panics
    /// If there is no such input or it holds another kind.
    pub fn input_i32(&mut self, input: usize) -> &mut [i32] {
        self.inputs[input].write(ElementKind::I32)
    }

    /// An output's elements.
    ///
    /// # Panics
    /// If there is no such output or it holds another kind.
    pub fn output_f32(&self, output: usize) -> &[f32] {
        self.outputs[output].read(ElementKind::F32)
    }

    /// An output's elements.
    ///
    /// # Panics
    /// If there is no such output or it holds another kind.
    pub fn output_i64(&self, output: usize) -> &[i64] {
        self.outputs[output].read(ElementKind::I64)
    }

    /// An output's elements.
    ///
    /// # Panics
    /// If there is no such output or it holds another kind.
    pub fn output_i32(&self, output: usize) -> &[i32] {
        self.outputs[output].read(ElementKind::I32)
    }
}
