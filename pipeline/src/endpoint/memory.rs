//! An endpoint in memory, for programs that have the audio already: push what was captured, pull
//! what is to be played, from any thread.
//!
//! Invariant: both queues are bounded. A full or empty queue makes the other side wait up to the
//! endpoint's patience; after that samples are dropped or silence is given, and both are counted.
//! With a patience of zero nothing waits, which suits a driver with its own clock.
//!
//! Life cycle: [`memory`] → [`MemoryInput::push`] and [`MemoryOutput::pull`] while the pipeline
//! exchanges → the last [`MemoryInput`] is dropped or closed → the pipeline sees
//! [`Flow::Ended`] → it drops the endpoint → `pull` gives the rest, then [`ErrorKind::Closed`].
//!
//! ```
//! use duologue_pipeline::endpoint::{Exchange, Flow, MemoryConfig, Rates, memory};
//! # fn main() -> Result<(), duologue_pipeline::Error> {
//! let rates = Rates { capture: 16_000, playback: 24_000 };
//! let (mut endpoint, input, output) = memory(MemoryConfig::new(rates))?;
//! assert_eq!(input.push(&[0.5; 160])?, 160);
//! drop(input);
//!
//! let mut captured = [0.0; 160];
//! assert_eq!(endpoint.exchange(&[0.25; 240], &mut captured)?, Flow::Continue);
//! assert_eq!(captured, [0.5; 160]);
//! assert_eq!(endpoint.exchange(&[0.25; 240], &mut captured)?, Flow::Ended);
//!
//! let mut played = [0.0; 480];
//! assert_eq!(output.pull(&mut played)?, 480);
//! assert_eq!(played, [0.25; 480]);
//! # Ok(())
//! # }
//! ```

use super::duplex::check_rate;
use super::{Exchange, Flow, Rates};
use crate::{Error, ErrorKind};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How a memory endpoint behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryConfig {
    /// Rates of both directions, multiples of 100 Hz.
    pub rates: Rates,
    /// What each queue holds, in ms; 20 to 60,000. Default 1,000.
    pub capacity_ms: u32,
    /// How long an exchange waits for a captured block, and for room for a played one. Default 0.
    pub patience: Duration,
}

impl MemoryConfig {
    /// The defaults at `rates`.
    pub fn new(rates: Rates) -> Self {
        Self { rates, capacity_ms: 1_000, patience: Duration::ZERO }
    }
}

/// What was lost so far, in samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryCounters {
    /// Pushed samples that did not fit.
    pub push_dropped: u64,
    /// Samples of silence captured because nothing was pushed in time.
    pub starved: u64,
    /// Played samples dropped, oldest first, because nobody pulled them in time.
    pub play_dropped: u64,
}

/// Makes an endpoint, its input and its output.
///
/// # Errors
/// [`ErrorKind::Config`] if a value is out of range.
pub fn memory(config: MemoryConfig) -> Result<(MemoryEndpoint, MemoryInput, MemoryOutput), Error> {
    check_rate("rates.capture", config.rates.capture)?;
    check_rate("rates.playback", config.rates.playback)?;
    if !(20..=60_000).contains(&config.capacity_ms) {
        let what = format!("capacity_ms: {}; choose 20 to 60000", config.capacity_ms);
        return Err(Error::new(ErrorKind::Config, what));
    }
    let captured = Arc::new(Queue::new(config.rates.capture, config.capacity_ms));
    let played = Arc::new(Queue::new(config.rates.playback, config.capacity_ms));
    let input = MemoryInput { queue: Writer::new(&captured) };
    let output = MemoryOutput { queue: played.clone() };
    let endpoint = MemoryEndpoint {
        rates: config.rates,
        patience: config.patience,
        captured,
        played: Writer::new(&played),
    };
    Ok((endpoint, input, output))
}

/// The pipeline's side.
pub struct MemoryEndpoint {
    rates: Rates,
    patience: Duration,
    captured: Arc<Queue>,
    played: Writer,
}

