//! The engines on real models and real speech: one program for all, so that it is linked once.

mod bad_models;
mod cancel;
#[path = "../../../fetch/tests/it/child.rs"]
mod child;
mod common;
#[cfg(unix)]
mod compile;
mod fuzz;
#[cfg(feature = "livekit")]
mod livekit;
mod natives;
mod onnx;
mod sherpa;
