//! A pipeline in simulated time: the same stages, stepped 10 ms at a time by whoever holds it.
//!
//! Nothing runs between two steps, and computing takes no simulated time, so a run is repeatable and
//! as fast as the machine allows. The responder is called inline and must not wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::Error;
use crate::assembly::{Builder, Parts};
use crate::conversation::{Conversation, Input};
use crate::endpoint::{Exchange, Flow};
use crate::handle::Handle;
use crate::stages::Clock;

/// Length of one step.
pub const STEP: Duration = Duration::from_millis(10);
/// Rounds in which stages may wake each other within one step; more would be a livelock.
const ROUNDS: usize = 1_000;

/// A pipeline whose time is stepped.
pub struct Simulation<E: Exchange> {
    exchange: E,
    parts: Parts,
    nanos: Arc<AtomicU64>,
    played: Vec<f32>,
    captured: Vec<f32>,
    flow: Flow,
}

impl Builder {
    /// A pipeline in simulated time over `exchange`; it is ready when this returns.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub fn simulate<E: Exchange>(self, exchange: E) -> Result<Simulation<E>, Error> {
        let rates = exchange.rates();
        let nanos = Arc::new(AtomicU64::new(0));
        let parts = self.assemble(rates, exchange.playout(), Clock::Simulated(Arc::clone(&nanos)), false)?;
        parts.handle.input(Input::Ready)?;
        let mut simulation = Simulation {
            exchange,
            parts,
            nanos,
            played: vec![0.0; rates.playback as usize / 100],
            captured: vec![0.0; rates.capture as usize / 100],
            flow: Flow::Continue,
        };
        simulation.settle();
        Ok(simulation)
    }
}

impl<E: Exchange> Simulation<E> {
    /// Lets 10 ms pass.
    ///
    /// # Errors
    /// As [`Exchange::exchange`].
    pub fn step(&mut self) -> Result<Flow, Error> {
        self.parts.renderer.render(&mut self.played);
        self.flow = self.exchange.exchange(&self.played, &mut self.captured)?;
        self.parts.capture.push(&self.captured);
        self.nanos.fetch_add(STEP.as_nanos() as u64, Ordering::Relaxed);
        self.parts.ear.step();
        self.settle();
        Ok(self.flow)
    }

    /// Lets `duration` pass.
    ///
    /// # Errors
    /// As [`Simulation::step`].
    pub fn run_for(&mut self, duration: Duration) -> Result<(), Error> {
        let end = self.now() + duration;
        while self.now() < end {
            self.step()?;
        }
        Ok(())
    }

    /// Steps until `done` says so, at most `limit`; returns whether it did.
    ///
    /// # Errors
    /// As [`Simulation::step`].
    pub fn run_until(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&mut Self) -> bool,
    ) -> Result<bool, Error> {
        let end = self.now() + limit;
        while self.now() < end {
            self.step()?;
            if done(self) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Simulated time since the start.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }

    /// Whether the source has ended.
    pub fn flow(&self) -> Flow {
        self.flow
    }

    /// The endpoint.
    pub fn exchange(&mut self) -> &mut E {
        &mut self.exchange
    }

    /// The conversation, to look at.
    pub fn conversation(&self) -> &Conversation {
        self.parts.director.conversation()
    }

    /// Closes the pipeline and gives the endpoint back, flushed.
    ///
    /// # Errors
    /// As [`Exchange::finish`].
    pub fn finish(mut self) -> Result<E, Error> {
        self.exchange.finish()?;
        self.parts.handle.says.close();
        self.parts.handle.events.close();
        Ok(self.exchange)
    }

    /// Runs the stages until none has anything left to do; no time passes. For orders and replies
    /// that came from outside since the last step.
    pub fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let mut progressed = self.parts.scribe.step(None);
            progressed |= self.parts.turn.as_mut().is_some_and(|turn| turn.step(None));
            progressed |= self.parts.director.step(None);
            progressed |= self.parts.mouth.step(None);
            if !progressed {
                return;
            }
        }
    }
}

impl<E: Exchange> std::ops::Deref for Simulation<E> {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.parts.handle
    }
}
