//! What the engine holds for us, by number.

use super::library::Engine;

/// Something inside the engine (a room, a track, a stream); dropping this lets go of it.
#[derive(Debug)]
pub struct Handle {
    id: u64,
    engine: &'static Engine,
}

impl Handle {
    pub(super) fn new(id: u64, engine: &'static Engine) -> Self {
        Self { id, engine }
    }

    /// The number that requests name it by.
    pub fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the engine looks the number up and ignores one that it does not know.
        unsafe { (self.engine.functions().drop_handle)(self.id) };
    }
}
