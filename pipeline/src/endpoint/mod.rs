//! Endpoints: where sound enters and leaves.
//!
//! A *software* endpoint ([`Exchange`]) hands over one 10 ms block at a time and has no clock of
//! its own: whoever drives it decides whether time is real or stepped. A *driven* endpoint
//! ([`Endpoint`]) has its own clock (a sound card, a room, a paced thread) and calls the real-time
//! halves of the capture and playback rings itself.
//!
//! Invariant: a block is 10 ms in both directions; samples are mono and within ±1.0.
//!
//! Life cycle: `rates` → `start`, which returns once the first playback callback has run →
//! callbacks → the handle is stopped or dropped → no callback runs any more.
//!
//! ```
//! use duologue_pipeline::endpoint::{Discard, Duplex, Exchange, Rates, Silence};
//! # fn main() -> Result<(), duologue_pipeline::Error> {
//! let endpoint = Duplex::new(Silence::endless(16_000), Discard::new(24_000))?;
//! assert_eq!(endpoint.rates(), Rates { capture: 16_000, playback: 24_000 });
//! # Ok(())
//! # }
//! ```

mod duplex;
mod end;
mod file;
mod memory;
mod null;
mod paced;
mod pcm;
mod remote;
pub mod simulated;

pub use crate::playout::Playout;
pub use duplex::{Duplex, Sink, Source};
pub use end::End;
pub use file::{WavSink, WavSource};
pub use memory::{MemoryConfig, MemoryCounters, MemoryEndpoint, MemoryInput, MemoryOutput, memory};
pub use null::{Discard, Silence};
pub use paced::{Pace, Paced};
pub use pcm::{PcmSink, PcmSource};
pub use remote::{Pulled, RemoteConfig, RemoteEndpoint, RemoteOutput, remote};

use crate::Error;
use crate::capture::CaptureWriter;
use crate::playback::Renderer;

/// Sample rates of an endpoint, in Hz. Both directions are mono `f32`, ±1.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Rate of what is captured.
    pub capture: u32,
    /// Rate of what is played.
    pub playback: u32,
}

/// Whether an endpoint goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// More will come.
    Continue,
    /// The source is exhausted; captured blocks are silence from now on.
    Ended,
}

/// A software endpoint, exchanging one block at a time.
pub trait Exchange: Send {
    /// Rates of both directions; fixed for the endpoint's life.
    fn rates(&self) -> Rates;

    /// Takes the block just `played` (`rates().playback / 100` samples) and fills `captured`
    /// (`rates().capture / 100` samples) with what was heard meanwhile.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] or [`crate::ErrorKind::InvalidAudio`]; the endpoint is then over.
    fn exchange(&mut self, played: &[f32], captured: &mut [f32]) -> Result<Flow, Error>;

    /// Where the far side acknowledges what it has played; `None` where what is exchanged is as good as heard.
    fn playout(&self) -> Option<Playout> {
        None
    }

    /// Flushes and closes; nothing is exchanged afterwards.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] if the last of the output cannot be written.
    fn finish(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// The real-time halves that a driven endpoint calls from its callbacks.
pub struct EndpointIo {
    /// Takes captured samples.
    pub capture: CaptureWriter,
    /// Gives samples to play.
    pub playback: Renderer,
}

/// A running endpoint; dropping it stops the callbacks.
pub trait Running: Send {
    /// The end that comes by itself: the source is exhausted, or the device has gone.
    fn end(&self) -> End;

    /// Stops the callbacks and closes, as dropping does, and tells what dropping cannot.
    ///
    /// # Errors
    /// What [`Running::end`] tells, or [`crate::ErrorKind::Io`] if the last of the output cannot
    /// be written.
    fn stop(self: Box<Self>) -> Result<(), Error> {
        self.end().told().unwrap_or(Ok(()))
    }
}

/// An endpoint with its own clock.
pub trait Endpoint: Send {
    /// Rates of both directions; fixed for the endpoint's life.
    fn rates(&self) -> Rates;

    /// Where the far side acknowledges what it has played; `None` where what the callbacks give is as good as heard.
    fn playout(&self) -> Option<Playout> {
        None
    }

    /// Starts the callbacks; returns once the first playback callback has run, so that what is
    /// played from now on is heard from its first sample.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Device`] if the device cannot be opened or calls nobody back;
    /// [`crate::ErrorKind::TimedOut`] if a software endpoint exchanges no block.
    fn start(self: Box<Self>, io: EndpointIo) -> Result<Box<dyn Running>, Error>;
}
