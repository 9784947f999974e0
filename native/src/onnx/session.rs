//! A loaded model.

use std::{
    ffi::{CStr, CString, c_char, c_void},
    fmt,
    path::Path,
    ptr,
    sync::Arc,
};

use ort::{
    AsPointer,
    sys::{OrtSession, OrtValue},
    value::{Outlet, TensorElementType, ValueType},
};

use super::{
    api::{self, Value, element_count},
    binding::Binding,
    cancel::Cancel,
    tensor::{ElementKind, Tensor, TensorData, TensorInfo, TensorView},
};
use crate::{
    error::{Error, ErrorKind, Result},
    library,
};

/// How a session is set up.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionOptions {
    /// Threads that work on one operator, the caller's included; at least 1. Default 1.
    pub intra_threads: u16,
    /// Keep freed memory for the next run. Faster, but the process keeps the largest run's memory. Default on.
    pub arena: bool,
    /// Plan memory for repeated shapes; only with the arena. Default on.
    pub memory_pattern: bool,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self { intra_threads: 1, arena: true, memory_pattern: true }
    }
}

impl SessionOptions {
    /// Default options with this many threads.
    pub fn with_threads(intra_threads: u16) -> Self {
        Self { intra_threads, ..Self::default() }
    }
}

/// A loaded model: `Send + Sync`, load it once and share it by `Arc`.
///
/// Threads of a session sleep when there is nothing to do (no spinning), and operators run one after the other.
pub struct Session {
    name: String,
    inner: ort::session::Session,
    inputs: Ports,
    outputs: Ports,
}

/// The inputs or the outputs of a model, with their names as C wants them.
struct Ports {
    side: &'static str,
    infos: Vec<TensorInfo>,
    names: Vec<CString>,
}

impl Ports {
    fn new(side: &'static str, outlets: &[Outlet]) -> Result<Self> {
        let infos: Vec<_> = outlets.iter().map(info).collect();
        let names = infos.iter().map(|info| api::c_string(&info.name)).collect::<Result<_>>()?;
        Ok(Self { side, infos, names })
    }

    /// Checks that none is left out: ONNX Runtime would only notice in the middle of a run.
    pub(super) fn expect_all<'a>(
        &self,
        model: &str,
        given: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<()> {
        match self.infos.iter().find(|info| !given.clone().any(|name| name == info.name)) {
            None => Ok(()),
            Some(missing) => {
                Err(Error::argument(format!("{model} also needs the {} {:?}", self.side, missing.name)))
            }
        }
    }

    fn find(&self, model: &str, name: &str) -> Result<(&TensorInfo, &CStr)> {
        let at = self.infos.iter().position(|info| info.name == name).ok_or_else(|| {
            let known: Vec<_> = self.infos.iter().map(|info| info.name.as_str()).collect();
            Error::argument(format!("{model} has no {} {name:?}; it has {}", self.side, known.join(", ")))
        })?;
        Ok((&self.infos[at], &self.names[at]))
    }
}

impl Session {
    /// Loads a model from a file. Loads the libraries first if need be (see [`load`](crate::load)).
    ///
    /// # Errors
    /// [`ErrorKind::ModelMissing`], [`ErrorKind::ModelInvalid`] if ONNX Runtime refuses the file, and whatever [`load`](crate::load) says.
    pub fn load(path: &Path, options: &SessionOptions) -> Result<Self> {
        if !path.is_file() {
            let why = if path.exists() { "is not a file" } else { "does not exist" };
            return Err(Error::new(
                ErrorKind::ModelMissing,
                format!("model {} {why}; pull the model or correct the path", path.display()),
            ));
        }
        // Memory-mapping is ONNX Runtime's business; reading here would hold large models twice.
        let name = path.display().to_string();
        let inner = builder(options)?.commit_from_file(path).map_err(|e| refused(&name, &e))?;
        Self::new(name, inner)
    }

