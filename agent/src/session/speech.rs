//! Speech of the agent's own accord: [`SpeechHandle`].

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use duologue_pipeline::SayHandle;
pub use duologue_pipeline::SpeechOutcome;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

#[derive(Clone, Debug, Default)]
struct Progress {
    heard: String,
    outcome: Option<SpeechOutcome>,
}

/// The session's side of a speech.
pub(crate) struct SpeechState {
    progress: watch::Sender<Progress>,
    /// Set by [`SpeechHandle::interrupt`].
    pub cancelled: CancellationToken,
    /// Where the pipeline's own speech stands.
    said: OnceLock<SayHandle>,
}

impl SpeechState {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            progress: watch::Sender::new(Progress::default()),
            cancelled: CancellationToken::new(),
            said: OnceLock::new(),
        })
    }

    pub fn handle(self: &Arc<Self>) -> SpeechHandle {
        SpeechHandle { speech: Arc::clone(self) }
    }

    pub fn is_said_by(&self, said: SayHandle) {
        // A speech is handed to the pipeline once.
        let _ = self.said.set(said);
    }

    /// Waits until it is over: what was heard of it, and how it ended.
    pub async fn over(&self) -> (String, SpeechOutcome) {
        let mut progress = self.progress.subscribe();
        let ended = progress.wait_for(|progress| progress.outcome.is_some()).await;
        match ended.as_deref() {
            Ok(Progress { heard, outcome: Some(outcome) }) => (heard.clone(), *outcome),
            // The sender lives in `self`.
            _ => (String::new(), SpeechOutcome::Dropped),
        }
    }

    /// The first end counts.
    pub fn end(&self, heard: &str, outcome: SpeechOutcome) {
        self.progress.send_if_modified(|progress| {
            if progress.outcome.is_some() {
                return false;
            }
            *progress = Progress { heard: heard.to_owned(), outcome: Some(outcome) };
            true
        });
    }
}

/// A speech on its way to the user.
#[derive(Clone)]
pub struct SpeechHandle {
    speech: Arc<SpeechState>,
}

impl SpeechHandle {
    /// Waits until it was heard, cut off, or dropped.
    pub async fn wait(&self) -> SpeechOutcome {
        self.speech.over().await.1
    }

    /// Stops it, or forgets it if it has not begun; everything else goes on.
    pub fn interrupt(&self) {
        self.speech.cancelled.cancel();
        if let Some(said) = self.speech.said.get() {
            // A pipeline that is gone speaks no more.
            let _ = said.cancel();
        }
    }

    /// The part whose words were played: final once [`SpeechHandle::wait`] returns.
    pub fn heard(&self) -> String {
        let progress = self.speech.progress.borrow();
        match self.speech.said.get() {
            Some(said) if progress.outcome.is_none() => said.heard(),
            _ => progress.heard.clone(),
        }
    }

    /// How much of its sound was played: as final as [`SpeechHandle::heard`], and 0 where nothing
    /// sounds. It stays 0 for words said within a turn.
    pub fn played(&self) -> Duration {
        self.speech.said.get().map_or(Duration::ZERO, SayHandle::played)
    }

    /// How it ended, if it has.
    pub fn outcome(&self) -> Option<SpeechOutcome> {
        self.speech.progress.borrow().outcome
    }
}
