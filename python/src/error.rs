//! Errors of Rust as exceptions of Python.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;

pyo3::create_exception!(
    _duologue,
    DuologueError,
    PyException,
    "Something could not be done; its text names the value and the remedy."
);

/// An exception that says what `error` says.
pub fn raised(error: impl std::fmt::Display) -> PyErr {
    DuologueError::new_err(error.to_string())
}