    /// Loads a model from memory; `name` is for messages.
    ///
    /// # Errors
    /// [`ErrorKind::ModelInvalid`] if ONNX Runtime refuses the bytes, and whatever [`load`](crate::load) says.
    pub fn from_bytes(name: &str, bytes: &[u8], options: &SessionOptions) -> Result<Self> {
        let inner = builder(options)?.commit_from_memory(bytes).map_err(|e| refused(name, &e))?;
        Self::new(name.to_owned(), inner)
    }

    fn new(name: String, inner: ort::session::Session) -> Result<Self> {
        let (inputs, outputs) =
            (Ports::new("input", inner.inputs())?, Ports::new("output", inner.outputs())?);
        Ok(Self { name, inner, inputs, outputs })
    }

    /// The path or name it was loaded under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the model takes.
    pub fn inputs(&self) -> &[TensorInfo] {
        &self.inputs.infos
    }

    /// What the model gives.
    pub fn outputs(&self) -> &[TensorInfo] {
        &self.outputs.infos
    }

    /// The value of a key in the model's metadata.
    pub fn metadata(&self, key: &str) -> Option<String> {
        self.inner.metadata().ok()?.custom(key)
    }

    /// Runs the model: gives `inputs` by name and takes `outputs` by name, in that order. Any number of threads may run one session at once.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] (unknown name, wrong type, shape or length), [`ErrorKind::Cancelled`], [`ErrorKind::Runtime`].
    pub fn run(
        &self,
        inputs: &[(&str, TensorView<'_>)],
        outputs: &[&str],
        cancel: &Cancel,
    ) -> Result<Vec<Tensor>> {
        let mut input_names = Vec::with_capacity(inputs.len());
        let mut input_values = Vec::with_capacity(inputs.len());
        for (name, view) in inputs {
            let (info, c_name) = self.inputs.find(&self.name, name)?;
            info.expect(view.kind(), view.shape)?;
            input_names.push(c_name.as_ptr());
            input_values.push(borrow(name, view)?);
        }
        self.inputs.expect_all(&self.name, inputs.iter().map(|(name, _)| *name))?;
        let output_names = outputs
            .iter()
            .map(|name| Ok(self.outputs.find(&self.name, name)?.1.as_ptr()))
            .collect::<Result<Vec<_>>>()?;
        let input_ptrs: Vec<_> = input_values.iter().map(|value| value.as_ptr().cast_const()).collect();
        let mut output_ptrs = vec![ptr::null_mut(); outputs.len()];
        // SAFETY: names and values live through the call and are as many as said; outputs that are null are made by ONNX Runtime.
        unsafe { self.run_raw(&input_names, &input_ptrs, &output_names, &mut output_ptrs, cancel) }?;
        let values: Vec<_> = output_ptrs.into_iter().map(Value::from_raw).collect();
        values.into_iter().zip(outputs).map(|(value, name)| copy_out(name, &value?)).collect()
    }

    /// Makes buffers of fixed shapes for this model: see [`Binding`].
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] (unknown name, wrong type or shape).
    pub fn bind(
        self: &Arc<Self>,
        inputs: &[(&str, &[i64], ElementKind)],
        outputs: &[(&str, &[i64], ElementKind)],
    ) -> Result<Binding> {
        self.inputs.expect_all(&self.name, inputs.iter().map(|(name, ..)| *name))?;
        Binding::new(self, inputs, outputs)
    }

    pub(super) fn input_name(&self, name: &str, kind: ElementKind, shape: &[i64]) -> Result<CString> {
        let (info, c_name) = self.inputs.find(&self.name, name)?;
        info.expect(kind, shape).map(|()| c_name.to_owned())
    }

    pub(super) fn output_name(&self, name: &str, kind: ElementKind, shape: &[i64]) -> Result<CString> {
        let (info, c_name) = self.outputs.find(&self.name, name)?;
        info.expect(kind, shape).map(|()| c_name.to_owned())
    }

    /// One call of `OrtApi::Run`; allocates nothing on the Rust side unless it fails.
    ///
    /// # Safety
    /// Names and values are as many on each side and live through the call. Each output is null or a tensor that nobody else uses.
    pub(super) unsafe fn run_raw(
        &self,
        input_names: &[*const c_char],
        inputs: &[*const OrtValue],
        output_names: &[*const c_char],
        outputs: &mut [*mut OrtValue],
        cancel: &Cancel,
    ) -> Result<()> {
        debug_assert!(input_names.len() == inputs.len() && output_names.len() == outputs.len());
        let options = cancel.begin()?.map_or(ptr::null(), |options| options.ptr());
        let session: *mut OrtSession = self.inner.ptr().cast_mut();
        // SAFETY: by the caller's promise; `OrtApi::Run` may be called on one session by many threads at once, and does not change it.
        let status = unsafe {
            (ort::api().Run)(
                session,
                options,
                input_names.as_ptr(),
                inputs.as_ptr(),
                inputs.len(),
                output_names.as_ptr(),
                outputs.len(),
                outputs.as_mut_ptr(),
            )
        };
        api::check(status).map_err(|e| cancel.explain(Error::new(e.kind(), format!("{}: {e}", self.name))))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("name", &self.name).finish_non_exhaustive()
    }
}

fn builder(options: &SessionOptions) -> Result<ort::session::builder::SessionBuilder> {
    if options.intra_threads == 0 {
        return Err(Error::argument("SessionOptions::intra_threads is 0; give at least 1"));
    }
    let environment = library::load()?.environment();
    let cpu = ort::ep::CPU::default().with_arena_allocator(options.arena).build();
    let build = || -> std::result::Result<_, ort::Error> {
        Ok(ort::session::Session::builder(environment)?
            .with_intra_threads(options.intra_threads.into())?
            .with_inter_threads(1)?
            .with_intra_op_spinning(false)?
            .with_inter_op_spinning(false)?
            .with_memory_pattern(options.memory_pattern && options.arena)?
            .with_execution_providers([cpu])?)
    };
    build().map_err(|e| api::runtime(&e))
}

fn refused(name: &str, error: &ort::Error) -> Error {
    Error::new(
        ErrorKind::ModelInvalid,
        format!(
            "ONNX Runtime cannot load model {name}: {error}; the file is damaged or not an ONNX model, pull it again"
        ),
    )
}

fn info(outlet: &Outlet) -> TensorInfo {
    let (kind, shape) = match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } => (kind(*ty), shape.to_vec()),
        _ => (ElementKind::Other, Vec::new()),
    };
    TensorInfo { name: outlet.name().to_owned(), kind, shape }
}

