//! The playback ring: blocks tagged with an epoch from the mouth thread to the endpoint's callback.

/// The callback's half of the playback ring.
pub struct Renderer {}
