//! Safe wrappers over the sherpa-onnx functions that Duologue uses.

pub(crate) mod ffi;
