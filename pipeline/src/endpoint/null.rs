//! Endpoints that hear nothing and play to nobody.
//!
//! Invariant: they never fail. Life cycle: as for any source or sink.
//!
//! ```
//! use duologue_pipeline::endpoint::{Discard, Duplex, Silence};
//! # fn main() -> Result<(), duologue_pipeline::Error> {
//! let idle = Duplex::new(Silence::endless(16_000), Discard::new(48_000))?;
//! # Ok(())
//! # }
//! ```

use super::{Flow, Sink, Source};
use crate::Error;

/// Silence, endless or for a while.
pub struct Silence {
    rate: u32,
    /// Blocks of 10 ms left; `None`: endless.
    left: Option<u64>,
}

impl Silence {
    /// Silence without end at `rate` Hz.
    pub fn endless(rate: u32) -> Self {
        Self { rate, left: None }
    }

    /// Silence of `ms` milliseconds (in steps of 10) at `rate` Hz.
    pub fn lasting(rate: u32, ms: u64) -> Self {
        Self { rate, left: Some(ms.div_ceil(10)) }
    }
}

impl Source for Silence {
    fn rate(&self) -> u32 {
        self.rate
    }

    fn read(&mut self, block: &mut [f32]) -> Result<Flow, Error> {
        block.fill(0.0);
        match &mut self.left {
            Some(0) => return Ok(Flow::Ended),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(Flow::Continue)
    }
}

/// Plays to nobody.
pub struct Discard {
    rate: u32,
}

impl Discard {
    /// A sink at `rate` Hz.
    pub fn new(rate: u32) -> Self {
        Self { rate }
    }
}

impl Sink for Discard {
    fn rate(&self) -> u32 {
        self.rate
    }

    fn write(&mut self, _block: &[f32]) -> Result<(), Error> {
        Ok(())
    }
}
