//! The audio pipeline: rings, echo cancellation, ear, mouth, conversation core, endpoints
#![forbid(unsafe_code)]
