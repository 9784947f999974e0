//! Whether a turn is certain: tools with an effect wait for it.
//!
//! An agent may begin to answer before it is certain that the user has finished. What it writes can
//! be thrown away; what a tool has done cannot.

use std::time::Duration;

use tokio::sync::watch;

/// Longest a tool waits for its turn to become certain; then the turn counts as taken back. Far
/// above any pause in a sentence: it only ends waits for a [`Committer`] that was forgotten.
pub const COMMIT_LIMIT: Duration = Duration::from_secs(60);

/// What waits until a turn is certain. Clones wait for the same turn.
///
/// ```
/// use duologue_agent::tool::CommitGate;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let (committer, gate) = CommitGate::speculative();
/// committer.commit();
/// assert!(gate.committed().await);
///
/// let (committer, gate) = CommitGate::speculative();
/// drop(committer); // the user went on speaking: the turn is taken back
/// assert!(!gate.committed().await);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct CommitGate {
    certain: watch::Receiver<bool>,
}

/// Makes a turn certain. Dropping it takes the turn back.
#[derive(Debug)]
pub struct Committer {
    certain: watch::Sender<bool>,
}

impl CommitGate {
    /// The gate of a turn that is certain already.
    pub fn open() -> Self {
        Self { certain: watch::channel(true).1 }
    }

    /// The gate of a turn that may be taken back, and what opens it.
    pub fn speculative() -> (Committer, Self) {
        let (sender, receiver) = watch::channel(false);
        (Committer { certain: sender }, Self { certain: receiver })
    }

    /// Waits until the turn is certain (`true`) or taken back (`false`), at most [`COMMIT_LIMIT`].
    pub async fn committed(&self) -> bool {
        let mut certain = self.certain.clone();
        let wait = certain.wait_for(|certain| *certain);
        matches!(tokio::time::timeout(COMMIT_LIMIT, wait).await, Ok(Ok(_)))
    }
}

impl Committer {
    /// The turn is certain.
    pub fn commit(self) {
        self.certain.send_replace(true);
    }
}
