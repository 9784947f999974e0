//! The few raw calls of ONNX Runtime's C API that this crate makes itself, with their ownership.

use std::{
    ffi::{CString, c_void},
    ptr::{self, NonNull},
    sync::OnceLock,
};

use ort::{
    AsPointer,
    memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType},
    sys::{OrtStatusPtr, OrtValue},
};

use crate::{
    error::{Error, ErrorKind, Result},
    onnx::tensor::ElementKind,
};

/// Turns a status into a result; a failure carries what ONNX Runtime said.
pub(super) fn check(status: OrtStatusPtr) -> Result<()> {
    // SAFETY: every status here comes straight from a call of the C API and is consumed once.
    unsafe { ort::Error::result_from_status(status) }.map_err(|e| runtime(&e))
}

pub(super) fn runtime(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Runtime, format!("ONNX Runtime: {error}"))
}

pub(super) fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::argument(format!("{text:?} holds a zero byte")))
}

/// Memory on the CPU, as ONNX Runtime names it.
fn cpu_memory() -> Result<&'static MemoryInfo<'static>> {
    static INFO: OnceLock<MemoryInfo<'static>> = OnceLock::new();
    if let Some(info) = INFO.get() {
        return Ok(info);
    }
    let info = MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Device, MemoryType::CPUOutput)
        .map_err(|e| runtime(&e))?;
    Ok(INFO.get_or_init(|| info))
}

/// An owned value of ONNX Runtime, always a tensor on the CPU.
#[derive(Debug)]
pub(super) struct Value(NonNull<OrtValue>);

// SAFETY: a value is plain memory with a description; nothing about it belongs to a thread. It is not `Sync`.
unsafe impl Send for Value {}

impl Value {
    /// Takes ownership of what a call of the C API returned.
    pub(super) fn from_raw(value: *mut OrtValue) -> Result<Self> {
        NonNull::new(value).map(Self).ok_or_else(|| runtime(&"a value is missing"))
    }

    pub(super) fn as_ptr(&self) -> *mut OrtValue {
        self.0.as_ptr()
    }

    /// A tensor whose memory belongs to ONNX Runtime and is zero.
    pub(super) fn zeroed(shape: &[i64], kind: ElementKind) -> Result<Self> {
        let (element, bytes) = (kind.raw()?, element_count(shape)? * kind.bytes());
        let mut value = ptr::null_mut();
        let allocator = Allocator::default();
        // SAFETY: shape and allocator live through the call; the result is owned by `Self`.
        let status = unsafe {
            (ort::api().CreateTensorAsOrtValue)(
                allocator.ptr().cast_mut(),
                shape.as_ptr(),
                shape.len(),
                element,
                &mut value,
            )
        };
        check(status)?;
        let value = Self::from_raw(value)?;
        let data = value.data()?;
        // SAFETY: the tensor was just created with room for `bytes` bytes.
        unsafe { ptr::write_bytes(data.as_ptr().cast::<u8>(), 0, bytes) };
        Ok(value)
    }

    /// A tensor over the caller's memory.
    ///
    /// # Safety
    /// `data` holds as many elements of `kind` as `shape` says, and outlives the value.
    pub(super) unsafe fn borrowed(shape: &[i64], kind: ElementKind, data: *const c_void) -> Result<Self> {
        let (element, bytes) = (kind.raw()?, element_count(shape)? * kind.bytes());
        let mut value = ptr::null_mut();
        // SAFETY: by the caller's promise; ONNX Runtime does not write to the inputs of a run.
        let status = unsafe {
            (ort::api().CreateTensorWithDataAsOrtValue)(
                cpu_memory()?.ptr(),
                data.cast_mut(),
                bytes,
                shape.as_ptr(),
                shape.len(),
                element,
                &mut value,
            )
        };
        check(status)?;
        Self::from_raw(value)
    }

    /// Where the elements lie; valid as long as the value. Dangling (never null) for an empty tensor.
    pub(super) fn data(&self) -> Result<NonNull<c_void>> {
        let mut data = ptr::null_mut();
        // SAFETY: `self` is a live tensor.
        check(unsafe { (ort::api().GetTensorMutableData)(self.as_ptr(), &mut data) })?;
        // Aligned for every element kind, as a slice of length zero needs it.
        Ok(NonNull::new(data).unwrap_or(NonNull::<u64>::dangling().cast()))
    }

    /// Element kind and shape.
    pub(super) fn info(&self) -> Result<(ElementKind, Vec<i64>)> {
        let api = ort::api();
        let mut info = ptr::null_mut();
        // SAFETY: `self` is a live tensor; `info` is released below on every path.
        check(unsafe { (api.GetTensorTypeAndShape)(self.as_ptr(), &mut info) })?;
        let read = || {
            let (mut element, mut rank) =
                (ort::sys::ONNXTensorElementDataType::ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED, 0);
            // SAFETY: `info` is live.
            check(unsafe { (api.GetTensorElementType)(info, &mut element) })?;
            // SAFETY: `info` is live.
            check(unsafe { (api.GetDimensionsCount)(info, &mut rank) })?;
            let mut shape = vec![0; rank];
            // SAFETY: `shape` has room for `rank` dimensions.
            check(unsafe { (api.GetDimensions)(info, shape.as_mut_ptr(), rank) })?;
            Ok((ElementKind::from_raw(element), shape))
        };
        let result = read();
        // SAFETY: released exactly once.
        unsafe { (api.ReleaseTensorTypeAndShapeInfo)(info) };
        result
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        // SAFETY: owned, released once.
        unsafe { (ort::api().ReleaseValue)(self.as_ptr()) };
    }
}

/// The number of elements of a shape.
pub(super) fn element_count(shape: &[i64]) -> Result<usize> {
    let count = shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(usize::try_from(d).ok()?));
    // Room for the widest element, so that byte counts cannot overflow either.
    count.filter(|n| n.checked_mul(16).is_some()).ok_or_else(|| {
        Error::argument(format!(
            "{shape:?} is no shape of a tensor: a dimension is negative or the product too large"
        ))
    })
}
