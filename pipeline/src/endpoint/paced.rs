//! Gives a software endpoint a clock: a thread that exchanges blocks in real time, or as fast as
//! the ear gets through them.
//!
//! Invariant: block `n` is exchanged no sooner than `n · 10 ms` after the start, counted from one
//! instant, so nothing drifts. After a stall the missed blocks are made up for at once if they are
//! few; otherwise the schedule moves, and the log says by how much.
//!
//! Life cycle: [`Paced::real_time`] → [`Endpoint::start`] → blocks → the handle is stopped or
//! dropped → [`Exchange::finish`] → the thread ends.
//!
//! ```
//! use duologue_pipeline::endpoint::{Discard, Duplex, Endpoint, Paced, Silence};
//! # fn main() -> Result<(), duologue_pipeline::Error> {
//! let exchange = Duplex::new(Silence::endless(16_000), Discard::new(24_000))?;
//! let endpoint = Paced::real_time(exchange);
//! assert_eq!(endpoint.rates().capture, 16_000);
//! # Ok(())
//! # }
//! ```

use super::{End, Endpoint, EndpointIo, Exchange, Flow, Playout, Rates, Running};
use crate::{Error, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

const BLOCK: Duration = Duration::from_millis(10);
/// How late the thread may be and still make up for it.
const CATCH_UP: Duration = Duration::from_millis(200);
/// How long the first block may take, the last, and the ear over one block.
const DEADLINE: Duration = Duration::from_secs(5);
/// Blocks that the ear may be behind while it is followed: one at work, one to go on with.
const LEAD: u64 = 2;
/// How long a following thread waits before it looks again at how far the ear is.
const POLL: Duration = Duration::from_micros(200);

/// When the next block is exchanged.
#[derive(Clone, Debug)]
pub enum Pace {
    /// Every 10 ms.
    RealTime,
    /// As soon as the ear is done with all but the last two blocks: for files, and for sources that
    /// are a clock themselves, such as a live pipe. The ear stores here how many samples it is done
    /// with, at the capture rate.
    Following(Arc<AtomicU64>),
}

/// A software endpoint with a clock.
pub struct Paced<E> {
    exchange: E,
    pace: Pace,
}

impl<E: Exchange + 'static> Paced<E> {
    /// Exchanges a block every 10 ms.
    pub fn real_time(exchange: E) -> Self {
        Self::new(exchange, Pace::RealTime)
    }

    /// Exchanges blocks as fast as the ear gets through them; see [`Pace::Following`] for `done`.
    pub fn following(exchange: E, done: Arc<AtomicU64>) -> Self {
        Self::new(exchange, Pace::Following(done))
    }

    /// Exchanges blocks at `pace`.
    pub fn new(exchange: E, pace: Pace) -> Self {
        Self { exchange, pace }
    }
}

impl<E: Exchange + 'static> Endpoint for Paced<E> {
    fn rates(&self) -> Rates {
        self.exchange.rates()
    }

    fn playout(&self) -> Option<Playout> {
        self.exchange.playout()
    }

    fn start(self: Box<Self>, io: EndpointIo) -> Result<Box<dyn Running>, Error> {
        let shared = Arc::new(Shared::default());
        let (ready_sender, ready) = sync_channel(1);
        let (done_sender, done) = sync_channel(1);
        let driver = Driver {
            exchange: self.exchange,
            pace: self.pace,
            io,
            shared: shared.clone(),
            ready: Some(ready_sender),
            done: done_sender,
        };
        std::thread::Builder::new()
            .name("paced-endpoint".into())
            .spawn(move || driver.run())
            .map_err(|e| Error::new(ErrorKind::Device, format!("cannot start the endpoint's thread: {e}")))?;
        let running = PacedRunning { shared, done };
        match ready.recv_timeout(DEADLINE) {
            Ok(()) => Ok(Box::new(running)),
            Err(RecvTimeoutError::Timeout) => {
                let what =
                    "the endpoint exchanged no block within 5 s; check what it reads from and writes to";
                Err(Error::new(ErrorKind::TimedOut, what))
            }
            Err(RecvTimeoutError::Disconnected) => Err(running.shared.failure()),
        }
    }
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    end: End,
}

