//! The compiled module of the Python package: thin handles over the models and the pipeline.
//!
//! The classes that people see are written in Python (`python/duologue/`), so that they can be subclassed, patched and
//! pickled around; what is here only holds what Rust owns. Invariants: nothing computes while it holds the interpreter;
//! no thread of ours calls into Python; every wait has a deadline, so that a signal is seen.

mod error;
mod listener;
mod pipeline;
mod samples;
mod stt;
mod tts;
mod vad;

use pyo3::prelude::*;

/// Handles for the package; not for others.
#[pymodule]
mod _duologue {
    #[pymodule_export]
    use super::error::DuologueError;
    #[pymodule_export]
    use super::listener::Utterances;
    #[pymodule_export]
    use super::pipeline::{Pipeline, Say};
    #[pymodule_export]
    use super::stt::{Recogniser, RecogniserStream};
    #[pymodule_export]
    use super::tts::{Speaking, TextSink, Voice};
    #[pymodule_export]
    use super::vad::{Activity, ActivityStream};
}
