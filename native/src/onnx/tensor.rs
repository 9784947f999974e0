//! Tensors as they go in and come out.

use std::ffi::c_void;

use ort::sys::ONNXTensorElementDataType as Raw;

use crate::error::{Error, Result};

/// What the elements of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ElementKind {
    /// 32-bit floating point.
    F32,
    /// 64-bit signed integer.
    I64,
    /// 32-bit signed integer.
    I32,
    /// Anything else; such inputs cannot be given and such outputs cannot be taken.
    Other,
}

impl ElementKind {
    pub(super) fn from_raw(raw: Raw) -> Self {
        match raw {
            Raw::ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT => Self::F32,
            Raw::ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 => Self::I64,
            Raw::ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32 => Self::I32,
            _ => Self::Other,
        }
    }

    pub(super) fn raw(self) -> Result<Raw> {
        match self {
            Self::F32 => Ok(Raw::ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT),
            Self::I64 => Ok(Raw::ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64),
            Self::I32 => Ok(Raw::ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32),
            Self::Other => Err(Error::argument("only tensors of f32, i64 and i32 can be made")),
        }
    }

    pub(super) fn bytes(self) -> usize {
        match self {
            Self::F32 | Self::I32 => 4,
            Self::I64 => 8,
            Self::Other => 0,
        }
    }
}

/// What a model says about one of its inputs or outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// What its elements are.
    pub kind: ElementKind,
    /// Its dimensions; `-1` where a run decides.
    pub shape: Vec<i64>,
}

impl TensorInfo {
    /// Checks a tensor that is to be given or taken under this name.
    pub(super) fn expect(&self, kind: ElementKind, shape: &[i64]) -> Result<()> {
        if kind != self.kind {
            return Err(Error::argument(format!("{}: holds {:?}, not {kind:?}", self.name, self.kind)));
        }
        // A model whose shape inference gave up says nothing: rank 0 may mean "unknown".
        let unknown = self.shape.is_empty();
        let fits = shape.len() == self.shape.len()
            && shape.iter().zip(&self.shape).all(|(&given, &wanted)| wanted < 0 || given == wanted);
        if fits || unknown {
            return Ok(());
        }
        Err(Error::argument(format!("{}: the model wants shape {:?}, not {shape:?}", self.name, self.shape)))
    }
}

/// A tensor to read from: a shape over borrowed elements in row-major order.
#[derive(Clone, Copy, Debug)]
pub struct TensorView<'a> {
    pub(super) shape: &'a [i64],
    data: Slice<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Slice<'a> {
    F32(&'a [f32]),
    I64(&'a [i64]),
    I32(&'a [i32]),
}

impl<'a> TensorView<'a> {
    /// A view of `f32`; its length is checked against the shape when it is used.
    pub fn f32(shape: &'a [i64], data: &'a [f32]) -> Self {
        Self { shape, data: Slice::F32(data) }
    }

    /// A view of `i64`; its length is checked against the shape when it is used.
    pub fn i64(shape: &'a [i64], data: &'a [i64]) -> Self {
        Self { shape, data: Slice::I64(data) }
    }

    /// A view of `i32`; its length is checked against the shape when it is used.
    pub fn i32(shape: &'a [i64], data: &'a [i32]) -> Self {
        Self { shape, data: Slice::I32(data) }
    }

    pub(super) fn kind(&self) -> ElementKind {
        match self.data {
            Slice::F32(_) => ElementKind::F32,
            Slice::I64(_) => ElementKind::I64,
            Slice::I32(_) => ElementKind::I32,
        }
    }

    pub(super) fn len(&self) -> usize {
        match self.data {
            Slice::F32(d) => d.len(),
            Slice::I64(d) => d.len(),
            Slice::I32(d) => d.len(),
        }
    }

    pub(super) fn as_ptr(&self) -> *const c_void {
        match self.data {
            Slice::F32(d) => d.as_ptr().cast(),
            Slice::I64(d) => d.as_ptr().cast(),
            Slice::I32(d) => d.as_ptr().cast(),
        }
    }
}

/// A tensor that a run produced: a shape over elements in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    pub(super) shape: Vec<i64>,
    pub(super) data: TensorData,
}

/// The elements of a [`Tensor`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TensorData {
    /// 32-bit floating point.
    F32(Vec<f32>),
    /// 64-bit signed integers.
    I64(Vec<i64>),
    /// 32-bit signed integers.
    I32(Vec<i32>),
}

impl Tensor {
    /// Its dimensions.
    pub fn shape(&self) -> &[i64] {
        &self.shape
    }

    /// Its elements.
    pub fn data(&self) -> &TensorData {
        &self.data
    }

    /// Its elements, moved out.
    pub fn into_data(self) -> TensorData {
        self.data
    }

    /// Its elements, if they are `f32`.
    pub fn f32s(&self) -> Option<&[f32]> {
        match &self.data {
            TensorData::F32(data) => Some(data),
            _ => None,
        }
    }

    /// Its elements, if they are `i64`.
    pub fn i64s(&self) -> Option<&[i64]> {
        match &self.data {
            TensorData::I64(data) => Some(data),
            _ => None,
        }
    }

    /// Its elements, if they are `i32`.
    pub fn i32s(&self) -> Option<&[i32]> {
        match &self.data {
            TensorData::I32(data) => Some(data),
            _ => None,
        }
    }
}
