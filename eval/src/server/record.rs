//! What a scripted server was asked, and how each answer ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

/// A request that a [`super::ScriptedServer`] got.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its `Authorization` header.
    pub authorization: Option<String>,
    /// Its body.
    pub body: Value,
    /// How the answer ended.
    pub ending: Ending,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Not yet.
    Open,
    /// All was sent.
    Complete,
    /// It failed, as the script says.
    Broken,
    /// The client closed the connection.
    Disconnected,
}

#[derive(Debug)]
pub(super) struct Record {
    requests: Mutex<Vec<Recorded>>,
    changed: watch::Sender<()>,
    keep: bool,
}

impl Default for Record {
    fn default() -> Self {
        Self { requests: Mutex::default(), changed: watch::Sender::new(()), keep: true }
    }
}

impl Record {
    /// One that keeps nothing, for servers that run for good.
    pub(super) fn forgetful() -> Self {
        Self { keep: false, ..Self::default() }
    }

    pub(super) fn all(&self) -> Vec<Recorded> {
        self.requests().clone()
    }

    fn requests(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(self: &Arc<Self>, authorization: Option<String>, body: Value) -> Entry {
        let mut requests = self.requests();
        if self.keep {
            requests.push(Recorded { authorization, body, ending: Ending::Open });
        }
        let at = requests.len().wrapping_sub(1);
        drop(requests);
        self.changed.send_replace(());
        Entry { record: Arc::clone(self), at }
    }

    fn end(&self, at: usize, ending: Ending) {
        if let Some(request) = self.requests().get_mut(at).filter(|request| request.ending == Ending::Open) {
            request.ending = ending;
        }
        self.changed.send_replace(());
    }

    pub(super) async fn until(&self, mut done: impl FnMut(&[Recorded]) -> bool) {
        let mut changed = self.changed.subscribe();
        while !done(&self.requests()) {
            // The sender lives as long as `self`.
            let _ = changed.changed().await;
        }
    }
}

/// A request being answered; dropped early, its client has gone.
pub(super) struct Entry {
    record: Arc<Record>,
    at: usize,
}

impl Entry {
    pub(super) fn end(&mut self, ending: Ending) {
        self.record.end(self.at, ending);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.end(Ending::Disconnected);
    }
}
