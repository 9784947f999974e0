//! The thread that moves 10 ms each way.

use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use duologue_pipeline::capture::CaptureWriter;
use duologue_pipeline::endpoint::EndpointIo;
use duologue_pipeline::playback::Renderer;
use duologue_pipeline::{Error as PipelineError, ErrorKind as PipelineErrorKind};
use tokio::runtime::Handle;

use super::inlet::Intake;
use super::{BLOCK, Shared};
use crate::engine::LocalAudio;
use crate::{Error, ErrorKind};

const TICK: Duration = Duration::from_millis(10);
/// How late the thread may be and still make up for it.
const CATCH_UP: Duration = Duration::from_millis(200);
/// How long the engine may take over a block; without a queue it takes it at once.
const WRITE_LIMIT: Duration = Duration::from_millis(500);
/// Blocks in a row that the engine may refuse before the room counts as lost: ten seconds.
const REFUSALS: u32 = 1_000;

pub(super) struct Driver {
    capture: CaptureWriter,
    playback: Renderer,
    track: Arc<dyn LocalAudio>,
    runtime: Handle,
    shared: Arc<Shared>,
    intake: Intake,
    refusals: u32,
}

impl Driver {
    pub fn new(io: EndpointIo, track: Arc<dyn LocalAudio>, runtime: Handle, shared: Arc<Shared>) -> Self {
        let EndpointIo { capture, playback } = io;
        Self { capture, playback, track, runtime, shared, intake: Intake::new(), refusals: 0 }
    }

    pub fn run(mut self, ready: SyncSender<()>, done: &SyncSender<()>) {
        let drive = std::panic::AssertUnwindSafe(|| self.drive(ready));
        if std::panic::catch_unwind(drive).is_err() {
            let what = "the room's endpoint panicked; join again";
            self.shared.end_with(Err(PipelineError::new(PipelineErrorKind::Closed, what)));
        }
        // Nobody waits any more if the handle has given up.
        let _ = done.try_send(());
    }

    fn drive(&mut self, ready: SyncSender<()>) {
        let mut ready = Some(ready);
        let mut due = Instant::now();
        let mut heard = Vec::with_capacity(8 * BLOCK);
        while !self.shared.stop.load(Ordering::Acquire) {
            let moved = wait(&mut due);
            self.speak();
            self.hear(&mut heard);
            self.report(moved);
            if let Some(ready) = ready.take() {
                let _ = ready.try_send(());
            }
        }
    }

    /// Hands the next block to the engine. While nothing is rendered it gets silence, so that the track
    /// lives; while it refuses blocks, too.
    fn speak(&mut self) {
        let mut block = [0.0; BLOCK];
        let held = self.shared.held.load(Ordering::Acquire);
        if !held && self.refusals == 0 {
            self.playback.render(&mut block);
        }
        let samples = block.map(to_i16);
        let write = async {
            let timely = tokio::time::timeout(WRITE_LIMIT, self.track.write(&samples));
            timely.await.unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::TimedOut, "the engine took no block for 500 ms"))
            })
        };
        let outcome = self.runtime.block_on(write);
        let mut stats = self.shared.stats.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(()) => {
                self.refusals = 0;
                stats.written += 1;
                if samples.iter().any(|&sample| sample != 0) {
                    stats.last_sound = Some(Instant::now());
                }
            }
            Err(error) => {
                stats.refused += 1;
                drop(stats);
                // While the connection is being mended, refusals are no news.
                self.refusals += u32::from(!held);
                self.refused(&error);
            }
        }
    }

    fn refused(&mut self, error: &Error) {
        if self.refusals == 1 {
            tracing::warn!("the engine refused a block: {error}");
        }
        if error.kind() == ErrorKind::Closed || self.refusals >= REFUSALS {
            let what = format!("the room takes no sound any more: {error}");
            self.shared.end_with(Err(PipelineError::new(PipelineErrorKind::Closed, what)));
        }
    }

    fn hear(&mut self, heard: &mut Vec<f32>) {
        heard.clear();
        self.intake.tick(&mut self.shared.inlet(), Instant::now(), heard);
        self.capture.push(heard);
    }

    fn report(&mut self, moved: Duration) {
        let mut stats = self.shared.stats.lock().unwrap_or_else(PoisonError::into_inner);
        stats.inflow = self.intake.stats();
        if !moved.is_zero() {
            stats.stalled_ms += moved.as_millis() as u64;
            tracing::warn!("the room's endpoint stalled: its schedule moved by {} ms", moved.as_millis());
        }
    }
}

/// Waits for the next tick; gives by how much the schedule had to move.
fn wait(due: &mut Instant) -> Duration {
    let now = Instant::now();
    if let Some(left) = due.checked_duration_since(now) {
        std::thread::sleep(left);
        *due += TICK;
        return Duration::ZERO;
    }
    let late = now - *due;
    let moved = if late > CATCH_UP { late } else { Duration::ZERO };
    *due += moved + TICK;
    moved
}

fn to_i16(sample: f32) -> i16 {
    (sample.clamp(-1.0, 1.0) * 32_767.0).round() as i16
}
