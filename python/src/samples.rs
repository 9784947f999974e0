//! Sound from Python: bytes of 16-bit samples, or any buffer of float32, such as a NumPy array.

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes};

/// Mono samples, ±1.0.
pub fn read(sound: &Bound<'_, PyAny>) -> PyResult<Vec<f32>> {
    if let Ok(bytes) = sound.cast::<PyBytes>() {
        return from_pcm(bytes.as_bytes());
    }
    if let Ok(bytes) = sound.cast::<PyByteArray>() {
        return from_pcm(&bytes.to_vec());
    }
    let Ok(buffer) = PyBuffer::<f32>::get(sound) else {
        return Err(PyTypeError::new_err(
            "sound: bytes of 16-bit little-endian samples, or a one-dimensional array of float32, is wanted",
        ));
    };
    if buffer.dimensions() != 1 {
        let message = format!("sound has {} dimensions; give one channel", buffer.dimensions());
        return Err(PyValueError::new_err(message));
    }
    let samples = buffer.to_vec(sound.py())?;
    Ok(samples.into_iter().map(|x| if x.is_finite() { x.clamp(-1.0, 1.0) } else { 0.0 }).collect())
}

fn from_pcm(bytes: &[u8]) -> PyResult<Vec<f32>> {
    if !bytes.len().is_multiple_of(2) {
        let message =
            format!("sound has {} bytes, an odd number; samples of 16 bits are wanted", bytes.len());
        return Err(PyValueError::new_err(message));
    }
    let samples =
        bytes.chunks_exact(2).map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0);
    Ok(samples.collect())
}

/// As bytes of 16-bit little-endian samples.
pub fn to_pcm(samples: &[f32]) -> Vec<u8> {
    // The cast saturates.
    samples.iter().flat_map(|x| ((x * 32_768.0).round() as i16).to_le_bytes()).collect()
}
