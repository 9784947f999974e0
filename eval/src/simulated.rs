//! A session in simulated time: pipeline and tokio's clock advance together, 10 ms at a time, and
//! everything that can run does before the next step. The same inputs give the same conversation.

use std::future::Future;
use std::time::Duration;

use duologue_agent::{Agent, AgentSession, Error, ErrorKind};
use duologue_pipeline::endpoint::Exchange;
use duologue_pipeline::{Builder, STEP, Simulation};
use tokio::runtime::Runtime;

/// A session whose time is stepped. Works of the session that wait for sockets or other threads see
/// time jump: models and stores must be in process.
pub struct SimulatedSession<E: Exchange, U: Send + Sync + 'static = ()> {
    session: AgentSession<U>,
    simulation: Simulation<E>,
    runtime: Runtime,
}

impl<E: Exchange, U: Send + Sync + 'static> SimulatedSession<E, U> {
    /// Starts `session` with `agent` over `pipeline` and `exchange`.
    ///
    /// # Errors
    /// As [`AgentSession::start`].
    pub fn start(
        session: AgentSession<U>,
        agent: impl Agent<U>,
        pipeline: Builder,
        exchange: E,
    ) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .map_err(|error| Error::new(ErrorKind::Config, format!("no tokio runtime: {error}")))?;
        let entered = runtime.enter();
        let simulation = session.start_simulation(agent, pipeline, exchange)?;
        drop(entered);
        Ok(Self { session, simulation, runtime })
    }

    /// The session.
    pub fn session(&self) -> &AgentSession<U> {
        &self.session
    }

    /// The pipeline.
    pub fn simulation(&mut self) -> &mut Simulation<E> {
        &mut self.simulation
    }

    /// Lets 10 ms pass.
    ///
    /// # Errors
    /// [`ErrorKind::Pipeline`] if the endpoint fails.
    pub fn step(&mut self) -> Result<(), Error> {
        self.simulation.step()?;
        // A paused clock moves on only when nothing can run.
        self.runtime.block_on(async { tokio::time::sleep(STEP).await });
        self.simulation.settle();
        Ok(())
    }

    /// Lets `duration` pass.
    ///
    /// # Errors
    /// As [`SimulatedSession::step`].
    pub fn run_for(&mut self, duration: Duration) -> Result<(), Error> {
        self.run_until(duration, |_| false).map(drop)
    }

    /// Steps until `done` says so, at most `limit`; returns whether it did.
    ///
    /// # Errors
    /// As [`SimulatedSession::step`].
    pub fn run_until(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&mut Self) -> bool,
    ) -> Result<bool, Error> {
        let end = self.simulation.now() + limit;
        while self.simulation.now() < end {
            self.step()?;
            if done(self) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Runs `work` on the session's runtime while time passes, at most `limit`.
    ///
    /// # Errors
    /// As [`SimulatedSession::step`]; [`ErrorKind::TimedOut`] if it has not ended by then.
    pub fn drive<T: Send + 'static>(
        &mut self,
        limit: Duration,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error> {
        let task = self.runtime.spawn(work);
        if !self.run_until(limit, |_| task.is_finished())? {
            return Err(Error::new(ErrorKind::TimedOut, format!("nothing came of it within {limit:?}")));
        }
        self.runtime
            .block_on(task)
            .map_err(|error| Error::new(ErrorKind::Tool, format!("it did not come to its end: {error}")))
    }

    /// Closes the session as time passes.
    ///
    /// # Errors
    /// As [`SimulatedSession::drive`].
    pub fn close(&mut self) -> Result<(), Error> {
        let session = self.session.clone();
        self.drive(Duration::from_secs(120), async move { session.close().await })
    }
}