impl MemoryEndpoint {
    /// What was lost so far.
    pub fn counters(&self) -> MemoryCounters {
        counters(&self.captured, self.played.queue())
    }
}

impl Exchange for MemoryEndpoint {
    fn rates(&self) -> Rates {
        self.rates
    }

    fn exchange(&mut self, played: &[f32], captured: &mut [f32]) -> Result<Flow, Error> {
        let deadline = Instant::now() + self.patience;
        self.played.queue().push_newest(played, deadline);
        let Taken { samples: n, over, .. } = self.captured.take(captured, deadline);
        captured[n..].fill(0.0);
        if over {
            return Ok(if n == 0 { Flow::Ended } else { Flow::Continue });
        }
        self.captured.lock().starved += (captured.len() - n) as u64;
        Ok(Flow::Continue)
    }
}

impl Drop for MemoryEndpoint {
    fn drop(&mut self) {
        self.captured.lock().reader_gone = true;
        self.captured.changed.notify_all();
    }
}

/// Where captured samples are pushed; clone it to push from several threads. The source ends when
/// the last clone is dropped.
#[derive(Clone)]
pub struct MemoryInput {
    queue: Writer,
}

impl MemoryInput {
    /// Pushes what fits at once and gives how many samples that was; the rest is dropped and
    /// counted.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the endpoint is gone, or [`MemoryInput::close`] was called.
    pub fn push(&self, samples: &[f32]) -> Result<usize, Error> {
        let queue = self.queue.queue();
        let mut state = queue.writable()?;
        let n = queue.append(&mut state, samples);
        state.push_dropped += (samples.len() - n) as u64;
        Ok(n)
    }

    /// Pushes everything, waiting for room up to `timeout`; nothing is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if there was no room in time: the message says how many samples were
    /// taken. [`ErrorKind::Closed`] as for [`MemoryInput::push`].
    pub fn push_all(&self, samples: &[f32], timeout: Duration) -> Result<(), Error> {
        let queue = self.queue.queue();
        let deadline = Instant::now() + timeout;
        let mut done = 0;
        let mut state = queue.writable()?;
        loop {
            done += queue.append(&mut state, &samples[done..]);
            if done == samples.len() {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let what = format!(
                    "memory endpoint: full, {done} of {} samples taken within {} ms; push slower or wait longer",
                    samples.len(),
                    timeout.as_millis()
                );
                return Err(Error::new(ErrorKind::TimedOut, what));
            }
            state = queue.wait(state, left);
            if state.reader_gone || state.closed {
                return Err(gone());
            }
        }
    }

    /// Ends the source, whatever other clones there are.
    pub fn close(&self) {
        self.queue.queue().lock().closed = true;
        self.queue.queue().changed.notify_all();
    }

    /// Pushed samples that did not fit.
    pub fn dropped(&self) -> u64 {
        self.queue.queue().lock().push_dropped
    }
}

/// Where played samples are pulled.
pub struct MemoryOutput {
    queue: Arc<Queue>,
}

impl MemoryOutput {
    /// Takes what is there, up to `out.len()` samples, and gives how many.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] once the endpoint is gone and everything has been taken.
    pub fn pull(&self, out: &mut [f32]) -> Result<usize, Error> {
        self.pull_for(out, Duration::ZERO)
    }

    /// Fills `out`, waiting up to `timeout`; gives how many samples came.
    ///
    /// # Errors
    /// As for [`MemoryOutput::pull`].
    pub fn pull_for(&self, out: &mut [f32], timeout: Duration) -> Result<usize, Error> {
        Ok(self.pull_from(out, timeout)?.1)
    }

    /// As [`MemoryOutput::pull_for`]; gives as well which sample of all that were played is the first.
    pub(super) fn pull_from(&self, out: &mut [f32], timeout: Duration) -> Result<(u64, usize), Error> {
        let taken = self.queue.take(out, Instant::now() + timeout);
        if taken.samples == 0 && taken.over && !out.is_empty() {
            return Err(gone());
        }
        Ok((taken.end - taken.samples as u64, taken.samples))
    }

