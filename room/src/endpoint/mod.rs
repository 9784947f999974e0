//! A room as an endpoint of the pipeline: what the linked participant says is captured, what the agent
//! says goes into the published track.
//!
//! A thread of its own moves 10 ms each way by an absolute schedule. The track is published with a queue
//! of 0 ms: a block that was rendered is the encoder's at once, so nothing has to be thrown away at a
//! yield, and what the pipeline counts as played is what the room was sent. While the connection is being
//! mended, and before anybody can hear the track, nothing is rendered: the agent waits, and goes on with
//! the next sample.
//!
//! Invariant: the ear gets a steady stream, silence where nobody is listened to ([`inflow`]); a block
//! that the engine refused is followed by silence until it takes blocks again.
//!
//! Life cycle: [`RoomEndpoint::new`] → given to a session; its [`EndpointControl`] says what is listened
//! to, and when it is over → the pipeline stops it.

mod driver;
pub mod inflow;
mod inlet;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use duologue_pipeline::endpoint::{End, Endpoint, EndpointIo, Rates, Running};
use duologue_pipeline::resample::Resampler;
use duologue_pipeline::{Error as PipelineError, ErrorKind as PipelineErrorKind};
use tokio::runtime::Handle;

use crate::engine::{AudioFormat, AudioTrackOptions, LocalAudio, RemoteAudio};
use crate::preconnect::Sound;
use crate::{Error, ErrorKind};
use driver::Driver;
use inflow::InflowStats;
use inlet::Inlet;

/// Rate of both directions, in Hz: LiveKit's own.
pub const RATE: u32 = 48_000;
/// Samples of a block: 10 ms.
pub const BLOCK: usize = 480;
/// How long the thread may take to its first block, and to its end.
const DEADLINE: Duration = Duration::from_secs(5);
/// Frames that wait before the pipeline runs: three seconds, so that no first word is lost.
const EARLY_FRAMES: usize = 300;

/// How the agent's track is published: as existing frontends expect it, without a queue.
pub fn track_options() -> AudioTrackOptions {
    AudioTrackOptions { rate: RATE, queue_ms: 0, ..AudioTrackOptions::default() }
}

/// How a participant's track is listened to.
pub fn listen_format() -> AudioFormat {
    AudioFormat { rate: RATE, frame_ms: 10, queue_frames: EARLY_FRAMES }
}

/// What the endpoint did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndpointStats {
    /// How the captured sound was kept to the clock, in samples.
    pub inflow: InflowStats,
    /// Blocks that the engine took.
    pub written: u64,
    /// Blocks that it refused, or took too long over.
    pub refused: u64,
    /// When the engine last took a block that was not silent.
    pub last_sound: Option<Instant>,
    /// Milliseconds by which the schedule had to move because the thread did not run.
    pub stalled_ms: u64,
}

#[derive(Debug, Default)]
struct Shared {
    inlet: Mutex<Inlet>,
    /// Nothing is rendered.
    held: AtomicBool,
    stop: AtomicBool,
    end: End,
    stats: Mutex<EndpointStats>,
}

impl Shared {
    fn inlet(&self) -> MutexGuard<'_, Inlet> {
        self.inlet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end_with(&self, result: Result<(), PipelineError>) {
        // The first end is the reason: what fails after the room was left is no news.
        if self.end.told().is_none() {
            self.end.tell(result);
        }
    }
}

/// A room, for the pipeline.
pub struct RoomEndpoint {
    track: Arc<dyn LocalAudio>,
    runtime: Handle,
    shared: Arc<Shared>,
}

impl RoomEndpoint {
    /// An endpoint that speaks into `track`, which was published with [`track_options`] and is written to
    /// by nobody else, and a hand on it. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a track of another rate, or outside a runtime.
    pub fn new(track: Arc<dyn LocalAudio>) -> Result<(Self, EndpointControl), Error> {
        if track.rate() != RATE {
            let what = format!("the agent's track has {} Hz; publish it with {RATE}", track.rate());
            return Err(Error::new(ErrorKind::Config, what));
        }
        let runtime = Handle::try_current().map_err(|_| {
            Error::new(
                ErrorKind::Config,
                "a room's endpoint is made within a tokio runtime; call it from async code",
            )
        })?;
        let shared = Arc::new(Shared::default());
        let control = EndpointControl { shared: Arc::clone(&shared) };
        Ok((Self { track, runtime, shared }, control))
    }
}