impl Shared {
    fn failure(&self) -> Error {
        match self.end.told() {
            Some(Err(e)) => e,
            _ => Error::new(ErrorKind::Closed, "the endpoint's thread has gone; build a new pipeline"),
        }
    }
}

struct Driver<E> {
    exchange: E,
    pace: Pace,
    io: EndpointIo,
    shared: Arc<Shared>,
    /// Sent to after the first block, then dropped.
    ready: Option<SyncSender<()>>,
    done: SyncSender<Result<(), Error>>,
}

impl<E: Exchange> Driver<E> {
    fn run(mut self) {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let driven = self.drive();
            driven.and(self.exchange.finish())
        }));
        let outcome = outcome.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Closed, "the endpoint panicked; build a new pipeline"))
        });
        if let Err(e) = &outcome {
            tracing::error!("endpoint failed: {e}");
            self.shared.end.tell(Err(e.clone()));
        }
        // Nobody waits any more if the handle has given up.
        let _ = self.done.try_send(outcome);
    }

    fn drive(&mut self) -> Result<(), Error> {
        let rates = self.exchange.rates();
        let mut played = vec![0.0; (rates.playback / 100) as usize];
        let mut captured = vec![0.0; (rates.capture / 100) as usize];
        let mut clock = Clock::start();
        let mut ended = false;
        while !self.shared.stop.load(Ordering::Relaxed) {
            if !self.wait(&mut clock, captured.len() as u64)? {
                continue;
            }
            self.io.playback.render(&mut played);
            let flow = self.exchange.exchange(&played, &mut captured)?;
            self.io.capture.push(&captured);
            if let Some(ready) = self.ready.take() {
                let _ = ready.try_send(());
            }
            if flow == Flow::Ended && !ended {
                ended = true;
                self.shared.end.tell(Ok(()));
            }
        }
        Ok(())
    }

    /// Whether it is time for the next block; sleeps at most one block's length.
    fn wait(&mut self, clock: &mut Clock, block: u64) -> Result<bool, Error> {
        let Pace::Following(done) = &self.pace else {
            let moved = clock.wait();
            if !moved.is_zero() {
                tracing::warn!("endpoint stalled: its schedule moved by {} ms", moved.as_millis());
            }
            return Ok(true);
        };
        let behind = self.io.capture.captured().saturating_sub(done.load(Ordering::Acquire));
        if behind < LEAD * block {
            clock.due = Instant::now();
            return Ok(true);
        }
        if clock.due.elapsed() > DEADLINE {
            let what = "the ear took no block for 5 s, so the endpoint stopped; build a new pipeline";
            return Err(Error::new(ErrorKind::TimedOut, what));
        }
        std::thread::sleep(POLL);
        Ok(false)
    }
}

/// An absolute schedule of blocks.
struct Clock {
    due: Instant,
}

impl Clock {
    fn start() -> Self {
        Self { due: Instant::now() }
    }

    /// Waits for the next block; gives by how much the schedule had to move.
    fn wait(&mut self) -> Duration {
        let now = Instant::now();
        if let Some(left) = self.due.checked_duration_since(now) {
            std::thread::sleep(left);
            self.due += BLOCK;
            return Duration::ZERO;
        }
        let late = now - self.due;
        let moved = if late > CATCH_UP { late } else { Duration::ZERO };
        self.due += moved + BLOCK;
        moved
    }
}

struct PacedRunning {
    shared: Arc<Shared>,
    done: Receiver<Result<(), Error>>,
}

impl PacedRunning {
    fn halt(&self) -> Result<(), Error> {
        self.shared.stop.store(true, Ordering::Relaxed);
        match self.done.recv_timeout(DEADLINE) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Disconnected) => self.shared.end.told().unwrap_or(Ok(())),
            Err(RecvTimeoutError::Timeout) => {
                let what =
                    "the endpoint did not stop within 5 s and was left behind; check what it writes to";
                Err(Error::new(ErrorKind::TimedOut, what))
            }
        }
    }
}

impl Running for PacedRunning {
    fn end(&self) -> End {
        self.shared.end.clone()
    }

    fn stop(self: Box<Self>) -> Result<(), Error> {
        self.halt()
    }
}

impl Drop for PacedRunning {
    fn drop(&mut self) {
        if let Err(e) = self.halt() {
            tracing::error!("endpoint stopped with an error: {e}");
        }
    }
}
