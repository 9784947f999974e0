//! An exchange made of one source and one sink.
//!
//! Invariant: every block is 10 ms, so both sides advance together whatever their rates.
//!
//! Life cycle: [`Duplex::new`] → [`Exchange::exchange`] until [`Flow::Ended`], and longer if the
//! answer is to be heard out → [`Exchange::finish`].
//!
//! ```
//! use duologue_pipeline::endpoint::{Discard, Duplex, Exchange, Flow, Silence};
//! # fn main() -> Result<(), duologue_pipeline::Error> {
//! let mut endpoint = Duplex::new(Silence::lasting(16_000, 20), Discard::new(24_000))?;
//! let (played, mut captured) = ([0.0; 240], [1.0; 160]);
//! assert_eq!(endpoint.exchange(&played, &mut captured)?, Flow::Continue);
//! assert_eq!(endpoint.exchange(&played, &mut captured)?, Flow::Continue);
//! assert_eq!(endpoint.exchange(&played, &mut captured)?, Flow::Ended);
//! endpoint.finish()?;
//! # Ok(())
//! # }
//! ```

use super::{Exchange, Flow, Rates};
use crate::wav::RATES;
use crate::{Error, ErrorKind};

/// Where captured sound comes from, 10 ms at a time.
pub trait Source: Send {
    /// Rate in Hz, a multiple of 100; fixed for the source's life.
    fn rate(&self) -> u32;

    /// Fills `block` (`rate() / 100` mono samples, ±1.0). The last samples come with
    /// [`Flow::Continue`], padded with silence; [`Flow::Ended`] comes with silence alone.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] or [`ErrorKind::InvalidAudio`]; the source is then over.
    fn read(&mut self, block: &mut [f32]) -> Result<Flow, Error>;
}

/// Where played sound goes, 10 ms at a time.
pub trait Sink: Send {
    /// Rate in Hz, a multiple of 100; fixed for the sink's life.
    fn rate(&self) -> u32;

    /// Takes one `block` (`rate() / 100` mono samples, ±1.0).
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; the sink is then over.
    fn write(&mut self, block: &[f32]) -> Result<(), Error>;

    /// Flushes and closes.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the last of the output cannot be written.
    fn finish(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn rate(&self) -> u32 {
        (**self).rate()
    }

    fn read(&mut self, block: &mut [f32]) -> Result<Flow, Error> {
        (**self).read(block)
    }
}

impl<S: Sink + ?Sized> Sink for Box<S> {
    fn rate(&self) -> u32 {
        (**self).rate()
    }

    fn write(&mut self, block: &[f32]) -> Result<(), Error> {
        (**self).write(block)
    }

    fn finish(&mut self) -> Result<(), Error> {
        (**self).finish()
    }
}

/// A source and a sink, exchanged together.
pub struct Duplex<S, K> {
    source: S,
    sink: K,
    rates: Rates,
}

impl<S: Source, K: Sink> Duplex<S, K> {
    /// Joins `source` and `sink`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if a rate is not a multiple of 100 Hz within 8–192 kHz: 10 ms would
    /// not be a whole number of samples.
    pub fn new(source: S, sink: K) -> Result<Self, Error> {
        let rates = Rates { capture: source.rate(), playback: sink.rate() };
        check_rate("source rate", rates.capture)?;
        check_rate("sink rate", rates.playback)?;
        Ok(Self { source, sink, rates })
    }

    /// The source, e.g. to ask what it counted.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// The sink, e.g. to ask what it counted.
    pub fn sink(&self) -> &K {
        &self.sink
    }
}

impl<S: Source, K: Sink> Exchange for Duplex<S, K> {
    fn rates(&self) -> Rates {
        self.rates
    }

    fn exchange(&mut self, played: &[f32], captured: &mut [f32]) -> Result<Flow, Error> {
        self.sink.write(played)?;
        self.source.read(captured)
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.sink.finish()
    }
}

/// Whether blocks of 10 ms are whole at `rate`; `key` names the value in the message.
pub(super) fn check_rate(key: &str, rate: u32) -> Result<(), Error> {
    if RATES.contains(&rate) && rate.is_multiple_of(100) {
        return Ok(());
    }
    let (lo, hi) = (RATES.start(), RATES.end());
    let what = format!("{key}: {rate} Hz; choose a multiple of 100 Hz from {lo} to {hi} Hz");
    Err(Error::new(ErrorKind::Config, what))
}