    /// Played samples dropped because they were not pulled in time.
    pub fn dropped(&self) -> u64 {
        self.queue.lock().play_dropped
    }
}

impl Drop for MemoryOutput {
    fn drop(&mut self) {
        self.queue.lock().reader_gone = true;
        self.queue.changed.notify_all();
    }
}

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
}

/// What came out of a queue.
struct Taken {
    samples: usize,
    /// Index one past the last of them, of all that ever went in.
    end: u64,
    /// No more will come.
    over: bool,
}

#[derive(Default)]
struct State {
    samples: VecDeque<f32>,
    /// Index of the first of them, of all that ever went in.
    front: u64,
    closed: bool,
    reader_gone: bool,
    push_dropped: u64,
    starved: u64,
    play_dropped: u64,
}

impl Queue {
    fn new(rate: u32, capacity_ms: u32) -> Self {
        let capacity = (u64::from(rate) * u64::from(capacity_ms) / 1_000) as usize;
        let state = State { samples: VecDeque::with_capacity(capacity), ..State::default() };
        Self { state: Mutex::new(state), changed: Condvar::new(), capacity }
    }

    /// A panic elsewhere leaves the queue as it is, which is never half-changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, at_most: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner).0
    }

    fn writable(&self) -> Result<MutexGuard<'_, State>, Error> {
        let state = self.lock();
        if state.reader_gone || state.closed { Err(gone()) } else { Ok(state) }
    }

    fn append(&self, state: &mut State, samples: &[f32]) -> usize {
        let n = samples.len().min(self.capacity - state.samples.len());
        state.samples.extend(&samples[..n]);
        self.changed.notify_all();
        n
    }

    /// Appends all of `samples`; what has no room by the deadline pushes out the oldest.
    fn push_newest(&self, samples: &[f32], deadline: Instant) {
        let mut state = self.lock();
        loop {
            if state.reader_gone {
                return;
            }
            let excess = (state.samples.len() + samples.len()).saturating_sub(self.capacity);
            let left = deadline.saturating_duration_since(Instant::now());
            if excess == 0 || left.is_zero() {
                state.samples.drain(..excess);
                state.front += excess as u64;
                state.play_dropped += excess as u64;
                self.append(&mut state, samples);
                return;
            }
            state = self.wait(state, left);
        }
    }

    /// Fills `out` by the deadline.
    fn take(&self, out: &mut [f32], deadline: Instant) -> Taken {
        let mut state = self.lock();
        let mut n = 0;
        loop {
            let more = (out.len() - n).min(state.samples.len());
            for (to, from) in out[n..].iter_mut().zip(state.samples.drain(..more)) {
                *to = from;
            }
            n += more;
            state.front += more as u64;
            if more > 0 {
                self.changed.notify_all();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if n == out.len() || state.closed || left.is_zero() {
                let over = state.closed && state.samples.is_empty();
                return Taken { samples: n, end: state.front, over };
            }
            state = self.wait(state, left);
        }
    }
}

/// A writer's claim on a queue: dropping the last clone closes it.
#[derive(Clone)]
struct Writer(Arc<Claim>);

struct Claim(Arc<Queue>);

impl Writer {
    fn new(queue: &Arc<Queue>) -> Self {
        Self(Arc::new(Claim(queue.clone())))
    }

    fn queue(&self) -> &Queue {
        &self.0.0
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

fn counters(captured: &Queue, played: &Queue) -> MemoryCounters {
    let play_dropped = played.lock().play_dropped;
    let captured = captured.lock();
    MemoryCounters { push_dropped: captured.push_dropped, starved: captured.starved, play_dropped }
}

fn gone() -> Error {
    Error::new(ErrorKind::Closed, "memory endpoint: the other side is gone; build a new pipeline")
}