fn kind(element: TensorElementType) -> ElementKind {
    match element {
        TensorElementType::Float32 => ElementKind::F32,
        TensorElementType::Int64 => ElementKind::I64,
        TensorElementType::Int32 => ElementKind::I32,
        _ => ElementKind::Other,
    }
}

fn borrow(name: &str, view: &TensorView<'_>) -> Result<Value> {
    let wanted = element_count(view.shape)?;
    if view.len() != wanted {
        return Err(Error::argument(format!(
            "{name}: shape {:?} needs {wanted} elements, but {} were given",
            view.shape,
            view.len()
        )));
    }
    // SAFETY: the length was just checked, and the value does not outlive the run that borrows `view`.
    unsafe { Value::borrowed(view.shape, view.kind(), view.as_ptr()) }
}

fn copy_out(name: &str, value: &Value) -> Result<Tensor> {
    let (kind, shape) = value.info()?;
    let (data, len) = (value.data()?.as_ptr(), element_count(&shape)?);
    // SAFETY: a live tensor of that kind with that many elements.
    let data = unsafe {
        match kind {
            ElementKind::F32 => TensorData::F32(to_vec(data, len)),
            ElementKind::I64 => TensorData::I64(to_vec(data, len)),
            ElementKind::I32 => TensorData::I32(to_vec(data, len)),
            ElementKind::Other => {
                return Err(Error::argument(format!("output {name} holds neither f32 nor i64 nor i32")));
            }
        }
    };
    Ok(Tensor { shape, data })
}

/// # Safety
/// `data` is aligned for `T` and points to `len` of them, or `len` is 0.
unsafe fn to_vec<T: Copy>(data: *const c_void, len: usize) -> Vec<T> {
    // SAFETY: by the caller's promise.
    unsafe { std::slice::from_raw_parts(data.cast::<T>(), len) }.to_vec()
}