/// A hand on a room's endpoint. Clones mean the same endpoint.
#[derive(Clone, Debug)]
pub struct EndpointControl {
    shared: Arc<Shared>,
}

impl EndpointControl {
    /// Listens to `audio` from now on. If a `recording` of what was said before is on its way, the live
    /// sound waits for it, at most [`PATIENCE`](crate::preconnect::PATIENCE).
    pub fn listen(&self, audio: RemoteAudio, recording: bool) {
        self.shared.inlet().listen(audio, recording);
    }

    /// What was said before the sound that is listened to; `None` if nothing comes.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a rate that cannot be resampled.
    pub fn prepend(&self, recording: Option<Sound>) -> Result<(), Error> {
        let samples = recording.map(|sound| to_rate(&sound)).transpose();
        let (samples, outcome) = match samples {
            Ok(samples) => (samples, Ok(())),
            Err(error) => (None, Err(error)),
        };
        self.shared.inlet().prepend(samples);
        outcome
    }

    /// Listens to nobody: the agent hears silence.
    pub fn deafen(&self) {
        self.shared.inlet().deafen();
    }

    /// Renders nothing until it is let go: what the agent says waits.
    pub fn hold(&self, held: bool) {
        self.shared.held.store(held, Ordering::Release);
    }

    /// The room is over; with an error if it failed. The session that runs on it closes.
    pub fn end(&self, result: Result<(), Error>) {
        let failed = |error: Error| PipelineError::new(PipelineErrorKind::Closed, error.to_string());
        self.shared.end_with(result.map_err(failed));
    }

    /// What the endpoint did so far.
    pub fn stats(&self) -> EndpointStats {
        *self.shared.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn to_rate(sound: &Sound) -> Result<Vec<f32>, Error> {
    if sound.rate == RATE {
        return Ok(sound.samples.clone());
    }
    let mut resampler =
        Resampler::new(sound.rate, RATE).map_err(|error| Error::new(ErrorKind::Config, error.to_string()))?;
    let mut samples = Vec::with_capacity(sound.samples.len() * RATE as usize / sound.rate.max(1) as usize);
    resampler.process(&sound.samples, &mut |out| samples.extend_from_slice(out));
    Ok(samples)
}

impl Endpoint for RoomEndpoint {
    fn rates(&self) -> Rates {
        Rates { capture: RATE, playback: RATE }
    }

    fn start(self: Box<Self>, io: EndpointIo) -> Result<Box<dyn Running>, PipelineError> {
        let (ready_sender, ready) = sync_channel(1);
        let (done_sender, done) = sync_channel(1);
        let driver = Driver::new(io, self.track, self.runtime, Arc::clone(&self.shared));
        std::thread::Builder::new()
            .name("room-endpoint".into())
            .spawn(move || driver.run(ready_sender, &done_sender))
            .map_err(|e| {
                PipelineError::new(PipelineErrorKind::Device, format!("cannot start the room's thread: {e}"))
            })?;
        let running = RoomRunning { shared: self.shared, done };
        match ready.recv_timeout(DEADLINE) {
            Ok(()) => Ok(Box::new(running)),
            Err(_) => {
                let what = "the room's thread moved no block within 5 s; the machine is too busy";
                Err(PipelineError::new(PipelineErrorKind::TimedOut, what))
            }
        }
    }
}

struct RoomRunning {
    shared: Arc<Shared>,
    done: Receiver<()>,
}

impl RoomRunning {
    fn halt(&self) -> Result<(), PipelineError> {
        self.shared.stop.store(true, Ordering::Release);
        match self.done.recv_timeout(DEADLINE) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => self.shared.end.told().unwrap_or(Ok(())),
            Err(RecvTimeoutError::Timeout) => {
                let what = "the room's thread did not stop within 5 s and was left behind";
                Err(PipelineError::new(PipelineErrorKind::TimedOut, what))
            }
        }
    }
}

impl Running for RoomRunning {
    fn end(&self) -> End {
        self.shared.end.clone()
    }

    fn stop(self: Box<Self>) -> Result<(), PipelineError> {
        self.halt()
    }
}

impl Drop for RoomRunning {
    fn drop(&mut self) {
        if let Err(error) = self.halt() {
            tracing::debug!("the room's endpoint stopped: {error}");
        }
    }
}
