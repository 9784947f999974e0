//! An endpoint whose ears and mouth are elsewhere: a browser, a telephone, a client of a server.
//!
//! Frames come in from the far side and go out to it, each with its position in the stream; the far side says how far
//! it has played ([`RemoteOutput::acknowledge`]). What counts as heard, and where the history is cut when the user
//! interrupts, follows from that: not from what was sent.
//!
//! Invariants: both queues are bounded, nothing waits for the far side, and what is lost is counted. What was sent
//! longer than the patience ago counts as played, so a far side that never acknowledges stalls no turn.
//!
//! Life cycle: [`remote`] → [`super::Paced::real_time`] → [`crate::Builder::start`] → frames, acknowledgements → the
//! last [`MemoryInput`] is dropped or closed → the pipeline sees [`Flow::Ended`] → it drops the endpoint →
//! [`RemoteOutput::pull`] gives the rest, then [`crate::ErrorKind::Closed`].
//!
//! ```
//! use std::time::Duration;
//! use duologue_pipeline::endpoint::{Exchange, Rates, RemoteConfig, remote};
//! # fn main() -> Result<(), duologue_pipeline::Error> {
//! let rates = Rates { capture: 16_000, playback: 24_000 };
//! let (mut endpoint, input, output) = remote(RemoteConfig::new(rates))?;
//! input.push(&[0.5; 160])?;
//! endpoint.exchange(&[0.25; 240], &mut [0.0; 160])?;
//!
//! let mut frame = [0.0; 240];
//! let sent = output.pull(&mut frame, Duration::ZERO)?;
//! assert_eq!((sent.position, sent.samples), (0, 240));
//! output.acknowledge(sent.position + 240);
//! # Ok(())
//! # }
//! ```

use std::time::Duration;

use super::memory::{MemoryConfig, MemoryCounters, MemoryEndpoint, MemoryInput, MemoryOutput, memory};
use super::{Exchange, Flow, Rates};
use crate::Error;
use crate::playout::Playout;

/// How a remote endpoint behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteConfig {
    /// Rates of both directions, multiples of 100 Hz.
    pub rates: Rates,
    /// What each queue holds, in ms; 20 to 60,000. Default 1,000.
    pub capacity_ms: u32,
    /// How long the far side may take to acknowledge what it was sent; 20 ms to 60 s. Default 2 s: more than a
    /// buffer of half a second and a round trip over a bad mobile network need.
    pub patience: Duration,
}

impl RemoteConfig {
    /// The defaults at `rates`.
    #[must_use]
    pub fn new(rates: Rates) -> Self {
        Self { rates, capacity_ms: 1_000, patience: Duration::from_secs(2) }
    }
}

/// Makes an endpoint, where its far side's sound goes in, and where what it is to play comes out.
///
/// # Errors
/// [`crate::ErrorKind::Config`] if a value is out of range.
pub fn remote(config: RemoteConfig) -> Result<(RemoteEndpoint, MemoryInput, RemoteOutput), Error> {
    let RemoteConfig { rates, capacity_ms, patience } = config;
    let playout = Playout::new(rates.playback, patience)?;
    let (memory, input, output) = memory(MemoryConfig { capacity_ms, ..MemoryConfig::new(rates) })?;
    let endpoint = RemoteEndpoint { memory, playout: playout.clone() };
    Ok((endpoint, input, RemoteOutput { memory: output, playout }))
}

/// The pipeline's side of a remote endpoint.
pub struct RemoteEndpoint {
    memory: MemoryEndpoint,
    playout: Playout,
}

impl RemoteEndpoint {
    /// What was lost so far.
    #[must_use]
    pub fn counters(&self) -> MemoryCounters {
        self.memory.counters()
    }
}

impl Exchange for RemoteEndpoint {
    fn rates(&self) -> Rates {
        self.memory.rates()
    }

    fn exchange(&mut self, played: &[f32], captured: &mut [f32]) -> Result<Flow, Error> {
        self.memory.exchange(played, captured)
    }

    fn playout(&self) -> Option<Playout> {
        Some(self.playout.clone())
    }
}

/// Where in the stream pulled samples lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// Index of the first, counted from the stream's first sample. Where it is more than the end of what was pulled
    /// before, samples between them were dropped because nobody pulled them in time.
    pub position: u64,
    /// How many there are.
    pub samples: usize,
}

/// What the far side is to play, and what it says that it has played.
pub struct RemoteOutput {
    memory: MemoryOutput,
    playout: Playout,
}

impl RemoteOutput {
    /// Fills `frame`, waiting up to `timeout`; tells where in the stream it lies and how many samples came.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Closed`] once the endpoint is gone and everything has been taken.
    pub fn pull(&self, frame: &mut [f32], timeout: Duration) -> Result<Pulled, Error> {
        let (position, samples) = self.memory.pull_from(frame, timeout)?;
        Ok(Pulled { position, samples })
    }

    /// The far side has played everything before `position`. Nothing it says can be taken back, and nothing that
    /// was not sent counts as played.
    pub fn acknowledge(&self, position: u64) {
        self.playout.acknowledge(position);
    }

    /// What has been acknowledged; its clones acknowledge from other threads.
    #[must_use]
    pub fn playout(&self) -> &Playout {
        &self.playout
    }

    /// Samples dropped, oldest first, because nobody pulled them in time.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.memory.dropped()
    }
}
