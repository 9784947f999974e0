//! Finds, fetches, verifies and loads Duologue's shared libraries: ONNX Runtime and sherpa-onnx.

mod cancel;

pub use cancel::Cancel;
