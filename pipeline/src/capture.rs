//! The capture ring: samples from the endpoint's callback to the ear thread.

/// The callback's half of the capture ring.
pub struct CaptureWriter {}

/// The ear's half of the capture ring.
pub struct CaptureReader {}
