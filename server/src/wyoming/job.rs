//! Heavy work: a request's models run on a thread of their own, fed by a bounded queue, heard through another.
//!
//! ```text
//! session ── Input, at most 4 chunks ──▶ job (blocking thread) ── Event, at most 32 ──▶ writer ──▶ socket
//! ```
//! A job ends when its work is done, when its queue is closed before the end of the sound, or when nobody takes what it
//! gives. Then it says so in an `error`, if it is somebody's fault, and the event that ends such a request comes all the same:
//! a client that waits for nothing else goes on.

use std::sync::Arc;

use duologue_setup::Models;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Event;
use super::refusal::Refusal;
use super::sound::Sound;
use crate::Engines;

/// What a job about sound is fed with.
pub(super) enum Input {
    Sound(Sound),
    Stop,
}

/// Why a job ended early.
pub(super) enum End {
    /// The client left, or asked for something else.
    Gone,
    Refused(Refusal),
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Where a job's events go.
#[derive(Clone)]
pub(super) struct Out(pub(super) mpsc::Sender<Event>);

impl Out {
    /// Hands `event` to the writer, and waits while it has too many.
    pub(super) fn give(&self, event: Event) -> Result<(), End> {
        self.0.blocking_send(event).map_err(|_| End::Gone)
    }
}

/// Begins `work` once the models are loaded; whatever ends it early is followed by the events `ending`.
pub(super) fn spawn(
    engines: Engines,
    out: mpsc::Sender<Event>,
    ending: Vec<Event>,
    work: impl FnOnce(&Arc<Models>, &Out) -> Result<(), End> + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let ended = match engines.models().await {
            Ok(models) => {
                let out = Out(out.clone());
                let work = tokio::task::spawn_blocking(move || work(&models, &out));
                work.await.unwrap_or_else(|panic| {
                    Err(Refusal::model(format!("the work broke off: {panic}")).into())
                })
            }
            Err(error) => Err(Refusal::model(error).into()),
        };
        let Err(End::Refused(refusal)) = ended else { return };
        tracing::info!(refusal = ?refusal, "a request was refused");
        for event in std::iter::once(refusal.event()).chain(ending) {
            if out.send(event).await.is_err() {
                return;
            }
        }
    })
}
